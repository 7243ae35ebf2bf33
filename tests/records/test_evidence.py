"""Taking files in and weighing them: all or nothing, once, and every conclusion traceable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign
from openletter.evidence import copying, spool, steps, suspending, taking, writing
from openletter.evidence.models import Batch, Finding, Observation, Reject, Source
from openletter.evidence.rules.definitions import BadDefinitionError
from openletter.words import FindingState, Judgement, Weakness
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import ZONE_HEAD, a_scan, a_zone, said_open, take_in
from tests.wire.feed_files import gzipped, proxy_report, proxy_row, zipped

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]


def test_copy_writes_every_column() -> None:
    columns = {field.column for field in Observation._meta.concrete_fields} - {"id"}
    assert set(copying.OBSERVATION_COLUMNS) == columns
    columns = {field.column for field in Reject._meta.concrete_fields} - {"id"}
    assert set(copying.REJECT_COLUMNS) == columns
    columns = {field.column for field in Finding._meta.concrete_fields} - {"id"}
    assert set(copying.FINDING_COLUMNS) == columns


def test_the_same_bytes_are_one_batch_in_one_world() -> None:
    first, other = a_campaign("one"), a_campaign("two")
    report = proxy_report(proxy_row("192.0.2.1"))
    batches = {
        take_in(report, "2026-03-02-scan_http_proxy-a.csv", world).pk
        for world in (first, first, other, None, None)
    }
    assert len(batches) == 3
    assert Observation.objects.filter(exercise=first).count() == 1
    assert Observation.objects.filter(exercise=None).count() == 1


def test_an_observation_keeps_what_the_row_says() -> None:
    row = proxy_row(
        "::ffff:192.0.2.1", time="2026-03-02 10:00:00", hostname="host\u202egro.example",
        server="=cmd()|squid/4.10",
    )  # fmt: skip
    take_in(proxy_report(row), "2026-03-02-scan_http_proxy-a.csv", a_campaign())
    seen = Observation.objects.get()
    assert (str(seen.ip), seen.port, seen.protocol) == ("192.0.2.1", 3128, "tcp")
    assert (seen.source_id, seen.role, seen.code) == (
        "shadowserver-scan-http-proxy",
        "entry",
        "http-connect-proxy",
    )
    assert seen.about["hostname"] == "host\\u202egro.example"
    assert seen.about["server"] == "=cmd()|squid/4.10"
    assert seen.seen_at.isoformat() == "2026-03-02T10:00:00+00:00"
    assert (seen.row, seen.line, seen.dated_by) == (1, 2, "row")


def test_bad_rows_are_listed_and_the_rest_goes_on() -> None:
    report = proxy_report(proxy_row("192.0.2.1"), proxy_row("192.0.2.999"), proxy_row("192.0.2.2"))
    batch = take_in(report, "2026-03-02-scan_http_proxy-a.csv", a_campaign())
    assert (batch.state, batch.rows) == (Batch.State.DONE, 3)
    assert Observation.objects.count() + Reject.objects.count() == batch.rows
    refused = Reject.objects.get(batch=batch)
    assert (refused.reason, refused.row, refused.line) == ("bad-address", 2, 3)
    assert refused.file == "2026-03-02-scan_http_proxy-a.csv"
    assert "192.0.2.999" in refused.excerpt


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzipped(proxy_report(*[proxy_row(f"192.0.2.{n}") for n in range(250)]))[:-9], "truncated-gzip"),
        (zipped({"a.csv": proxy_report(proxy_row())})[:-30], "damaged-zip"),
        (proxy_report(proxy_row()).decode().encode("utf-16"), "wrong-encoding"),
        (b"", "empty-file"),
    ],
)  # fmt: skip
def test_a_broken_file_changes_nothing(content: bytes, reason: str) -> None:
    batch = take_in(content, "2026-03-02-scan_http_proxy-a.csv", a_campaign())
    assert (batch.state, batch.reason, batch.rows) == (Batch.State.REFUSED, reason, 0)
    assert not Observation.objects.exists()
    assert not Reject.objects.exists()


def test_a_failure_midway_leaves_the_batch_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign()
    rows = [proxy_row(f"10.0.{n >> 8}.{n & 255}") for n in range(30)]
    monkeypatch.setattr(writing, "PIECE", 10)
    calls = []

    def breaking(*args: object, **words: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("disk full")

    monkeypatch.setattr(writing, "copy_rejects", breaking)
    with pytest.raises(OSError, match="disk full"):
        take_in(proxy_report(*rows), "2026-03-02-scan_http_proxy-a.csv", campaign)
    assert not Observation.objects.exists()
    assert steps.waiting_batches(campaign, now=NOW).count() == 1
    monkeypatch.undo()
    assert taking.ingest(campaign, now=NOW, limit=5) == 1
    assert Observation.objects.count() == 30


def test_members_of_an_archive_are_judged_apart_and_names_are_no_paths() -> None:
    archive = zipped(
        {
            "../../evil-scan_http_proxy.csv": proxy_report(proxy_row("192.0.2.66")),
            "2026-03-02-scan_http_proxy-a.csv": proxy_report(proxy_row("192.0.2.1")),
            "2026-03-02-device_id-a.csv": b"timestamp,ip,asn,geo,region,city,naics\n",
        }
    )
    batch = take_in(archive, "day.zip", a_campaign())
    told = {part.file: (part.outcome, part.reason) for part in batch.parts.all()}
    assert told == {
        "day.zip!../../evil-scan_http_proxy.csv": ("refused", "unsafe-member-name"),
        "day.zip!2026-03-02-scan_http_proxy-a.csv": ("ok", ""),
        "day.zip!2026-03-02-device_id-a.csv": ("refused", "not-about-our-weaknesses"),
    }
    assert [str(ip) for ip in Observation.objects.values_list("ip", flat=True)] == ["192.0.2.1"]


def test_two_families_make_an_open_finding_that_leads_back_to_its_rows() -> None:
    campaign = a_campaign()
    said_open("192.0.2.1", campaign=campaign)
    finding = Finding.objects.get()
    assert (finding.state, finding.weakness) == (FindingState.OPEN, Weakness.OPEN_HTTP_PROXY)
    assert finding.families == ["example-dnsbl", "shadowserver"]
    assert finding.ports == [3128]
    rows = Observation.objects.filter(pk__in=finding.rows)
    assert {row.source_id for row in rows} == {"example-dnsbl", "shadowserver-scan-http-proxy"}
    assert finding.reasons[0]["code"] == "families-agree"
    assert not steps.unweighed(campaign, now=NOW).exists()


def test_one_family_is_a_suspicion_and_a_later_second_one_opens() -> None:
    campaign = a_campaign()
    a_scan("192.0.2.1", campaign=campaign)
    assert steps.weigh(campaign, now=NOW, limit=10) == 1
    assert Finding.objects.get().state == FindingState.SUSPECTED
    a_zone("192.0.2.1", campaign=campaign)
    assert steps.weigh(campaign, now=NOW, limit=10) == 1
    assert Finding.objects.get().state == FindingState.OPEN
    assert steps.weigh(campaign, now=NOW, limit=10) == 0


def test_a_suspended_source_counts_for_nothing() -> None:
    campaign = a_campaign()
    a_scan("192.0.2.1", campaign=campaign)
    a_zone("192.0.2.1", campaign=campaign)
    source = Source.objects.get(pk="example-dnsbl")
    suspending.suspend(source, exercise=campaign, by="user:x", because={"text": "x"}, now=NOW)
    steps.weigh(campaign, now=NOW, limit=10)
    assert Finding.objects.get().state == FindingState.SUSPECTED


def test_worlds_do_not_hear_each_other() -> None:
    one, two = a_campaign("one"), a_campaign("two")
    a_scan("192.0.2.1", campaign=one)
    a_zone("192.0.2.1", campaign=two)
    steps.weigh(one, now=NOW, limit=10)
    steps.weigh(two, now=NOW, limit=10)
    assert set(Finding.objects.values_list("state", flat=True)) == {FindingState.SUSPECTED}


def test_an_invented_source_says_nothing_in_the_real_world() -> None:
    batch = take_in(ZONE_HEAD + "192.0.2.1\n", "dnsbl.example", None)
    assert batch.source_id == "unnamed-zone"


def test_a_source_is_of_the_family_and_under_the_terms_that_the_book_has_now() -> None:
    """Its row may be from before an update; two lists of one origin must not agree by that."""
    campaign = a_campaign()
    Source.objects.create(pk="unnamed-list", name="Old", family="another", terms={})
    take_in("http://192.0.2.1:3128\n", "list.txt", campaign)
    take_in('[{"ip": "192.0.2.1", "port": 3128, "protocol": "http"}]', "list.json", campaign)
    while steps.weigh(campaign, now=NOW, limit=10):
        pass
    row = Source.objects.get(pk="unnamed-list")
    assert (row.family, "note" in row.terms) == ("unnamed-list", True)
    assert Finding.objects.get().state == FindingState.SUSPECTED


def test_declared_sources_are_read_and_bad_ones_refused(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "wier.toml").write_text(
        'id = "wier"\nname = "Wier"\nfamily = "wier"\nformat = "rbldnsd"\nrole = "exit"\n'
        'zones = ["relays.wier.example"]\nmade_up = true\n'
        '[codes."127.0.0.2"]\nweakness = ["open-relay"]\n'
    )
    assert steps.declare_sources(folder) == 1
    batch = take_in("$NS 1 ns.example\n192.0.2.1\n", "relays.wier.example", a_campaign())
    assert batch.source_id == "wier"
    seen = Observation.objects.get()
    assert (seen.weakness, seen.code) == ("open-relay", "127.0.0.2")
    assert (seen.dated_by, seen.seen_at) == ("fetch", NOW)
    (folder / "bad.toml").write_text('id = "bad"\nname = "x"\nfamly = "y"\n')
    with pytest.raises(BadDefinitionError, match="famly"):
        steps.declare_sources(folder)


def test_the_spool_keeps_the_same_bytes_once(tmp_path: Path) -> None:
    assert spool.keep(b"abc") == spool.keep(b"abc")
    assert len(list((tmp_path / "spool").iterdir())) == 1


def test_evidence_that_grew_old_is_weighed_as_old() -> None:
    campaign: Campaign = a_campaign()
    said_open("192.0.2.1", campaign=campaign)
    later = NOW + timedelta(days=10)
    address = Observation.objects.all()[0].ip
    weighed, _ = steps.weigh_address(address, exercise=campaign, now=later)
    conclusion = weighed[Weakness.OPEN_HTTP_PROXY]
    assert conclusion.state is FindingState.SUSPECTED
    assert {reason.code for reason in conclusion.reasons} >= {"too-old"}
    assert Observation.objects.filter(says=Judgement.ACCEPT).count() == 2
