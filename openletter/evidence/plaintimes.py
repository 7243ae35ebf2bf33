"""Times that the engine can read itself: one plain form a file, told by its first rows. No Django.

Whatever is spelled otherwise is read by `rules.times.parse_time`; where both read, both agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from openletter.columns.engine import literal
from openletter.evidence.kinds import microseconds, moment_of
from openletter.evidence.rules.judge import CLOCKS_DIFFER, FIRST_PLAUSIBLE, Circumstances

_LOOK = re.compile(
    r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(Z?)", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class TimeForm:
    """A form of fixed length, for `strptime` and back."""

    form: str
    length: int
    digits: int = 0

    def spell(self, number: int) -> str:
        """The text that was read as this moment."""
        told = moment_of(number)
        fraction = f"{told.microsecond:06}"[: self.digits]
        return told.strftime(self.form.replace("%f", fraction))

    def spelled(self, number: str) -> str:
        """SQL: the same."""
        form = self.form.replace("%f", {0: "", 3: "%g", 6: "%f"}[self.digits])
        return f"strftime(make_timestamp({number}), {literal(form)})"

    def read(self, text: str) -> str:
        """SQL: microseconds of a text of this form; else NULL.

        The engine skips blanks before numbers; a text with one blank too many is not ours.
        """
        odd = f"{text} LIKE '% % %'" if " " in self.form else f"contains({text}, ' ')"
        moment = f"epoch_us(try_strptime({text}, {literal(self.form)}))"
        return f"CASE WHEN strlen({text}) = {self.length} AND NOT {odd} THEN {moment} END"


def form_of(texts: Iterable[str], around: Circumstances) -> TimeForm | None:
    """The form of the first text that has one; None where times are to be read otherwise."""
    if around.time_form:
        return None
    for text in texts:
        if (match := _LOOK.fullmatch(text)) and (match[3] or not around.time_zone):
            return _form(*match.groups(), length=len(text))
    return None


def _form(between: str, fraction: str | None, zone: str, *, length: int) -> TimeForm:
    form = f"%Y-%m-%d{between}%H:%M:%S{'.%f' if fraction else ''}{zone}"
    return TimeForm(form=form, length=length, digits=len(fraction or " ") - 1)


def plausible(number: str, around: Circumstances) -> str:
    """SQL: a moment that `judge` doesn't set aside for its time; else NULL."""
    first = microseconds(FIRST_PLAUSIBLE)
    last = microseconds(around.now + CLOCKS_DIFFER)
    return f"CASE WHEN {number} BETWEEN {first} AND {last} THEN {number} END"
