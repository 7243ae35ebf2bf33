"""Whose desk is empty now: countries that keep one time, by their clock and their week.

Which zones a country has and on which days it rests comes from CLDR (through Babel), the clocks
from the tz database. A country whose zones differ now is written to at any time.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError, get_global

from openletter.letters.rules.pace import Week, is_open


def closed_countries(
    now: datetime, *, hours_from: int | None, hours_until: int | None
) -> list[str]:
    """Countries where nobody is likely to read a letter now; none where no hours are set."""
    if hours_from is None or hours_until is None:
        return []
    minute = now.replace(second=0, microsecond=0)
    return list(_closed(minute, hours_from, hours_until))


@lru_cache(maxsize=8)
def _closed(now: datetime, hours_from: int, hours_until: int) -> tuple[str, ...]:
    return tuple(
        country
        for country in sorted(get_global("territory_zones"))
        if (local := local_time(country, now)) is not None
        and not is_open(
            local, week=week_of(country), hours_from=hours_from, hours_until=hours_until
        )
    )


def local_time(country: str, now: datetime) -> datetime | None:
    """The country's clock; None where its zones don't agree now, or none is known."""
    found = [now.astimezone(zone) for zone in _zones(country)]
    if not found or len({one.utcoffset() for one in found}) > 1:
        return None
    return found[0]


@lru_cache(maxsize=512)
def _zones(country: str) -> tuple[ZoneInfo, ...]:
    """All of a country's zones, or none where one is not in the tz database here."""
    try:
        return tuple(ZoneInfo(name) for name in get_global("territory_zones").get(country, ()))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ()


@lru_cache(maxsize=512)
def week_of(country: str) -> Week:
    """The days on which a country rests; Saturday and Sunday where CLDR does not know it."""
    try:
        found = Locale.parse(f"und_{country}")
    except (UnknownLocaleError, ValueError):
        return Week(weekend=(5, 6))
    if found.territory != country:
        return Week(weekend=(5, 6))
    first, last = found.weekend_start, found.weekend_end
    return Week(weekend=tuple((first + step) % 7 for step in range((last - first) % 7 + 1)))
