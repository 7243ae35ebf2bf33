"""Times as sources write them, read as aware UTC; one that could mean two moments is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?))?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)Z?", re.ASCII)
_SLASHED = re.compile(r"(\d{4})[:/](\d\d)[:/](\d\d)[ :](\d\d:\d\d:\d\d)", re.ASCII)
_TO_SECOND = re.compile(r":\d\d:\d\d|\d{8}T?\d{6}", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, *, form: str = "", zone: str = "") -> datetime | None:
    """The moment a text names, None where it names none.

    `form` is a strptime form, `epoch`, or empty for ISO 8601 and its common looks; `zone` (like
    `+01:00`) holds where the text names no zone, else UTC.
    """
    plain = text.strip()
    if not form and _PLAIN.fullmatch(plain):
        return _iso(plain, zone=zone) if zone else _utc(plain)
    if form == "epoch":
        return _epoch(plain)
    return _by_form(plain, form=form, zone=zone) if form else _iso(plain, zone=zone)


def is_to_second(text: str, *, form: str = "") -> bool:
    """Whether a moment is named to the second; else a moving address is nobody's."""
    if form and form != "epoch":
        return any(mark in form for mark in ("%S", "%X", "%c", "%s", "%T"))
    return form == "epoch" or bool(_TO_SECOND.search(text))


def _utc(plain: str) -> datetime | None:
    try:
        return datetime.fromisoformat(plain).replace(tzinfo=UTC)
    except ValueError:
        return None


def _iso(plain: str, *, zone: str) -> datetime | None:
    match = _ISO.fullmatch(_spelled_out(plain))
    if match is None:
        return None
    day, time, named = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{(time or '00:00').replace(',', '.')}")
    except ValueError:
        return None
    return _in_utc(moment, named or zone)


def _spelled_out(plain: str) -> str:
    if match := _COMPACT.fullmatch(plain):
        year, month, day, hour, minute, second = match.groups()
        return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    if match := _SLASHED.fullmatch(plain):
        year, month, day, time = match.groups()
        return f"{year}-{month}-{day}T{time}"
    return plain


def _epoch(plain: str) -> datetime | None:
    if not re.fullmatch(r"\d{1,11}(\.\d{1,9})?", plain, re.ASCII):
        return None
    try:
        return EPOCH + timedelta(seconds=float(plain))
    except OverflowError:
        return None


def _by_form(plain: str, *, form: str, zone: str) -> datetime | None:
    try:
        moment = datetime.strptime(plain, form)  # noqa: DTZ007 - its zone follows below
    except ValueError:
        return None
    if moment.tzinfo is None:
        return _in_utc(moment, zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def _in_utc(moment: datetime, named: str) -> datetime | None:
    match = _OFFSET.fullmatch(named)
    if match is None:
        return moment.replace(tzinfo=UTC)
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset >= timedelta(hours=24):
        return None
    try:
        return moment.replace(tzinfo=timezone(-offset if sign == "-" else offset)).astimezone(UTC)
    except OverflowError:
        return None
