"""What zones' answers mean, and which zones are not believed."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.evidence.rules import rounds, zones
from openletter.evidence.rules.feeds import Feed, Format, Meaning
from openletter.evidence.rules.judge import Circumstances, Judge
from openletter.evidence.rules.reading import RowOf, read_file
from openletter.evidence.rules.rounds import Answered, Round
from openletter.evidence.rules.zones import Condition, Examination, Told, Watch
from openletter.evidence.sourcebook import packaged
from openletter.wire.address import address_class
from openletter.words import AddressClass, DnsblAnswer, Judgement, Weakness

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FEED = Feed(
    id="bl", name="BL", family="bl", format=Format.RBLDNSD, zones=("bl.test",),
    codes={
        "127.0.0.3": (Meaning(weakness=Weakness.OPEN_HTTP_PROXY),),
        "127.0.0.9": (Meaning(worth=Judgement.CORROBORATES, reason="says-something-else"),),
    },
)  # fmt: skip
NXDOMAIN, NOERROR, SERVFAIL, REFUSED = 3, 0, 2, 5
NOT, SILENT = Told(answer=DnsblAnswer.NOT_LISTED), zones.unheard("dns-timeout")
CODE = st.ip_addresses(v=4).map(str)


def listed(*codes: str) -> Told:
    return Told(answer=DnsblAnswer.LISTED, codes=codes or ("127.0.0.9",))


def feed_of(zone: str) -> Feed:
    feed = packaged().by_zone(zone)
    assert feed is not None
    return feed


@pytest.mark.parametrize(
    ("rcode", "codes", "answer", "why"),
    [
        (NXDOMAIN, [], DnsblAnswer.NOT_LISTED, ""),
        (NXDOMAIN, ["127.0.0.3"], DnsblAnswer.UNKNOWN, "dns-contradictory"),
        (NOERROR, [], DnsblAnswer.UNKNOWN, "dns-empty"),
        (SERVFAIL, [], DnsblAnswer.UNKNOWN, "dns-servfail"),
        (REFUSED, [], DnsblAnswer.UNKNOWN, "dns-refused"),
        (REFUSED, ["127.0.0.3"], DnsblAnswer.UNKNOWN, "dns-refused"),
        (4, [], DnsblAnswer.UNKNOWN, "dns-error"),
        (NOERROR, ["127.0.0.3"], DnsblAnswer.LISTED, ""),
        (NOERROR, ["127.0.0.77"], DnsblAnswer.LISTED, ""),
        (NOERROR, ["127.255.255.252"], DnsblAnswer.REFUSED, "zone-refuses"),
        (NOERROR, ["127.255.255.254"], DnsblAnswer.REFUSED, "zone-refuses"),
        (NOERROR, ["127.0.0.3", "127.255.255.255"], DnsblAnswer.REFUSED, "zone-refuses"),
        (NOERROR, ["127.0.0.1"], DnsblAnswer.REFUSED, "zone-refuses"),
        (NOERROR, ["127.0.0.255"], DnsblAnswer.REFUSED, "zone-refuses"),
        (NOERROR, ["203.0.113.80"], DnsblAnswer.UNKNOWN, "zone-hijacked"),
        (NOERROR, ["127.0.0.3", "192.0.2.1"], DnsblAnswer.UNKNOWN, "zone-hijacked"),
    ],
)
def test_answers(rcode: int, codes: list[str], answer: DnsblAnswer, why: str) -> None:
    told = zones.classify(rcode, codes, feed=FEED)
    assert (told.answer, told.why) == (answer, why)


def test_an_odd_code_is_a_listing_where_the_table_names_it() -> None:
    """127.0.0.1 refuses at several lists and is a real listing at EFnet."""
    efnet, dronebl = feed_of("rbl.efnetrbl.org"), feed_of("dnsbl.dronebl.org")
    assert zones.classify(NOERROR, ["127.0.0.1"], feed=efnet).answer is DnsblAnswer.LISTED
    assert zones.classify(NOERROR, ["127.0.0.1"], feed=dronebl).answer is DnsblAnswer.REFUSED
    assert zones.classify(NOERROR, ["127.0.0.255"], feed=dronebl).answer is DnsblAnswer.LISTED


@given(st.integers(0, 23), st.lists(CODE, max_size=4))
def test_only_codes_inside_loopback_ever_list_anything(rcode: int, codes: list[str]) -> None:
    told = zones.classify(rcode, codes, feed=FEED)
    if told.answer is DnsblAnswer.LISTED:
        assert rcode == NOERROR
        assert codes
        assert all(code.startswith("127.") for code in codes)
        assert not any(code.startswith("127.255.255.") for code in codes)
    assert (told.answer in {DnsblAnswer.UNKNOWN, DnsblAnswer.REFUSED}) == bool(told.why)


# -- health ------------------------------------------------------------------------------------------

WELL = Examination(listed=(listed(), listed()), unlisted=(NOT, NOT), canaries=(NOT,) * 20)


def condition(**changed: object) -> Condition:
    return zones.examine(replace(WELL, **changed), feed=FEED).condition  # type: ignore[arg-type]


def crowd(*told: Told) -> tuple[Told, ...]:
    return (*told, *(NOT,) * (20 - len(told)))


def test_a_zone_that_behaves_is_believed() -> None:
    health = zones.examine(WELL, feed=FEED)
    assert health.is_healthy
    assert health.answers_six
    assert condition(canaries=crowd(listed(), listed(), SILENT)) is Condition.HEALTHY


def test_a_zone_without_ipv6_is_well_but_not_asked_for_it() -> None:
    for listed_six, unlisted_six in ((NOT, NOT), (SILENT, SILENT), (listed(), listed())):
        seen = replace(WELL, listed=(listed(), listed_six), unlisted=(NOT, unlisted_six))
        health = zones.examine(seen, feed=FEED)
        assert (health.condition, health.answers_six) == (Condition.HEALTHY, False)


REFUSES = Told(answer=DnsblAnswer.REFUSED, codes=("127.255.255.254",), why="zone-refuses")
HIJACKED = Told(answer=DnsblAnswer.UNKNOWN, codes=("203.0.113.9",), why="zone-hijacked")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"listed": (NOT, NOT)}, Condition.LISTS_NOTHING),
        ({"unlisted": (listed(), NOT)}, Condition.LISTS_EVERYTHING),
        ({"canaries": (listed(),) * 20}, Condition.LISTS_EVERYTHING),
        ({"canaries": crowd(*(listed(),) * 18)}, Condition.LISTS_EVERYTHING),
        ({"canaries": crowd(*(listed(),) * 8)}, Condition.HEALTHY),
        ({"canaries": crowd(*(listed("127.0.0.3"),) * 3)}, Condition.IMPLAUSIBLE),
        ({"canaries": crowd(*(listed("127.0.0.3"),) * 2)}, Condition.HEALTHY),
        ({"listed": (SILENT, NOT)}, Condition.SILENT),
        ({"unlisted": (SILENT, NOT)}, Condition.SILENT),
        ({"canaries": crowd(*(SILENT,) * 11)}, Condition.SILENT),
        ({"listed": (REFUSES, NOT)}, Condition.REFUSES),
        ({"canaries": crowd(REFUSES)}, Condition.REFUSES),
        ({"unlisted": (NOT, HIJACKED)}, Condition.HIJACKED),
        ({"canaries": crowd(HIJACKED)}, Condition.HIJACKED),
        ({"canaries": (REFUSES,) * 20, "listed": (HIJACKED, NOT)}, Condition.HIJACKED),
    ],
)
def test_a_zone_that_misbehaves_is_not_believed(
    changed: dict[str, object], expected: Condition
) -> None:
    assert condition(**changed) is expected


def test_too_few_canaries_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="19 canaries"):
        condition(canaries=(NOT,) * 19)


def test_only_silence_and_refusal_end_by_themselves() -> None:
    ends = {one for one in Condition if zones.Health(condition=one, reason=None).try_again_after}  # type: ignore[arg-type]
    assert ends == {Condition.SILENT, Condition.REFUSES}


def test_a_run_stops_at_the_first_refusal_or_a_row_of_silences() -> None:
    refused, silent, patchy = Watch(), Watch(), Watch()
    for one in (NOT, REFUSES, HIJACKED):
        refused.see(one)
    for _ in range(zones.SILENT_IN_A_ROW):
        silent.see(SILENT)
    for _ in range(5):
        for one in (*(SILENT,) * 19, NOT):
            patchy.see(one)
    assert refused.health is not None
    assert refused.health.condition is Condition.REFUSES
    assert silent.health is not None
    assert silent.health.condition is Condition.SILENT
    assert patchy.health is None


# -- whom to ask -------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(0, 20))
def test_canaries_are_public_addresses(seed: int, six: int) -> None:
    found = zones.canaries(random.Random(seed).getrandbits, six=six)
    assert len(found) == 20
    assert sum(one.version == 6 for one in found) == six
    assert {address_class(one) for one in found} == {AddressClass.GLOBAL}


def test_ipv6_addresses_are_asked_with_their_64_and_not_for_ever() -> None:
    same = [ip_address(f"2001:db8:0:1::{host:x}") for host in range(1, 50)]
    assert list(zones.bases([*same, IPv4Address("192.0.2.1")])) == [IPv6Address("2001:db8:0:1::")]
    assert zones.bases([IPv6Address("2001:db8::")]) == {}
    many = [IPv6Address((0x20010DB8 << 96) + (net << 64) + 1) for net in range(1, 500)]
    assert len(zones.bases(many)) == zones.MOST_BASES


@given(st.integers(0, 5_000), st.integers(0, 20_000))
def test_a_run_never_needs_more_than_is_left(wanted: int, left: int) -> None:
    count = zones.affordable(wanted, left=left)
    assert 0 <= count <= wanted
    assert count == 0 or zones.needed(count) <= left


def test_answers_hold_longer_than_their_ttl_and_unknown_ones_are_tried_ever_more_rarely() -> None:
    short = Told(answer=DnsblAnswer.NOT_LISTED, ttl=60)
    assert zones.holds_for(short) == zones.LEAST
    assert zones.holds_for(replace(short, ttl=10**9)) == zones.MOST
    tries = [zones.holds_for(SILENT, tries=number) for number in range(1, 12)]
    assert tries[0] == timedelta(hours=1)
    assert tries == sorted(tries)
    assert tries[-1] == timedelta(days=1)


# -- rows --------------------------------------------------------------------------------------------


def a_round(*answers: Answered) -> Round:
    health = zones.examine(WELL, feed=FEED)
    return Round(
        zone="bl.test", begun_at=NOW, ended_at=NOW, health=health, answers=answers, questions=99
    )


def test_a_listed_address_is_a_row_for_each_code_and_others_are_none() -> None:
    found = a_round(
        Answered(ip=IPv4Address("192.0.2.1"), told=listed("127.0.0.3", "127.0.0.9"), says="Open"),
        Answered(ip=IPv4Address("192.0.2.2"), told=NOT),
        Answered(ip=IPv4Address("192.0.2.3"), told=SILENT),
    )
    judge = Judge(Circumstances(feed=FEED, now=NOW))
    judged = [one for row in rounds.rows(found, FEED) for one in judge.judge(row)]
    assert [(str(one.ip), one.code, one.judgement, one.weakness) for one in judged] == [
        ("192.0.2.1", "127.0.0.3", Judgement.ACCEPT, Weakness.OPEN_HTTP_PROXY),
        ("192.0.2.1", "127.0.0.9", Judgement.CORROBORATES, None),
    ]
    assert judged[0].about == {"zone": "bl.test", "says": "Open"}
    assert found.by_answer == {"listed": 1, "not-listed": 1, "unknown": 1}


def test_what_is_said_of_a_64_is_said_of_nobody() -> None:
    six = Answered(ip=IPv6Address("2001:db8::7"), told=listed("127.0.0.3"))
    base = Answered(ip=IPv6Address("2001:db8::"), told=listed("127.0.0.3"), is_base=True)
    judge = Judge(Circumstances(feed=FEED, now=NOW))
    for feed, answer in ((replace(FEED, lists_64s=True), six), (FEED, base)):
        judged = [one for row in rounds.rows(a_round(answer), feed) for one in judge.judge(row)]
        assert [one.ip for one in judged] == [None]
        assert all(one.judgement is not Judgement.ACCEPT for one in judged)


def test_the_kept_file_says_what_was_asked_and_answered() -> None:
    found = a_round(
        Answered(ip=IPv4Address("192.0.2.1"), told=listed("127.0.0.3"), says="Open proxy"),
        Answered(ip=IPv6Address("2001:db8::7"), told=SILENT),
    )
    lines = rounds.as_file(found).decode().splitlines()
    assert lines[1] == "1.2.0.192.bl.test\tNOERROR\t127.0.0.3\tOpen proxy"
    assert lines[2].startswith("7.0.0.0.")
    assert lines[2].split("\t")[1:] == ["dns-timeout", "", ""]


def test_a_slow_zone_is_asked_little_at_a_time() -> None:
    assert zones.affordable(1_000, left=10**6, rate=1) == zones.FEWEST
    assert zones.affordable(1_000, left=10**6, rate=10) == 400 - zones.OVERHEAD
    assert zones.affordable(1_000, left=10**6, rate=1_000) == 1_000


def test_a_list_without_a_table_says_what_it_is_about() -> None:
    about = Feed(
        id="x", name="x", family="x", format=Format.RBLDNSD, weakness=(Weakness.OPEN_RELAY,)
    )
    assert zones.says_open("127.0.0.2", about)
    assert not zones.says_open("127.0.0.2", replace(about, weakness=()))
    assert not zones.says_open("127.0.0.2", replace(about, worth=Judgement.CORROBORATES))


def test_the_kept_file_read_again_says_the_same() -> None:
    """Whoever doubts a round hands its file in like any other."""
    feed = feed_of("dnsbl.example")
    found = replace(
        a_round(
            Answered(ip=IPv4Address("192.0.2.1"), told=listed("127.0.0.3"), says="Open\tproxy"),
            Answered(ip=IPv4Address("192.0.2.2"), told=NOT),
            Answered(ip=IPv6Address("2001:db8::8"), told=listed("127.0.0.2")),
        ),
        zone="dnsbl.example",
    )
    judge = Judge(Circumstances(feed=feed, now=NOW))
    direct = [one for row in rounds.rows(found, feed) for one in judge.judge(row)]
    stream = io.BytesIO(rounds.as_file(found))
    again = [
        event.judged
        for event in read_file("kept.tsv", stream, book=packaged(), now=NOW)
        if isinstance(event, RowOf) and event.judged.judgement is not Judgement.REJECT
    ]
    assert [(o.line, o.ip, o.code, o.weakness, o.says, o.source) for o in again] == [
        (o.line, o.ip, o.code, o.weakness, o.says, o.source) for o in direct
    ]
