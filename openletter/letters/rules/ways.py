"""The ways to close what a letter is about: its cases, grouped by what the steps are for."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

from openletter.guides.values import Values
from openletter.letters.rules.facts import CaseFacts


@dataclass(frozen=True)
class Way:
    """Cases that are closed in the same way."""

    cases: tuple[CaseFacts, ...]

    @property
    def sample(self) -> CaseFacts:
        return self.cases[0]

    @property
    def is_named(self) -> bool:
        return not self.sample.exit_only and self.sample.guide_id != "unknown"

    @property
    def port(self) -> int | None:
        """The port that all its cases share; what differs stays a blank in the commands."""
        ports = self.cases[0].ports
        for case in self.cases:
            if case.ports != ports:
                return None
        return ports[0] if ports else None

    def values(self, *, ip: str) -> Values:
        return Values(ip=ip, port=self.port)


def ways_of(cases: tuple[CaseFacts, ...]) -> list[Way]:
    """Grouped by the way to close them, recognised products first, exits last."""
    groups: dict[tuple[bool, bool, str, str], list[CaseFacts]] = {}
    for case in cases:
        key = (case.exit_only, case.guide_id == "unknown", case.guide_id, case.weakness)
        groups.setdefault(key, []).append(case)
    return [Way(tuple(groups[key])) for key in sorted(groups)]


def letter_of(place: int) -> str:
    """A, B, ... Z, AA, AB, ...: what a reader calls a block of steps by."""
    above, own = divmod(place, len(ascii_uppercase))
    return (letter_of(above - 1) if above else "") + ascii_uppercase[own]
