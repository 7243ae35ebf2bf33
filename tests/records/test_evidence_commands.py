"""`openletter ingest` and `weigh` with the database: the same words, and once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.evidence import steps
from openletter.evidence.models import Batch, Observation
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_zone
from tests.wire.feed_files import proxy_report, proxy_row

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]
    monkeypatch.setattr("openletter.shell.setup", lambda: None)


def run(*arguments: str | Path) -> tuple[int, list[dict[str, object]]]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_files_are_stored_once_and_told_as_judged(tmp_path: Path) -> None:
    campaign = a_campaign("drill")
    (report := tmp_path / "2026-03-02-scan_http_proxy-a.csv").write_bytes(
        proxy_report(proxy_row("192.0.2.1"), proxy_row("nonsense"))
    )
    arguments = ("ingest", "--json", "--campaign", "drill", "--complete", report)
    for _ in range(2):
        code, (file,) = run(*arguments)
        assert (code, file["outcome"], file["rows"]) == (1, "ok-with-rejects", 2)
    shown = CliRunner().invoke(app, ["ingest", "--campaign", "drill", str(report)])
    assert (
        "A host name; it may point elsewhere tomorrow, so only addresses are read. Hand in"
        in shown.stderr
    )
    assert f"{report}:3" in shown.stderr
    assert Observation.objects.filter(exercise=campaign).count() == 1
    assert Batch.objects.get().complete


def test_an_address_is_weighed_with_what_is_stored() -> None:
    campaign = a_campaign("drill")
    a_zone("192.0.2.1", campaign=campaign)
    code, (answer,) = run(
        "weigh", "192.0.2.1", "--json", "--campaign", "drill", "--at", NOW.isoformat()
    )
    assert (code, answer["finding"], answer["weakness"]) == (0, "suspected", "open-http-proxy")
    (row,) = answer["rows"]  # type: ignore[misc]
    assert row["id"] == Observation.objects.get().pk
    assert run("weigh", "192.0.2.1", "--json", "--at", NOW.isoformat())[0] == 3


def test_a_campaign_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (report := tmp_path / "scan_socks.csv").write_bytes(b"timestamp,ip,port,tag,asn,geo\n")
    assert run("ingest", "--campaign", "nobody", report)[0] == 2
    assert not Batch.objects.exists()


def test_a_mapping_that_says_nonsense_is_never_stored() -> None:
    with pytest.raises(ValueError, match="colums"):
        steps.store_file(b"ip\n", name="t", exercise=None, now=NOW, mapping={"colums": {}})
