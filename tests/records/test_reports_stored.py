"""Reports and mails in the database: what they say is kept, also of who is said to have sent it."""

from __future__ import annotations

from pathlib import Path

import pytest

from openletter.evidence.models import Batch, Observation, Part, Reject
from tests.builders import a_campaign
from tests.records.evidence_builders import take_in
from tests.wire.feed_files import proxy_report, proxy_row, zipped
from tests.wire.mail_files import PROSE, arf, attached, mail
from tests.wire.xarf_files import as_bytes, fourth

pytestmark = pytest.mark.django_db
REPORT = "2026-03-02-scan_http_proxy-a.csv"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]


def test_a_report_in_a_mail_is_stored_with_where_it_came_from() -> None:
    row = proxy_row("192.0.2.1", server="squid/4.10")
    raw = mail(PROSE, attached(f"{REPORT}.zip", zipped({REPORT: proxy_report(row)})))
    batch = take_in(raw, "r.eml", a_campaign())
    seen, part = Observation.objects.get(), Part.objects.get()
    assert (str(seen.ip), seen.source_id, seen.judgement) == (
        "192.0.2.1",
        "shadowserver-scan-http-proxy",
        "accept",
    )
    assert seen.about["server"] == "squid/4.10"
    assert part.file == f"r.eml!{REPORT}.zip!{REPORT}"
    assert part.detail.startswith("by mail, Reports <reports@example.net>")
    assert batch.state == Batch.State.DONE


def test_a_feedback_report_is_stored_as_support_and_weighs_nothing() -> None:
    take_in(arf(), "r.eml", a_campaign())
    seen = Observation.objects.get()
    assert (str(seen.ip), seen.judgement, seen.role, seen.weakness) == (
        "192.0.2.80",
        "corroborates",
        "exit",
        None,
    )
    assert seen.about["mail_from"] == "Reports <reports@example.net>"
    assert seen.about["user_agent"] == "Example/1.0"


def test_a_report_that_breaks_its_definition_is_kept_with_the_place() -> None:
    batch = take_in(as_bytes(fourth(service_port=0)), "r.json", a_campaign())
    assert (batch.state, batch.reason, batch.detail) == (
        Batch.State.REFUSED,
        "bad-port",
        "service_port: 0",
    )
    kept = Reject.objects.get()
    assert (kept.reason, kept.excerpt) == ("bad-port", "service_port: 0")
    assert not Observation.objects.exists()
