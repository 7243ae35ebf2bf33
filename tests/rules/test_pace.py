"""Buckets, the warm-up, working hours, and which provider is behind a domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.letters.hours import closed_countries, local_time, week_of
from openletter.letters.rules.pace import (
    UNBOUNDED,
    Rates,
    WarmUp,
    Week,
    at_once,
    is_open,
    left_in,
    spend,
    time_for,
)
from openletter.letters.rules.routes import best_hosts, provider_of
from tests.builders import NOW

HOUR = timedelta(hours=1)


def test_a_full_bucket_holds_five_minutes_and_at_least_one_letter() -> None:
    assert [at_once(rate) for rate in (1, 11, 60, 1200)] == [1, 1, 5, 100]
    assert at_once(0) == UNBOUNDED
    assert left_in(NOW - HOUR, per_hour=60, now=NOW) == 5


def test_letters_spend_it_and_time_fills_it() -> None:
    until = spend(None, 5, per_hour=60, now=NOW)
    assert left_in(until, per_hour=60, now=NOW) == 0
    assert left_in(until, per_hour=60, now=NOW + timedelta(minutes=2)) == 2
    assert left_in(until, per_hour=60, now=NOW + HOUR) == 5


def test_a_clock_set_back_never_stops_it_for_long() -> None:
    until = spend(None, 5, per_hour=60, now=NOW)
    back = NOW - timedelta(days=400)
    assert left_in(until, per_hour=60, now=back) == 0
    assert spend(until, 1, per_hour=60, now=back) <= back + timedelta(minutes=5)


@given(
    st.integers(1, 5_000),
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 400)), max_size=60),
)
def test_never_more_than_the_rate_and_what_may_leave_at_once(
    per_hour: int, steps: list[tuple[int, int]]
) -> None:
    """In any stretch of time."""
    now, until, left = NOW, None, []
    for seconds, wanted in steps:
        now += timedelta(seconds=seconds)
        may = min(wanted, left_in(until or now, per_hour=per_hour, now=now))
        until = spend(until, may, per_hour=per_hour, now=now) if may else until
        left.append((now, may))
    for start, _ in left:
        sent = [(at, count) for at, count in left if at >= start]
        for end, _ in sent:
            hours = (end - start) / HOUR
            inside = sum(count for at, count in sent if at <= end)
            assert inside <= per_hour * hours + at_once(per_hour) + 1e-6


def test_a_provider_may_have_its_own_rate() -> None:
    rates = Rates(provider=60, providers={"slow.example": 6}, partners={7: 30})
    assert rates.of_provider("slow.example") == 6
    assert rates.of_provider("other.example") == 60
    assert (rates.of_partner(7), rates.of_partner(8)) == (30, 0)


def test_the_warm_up_grows_day_by_day() -> None:
    plan = WarmUp(letters=100, growth=50)
    assert [plan.of_day(day) for day in range(4)] == [100, 150, 225, 337]
    assert WarmUp(letters=0, growth=50).of_day(3) == UNBOUNDED
    assert plan.of_day(10_000) == UNBOUNDED
    day, began = plan.day_of(NOW, NOW + timedelta(hours=49))
    assert (day, began) == (2, NOW + timedelta(days=2))
    assert plan.day_of(NOW, NOW - timedelta(days=3)) == (0, NOW)


def test_how_long_it_takes() -> None:
    assert time_for(70, per_hour=20) == timedelta(hours=3.5)
    plan = WarmUp(letters=100, growth=50)
    assert time_for(260, per_hour=20, warm_up=plan) == timedelta(days=2, minutes=30)
    assert time_for(250, per_hour=20, hours_a_day=10) == timedelta(days=1, hours=2.5)


def test_working_hours() -> None:
    week = Week(weekend=(5, 6))
    monday = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert is_open(monday, week=week, hours_from=8, hours_until=18)
    assert not is_open(monday - timedelta(minutes=1), week=week, hours_from=8, hours_until=18)
    assert not is_open(monday.replace(hour=18), week=week, hours_from=8, hours_until=18)
    assert not is_open(monday - timedelta(days=1), week=week, hours_from=0, hours_until=24)


def test_countries_by_their_clock_and_their_week() -> None:
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
    closed = closed_countries(noon, hours_from=8, hours_until=18)
    assert {"NL", "DE", "NO"}.isdisjoint(closed)
    assert {"JP", "KR"} <= set(closed)  # nine in the evening
    assert {"US", "RU", "BR"}.isdisjoint(closed)  # no one time: at any time
    assert closed_countries(noon, hours_from=None, hours_until=None) == []


def test_a_country_with_one_time_and_one_with_several() -> None:
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    japan = local_time("JP", noon)
    assert japan is not None
    assert japan.hour == 21
    assert local_time("US", noon) is None
    assert local_time("ZZ", noon) is None
    assert week_of("SA").weekend == (4, 5)
    assert week_of("NL").weekend == week_of("ZZ").weekend == (5, 6)


@pytest.mark.parametrize(
    ("domain", "hosts", "provider"),
    [
        ("a.test", ["mx1.bigmail.example", "mx2.bigmail.example"], "bigmail.example"),
        ("b.test", ["b-test.mail.protection.outlook.example"], "outlook.example"),
        ("c.test", ["mx.provider.co.uk"], "provider.co.uk"),
        ("d.test", ["mx.one.co.uk", "mx.two.co.uk"], "one.co.uk"),
        ("e.test", ["mx1.x.example", "mx9.y.example"], "x.example"),
        ("f.test", [], "f.test"),
    ],
)
def test_the_provider_is_what_its_servers_names_share(
    domain: str, hosts: list[str], provider: str
) -> None:
    assert provider_of(domain, hosts) == provider


def test_only_the_best_servers_count_and_none_is_none() -> None:
    records = [(20, "backup.else.example."), (10, "MX2.Own.Example."), (10, "mx1.own.example")]
    assert best_hosts(records) == ["mx1.own.example", "mx2.own.example"]
    assert best_hosts([(0, ".")]) == []
