"""`openletter ingest --dry-run` on reports and mails: the form, the exit codes, the refusals."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.catalogue import sentence
from openletter.cli import app
from openletter.evidence import sourcebook
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.words import Reason
from tests.wire.feed_files import NOW, proxy_report, proxy_row, zipped
from tests.wire.mail_files import PROSE, arf, attached, mail
from tests.wire.xarf_files import as_bytes, fourth, third

REPORT = "2026-03-02-scan_http_proxy-a.csv"


def ingest(folder: Path, files: dict[str, bytes]) -> tuple[int, list[dict[str, object]]]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    paths = [str(folder / name) for name in files]
    arguments = ["ingest", "--dry-run", "--rows", "--json", "--at", "2026-03-02T12:00:00Z"]
    result = CliRunner().invoke(app, [*arguments, *paths])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (as_bytes(fourth()), "r.json", 0),
        (as_bytes(fourth(), third(), form="array"), "r.json", 0),
        (arf(), "r.eml", 0),
        (as_bytes(fourth(service="redis")), "r.json", 1),
        (as_bytes(fourth(), fourth(timestamp="soon"), form="lines"), "r.ndjson", 1),
        (as_bytes(fourth(timestamp="soon")), "r.json", 2),
        (as_bytes(fourth(timestamp="soon"), third(Version="9"), form="lines"), "r.ndjson", 2),
        (as_bytes(fourth())[:-40], "r.json", 2),
        (as_bytes(fourth(), third(), form="array")[:-5], "r.json", 2),
        (as_bytes(fourth(), third(), form="lines")[:-5], "r.ndjson", 1),
        (arf(Version=None), "r.eml", 2),
        (mail(PROSE), "r.eml", 2),
        (b"[]", "r.json", 2),
    ],
)
def test_exit_codes_say_whether_all_some_or_nothing_was_taken(
    tmp_path: Path, content: bytes, name: str, code: int
) -> None:
    found, objects = ingest(tmp_path, {name: content})
    assert found == code
    assert objects[-1]["type"] == "file"


def test_a_report_in_a_mail_in_an_archive_is_told_with_its_whole_name(tmp_path: Path) -> None:
    raw = mail(PROSE, attached("x.zip", zipped({REPORT: proxy_report(proxy_row("192.0.2.1"))})))
    code, (row, file) = ingest(tmp_path, {"day.zip": zipped({"m.eml": raw})})
    assert code == 0
    assert row["file"] == file["file"] == f"{tmp_path}/day.zip!m.eml!x.zip!{REPORT}"
    assert (row["ip"], row["port"], row["judgement"], row["line"]) == (
        "192.0.2.1",
        3128,
        "accept",
        2,
    )
    assert str(file["detail"]).startswith("by mail, Reports <reports@example.net>, 2026-03-02T06")


def test_a_report_of_something_else_keeps_what_it_says(tmp_path: Path) -> None:
    code, (row, file) = ingest(tmp_path, {"r.json": as_bytes(third({"ServiceName": "redis"}))})
    assert (code, file["outcome"]) == (1, "ok-with-rejects")
    assert {name: row[name] for name in ("ip", "port", "protocol", "role", "seen_at", "code")} == {
        "ip": "192.0.2.55",
        "port": 3128,
        "protocol": "tcp",
        "role": "entry",
        "seen_at": "2026-03-02T06:00:00Z",
        "code": "open-service:redis",
    }
    assert (row["judgement"], row["reason"]) == ("reject", "not-about-our-weaknesses")


def test_an_invalid_report_is_refused_with_its_place(tmp_path: Path) -> None:
    broken = third({"SourcePort": 70_000})
    code, (row, file) = ingest(tmp_path, {"r.json": as_bytes(broken)})
    assert (code, file["outcome"], file["reason"]) == (2, "refused", "bad-port")
    assert file["detail"] == "Report.SourcePort: 70000"
    assert (row["judgement"], row["reason"], row["ip"]) == ("reject", "bad-port", None)


def test_of_json_that_breaks_off_nothing_is_taken(tmp_path: Path) -> None:
    whole = as_bytes(fourth(), fourth(), third(), form="array")
    for broken in (whole[:-3], whole + b"]", whole.replace(b'"Version"', b'Version"')):
        code, objects = ingest(tmp_path, {"r.json": broken})
        (file,) = objects
        assert (code, file["outcome"], file["rows"]) == (2, "refused", 0)
        assert file["reason"] in {"json-broken", "json-cut-off"}
        assert str(file["detail"]).startswith("line ")


def test_every_fault_has_a_sentence_in_both_languages() -> None:
    for code in (
        "not-a-report", "report-type-unknown", "report-version-unknown", "field-missing",
        "field-twice", "field-unknown", "field-wrong-type", "field-not-allowed", "bad-port",
        "bad-time", "bad-address", "bad-host-name", "bad-mail-address", "bad-link",
        "no-address-reported", "json-broken", "json-cut-off", "json-too-large", "json-too-deep",
        "json-doubled-key", "json-number", "json-half-letter", "wrong-encoding",
        "mail-without-report", "mail-too-large", "mail-too-deep", "mail-cut-off",
        "mail-encrypted", "damaged-attachment", "unnamed-in-mail", "too-many-members",
        "attacked", "taken-over", "complaint-taken-back", "reported-only",
    ):  # fmt: skip
        for language in ("en", "nl"):
            assert sentence("openletter.evidence", Reason(code=code), language) != code


# -- a gigabyte on one line ----------------------------------------------------------------------


class Vast(io.RawIOBase):
    """A file of a gigabyte that lies nowhere: a beginning, then the same bytes on and on."""

    SIZE = 1 << 30

    def __init__(self, head: bytes, fill: bytes) -> None:
        self.head, self.fill, self.at = head, fill * ((1 << 16) // len(fill)), 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = {0: 0, 1: self.at, 2: self.SIZE}[whence] + offset
        return self.at

    def read(self, size: int = -1) -> bytes:
        if self.at >= self.SIZE:
            return b""
        held, behind = (
            (self.head, self.at)
            if self.at < len(self.head)
            else (self.fill, (self.at - len(self.head)) % len(self.fill))
        )
        piece = held[behind : behind + (size if size >= 0 else len(held))]
        self.at += len(piece)
        return piece


@pytest.mark.parametrize(
    ("head", "fill", "name", "reasons"),
    [
        (b'{"xarf_version":"4.2.0","type":"', b"a", "r.json", {"json-too-large"}),
        (b'[{"xarf_version":"4.2.0"},', b"[", "r.json", {"json-too-deep"}),
        (b"From: a@example.net\r\nTo: b@example.net\r\n\r\n", b"x", "r.eml", {"mail-too-large"}),
        (b"", b"\0", "r.bin", {"wrong-encoding"}),
    ],
)
def test_a_gigabyte_on_one_line_ends_in_a_refusal(
    head: bytes, fill: bytes, name: str, reasons: Sequence[str]
) -> None:
    began = time.process_time()
    events = list(
        read_file(name, Vast(head, fill), book=sourcebook.packaged(), now=NOW)  # type: ignore[arg-type]
    )
    (verdict,) = [event for event in events if isinstance(event, FileVerdict)]
    assert (verdict.outcome, verdict.reason) == ("refused", *reasons)
    assert sum(1 for event in events if isinstance(event, RowOf)) == verdict.rows <= 2
    assert time.process_time() - began < 5
