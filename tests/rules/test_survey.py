"""`openletter survey`: what feeds would mean, from files alone, without an address shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from tests.wire.feed_files import gzipped, proxy_report, proxy_row

AT = "2026-03-02T12:00:00Z"
NETWORKS = (
    "first,last,mailbox,country\n192.0.2.0,192.0.2.127,abuse@a.example,NL\n"
    "192.0.2.0,192.0.2.255,abuse@b.example,BE\n"
)


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENLETTER_STATE", str(tmp_path / "state"))
    rows = [proxy_row(f"192.0.2.{n}") for n in (1, 2, 200)]
    report = proxy_report(
        *rows, proxy_row("198.51.100.1"), proxy_row("192.0.2.1"), proxy_row("nowhere")
    )
    path = tmp_path / "2026-03-02-scan_http_proxy-x.csv.gz"
    path.write_bytes(gzipped(report))
    return path


def test_what_a_feed_would_mean(feed: Path, tmp_path: Path) -> None:
    networks = tmp_path / "networks.csv"
    networks.write_text(NETWORKS)
    words = ["survey", str(feed), "--netblocks", str(networks), "--at", AT, "--json"]
    ran = CliRunner().invoke(app, [*words, "--mailboxes"])
    told, *boxes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.exit_code == 1, ran.output
    assert told["compared"] == {"new": 4, "changed": 0, "same": 0, "not_named": 0}
    assert told["by_judgement"] == {"reject": 1, "accept": 4, "same-as": 1}
    assert (told["without_contact"], told["mailboxes"]) == (1, 2)
    assert told["by_country"] == {"NL": 2, "BE": 1}
    assert boxes == [
        {"type": "mailbox", "mailbox": "abuse@a.example", "country": "NL", "statements": 2},
        {"type": "mailbox", "mailbox": "abuse@b.example", "country": "BE", "statements": 1},
    ]
    quiet = CliRunner().invoke(app, words)
    assert "abuse@" not in quiet.stdout
    assert "192.0.2" not in quiet.stdout
    assert "open" not in [path.name for path in (tmp_path / "state" / "columns").iterdir()]


def test_files_that_are_not_there_or_not_read_this_way(feed: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["survey", str(tmp_path / "*.csv")])
    assert ran.exit_code == 2
    zone = tmp_path / "zone"
    zone.write_text("$SOA 3000 a b 0 600 300 86400 300\n127.0.0.2\n")
    ran = CliRunner().invoke(app, ["survey", str(zone), "--json"])
    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["not_read"] == {str(zone): "read-by-ingest"}
