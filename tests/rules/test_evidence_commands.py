"""`openletter ingest --dry-run` and `openletter weigh --from`, as contracts.md section 5 has them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from openletter.cli import app
from tests.wire.feed_files import gzipped, proxy_report, proxy_row, zipped

AT = "2026-03-02T12:00:00Z"
ROW_KEYS = [
    "type", "file", "row", "line", "ip", "port", "protocol", "weakness", "role", "seen_at",
    "source", "code", "address_class", "judgement", "reason", "same_as",
]  # fmt: skip
FILE_KEYS = [
    "type", "file", "format", "source", "outcome", "reason", "rows", "by_judgement", "by_reason",
]  # fmt: skip
ZONE = (
    "$SOA 3000 ns1.dnsbl.example hostmaster.dnsbl.example 0 600 300 86400 300\n"
    "$TIMESTAMP 2026-03-02T03:00:00Z\n:127.0.0.3:Open HTTP proxy\n192.0.2.1\n"
)


def run(*arguments: str | Path) -> tuple[Result, list[dict[str, object]]]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "2026-03-02-scan_http_proxy-a.csv"
    path.write_bytes(proxy_report(proxy_row("192.0.2.1")))
    return path


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    path = tmp_path / "proxies.zone"
    path.write_text(ZONE)
    return path


def ingest(*arguments: str | Path) -> tuple[Result, list[dict[str, object]]]:
    return run("ingest", "--dry-run", "--rows", "--json", "--at", AT, *arguments)


def test_rows_and_files_have_the_form_of_the_contract(report: Path) -> None:
    result, (row, file) = ingest(report)
    assert result.exit_code == 0
    assert list(row) == ROW_KEYS
    assert list(file) == FILE_KEYS
    assert row == {
        "type": "row",
        "file": str(report),
        "row": 1,
        "line": 2,
        "ip": "192.0.2.1",
        "port": 3128,
        "protocol": "tcp",
        "weakness": "open-http-proxy",
        "role": "entry",
        "seen_at": "2026-03-02T06:00:00Z",
        "source": "shadowserver-scan-http-proxy",
        "code": "http-connect-proxy",
        "address_class": "documentation",
        "judgement": "accept",
        "reason": "says-open",
        "same_as": None,
    }
    assert file["by_judgement"] == {"accept": 1}


def test_without_rows_only_files_are_told(report: Path) -> None:
    _, told = run("ingest", "--dry-run", "--json", "--at", AT, report)
    assert [one["type"] for one in told] == ["file"]


def test_exit_codes_say_how_much_was_refused(tmp_path: Path, report: Path) -> None:
    (bad_row := tmp_path / "scan_http_proxy.csv").write_bytes(
        proxy_report(proxy_row("192.0.2.1"), proxy_row("nonsense"))
    )
    (cut := tmp_path / "scan_socks.csv.gz").write_bytes(gzipped(proxy_report(proxy_row()))[:-6])
    assert ingest(report)[0].exit_code == 0
    assert ingest(report, bad_row)[0].exit_code == 1
    result, told = ingest(report, cut, bad_row)
    assert result.exit_code == 2
    outcomes = [one["outcome"] for one in told if one["type"] == "file"]
    assert outcomes == ["ok", "refused", "ok-with-rejects"]
    assert ingest(tmp_path / "nowhere")[0].exit_code == 2


def test_members_of_an_archive_are_named_after_it(tmp_path: Path) -> None:
    (path := tmp_path / "day.zip").write_bytes(
        zipped({"2026-03-02-scan_socks-a.csv": b"timestamp,ip,port,protocol,tag,asn,geo\n"})
    )
    _, (file,) = ingest(path)
    assert file["file"] == f"{path}!2026-03-02-scan_socks-a.csv"
    assert (file["outcome"], file["source"]) == ("ok", "shadowserver-scan-socks")


def test_weighing_files_says_open_with_every_reason(report: Path, zone: Path) -> None:
    result, (answer,) = run("weigh", "192.0.2.1", "--at", AT, "--json", "--from", report, zone)
    assert result.exit_code == 0
    assert list(answer) == [
        "ip", "weakness", "port", "finding", "confidence", "families", "reasons", "rows",
        "rule_version",
    ]  # fmt: skip
    assert (answer["finding"], answer["port"]) == ("open", 3128)
    assert answer["families"] == ["example-dnsbl", "shadowserver"]
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert {(row["file"], row["line"]) for row in rows} == {(str(report), 2), (str(zone), 4)}
    assert "2 independent origins" in json.dumps(answer["reasons"])


def test_weighing_says_suspected_for_one_family_and_none_for_nobody(report: Path) -> None:
    result, (answer,) = run("weigh", "192.0.2.1", "--at", AT, "--json", "--from", report)
    assert (answer["finding"], result.exit_code) == ("suspected", 0)
    result, (answer,) = run("weigh", "192.0.2.9", "--at", AT, "--json", "--from", report)
    assert (answer["finding"], answer["weakness"], result.exit_code) == ("none", None, 3)


def test_reasons_are_read_in_dutch_too(report: Path) -> None:
    result = CliRunner().invoke(
        app, ["weigh", "192.0.2.1", "--at", AT, "--lang", "nl", "--from", str(report)]
    )
    assert "onafhankelijke bron" in result.stdout


def test_a_mapping_and_further_sources_are_files(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "wacht.toml").write_text(
        'id = "wacht"\nname = "Wacht"\nfamily = "wacht"\nformat = "mapped"\nrole = "entry"\n'
    )
    (mapping := tmp_path / "map.toml").write_text(
        'source = "wacht"\n[columns]\naddress = "ip"\ntags = "kind"\n'
        '[values.tags]\nopenrelay = ["open-relay"]\n'
    )
    (table := tmp_path / "t.csv").write_text("ip,kind\n192.0.2.1,openrelay\n")
    arguments = ("--mapping", mapping, "--sources", tmp_path / "sources", table)
    _, (row, file) = ingest(*arguments)
    assert (row["weakness"], row["source"], file["format"]) == ("open-relay", "wacht", "mapped")
    (as_json := tmp_path / "map.json").write_text('{"colums": {}}')
    result, _ = ingest("--mapping", as_json, table)
    assert (result.exit_code, "colums" in result.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [["weigh", "nonsense"], ["weigh", "192.0.2.1", "--at", "?"]])
def test_a_call_that_makes_no_sense_says_so(arguments: list[str], report: Path) -> None:
    result = CliRunner().invoke(app, [*arguments, "--from", str(report)])
    assert result.exit_code == 2
    assert result.stderr


def test_judging_files_loads_no_django_and_no_database(report: Path) -> None:
    code = (
        "import sys\nfrom openletter.cli import app\n"
        f"app(['ingest','--dry-run','--rows','--json',{str(report)!r}], standalone_mode=False)\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('django','psycopg')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
