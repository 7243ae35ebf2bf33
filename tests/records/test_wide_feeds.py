"""Big feeds: day files, what PostgreSQL gets of them, and the same findings as row by row."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign
from openletter.evidence import dayfiles, steps, taking, wide
from openletter.evidence.models import Batch, Finding, Observation, Part
from openletter.words import FindingState
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_scan, a_zone, proxy_list, take_in
from tests.wire.feed_files import PROXY_HEADER, proxy_row

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]
    monkeypatch.setattr(wide, "FROM_BYTES", 1)


def a_feed(
    *addresses: str, day: datetime, campaign: Campaign, port: str = "3128", complete: bool = True
) -> Batch:
    time = (day - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S")
    rows = [proxy_row(ip, time=time, port=port, server="squid/4.10") for ip in addresses]
    content = "\n".join([PROXY_HEADER, *rows, ""])
    name = f"{day:%Y-%m-%d}-scan_http_proxy-x.csv"
    return take_in(content, name, campaign, now=day, complete=complete)


def a_list(*addresses: str, day: datetime, campaign: Campaign, head: str = "") -> Batch:
    """Another family's list; with a `head` the lists of one day differ."""
    text = f"{proxy_list(*addresses, at=day)}\n# {head}\n"
    return take_in(text, f"list-{day:%Y-%m-%d}.txt", campaign, now=day)


def weigh(campaign: Campaign, now: datetime) -> None:
    while steps.weigh(campaign, now=now, limit=1_000):
        pass


def test_what_one_family_says_stays_in_its_day_file() -> None:
    campaign = a_campaign()
    batch = a_feed("192.0.2.1", "192.0.2.2", "192.0.2.1", day=NOW, campaign=campaign)
    part = batch.parts.get()
    assert (batch.state, batch.rows) == (Batch.State.DONE, 3)
    assert batch.by_judgement == {"accept": 2, "same-as": 1}
    assert dayfiles.place_of(part).is_file()
    assert not Observation.objects.exists()
    assert part.compared == {
        "new": 2, "changed": 0, "same": 0, "not_named": 0, "why": "feed-is-first", "beside": None,
    }  # fmt: skip


def test_a_second_family_brings_all_that_was_said_before() -> None:
    campaign = a_campaign()
    for back in (3, 2, 1):
        a_feed("192.0.2.1", "192.0.2.9", day=NOW - timedelta(days=back), campaign=campaign)
    a_list("192.0.2.1", "192.0.2.7", day=NOW, campaign=campaign)
    seen = Observation.objects.order_by("seen_at")
    assert [str(one.ip) for one in seen] == ["192.0.2.1"] * 4
    assert [one.source_id for one in seen].count("shadowserver-scan-http-proxy") == 3
    weigh(campaign, NOW)
    finding = Finding.objects.get()
    assert finding.state == FindingState.OPEN
    assert len(finding.rows) == 4
    first = Observation.objects.filter(source="shadowserver-scan-http-proxy").first()
    assert first is not None
    assert first.about["server"] == "squid/4.10"
    assert (first.port, first.row, first.line, first.dated_by) == (3128, 1, 2, "row")


def test_a_small_file_brings_what_day_files_said(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign()
    a_feed("192.0.2.1", "192.0.2.9", day=NOW, campaign=campaign)
    a_zone("192.0.2.1", campaign=campaign)
    assert Observation.objects.count() == 1
    weigh(campaign, NOW)
    assert Observation.objects.count() == 2
    assert Finding.objects.get().state == FindingState.OPEN
    weigh(campaign, NOW)
    assert Observation.objects.count() == 2


def test_what_is_known_gets_each_day_s_word() -> None:
    campaign = a_campaign()
    monday, tuesday = NOW - timedelta(days=1), NOW
    a_feed("192.0.2.1", "192.0.2.2", day=monday, campaign=campaign)
    a_zone("192.0.2.1", campaign=campaign, now=monday)
    weigh(campaign, monday)
    batch = a_feed("192.0.2.1", "192.0.2.3", day=tuesday, campaign=campaign)
    compared = batch.parts.get().compared
    assert compared is not None
    assert {name: compared[name] for name in ("new", "same", "changed", "gone")} == {
        "new": 1, "same": 1, "changed": 0, "gone": 1,
    }  # fmt: skip
    weigh(campaign, tuesday)
    finding = Finding.objects.get()
    assert finding.last_seen == tuesday - timedelta(hours=2)
    assert len(finding.rows) == 3


def test_a_feed_that_shrank_absurdly_or_is_partial_says_nobody_has_gone() -> None:
    campaign = a_campaign()
    many = [f"192.0.2.{n}" for n in range(20)]
    a_feed(*many, day=NOW - timedelta(days=2), campaign=campaign)
    shrunk = a_feed(*many[:3], day=NOW - timedelta(days=1), campaign=campaign)
    assert (shrunk.parts.get().compared or {})["why"] == "feed-shrunk"
    partial = a_feed(*many[:19], day=NOW, campaign=campaign, complete=False)
    told = partial.parts.get().compared or {}
    assert (told["why"], told.get("gone")) == ("feed-in-part", None)


def test_the_same_file_again_and_a_failure_midway_change_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    campaign = a_campaign()
    a_zone("192.0.2.1", campaign=campaign)

    def breaking(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dayfiles, "promote", breaking)
        with pytest.raises(KeyboardInterrupt):
            a_feed("192.0.2.1", day=NOW, campaign=campaign)
    assert Part.objects.exclude(day_file="").count() == 0
    assert list((tmp_path / "columns").iterdir()) == []
    assert taking.ingest(campaign, now=NOW, limit=5) == 1
    assert Observation.objects.count() == 2
    a_feed("192.0.2.1", day=NOW, campaign=campaign)
    assert Observation.objects.count() == 2


def test_worlds_have_their_own_days() -> None:
    one, two = a_campaign("one"), a_campaign("two")
    a_feed("192.0.2.1", day=NOW, campaign=one)
    a_list("192.0.2.1", day=NOW, campaign=two)
    assert not Observation.objects.exists()


def the_findings(campaign: Campaign) -> list[tuple[object, ...]]:
    found = Finding.objects.filter(exercise=campaign, state=FindingState.OPEN)
    traced = {
        one.pk: (
            one.source_id,
            str(one.ip),
            one.row,
            one.line,
            one.seen_at,
            one.judgement,
            one.about,
        )
        for one in Observation.objects.filter(exercise=campaign)
    }
    return sorted(
        (
            str(one.ip), one.weakness, one.ports, one.confidence, one.families, one.first_seen,
            one.last_seen, sorted(map(str, (traced[key] for key in one.rows))), sorted(map(str, one.reasons)),
        )
        for one in found
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_findings_are_the_same_as_if_every_row_were_there(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of feeds of several families in one order, big ones in columns or all row by row."""
    found = []
    for way, size in (("columns", 1), ("rows", 1 << 40)):
        dice = random.Random(seed)
        campaign = a_campaign(way)
        monkeypatch.setattr(wide, "FROM_BYTES", size)
        for back in range(6, -1, -1):
            day = NOW - timedelta(days=back)
            few = [f"192.0.2.{dice.randrange(40)}" for _ in range(12)]
            kind = dice.randrange(4)
            if kind == 0:
                a_feed(*few, day=day, campaign=campaign, port=dice.choice(["3128", "8080", "x"]))
            elif kind == 1:
                a_list(*few, day=day, campaign=campaign, head=str(back))
            else:
                monkeypatch.setattr(wide, "FROM_BYTES", 1 << 40)
                (a_zone if kind == 2 else a_scan)(*set(few), campaign=campaign, now=day)
                monkeypatch.setattr(wide, "FROM_BYTES", size)
            if dice.randrange(2):
                weigh(campaign, day)
        weigh(campaign, NOW)
        found.append(the_findings(campaign))
    for a, b in zip(*found, strict=False):
        for x, y in zip(a, b, strict=True):
            assert x == y, (a[0], x, y)
    assert found[0] == found[1]
    assert found[0]
