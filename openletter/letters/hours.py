"""Whose desk is empty now: countries that keep one time, by their clock and their week.

Which zones a country has and on which days it rests comes from CLDR (through Babel), the clocks
from the tz database. A country whose zones differ now is written to at any time.
"""

from __future__ import annotations

from datetime import datetime, timezone
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
    """The country's clock; None where its zones don't agree then, or none is known."""
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    offset = _offset(country, quarter)
    return None if offset is None else now.astimezone(offset)


@lru_cache(maxsize=65_536)
def _offset(country: str, quarter: datetime) -> timezone | None:
    """How far that clock is from UTC; none has been set within a quarter of an hour since 1973."""
    found = {quarter.astimezone(zone).utcoffset() for zone in _zones(country)}
    (offset, *others) = found or (None,)
    return None if offset is None or others else timezone(offset)


@lru_cache(maxsize=512)
def _zones(country: str) -> tuple[ZoneInfo, ...]:
    """All of a country's zones, or none where one is not in the tz database here."""
    try:
        return tuple(ZoneInfo(name) for name in get_global("territory_zones").get(country, ()))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ()


def country_of(language: str) -> str:
    """Where most of those live who read a language, by CLDR; nothing where it doesn't say."""
    likely = get_global("likely_subtags")
    tag = language.replace("-", "_")
    return str(likely.get(tag) or likely.get(tag.partition("_")[0], "")).rpartition("_")[2]


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
