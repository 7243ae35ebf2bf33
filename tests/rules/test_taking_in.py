"""Strangers' archives, mails and Parquet: opened by a process of its own, whatever they hold."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from openletter.evidence import apart, sourcebook
from openletter.evidence.apart import Ends
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.unpack import Limits, UnreadableFileError
from tests.laws.sources import ROOT
from tests.wire.feed_files import NOW, judge_bytes, proxy_report, proxy_row, zipped

PROGRAM = [sys.executable, "-m", "openletter", "ingest", "--dry-run", "--json"]


def judge_apart(
    content: bytes, name: str, *, hint: Hint | None = None
) -> tuple[list[Judged], list[FileVerdict]]:
    rows, verdicts = [], []
    events = read_file(
        name,
        io.BytesIO(content),
        book=sourcebook.packaged(),
        now=NOW,
        hint=hint,
        contents=apart.contents,
    )
    for event in events:
        if isinstance(event, RowOf):
            rows.append(event.judged)
        else:
            verdicts.append(event)
    return rows, verdicts


def parquet(query: str, folder: Path) -> bytes:
    place = folder / "made.parquet"
    duckdb.sql(f"COPY ({query}) TO '{place}' (FORMAT parquet)")
    return place.read_bytes()


def refusal(content: bytes, **given: object) -> str:
    with pytest.raises(UnreadableFileError) as problem:
        apart.contents("x", io.BytesIO(content), **given)  # type: ignore[arg-type]
    return problem.value.code


def test_both_ways_of_opening_give_the_same() -> None:
    members = {
        "2026-03-02-scan_http_proxy-a.csv": proxy_report(proxy_row("192.0.2.1"), proxy_row("x")),
        "../evil.csv": proxy_report(proxy_row("192.0.2.2")),
        "list.txt": b"http://192.0.2.3:80\n",
        "C:\\\\list.txt": b"http://192.0.2.3:80\n",
        "in\\list \u202e.txt": b"http://192.0.2.3:80\n",
        "empty.txt": b"",
    }
    for content in (zipped(members), gzip.compress(members["list.txt"]), members["list.txt"]):
        assert judge_apart(content, "day") == judge_bytes(content, "day")


def test_a_mail_with_an_archive_is_opened_apart_too() -> None:
    packed = zipped({"2026-03-02-scan_socks-a.csv": b"timestamp,ip\n"})
    import base64

    mail = (
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject: report\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n'
        b'Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(packed)
        + b"\r\n--x--\r\n"
    )
    assert apart.needs_unpacking(mail)
    assert judge_apart(mail, "report.eml")[1] == judge_bytes(mail, "report.eml")[1]


def test_parquet_with_a_mapping(tmp_path: Path) -> None:
    content = parquet(
        "SELECT '192.0.2.' || i AS ip, 25 AS port, TIMESTAMP '2026-03-01 10:00:00' AS seen, "
        "'openrelay' AS kind, [i] AS list, {'host': 'mail' || i || '.example'} AS about, "
        "CAST('nan' AS DOUBLE) AS odd FROM range(1, 4) t(i)",
        tmp_path,
    )
    mapping = read_mapping(
        {
            "source": "unnamed-csv",
            "columns": {"address": "ip", "port": "port", "time": "seen", "tags": "kind"},
            "values": {"tags": {"openrelay": ["open-relay"]}},
        }
    )
    rows, (verdict,) = judge_apart(content, "day.parquet", hint=Hint(mapping=mapping))
    assert [(str(row.ip), row.port, row.weakness) for row in rows] == [
        (f"192.0.2.{n}", 25, "open-relay") for n in (1, 2, 3)
    ]
    assert {row.seen_at.isoformat() for row in rows if row.seen_at} == {"2026-03-01T10:00:00+00:00"}
    assert (verdict.outcome, verdict.rows) == ("ok", 3)


@pytest.mark.parametrize(
    "content",
    [b"PAR1" + os.urandom(400) + b"PAR1", b"PAR1", b"PAR1" + b"\0" * 100],
    ids=["noise", "head", "zeros"],
)
def test_damaged_parquet_is_refused(content: bytes) -> None:
    assert refusal(content) == "damaged-parquet"


def test_parquet_reaches_no_other_file(tmp_path: Path) -> None:
    """The engine may read the one open file: a name of another inside it means nothing."""
    code = (
        "import duckdb, os, sys\n"
        "from openletter.evidence.jail import LOCKED\n"
        "e = duckdb.connect(':memory:', config=LOCKED)\n"
        "e.execute(\"SET allowed_paths = ['/dev/fd/0']\")\n"
        "e.execute('SET enable_external_access = false')\n"
        "e.execute('SET lock_configuration = true')\n"
        "for sql in (\"SELECT * FROM read_csv('/etc/passwd')\", 'SET enable_external_access = true',"
        " 'INSTALL httpfs', \"COPY (SELECT 1) TO '/tmp/x'\"):\n"
        "    try: e.execute(sql); sys.exit(f'ran: {sql}')\n"
        "    except duckdb.Error: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bombs_and_what_takes_too_long_end_in_one_reason() -> None:
    bomb = gzip.compress(b"0" * (64 << 20))
    assert refusal(bomb) == "bomb"
    assert refusal(bomb, limits=Limits(total=1 << 20)) == "too-large"
    slow = gzip.compress(b"0" * (64 << 20)) * 32  # members one behind the other are one file
    wide = Limits(ratio=1 << 30, total=1 << 33)
    assert refusal(slow, limits=wide, ends=Ends(seconds=1)) == "reader-out-of-time"
    assert refusal(slow, limits=wide, ends=Ends(patience=0)) == "reader-out-of-time"


def test_a_process_that_breaks_down_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"192.0.2.1\n")
    for code in ("import os; os.abort()", "raise SystemExit(3)", "pass", "import os; os._exit(0)"):
        monkeypatch.setattr(apart, "_BOOT", code)
        assert refusal(packed) == "reader-crashed"
    lies = (
        "import json, os, sys\n"
        "index = {}\n"
        "out = json.loads(sys.argv[1])['out']\n"
        "os.write(out, index + len(index).to_bytes(8, 'big'))\n"
    )
    for index in (b'{"parts": 3}', b'{"parts": [{"start": -1, "size": 5}]}', b"[1]", b"{", b"null"):
        monkeypatch.setattr(apart, "_BOOT", lies.replace("{}", repr(index)))
        assert refusal(packed) == "reader-crashed"


def test_the_process_has_no_network_and_no_environment() -> None:
    """As far as the system lets it; where it doesn't, this says so and passes over it."""
    code = (
        "import json, os, socket, sys\n"
        "sys.path[:] = sys.argv[2].split('\\n')\n"
        "from openletter.evidence import jail\n"
        "wanted = json.loads(sys.argv[1]); jail.bounded(wanted)\n"
        "offline = jail.without_network()\n"
        "names = [name for _, name in socket.if_nameindex()]\n"
        "print(json.dumps([offline, names, sorted(os.environ)]))\n"
    )
    asked = json.dumps({"memory": 1 << 30, "seconds": 9, "total": 1 << 20})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, asked, "\n".join([str(ROOT), *sys.path])],
        capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    offline, names, environment = json.loads(done.stdout)
    assert environment == ["LC_ALL"]
    if not offline:
        pytest.skip("this system takes no network away from a process")
    assert set(names) <= {"lo"}


def _empty_network() -> list[str]:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    command = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system gives no empty network")
    return command


def test_ingest_runs_in_an_empty_network(tmp_path: Path) -> None:
    """Judging files needs no network at all: archives, mails, Parquet, zones and lists."""
    (tmp_path / "a.zip").write_bytes(zipped({"list.txt": b"http://192.0.2.3:80\n"}))
    (tmp_path / "list.txt").write_bytes(b"http://proxy.example:80\n192.0.2.4:3128\n")
    (tmp_path / "a.parquet").write_bytes(
        parquet("SELECT '192.0.2.5' AS ip, 80 AS port, 'http' AS protocol", tmp_path)
    )
    files = [str(tmp_path / name) for name in ("a.zip", "list.txt", "a.parquet")]
    done = subprocess.run(
        [*_empty_network(), *PROGRAM, *files], capture_output=True, cwd=ROOT, check=False
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["outcome"] for one in told] == ["ok", "ok-with-rejects", "ok"], done.stderr


@pytest.mark.parametrize("name", ["list.txt", "2026-03-02-scan_http_proxy-a.csv", "a.json"])
def test_one_endless_line_is_refused_in_little_memory(name: str, tmp_path: Path) -> None:
    """A hundred megabytes without an end of line: no row, in bounded memory (a gigabyte too, by hand)."""
    place = tmp_path / name
    with place.open("wb") as out:
        out.write(b'[{"ip": "' if name.endswith(".json") else b"x")
        out.truncate(100 << 20)
    limit = 300 << 20
    done = subprocess.run(
        [*PROGRAM, str(place)],
        capture_output=True,
        cwd=ROOT,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        timeout=120,
    )
    (told,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (told["outcome"], told["rows"], done.returncode) == ("refused", 0, 2), done.stderr[-500:]
