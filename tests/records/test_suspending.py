"""A suspended source: nothing rests on it while it is, and what it says meanwhile is set aside."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.campaigns.steps import verify_chain
from openletter.cases import steps as cases
from openletter.cli import app
from openletter.evidence import steps, suspending, taking, weighing, wide
from openletter.evidence.models import Finding, Observation, Part, Source, Suspension
from openletter.letters import sending
from openletter.letters.models import Letter
from openletter.outcomes import steps as outcomes
from openletter.words import FindingState, Weakness
from tests.builders import NOW, a_campaign
from tests.mail_builders import an_installation
from tests.records.evidence_builders import ZONE_HEAD, a_scan, a_zone, said_open, take_in
from tests.records.recall_builders import (
    RIGHT,
    WRONG,
    ZONE,
    a_world,
    claim,
    compose,
    open_and_choose,
    weigh,
)
from tests.wire.feed_files import proxy_report, proxy_row

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCAN = "shadowserver-scan-http-proxy"
pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    return a_world(tmp_path)


def suspend(campaign: Campaign | None, name: str = ZONE, *, at: datetime = NOW + HOUR) -> None:
    source = Source.objects.get(pk=name)
    assert suspending.suspend(
        source, exercise=campaign, by="user:x", because={"text": "lists all"}, now=at
    )


def resume(campaign: Campaign, *, with_held: bool = False, at: datetime = NOW + 2 * DAY) -> None:
    source = Source.objects.get(pk=ZONE)
    assert suspending.resume(
        source, exercise=campaign, by="user:y", because="mended", now=at, with_held=with_held
    )


def state(ip: str = WRONG) -> str:
    return Finding.objects.get(ip=ip).state


# -- what it does --------------------------------------------------------------------------------


def test_a_letter_that_waits_goes_back_and_is_written_anew_by_those_who_still_agree(
    campaign: Campaign,
) -> None:
    open_and_choose(campaign)
    compose(campaign)
    assert "Example DNSBL" in bytes(Letter.objects.get().raw).decode()
    suspend(campaign)
    assert claim(campaign, now=NOW + HOUR) == []
    assert sending.send_back(campaign, now=NOW + HOUR) == {"source-suspended": 1}
    weigh(campaign, now=NOW + HOUR)
    assert (state(WRONG), state(RIGHT)) == (FindingState.SUSPECTED, FindingState.OPEN)
    cases.open_cases(campaign, now=NOW + HOUR, limit=10)
    compose(campaign, now=NOW + 2 * HOUR)
    (one,) = claim(campaign, now=NOW + 2 * HOUR)
    text = one.raw.decode()
    assert RIGHT in text
    assert WRONG not in text
    assert "Example DNSBL" not in text


def test_a_letter_written_between_suspension_and_weighing_does_not_leave(
    campaign: Campaign,
) -> None:
    open_and_choose(campaign)
    suspend(campaign)
    compose(campaign, now=NOW + 2 * HOUR)
    assert Letter.objects.exists()
    assert claim(campaign, now=NOW + 2 * HOUR) == []


def test_after_the_end_what_it_said_before_counts_again(campaign: Campaign) -> None:
    suspend(campaign)
    weigh(campaign, now=NOW + HOUR)
    assert state() == FindingState.SUSPECTED
    resume(campaign)
    weigh(campaign, now=NOW + 2 * DAY)
    assert state() == FindingState.OPEN
    entries = TimelineEntry.objects.filter(subject=f"source:{ZONE}").order_by("pk")
    assert [one.action for one in entries] == ["source-suspended", "source-resumed"]
    assert entries[0].reason == {"text": "lists all"}
    assert entries[0].after["rows_weighed_anew"] == 2
    assert verify_chain(campaign.pk) is None


@pytest.mark.parametrize("with_held", [False, True])
def test_what_came_in_meanwhile_counts_only_if_a_person_says_so(
    campaign: Campaign, *, with_held: bool
) -> None:
    suspend(campaign)
    a_zone("192.0.2.9", campaign=campaign, now=NOW + DAY)
    a_scan("192.0.2.9", campaign=campaign, now=NOW + DAY)
    weigh(campaign, now=NOW + DAY)
    assert Part.objects.get(source=ZONE, read_at=NOW + DAY).set_aside == "source-suspended"
    assert Observation.objects.filter(ip="192.0.2.9").count() == 2
    assert state("192.0.2.9") == FindingState.SUSPECTED
    resume(campaign, with_held=with_held)
    weigh(campaign, now=NOW + 2 * DAY)
    expected = FindingState.OPEN if with_held else FindingState.SUSPECTED
    assert state("192.0.2.9") == expected
    assert state(WRONG) == FindingState.OPEN


def test_twice_is_once_and_worlds_are_suspended_apart(campaign: Campaign, tmp_path: Path) -> None:
    other = a_campaign("other")
    said_open(WRONG, campaign=other)
    suspend(campaign)
    source = Source.objects.get(pk=ZONE)
    again = suspending.suspend(source, exercise=campaign, by="x", because={}, now=NOW + 2 * HOUR)
    assert again is None
    assert Suspension.objects.count() == 1
    weigh(other)
    assert Finding.objects.get(ip=WRONG, exercise=other).state == FindingState.OPEN
    ended = suspending.resume(source, exercise=other, by="x", because="", now=NOW)
    assert ended is None


def test_a_replay_knows_when_it_was_suspended(campaign: Campaign) -> None:
    suspend(campaign, at=NOW + DAY)
    resume(campaign, at=NOW + 2 * DAY)
    address = Finding.objects.get(ip=WRONG).ip

    def concluded(after: timedelta) -> str:
        at = NOW + after
        found, _ = weighing.weigh_address(address, exercise=campaign, now=at, known_at=at)
        return found[Weakness.OPEN_HTTP_PROXY].state

    told = [concluded(DAY - HOUR), concluded(DAY + HOUR), concluded(2 * DAY + HOUR)]
    assert told == ["open", "suspected", "open"]


def test_later_looks_do_not_hear_it_either(campaign: Campaign) -> None:
    cases.open_cases(campaign, now=NOW, limit=10)
    a_zone(WRONG, RIGHT, campaign=campaign, now=NOW + DAY)
    suspend(campaign, at=NOW + DAY)
    case = cases.Case.objects.get(ip=WRONG)
    words = outcomes._words_of([case], campaign)[WRONG, case.weakness]
    assert {word.source for word in words} == {SCAN}


# -- what a feed shows ---------------------------------------------------------------------------


def many(count: int, *, seconds: bool = True, first: int = 0) -> str:
    """A report of so many servers, each seen at a second of its own, or all at one."""
    rows = [
        proxy_row(
            f"10.0.{number >> 8}.{number & 255}",
            time=f"2026-03-02 10:{number // 60 % 60 if seconds else 0:02}:{number % 60 if seconds else 0:02}",
        )
        for number in range(first, first + count)
    ]
    return proxy_report(*rows).decode()


@pytest.mark.parametrize("in_columns", [False, True])
def test_a_report_of_one_moment_is_set_aside_before_anything_of_it_is_weighed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_columns: bool
) -> None:
    if in_columns:
        monkeypatch.setattr(wide, "FROM_BYTES", 1)
    an_installation(tmp_path)
    campaign = a_campaign()
    take_in(many(250), "2026-03-02-scan_http_proxy-a.csv", campaign)
    assert not Suspension.objects.exists()
    a_zone("10.0.0.5", campaign=campaign)
    take_in(many(250, seconds=False), "2026-03-02-scan_http_proxy-b.csv", campaign, complete=False)
    part = Part.objects.latest("pk")
    assert part.set_aside == "feed-of-one-moment"
    made = Suspension.objects.get()
    assert (made.source_id, made.by, made.exercise) == (SCAN, "step:ingest", campaign)
    assert made.because["values"]["rows"] == 250
    weigh(campaign)
    assert state("10.0.0.5") == FindingState.SUSPECTED


def test_a_whole_feed_that_lost_most_of_its_rows_suspends_its_source(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_campaign()
    take_in(many(400), "2026-03-02-scan_http_proxy-a.csv", campaign)
    take_in(many(90), "2026-03-03-scan_http_proxy-a.csv", campaign, complete=False)
    assert not Suspension.objects.exists()
    take_in(many(91), "2026-03-03-scan_http_proxy-c.csv", campaign)
    assert Suspension.objects.get().because["code"] == "feed-collapsed"
    take_in(many(92), "2026-03-04-scan_http_proxy-c.csv", campaign)
    assert Suspension.objects.count() == 1
    held = suspending.held_back(Suspension.objects.get()).order_by("pk")
    assert [part.set_aside for part in held] == ["feed-collapsed", "feed-collapsed"]


def test_a_zone_that_lists_the_world_is_suspended(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_campaign()
    take_in(ZONE_HEAD + "192.0.2.1\n0.0.0.0/1\n", "dnsbl.example", campaign)
    assert Suspension.objects.get().because["code"] == "feed-lists-the-world"
    assert Part.objects.get().set_aside == "feed-lists-the-world"


def test_of_files_without_a_name_only_the_ill_one_is_set_aside(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_campaign()
    head = "checked,ip,port\n"
    rows = [f"2026-03-02T10:00:00Z,10.0.1.{n},3128" for n in range(250)]
    mapping = {
        "columns": {"address": "ip", "port": "port", "time": "checked"},
        "constants": {"tags": "open-http-proxy"},
    }
    batch = steps.store_file(
        (head + "\n".join(rows)).encode(), name="table.csv", exercise=campaign, now=NOW,
        mapping=mapping, source="unnamed-csv",
    )  # fmt: skip
    batch = taking.take_in(batch, now=NOW)
    assert batch.state == "done", batch.reason
    assert Part.objects.get().set_aside == "feed-of-one-moment"
    assert not Suspension.objects.exists()


def test_a_live_list_that_nobody_keeps_is_suspended(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_campaign()
    content = ZONE_HEAD + "\n".join(f"10.0.0.{n}" for n in range(1, 230)) + "\n"
    for days in (0, 7, 13):
        take_in(
            content, "dnsbl.example", campaign, now=NOW + days * DAY, fetched_at=NOW + days * DAY
        )
        assert not Suspension.objects.exists()
    late = NOW + 14 * DAY
    take_in(content, "dnsbl.example", campaign, now=late, fetched_at=late)
    assert Suspension.objects.get().because["code"] == "feed-frozen"


# -- commands ------------------------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["source", *words])
    return result.exit_code, result.output


def test_commands(campaign: Campaign) -> None:
    at = ("--campaign", campaign.slug)
    assert run("suspend", ZONE, "--reason", " ", *at)[0] == 2
    assert run("suspend", "nobody", "--reason", "x", *at)[0] == 2
    assert run("resume", ZONE, "--reason", "x", *at)[0] == 2
    code, told = run("suspend", ZONE, "--reason", "lists \u202eall", *at)
    assert (code, ZONE in told) == (0, True)
    assert run("suspend", ZONE, "--reason", "again", *at)[0] == 2
    code, told = run("suspensions", "--json", *at)
    row = json.loads(told)
    assert (row["source"], row["by"], row["parts_held"]) == (ZONE, "command:source", 0)
    assert "\u202e" not in run("suspensions", *at)[1]
    assert run("suspensions")[1] == ""
    code, told = run("resume", ZONE, "--reason", "mended", "--with-held", *at)
    assert (code, "counts again" in told) == (0, True)
    assert run("suspensions", *at)[1] == ""
