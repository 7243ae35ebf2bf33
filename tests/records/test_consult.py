"""The consult step: whom it asks, what becomes of the answers, and what is never asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest

from openletter import line
from openletter.campaigns import clock
from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation, TimelineEntry
from openletter.evidence import consulting, jobs, spool, steps, suspending, zonekeeping
from openletter.evidence.known import known_sources
from openletter.evidence.models import (
    Batch,
    Finding,
    Observation,
    Source,
    Zone,
    ZoneAnswer,
    ZoneRun,
)
from openletter.evidence.rules.zones import CANARIES, OVERHEAD, Condition, needed
from openletter.shell.configuration import Endpoint
from openletter.shell.outside import Outside
from openletter.wire.address import address_class
from openletter.wire.dns import Rcode, Type
from openletter.words import AddressClass, FindingState
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_scan
from tests.wires.zone_servers import POINTS, Says, ZoneServer, lists, zone_server

pytestmark = pytest.mark.django_db

ZONE = "dnsbl.example"
IN_DOUBT = ("192.0.2.7", "192.0.2.8", "198.51.100.9")


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign()


@pytest.fixture
def asking(settings: Any) -> Callable[..., Any]:
    """Run a zone on loopback, configured as the one to ask."""

    @contextmanager
    def serve(says: Says, *, zones: tuple[str, ...] = (ZONE,), **keys: str) -> Iterator[ZoneServer]:
        with zone_server(says) as server:
            settings.OUTSIDE = Outside(
                resolver=Endpoint(host="127.0.0.1", port=server.port), zones=zones, keys=keys
            )
            for zone in zones:
                Zone.objects.get_or_create(name=zone, defaults={"rate": 2_000})
            yield server

    return serve


def in_doubt(campaign: Campaign | None, *addresses: str) -> None:
    """One source alone says that a proxy stands open there; weighed."""
    a_scan(*(addresses or IN_DOUBT), campaign=campaign)
    while steps.weigh(campaign or a_campaign(), now=NOW, limit=1000):
        pass


def consult(campaign: Campaign, *, now: Any = NOW, limit: int = 200) -> int:
    return jobs.consult(campaign, now=now, limit=limit)


def test_by_default_nobody_is_asked(campaign: Campaign) -> None:
    in_doubt(campaign)
    assert consulting.waiting(campaign, now=NOW).count() == 0
    assert consult(campaign) == 0
    assert not Zone.objects.exists()


def test_a_second_origin_opens_what_was_only_suspected(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lists("192.0.2.7")) as server:
        assert consulting.waiting(campaign, now=NOW).count() == 3
        assert consult(campaign) == 3
        assert consulting.waiting(campaign, now=NOW).count() == 0
    told = Observation.objects.get(source="example-dnsbl")
    assert (str(told.ip), told.code, told.says) == ("192.0.2.7", "127.0.0.3", "accept")
    assert (told.batch.format, told.batch.complete, told.dated_by) == ("dnsbl", False, "fetch")
    assert told.about == {"zone": ZONE, "says": "Open HTTP proxy"}
    with spool.open_kept(bytes(told.batch.sha256)) as kept:
        assert b"7.2.0.192.dnsbl.example\tNOERROR\t127.0.0.3\tOpen HTTP proxy" in kept.read()
    assert timedelta() <= told.seen_at - NOW < timedelta(seconds=10)
    steps.weigh(campaign, now=NOW + timedelta(minutes=1), limit=100)
    opened = Finding.objects.filter(state=FindingState.OPEN)
    assert list(opened.values_list("ip", flat=True)) == [ip_address("192.0.2.7")]
    answers = dict(ZoneAnswer.objects.values_list("ip", "answer"))
    assert answers[ip_address("192.0.2.7")] == "listed"
    assert answers[ip_address("192.0.2.8")] == "not-listed"
    assert server.about(Type.TXT) == [IPv4Address("192.0.2.7")]


def test_the_whole_line_takes_the_answer_in(campaign: Campaign, asking: Any) -> None:
    """At the wall clock's time, as workers do it."""
    campaign.clock_offset = timedelta()
    now = clock.now(campaign)
    a_scan("192.0.2.7", campaign=campaign, now=now)
    with asking(lists("192.0.2.7")):
        by_name = {step.name: step for step in line.LINE}
        line.run_step(by_name["weigh"], campaign)
        assert Finding.objects.get().state == FindingState.SUSPECTED
        line.run_step(by_name["consult"], campaign)
        line.run_step(by_name["weigh"], campaign)
    found = Finding.objects.get()
    assert (found.state, found.families) == (FindingState.OPEN, ["example-dnsbl", "shadowserver"])


def test_what_has_two_origins_is_nobody_elses_business(campaign: Campaign, asking: Any) -> None:
    from tests.records.evidence_builders import said_open

    said_open("192.0.2.7", campaign=campaign)
    assert Finding.objects.get().state == FindingState.OPEN
    with asking(lists()) as server:
        assert consult(campaign) == 0
        assert server.asked == []


def test_nobody_is_asked_twice_and_canaries_stand_between(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lists("192.0.2.7")) as server:
        consult(campaign)
        first = server.about()
        server.asked.clear()
        assert consult(campaign, now=NOW + timedelta(hours=11)) == 0
        assert server.asked == []
        assert consult(campaign, now=NOW + timedelta(hours=13)) == 3
    ours = [one for one in first if str(one) in IN_DOUBT]
    strangers = [one for one in first if address_class(one) is AddressClass.GLOBAL]
    assert sorted(map(str, ours)) == sorted(IN_DOUBT)
    assert len(strangers) == 2 * CANARIES
    assert first.count(IPv4Address("127.0.0.2")) == first.count(IPv4Address("127.0.0.1")) == 2
    last = max(first.index(one) for one in ours)
    assert any(first.index(one) > first.index(ours[0]) for one in strangers) or last > 0


LYING: dict[str, tuple[Says, Condition]] = {
    "everything": (lambda _: ["127.0.0.3"], Condition.LISTS_EVERYTHING),
    "everybody open": (
        lambda one: POINTS.get(one, [] if one.is_loopback else ["127.0.0.3"][: int(one) % 2]),
        Condition.IMPLAUSIBLE,
    ),
    "nothing": (lambda _: [], Condition.LISTS_NOTHING),
    "refuses": (lambda _: ["127.255.255.254"], Condition.REFUSES),
    "hijacked": (lambda _: ["203.0.113.80"], Condition.HIJACKED),
    "error": (lambda _: Rcode.SERVFAIL, Condition.SILENT),
    "not served": (lambda _: Rcode.REFUSED, Condition.SILENT),
}


@pytest.mark.parametrize("how", LYING)
def test_a_zone_that_may_not_be_believed_is_suspended(
    campaign: Campaign, asking: Any, how: str
) -> None:
    says, condition = LYING[how]
    in_doubt(campaign)
    with asking(says) as server:
        assert consult(campaign) == 0
        before = len(server.asked)
        assert consult(campaign) == 0
        assert len(server.asked) == before
    zone = Zone.objects.get()
    assert (zone.condition, zone.suspended_by) == (condition, "step:consult")
    assert zone.suspended_because["code"] == condition.value
    assert not Observation.objects.filter(source="example-dnsbl").exists()
    assert not ZoneAnswer.objects.exists()
    entry = TimelineEntry.objects.get(action="zone-suspended")
    assert entry.reason["code"] == condition.value
    assert (zone.try_again_at is not None) == (condition in {Condition.SILENT, Condition.REFUSES})


def test_a_zone_that_turns_during_the_run_has_said_nothing(campaign: Campaign, asking: Any) -> None:
    """It behaves while it is examined, and refuses once it has been asked a while."""
    in_doubt(campaign, *(f"192.0.2.{number}" for number in range(1, 60)))
    good = lists(*(f"192.0.2.{number}" for number in range(1, 60)))
    asked: list[object] = []

    def turns(one: IPv4Address | IPv6Address) -> Any:
        asked.append(one)
        return good(one) if len(asked) < 60 else ["127.255.255.255"]

    with asking(turns):
        assert consult(campaign) == 0
    run = ZoneRun.objects.get()
    assert (run.condition, run.batch) == (Condition.REFUSES, None)
    assert 0 < run.discarded <= 59
    assert not Observation.objects.filter(source="example-dnsbl").exists()
    assert len(asked) < 60 + 25


def test_what_is_not_known_is_asked_again_later_and_closes_nothing(
    campaign: Campaign, asking: Any
) -> None:
    in_doubt(campaign, "192.0.2.7")
    good = lists()

    def unsure(one: Any) -> Any:
        return Rcode.SERVFAIL if str(one) == "192.0.2.7" else good(one)

    with asking(unsure) as server:
        waits = []
        now = NOW
        for _ in range(4):
            assert consult(campaign, now=now) == 1
            answer = ZoneAnswer.objects.get()
            waits.append(answer.ask_again_at - answer.asked_at)
            assert (answer.answer, answer.why) == ("unknown", "dns-servfail")
            Zone.objects.update(rests_until=None)
            ZoneAnswer.objects.update(ask_again_at=now)
        assert server.about().count(IPv4Address("192.0.2.7")) == 4
    assert waits == [timedelta(hours=hours) for hours in (1, 2, 4, 8)]
    assert Finding.objects.get().state == FindingState.SUSPECTED


# -- budget and pace ---------------------------------------------------------------------------------


def test_questions_are_booked_before_they_leave_and_a_crash_gives_none_back(
    campaign: Campaign, asking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_doubt(campaign)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with asking(lists()):
        monkeypatch.setattr(jobs, "_ask_all", dies)
        with pytest.raises(KeyboardInterrupt):
            consult(campaign)
    assert Zone.objects.get().booked == needed(3)


def test_what_was_booked_and_not_asked_is_given_back(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lists("192.0.2.7")) as server:
        consult(campaign)
        assert Zone.objects.get().booked == len(server.asked) == OVERHEAD + 3 + 1
    assert ZoneRun.objects.get().questions == OVERHEAD + 4


def test_the_budget_of_a_day_is_never_exceeded(campaign: Campaign, asking: Any) -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, 200)]
    in_doubt(campaign, *addresses)
    with asking(lists(*addresses)) as server:
        Zone.objects.update(daily_budget=250)
        for _ in range(20):
            Zone.objects.update(rests_until=None)
            consult(campaign, limit=40)
        assert OVERHEAD < len(server.asked) <= 250
        assert consulting.waiting(campaign, now=NOW).count() == 0  # nothing is left to ask with
        tomorrow = NOW + timedelta(days=1)
        assert consulting.waiting(campaign, now=tomorrow).count() > 0
        Zone.objects.update(rests_until=None)
        assert consult(campaign, now=tomorrow) > 0


def test_workers_share_a_zones_rate(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    feed = known_sources(campaign).by_zone(ZONE)
    assert feed is not None
    with asking(lists()):
        Zone.objects.update(rate=2)
        addresses = [ip_address(text) for text in IN_DOUBT]
        first = consulting.book(ZONE, feed, addresses=addresses, now=NOW)
        assert first is not None
        assert consulting.book(ZONE, feed, addresses=addresses, now=NOW) is None
        free = NOW + timedelta(seconds=first.questions / 2)
        assert consulting.book(ZONE, feed, addresses=addresses, now=free) is not None


# -- what is never asked -----------------------------------------------------------------------------


def test_a_pause_and_a_restore_stop_the_asking(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lists()) as server:
        campaigns.pause(campaign, actor="user:a", because="wait", now=NOW)
        assert consult(campaign) == 0
        campaigns.resume(campaign, actor="user:a", now=NOW)
        Installation.objects.update_or_create(id=1, defaults={"mark": uuid.uuid4()})
        campaigns.pause_leaving(because="restored", now=NOW)
        assert consult(campaign) == 0
        assert server.asked == []
        campaigns.resume_leaving(actor="user:a", now=NOW)
        assert consult(campaign) == 3


def test_excluded_networks_and_foreign_worlds_are_not_asked_about(
    campaign: Campaign, asking: Any
) -> None:
    in_doubt(campaign, "192.0.2.7", "198.51.100.9", "203.0.113.1")
    campaigns.exclude(
        ip_network("192.0.2.0/24"), campaign=None, who="holder", how="DNS record", now=NOW
    )
    with asking(lists()) as server:
        assert consult(campaign) == 3
        assert consulting.waiting(campaign, now=NOW).count() == 0
        asked = set(map(str, server.about()))
    assert "192.0.2.7" not in asked
    assert {"198.51.100.9", "203.0.113.1"} <= asked
    assert ZoneAnswer.objects.get(ip="192.0.2.7").why == "not-asked-excluded"


def test_an_invented_zone_is_not_asked_in_a_real_campaign_nor_a_real_one_in_an_exercise(
    asking: Any,
) -> None:
    real, exercise = a_campaign("real", exercise=False), a_campaign()
    with asking(lists(), zones=(ZONE, "dnsbl.dronebl.org", "unknown.example")):
        assert list(consulting.configured(real)) == ["dnsbl.dronebl.org"]
        assert list(consulting.configured(exercise)) == [ZONE]


def test_addresses_of_no_public_space_are_not_asked_about_in_earnest(asking: Any) -> None:
    real = a_campaign("real", exercise=False)
    a_scan("192.0.2.7", campaign=None)
    steps.weigh(real, now=NOW, limit=100)
    with asking(lists(), zones=("dnsbl.dronebl.org",)) as server:
        assert consult(real) == 1
        assert "192.0.2.7" not in set(map(str, server.about()))
    assert ZoneAnswer.objects.get().why == "not-asked-class"


# -- IPv6, several zones, keys ------------------------------------------------------------------------


def test_ipv6_is_asked_only_where_the_zone_knows_it(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign, "2001:db8::7")
    with asking(lists("2001:db8::7")):
        assert consult(campaign) == 1
    assert Observation.objects.filter(source="example-dnsbl", ip="2001:db8::7").exists()

    def four_only(one: Any) -> Any:
        return [] if one.version == 6 else lists()(one)

    in_doubt(campaign, "2001:db8::8")
    with asking(four_only, zones=(ZONE,)) as server:
        Zone.objects.update(rests_until=None)
        ZoneAnswer.objects.all().delete()
        Observation.objects.filter(source="example-dnsbl").delete()
        consult(campaign)
        assert IPv6Address("2001:db8::8") not in server.about()
    answer = ZoneAnswer.objects.get(ip="2001:db8::8")
    assert (answer.answer, answer.why) == ("unknown", "not-asked-ipv6")


def test_a_key_is_in_the_question_and_nowhere_else(
    campaign: Campaign, asking: Any, caplog: pytest.LogCaptureFixture
) -> None:
    in_doubt(campaign)
    with asking(lists("192.0.2.7"), **{ZONE: "s3cretkey"}) as server:
        consult(campaign)
        assert set(server.names) == {f"s3cretkey.{ZONE}"}
    kept = [bytes(batch.sha256) for batch in Batch.objects.filter(format="dnsbl")]
    files = b""
    for digest in kept:
        with spool.open_kept(digest) as stream:
            files += stream.read()
    rows = str(
        [
            list(model.objects.values())
            for model in (Zone, ZoneRun, ZoneAnswer, Observation, Batch, TimelineEntry)
        ]
    )
    assert "s3cret" not in files.decode() + rows + caplog.text


# -- persons -----------------------------------------------------------------------------------------


def test_a_person_suspends_and_only_a_person_resumes(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lists("192.0.2.7")) as server:
        zonekeeping.suspend(ZONE, actor="user:ann", because="they asked us to", now=NOW)
        assert consult(campaign) == 0
        feed = known_sources(campaign).by_zone(ZONE)
        assert feed is not None
        found = jobs.check(ZONE, feed, now=NOW)
        assert found is not None
        assert found.is_believed
        assert Zone.objects.get().suspended_by == "user:ann"
        assert len(server.asked) == CANARIES + 4
        zonekeeping.resume(ZONE, actor="user:ben", because="they agreed", now=NOW)
        Zone.objects.update(rests_until=None)
        assert consult(campaign) == 3
    actions = list(TimelineEntry.objects.values_list("actor", "action").order_by("id"))
    assert ("user:ann", "zone-suspended") in actions
    assert ("user:ben", "zone-resumed") in actions
    assert campaigns.verify_chain(None) is None


def test_a_silent_zone_comes_back_by_itself(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    with asking(lambda _: Rcode.SERVFAIL):
        consult(campaign)
    zone = Zone.objects.get()
    assert zone.try_again_at is not None
    Zone.objects.update(try_again_at=NOW, rests_until=None)
    with asking(lists("192.0.2.7")):
        assert consult(campaign) == 3
    zone.refresh_from_db()
    assert (zone.condition, zone.suspended_at, zone.suspended_because) == ("healthy", None, None)


def test_no_network_inside_a_transaction(
    campaign: Campaign, asking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While questions are on their way no more is open than before the step."""
    from django.db import connection

    in_doubt(campaign)
    depth = len(connection.savepoint_ids)
    depths: list[int] = []
    original = jobs._ask_all

    async def watched(*given: Any, **named: Any) -> Any:
        depths.append(len(connection.savepoint_ids))
        return await original(*given, **named)

    monkeypatch.setattr(jobs, "_ask_all", watched)
    with asking(lists()):
        consult(campaign)
    assert depths == [depth]


def test_the_step_finds_its_rows_by_index(campaign: Campaign, asking: Any) -> None:
    from tests.records.test_ready_queries import plan_of

    with asking(lists()):
        assert "finding_suspected" in plan_of(consulting.waiting(campaign, now=NOW))


def test_a_suspended_source_is_not_asked_either(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    source = Source.objects.create(id="example-dnsbl", name="x", family="example-dnsbl")
    suspending.suspend(source, exercise=campaign, by="user:x", because={"text": "x"}, now=NOW)
    with asking(lists()) as server:
        assert consult(campaign) == 0
        assert server.asked == []


def test_what_a_zone_writes_is_only_shown(campaign: Campaign, asking: Any) -> None:
    in_doubt(campaign)
    hostile = "a\tb\nc\x00\u202e\udcff\\<b>" + "x" * 220
    with asking(lists("192.0.2.7")) as server:
        server.text = hostile
        consult(campaign)
    told = Observation.objects.get(source="example-dnsbl")
    says = told.about["says"]
    assert says.startswith("a\\u0009b\\u000ac\\u0000\\u202e\\udcff\\\\<b>xxx")
    assert len(says) == 200
    with spool.open_kept(bytes(told.batch.sha256)) as kept:
        lines = kept.read().decode().split("\n")
    assert [len(line.split("\t")) for line in lines[1:4]] == [4, 4, 4]


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_never_book_more_than_a_day_allows() -> None:
    """Eight at once on connections of their own; the budget holds for two rounds."""
    from django.db import connections

    feed = known_sources(a_campaign()).by_zone(ZONE)
    assert feed is not None
    addresses = [ip_address("192.0.2.7")]
    Zone.objects.create(name=ZONE, rate=1e9, daily_budget=2 * needed(1) + 10)

    def book(_: int) -> bool:
        try:
            return consulting.book(ZONE, feed, addresses=addresses, now=NOW) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(book, range(8)))
    assert sum(booked) == 2
    assert Zone.objects.get().booked == 2 * needed(1)


def test_an_address_that_moves_is_not_asked_about(campaign: Campaign, asking: Any) -> None:
    """The list may mean the customer before."""
    in_doubt(campaign)
    Observation.objects.filter(ip="192.0.2.7").update(space="dynamic-by-name")
    with asking(lists("192.0.2.7")) as server:
        assert consult(campaign) == 3
        assert IPv4Address("192.0.2.7") not in server.about()
    assert ZoneAnswer.objects.get(ip="192.0.2.7").why == "not-asked-moving"
