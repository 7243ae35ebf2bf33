"""A day to come that a reply names: what a handler is offered when he gives a contact time.

Only forms that mean one day whatever the country; `03/04/2026` is two days, so it is none. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

LONGEST = timedelta(days=180)
_FORMS = (
    re.compile(r"(?<!\d)(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<year>20\d\d)[年.년] ?(?P<month>\d{1,2})[月.월] ?(?P<day>\d{1,2})(?!\d)"
    ),
    re.compile(r"(?<![\d.])(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\. ?(?P<year>20\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>20\d\d)(?!\d)"),
)
_SLASHES = _FORMS[3]


def day_named(text: str, *, today: date) -> date | None:
    """The last day to come that the writer names, within half a year; None where he names none."""
    days = [day for day in _days(text[:20_000]) if today < day <= today + LONGEST]
    return max(days, default=None)


def _days(text: str) -> Iterator[date]:
    for form in _FORMS:
        for found in form.finditer(text):
            day, month = int(found["day"]), int(found["month"])
            if form is _SLASHES and day <= 12 and day != month:
                continue
            try:
                yield date(int(found["year"]), month, day)
            except ValueError:
                continue
