"""When something was said that has no time of its own: first seen, or fetched alike."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.evidence import spool, steps, wide
from openletter.evidence.fetching import Undated
from openletter.evidence.models import Finding, Observation, Part
from openletter.evidence.rules.judge import Judged
from openletter.words import FindingState, Judgement, Role, Weakness
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import ZONE_HEAD, a_scan, take_in
from tests.wire.feed_files import gzipped, proxy_report, proxy_row, zipped

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ZONE = ZONE_HEAD + "192.0.2.1\n192.0.2.2\n"
NAME = "dnsbl.example"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]


def seen(source: str = "example-dnsbl") -> list[datetime]:
    """When each row that stands there was said, by file."""
    rows = Observation.objects.filter(source=source, ip="192.0.2.1").order_by("pk")
    return [row.seen_at for row in rows]


def weigh(now: datetime) -> str:
    campaign = Part.objects.latest("pk").batch.exercise
    assert campaign is not None
    while steps.weigh(campaign, now=now, limit=1_000):
        pass
    return Finding.objects.get(ip="192.0.2.1").state


def test_the_same_file_again_says_nothing_new() -> None:
    campaign = a_campaign()
    first = take_in(ZONE, NAME, campaign)
    a_scan("192.0.2.1", campaign=campaign, now=NOW + 3 * DAY)
    assert weigh(NOW + 3 * DAY) == FindingState.OPEN
    again = take_in(ZONE, NAME, campaign, now=NOW + 5 * DAY)
    assert (again.pk, again.fetched_at, seen()) == (first.pk, None, [NOW])
    assert not steps.unweighed(campaign, now=NOW).exists()
    part = again.parts.get()
    assert (part.feed_at, part.undated_at) == (NOW, NOW)


@pytest.mark.parametrize(
    "other",
    [
        gzipped(ZONE.encode()),
        zipped({NAME: ZONE.encode()}),
        (ZONE_HEAD + "# mirrored\n192.0.2.2\n\n192.0.2.1\n").encode(),
        (ZONE + "192.0.2.1\n").encode(),
    ],
)
def test_packed_or_put_in_another_order_it_is_the_same(other: bytes) -> None:
    campaign = a_campaign()
    take_in(ZONE, NAME, campaign)
    take_in(other, f"copy/{NAME}", campaign, now=NOW + 5 * DAY, source="example-dnsbl")
    assert set(seen()) == {NOW}
    assert {part.undated_at for part in Part.objects.all()} == {NOW}
    a_scan("192.0.2.1", campaign=campaign, now=NOW + 6 * DAY)
    assert weigh(NOW + 6 * DAY) == FindingState.SUSPECTED


def test_another_content_is_a_new_statement_and_another_world_knows_nothing_of_it() -> None:
    campaign, other = a_campaign("one"), a_campaign("two")
    take_in(ZONE, NAME, campaign)
    take_in(ZONE + "192.0.2.3\n", NAME, campaign, now=NOW + DAY)
    take_in(ZONE, NAME, other, now=NOW + 2 * DAY)
    assert seen() == [NOW, NOW + DAY, NOW + 2 * DAY]


def test_a_live_source_that_answers_alike_says_it_again() -> None:
    campaign = a_campaign()
    take_in(ZONE, NAME, campaign, fetched_at=NOW)
    a_scan("192.0.2.1", campaign=campaign, now=NOW + 5 * DAY)
    assert weigh(NOW + 5 * DAY) == FindingState.SUSPECTED
    later = NOW + 5 * DAY
    batch = take_in(ZONE, NAME, campaign, now=later, fetched_at=later)
    assert (batch.fetched_at, seen()) == (later, [later])
    assert Part.objects.get(batch=batch).feed_at == later
    assert weigh(later) == FindingState.OPEN
    take_in(ZONE, NAME, campaign, now=later + DAY, fetched_at=NOW + DAY)
    assert seen() == [later]
    packed = gzipped(ZONE.encode())
    take_in(packed, NAME, campaign, now=later + DAY, fetched_at=later + DAY)
    assert seen() == [later, later + DAY]


def test_what_was_fetched_long_ago_is_as_old_as_that() -> None:
    take_in(ZONE, NAME, a_campaign(), fetched_at=NOW - 5 * DAY)
    assert seen() == [NOW - 5 * DAY]


def test_a_file_of_unknown_origin_was_fetched_from_nobody() -> None:
    campaign, later = a_campaign(), NOW + 5 * DAY
    take_in("http://192.0.2.1:3128\n", "list.txt", campaign)
    batch = take_in("http://192.0.2.1:3128\n", "list.txt", campaign, now=later, fetched_at=later)
    assert batch.fetched_at == later
    assert seen("unnamed-list") == [NOW]
    take_in("http://192.0.2.9:1\n", "other.txt", campaign, now=later, fetched_at=NOW + DAY)
    assert Observation.objects.get(ip="192.0.2.9").seen_at == NOW + DAY


def test_what_has_its_own_time_keeps_it() -> None:
    campaign, report = a_campaign(), proxy_report(proxy_row("192.0.2.1"))
    name = "2026-03-02-scan_http_proxy-b.csv"
    take_in(report, name, campaign, fetched_at=NOW)
    source = "shadowserver-scan-http-proxy"
    before = seen(source)
    take_in(report, name, campaign, now=NOW + 5 * DAY, fetched_at=NOW + 5 * DAY)
    assert seen(source) == before
    part = Part.objects.get()
    assert (part.undated_sha256, part.feed_at) == (None, before[0])


def test_big_files_are_dated_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in columns, kept as a day's file, brought along later: all of one time."""
    monkeypatch.setattr(wide, "FROM_BYTES", 1)
    campaign, plain = a_campaign(), "http://192.0.2.1:3128\nhttp://192.0.2.2:80\n"
    (tmp_path / "lijst.toml").write_text(
        'id = "lijst"\nname = "L"\nfamily = "lijst"\nformat = "plain"\nmade_up = true\n'
    )
    steps.declare_sources(tmp_path)
    take_in(plain, "a.txt", campaign, source="lijst")
    turned = "# again\n" + "\n".join(reversed(plain.splitlines()))
    take_in(turned, "b.txt", campaign, now=NOW + 5 * DAY, source="lijst")
    parts = list(Part.objects.order_by("pk"))
    assert [bool(part.day_file) for part in parts] == [True, True]
    assert [part.undated_at for part in parts] == [NOW, NOW]
    a_scan("192.0.2.1", campaign=campaign, now=NOW + 6 * DAY)
    assert weigh(NOW + 6 * DAY) == FindingState.OPEN
    assert set(seen("lijst")) == {NOW}
    later = NOW + 9 * DAY
    a_scan("192.0.2.1", campaign=campaign, now=later)
    assert weigh(later) == FindingState.SUSPECTED
    take_in(plain, "a.txt", campaign, now=later, fetched_at=later, source="lijst")
    assert weigh(later) == FindingState.OPEN


def statement(last: int, port: int | None, *, same: int | None, at: datetime | None) -> Judged:
    return Judged(
        row=1, line=1, judgement=Judgement.ACCEPT, says=Judgement.ACCEPT, reason="says-open",
        source="x", ip=f"192.0.2.{last}", port=port, weakness=Weakness.OPEN_SOCKS,  # type: ignore[arg-type]
        role=Role.ENTRY, same_as=same, seen_at=at,
    )  # fmt: skip


STATEMENTS = st.lists(
    st.builds(
        statement, st.integers(0, 9), st.sampled_from([None, 80, 1080]), same=st.none(),
        at=st.one_of(st.none(), st.just(NOW)),
    ),
    unique_by=lambda one: (one.ip, one.port),
)  # fmt: skip


def digest(statements: list[Judged]) -> bytes | None:
    found = Undated()
    for one in statements:
        found.add(one)
    return found.sha256


@settings(max_examples=60)
@given(STATEMENTS, STATEMENTS)
def test_what_is_said_alike_is_the_same_and_nothing_else_is(
    one: list[Judged], other: list[Judged]
) -> None:
    turned = list(one)
    random.Random(7).shuffle(turned)
    assert digest(turned) == digest(one)
    undated = [{(str(x.ip), x.port) for x in them if x.seen_at is None} for them in (one, other)]
    assert (digest(one) == digest(other)) is (undated[0] == undated[1])


def test_the_spool_has_each_of_the_bytes_once(tmp_path: Path) -> None:
    campaign = a_campaign()
    for days in range(3):
        take_in(ZONE, NAME, campaign, now=NOW + days * DAY, fetched_at=NOW + days * DAY)
    assert len(list((tmp_path / "spool").iterdir())) == 1
    assert spool.keep(ZONE.encode())
