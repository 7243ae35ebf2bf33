"""How fast letters may leave: buckets, a warm-up, working hours. Pure; time is an argument.

A bucket is one time: until when its letters have used up their pace. Each letter moves it on by
what its pace gives to one letter; five minutes' worth may leave at once, at least one letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

UNBOUNDED = 1_000_000_000
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_LONGEST_PLAN = 3_650
_AT_ONCE = 12
"""The part of an hour's letters that may leave at once is one in so many."""


def at_once(per_hour: int) -> int:
    """How many letters a full bucket holds."""
    return max(1, per_hour // _AT_ONCE) if per_hour else UNBOUNDED


def left_in(spent_until: datetime, *, per_hour: int, now: datetime) -> int:
    """How many letters the bucket lets out now. A clock that was set back empties it once."""
    if not per_hour:
        return UNBOUNDED
    cost, full = _HOUR / per_hour, at_once(per_hour)
    ahead = min(max(spent_until - now, timedelta()), cost * full)
    return int((cost * full - ahead) / cost + 1e-9)


def spend(spent_until: datetime | None, letters: int, *, per_hour: int, now: datetime) -> datetime:
    """The bucket after so many letters; never further ahead than it can be."""
    if not per_hour:
        return now
    cost = _HOUR / per_hour
    start = max(spent_until or now, now)
    return min(start + cost * letters, now + cost * max(at_once(per_hour), letters))


def give_back(spent_until: datetime, letters: int, *, per_hour: int, now: datetime) -> datetime:
    """The bucket after so many letters were taken from it and did not leave."""
    if not per_hour:
        return now
    return max(spent_until - _HOUR / per_hour * letters, now)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Letters an hour of one campaign; 0: no limit."""

    provider: int = 0
    providers: Mapping[str, int] = field(default_factory=dict)
    partners: Mapping[int, int] = field(default_factory=dict)

    def of_provider(self, provider: str) -> int:
        """Of one provider, in the campaign's own figure where it has one."""
        return self.providers.get(provider, self.provider)

    def of_partner(self, partner: int) -> int:
        return self.partners.get(partner, 0)


# -- warm-up --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """So many letters on the first day, so many percent more on each day after."""

    letters: int
    growth: int

    def of_day(self, day: int) -> int:
        """How many letters may leave on a day, the first being 0; without a plan no bound."""
        if not self.letters:
            return UNBOUNDED
        allowed = float(self.letters)
        for _ in range(min(day, 1_000)):
            allowed = min(allowed * (100 + self.growth) / 100, float(UNBOUNDED))
        return int(allowed + 1e-9)

    def day_of(self, first: datetime, now: datetime) -> tuple[int, datetime]:
        """Which day of the plan it is, and when that day began."""
        day = max(0, int((now - first) / _DAY))
        return day, first + day * _DAY


def time_for(
    letters: int, *, per_hour: int, hours_a_day: int = 24, warm_up: WarmUp | None = None
) -> timedelta:
    """How long so many letters take from the first on, by pace, hours and warm-up plan."""
    rate, day = max(per_hour, 1), 0
    plan = warm_up or WarmUp(letters=0, growth=0)
    while day < _LONGEST_PLAN:
        capacity = min(rate * hours_a_day, plan.of_day(day))
        if letters <= capacity or not capacity:
            break
        letters, day = letters - capacity, day + 1
    return day * _DAY + letters * (_HOUR / rate)


# -- working hours --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Week:
    """A country's working week; days as Python counts them, Monday is 0."""

    weekend: Sequence[int]


def is_open(local: datetime, *, week: Week, hours_from: int, hours_until: int) -> bool:
    """Whether somebody is likely to be at his desk where this is the time."""
    return local.weekday() not in week.weekend and hours_from <= local.hour < hours_until
