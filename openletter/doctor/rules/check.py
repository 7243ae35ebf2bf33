"""One thing that was looked at: how it stands, what was seen, what a person can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from openletter.words import Reason, Value


class State(StrEnum):
    """How it stands, from best to worst."""

    GOOD = "good"
    NOT_ASKED = "not-asked"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Check:
    """`name` says what was looked at, `about` of whom; the reason's code has two sentences.

    The catalogue's `CODE` says what was seen, its `CODE-do` what to do; the latter may be missing
    where nothing is to be done.
    """

    name: str
    about: str
    state: State
    seen: Reason

    @property
    def todo(self) -> Reason:
        return Reason(code=f"{self.seen.code}-do", values=self.seen.values)


@dataclass(frozen=True)
class Look:
    """Makes the checks of one name about one thing."""

    name: str
    about: str

    def good(self, code: str, **values: Value) -> Check:
        return self._made(State.GOOD, code, values)

    def warning(self, code: str, **values: Value) -> Check:
        return self._made(State.WARNING, code, values)

    def bad(self, code: str, **values: Value) -> Check:
        return self._made(State.BAD, code, values)

    def not_asked(self, code: str, **values: Value) -> Check:
        return self._made(State.NOT_ASKED, code, values)

    def _made(self, state: State, code: str, values: dict[str, Value]) -> Check:
        about = {"about": self.about, **values}
        return Check(
            name=self.name, about=self.about, state=state, seen=Reason(code=code, values=about)
        )


ALL_WELL, LOOK_AT_IT, SOMETHING_BAD = 0, 1, 2


def exit_code(checks: Iterable[Check]) -> int:
    """0 all was asked and is well, 1 something is to be looked at, 2 something is bad."""
    states = {check.state for check in checks}
    if State.BAD in states:
        return SOMETHING_BAD
    return LOOK_AT_IT if states & {State.WARNING, State.NOT_ASKED} else ALL_WELL
