"""Whom to ask next, how often, and when to leave a server alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.contacts.rules import course, pace
from openletter.contacts.rules.course import Course, Method, advance, begin
from openletter.wire.bootstrap import Bootstrap, Service
from openletter.wire.lookup import End, Reply
from openletter.wire.registries import packaged
from openletter.wire.registry import Place, Registration, Source, Subject, Written

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RIPE, APNIC = ip_address("193.0.0.1"), ip_address("202.12.28.1")
RDAP, WHOIS, GUESS = Method.RDAP, Method.WHOIS, Method.GUESS


def found(*boxes: str, place: Place = Place.ABUSE_BOX) -> Registration:
    return Registration(
        source=Source.RDAP, registry="apnic", subject=Subject.NETWORK,
        first=ip_address("202.12.28.0"), last=ip_address("202.12.28.255"),
        written=tuple(
            Written(value=box, place=place, role="abuse", object="X1") for box in boxes
        ),
    )  # fmt: skip


def reply(end: End, *registrations: Registration, of: Course, **more: object) -> Reply:
    assert of.ask is not None
    base = Reply(end=end, server=of.ask.server, asked=of.ask.target, registrations=registrations)
    return replace(base, **more)  # type: ignore[arg-type]


def next_of(here: Course) -> tuple[Method, str] | None:
    return (here.ask.method, here.ask.server) if here.ask else None


def test_the_bootstrap_says_who_is_asked_first() -> None:
    start = begin(RIPE, packaged(), may_guess=False)
    assert start.ask is not None
    assert start.ask.target == "https://rdap.db.ripe.net/ip/193.0.0.1"
    number = begin(3333, packaged(), may_guess=True)
    assert number.ask is not None
    assert number.ask.target == "https://rdap.db.ripe.net/autnum/3333"


def test_nobody_is_asked_where_no_registry_answers() -> None:
    here = begin(ip_address("10.0.0.1"), packaged(), may_guess=True)
    assert here.ask is None
    assert here.end is End.NOTHING


def test_https_goes_before_plain_http() -> None:
    urls = ("http://plain.example/", "https://safe.example/")
    both = Bootstrap(publication="", services=(Service(family=4, first=0, last=2**32, urls=urls),))
    assert next_of(begin(RIPE, both, may_guess=False)) == (RDAP, "safe.example")


def test_a_usable_answer_is_the_end() -> None:
    start = begin(APNIC, packaged(), may_guess=True)
    here = advance(start, reply(End.FOUND, found("abuse@isp.net"), of=start))
    assert here.ask is None
    assert here.is_usable
    assert here.end is End.FOUND


def test_a_national_registrys_own_box_leads_to_its_whois() -> None:
    start = begin(APNIC, packaged(), may_guess=True)
    here = advance(start, reply(End.FOUND, found("hostmaster@nic.ad.jp"), of=start))
    assert next_of(here) == (WHOIS, "whois.nic.ad.jp")
    done = advance(here, reply(End.FOUND, found("abuse@isp.ad.jp"), of=here))
    assert done.ask is None
    assert done.is_usable
    vain = advance(here, reply(End.NOTHING, of=here))
    assert next_of(vain) == (GUESS, "dns")


def test_who_names_nobody_is_asked_by_whois_for_the_networks_around() -> None:
    start = begin(APNIC, packaged(), may_guess=False)
    here = advance(start, reply(End.FOUND, found(), of=start))
    assert next_of(here) == (WHOIS, "whois.apnic.net")
    done = advance(here, reply(End.FOUND, found("abuse@isp.net"), of=here))
    assert done.ask is None
    assert done.is_usable
    assert len(done.found) == 2


def test_what_names_nobody_is_guessed_only_where_guessing_is_on() -> None:
    for may_guess, expected in ((True, (GUESS, "dns")), (False, None)):
        start = begin(APNIC, packaged(), may_guess=may_guess)
        here = advance(start, reply(End.FOUND, found(), of=start))
        for end in (End.NOTHING, End.REFUSED, End.FOUND):
            last = advance(here, reply(end, *([found()] if end is End.FOUND else []), of=here))
            assert next_of(last) == expected
            assert last.end is End.FOUND
            assert not last.is_usable


def test_unregistered_space_is_not_guessed_at() -> None:
    start = begin(APNIC, packaged(), may_guess=True)
    here = advance(start, reply(End.NOTHING, of=start))
    assert here.ask is None
    assert here.end is End.NOTHING


def test_a_redirect_is_gone_after_and_counted_there() -> None:
    start = begin(APNIC, packaged(), may_guess=False)
    moved_to = "https://jpnic.rdap.apnic.net/ip/202.12.28.1"
    here = advance(start, reply(End.MOVED, of=start, moved_to=moved_to))
    assert next_of(here) == (RDAP, "jpnic.rdap.apnic.net")
    back = advance(here, reply(End.MOVED, of=here, moved_to=start.ask.target if start.ask else ""))
    assert next_of(back) == (WHOIS, "whois.apnic.net")
    assert back.troubles[-1].code == "redirect-loop"


def test_where_a_redirect_leads_inside_the_registrys_whois_is_asked() -> None:
    start = begin(RIPE, packaged(), may_guess=False)
    here = advance(start, reply(End.MOVED, of=start, moved_to="https://127.0.0.1/ip/193.0.0.1"))
    assert next_of(here) == (RDAP, "127.0.0.1")
    back = advance(here, reply(End.REFUSED, of=here, code="not-public"))
    assert next_of(back) == (WHOIS, "whois.ripe.net")


@pytest.mark.parametrize("moved_to", ["", "ftp://x/", "https://[x/", "nonsense"])
def test_a_redirect_to_nowhere_is_a_trouble(moved_to: str) -> None:
    start = begin(RIPE, packaged(), may_guess=False)
    here = advance(start, reply(End.MOVED, of=start, moved_to=moved_to))
    assert next_of(here) == (WHOIS, "whois.ripe.net")


@pytest.mark.parametrize("end", [End.REFUSED, End.FAILED])
def test_what_gave_no_answer_is_asked_by_whois(end: End) -> None:
    start = begin(RIPE, packaged(), may_guess=False)
    here = advance(start, reply(end, of=start, code="not-json"))
    assert next_of(here) == (WHOIS, "whois.ripe.net")
    last = advance(here, reply(end, of=here, code="no-network"))
    assert last.ask is None
    assert last.waits is (end is End.FAILED)
    assert last.end is (End.BUSY if end is End.FAILED else End.REFUSED)


def test_who_wants_to_be_left_alone_is_not_asked_at_the_back_door() -> None:
    start = begin(RIPE, packaged(), may_guess=True)
    here = advance(start, reply(End.BUSY, of=start, retry_after=timedelta(seconds=9)))
    assert here.ask is None
    assert here.waits


_ENDS = st.sampled_from(list(End))
_TARGETS = st.sampled_from([
    "https://rdap.db.ripe.net/ip/193.0.0.1", "https://rdap.arin.net/registry/ip/193.0.0.1",
    "https://a.example/x", "https://b.example/x", "whois.arin.net", "whois.apnic.net", "http://x/",
])  # fmt: skip
_BOXES = st.lists(
    st.sampled_from(["hostmaster@nic.ad.jp", "hostmaster@nic.or.kr", "no-reply@x.example"]),
    max_size=2,
)


@given(st.lists(st.tuples(_ENDS, _TARGETS, _BOXES), min_size=40, max_size=40), st.booleans())
def test_every_course_ends_whatever_is_answered(
    answers: list[tuple[End, str, list[str]]], may_guess: bool
) -> None:
    here = begin(RIPE, packaged(), may_guess=may_guess)
    asked = []
    for end, target, boxes in answers:
        if here.ask is None:
            break
        asked.append((here.ask.method, here.ask.target))
        here = advance(here, reply(end, found(*boxes), of=here, moved_to=target))
    assert here.ask is None
    assert len(asked) == len(set(asked)) <= course.MOST_ASKS


# -- pace ---------------------------------------------------------------------------------------


def test_turns_are_a_pace_apart_whoever_asks() -> None:
    server = pace.Server()
    times = []
    for _ in range(4):
        server, at = pace.take_turn(server, pace=7.5, now=NOW, patience=60)
        assert at is not None
        times.append((at - NOW).total_seconds())
    assert times == [0, 7.5, 15, 22.5]


def test_a_turn_too_far_off_is_not_taken() -> None:
    server, _ = pace.take_turn(pace.Server(), pace=7.5, now=NOW, patience=1)
    again, at = pace.take_turn(server, pace=7.5, now=NOW, patience=1)
    assert at is None
    assert again == server


def test_lacnic_is_asked_eight_times_a_minute() -> None:
    server, asked, now = pace.Server(), 0, NOW
    while now < NOW + timedelta(minutes=10):
        server, at = pace.take_turn(
            server, pace=pace.pace_of("rdap.lacnic.net"), now=now, patience=0
        )
        asked += at is not None
        now += timedelta(milliseconds=500)
    assert asked == 80


def busy(seconds: int | None = None) -> Reply:
    wait = timedelta(seconds=seconds) if seconds is not None else None
    return Reply(end=End.BUSY, server="x", asked="x", code="too-often", retry_after=wait)


def test_who_asks_to_be_left_alone_is_left_alone() -> None:
    server = pace.after(pace.Server(), busy(120), now=NOW)
    for seconds, may in ((0, False), (119, False), (120, True)):
        now = NOW + timedelta(seconds=seconds)
        _, at = pace.take_turn(server, pace=1, now=now, patience=60)
        assert (at is not None) is may


def test_asking_to_be_left_alone_again_and_again_makes_the_rest_longer() -> None:
    server, rests = pace.Server(), []
    for _ in range(5):
        server = pace.after(server, busy(1), now=NOW)
        assert server.closed_until is not None
        rests.append((server.closed_until - NOW).total_seconds())
    assert rests == [1, 120, 240, 480, 960]


def test_three_failures_open_the_breaker_and_one_answer_closes_it() -> None:
    failed = Reply(end=End.FAILED, server="x", asked="x", code="too-slow")
    server, rests = pace.Server(), []
    for _ in range(5):
        server = pace.after(server, failed, now=NOW)
        rests.append(server.closed_until and (server.closed_until - NOW).total_seconds())
    assert rests == [None, None, 60, 120, 240]
    well = pace.after(server, Reply(end=End.NOTHING, server="x", asked="x"), now=NOW)
    assert (well.failures, well.closed_until, well.closed_because) == (0, None, "")


@given(st.lists(st.tuples(_ENDS, st.integers(0, 10**9)), max_size=60))
def test_no_server_is_left_alone_for_ever(answers: list[tuple[End, int]]) -> None:
    server = pace.Server()
    for end, seconds in answers:
        wait = timedelta(seconds=seconds)
        told = Reply(end=end, server="x", asked="x", code="c", retry_after=wait)
        server = pace.after(server, told, now=NOW)
        if server.closed_until is not None:
            assert NOW < server.closed_until <= NOW + timedelta(days=1)


def test_a_case_waits_longer_each_time() -> None:
    waits = [pace.again_after(tries) for tries in range(pace.TRIES + 2)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=5)
    assert waits[-1] == timedelta(days=1)
