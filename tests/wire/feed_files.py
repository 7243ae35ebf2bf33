"""Feeds for tests, written as their makers write them; documentation addresses only."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime

from openletter.evidence import sourcebook
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.wire.unpack import Limits

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PROXY_HEADER = (
    "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,hostname_source,"
    "sector,http,http_code,http_reason,content_type,connection,proxy_authenticate,via,server,"
    "content_length,transfer_encoding,http_date"
)


def proxy_row(
    ip: str = "192.0.2.1",
    *,
    port: str = "3128",
    time: str = "2026-03-02 06:00:00",
    tag: str = "http-connect-proxy",
    hostname: str = "",
    code: str = "200",
    server: str = "",
) -> str:
    """A data row of today's scan_http_proxy report."""
    return (
        f"{time},medium,{ip},tcp,{port},{hostname},{tag},64496,NL,Region,City,0,ptr,,HTTP/1.1,"
        f"{code},Connection established,,,,,{server},,,"
    )


def proxy_report(*rows: str) -> bytes:
    return "\n".join([PROXY_HEADER, *rows, ""]).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def judge_bytes(
    content: bytes,
    name: str = "2026-03-02-scan_http_proxy-example.csv",
    *,
    hint: Hint | None = None,
    limits: Limits | None = None,
    now: datetime = NOW,
) -> tuple[list[Judged], list[FileVerdict]]:
    """Every judged row and every verdict on a file or member."""
    rows: list[Judged] = []
    verdicts: list[FileVerdict] = []
    events = read_file(
        name,
        io.BytesIO(content),
        book=sourcebook.packaged(),
        now=now,
        hint=hint,
        limits=limits,
    )
    for event in events:
        if isinstance(event, RowOf):
            rows.append(event.judged)
        else:
            verdicts.append(event)
    return rows, verdicts


def reasons(content: bytes, name: str = "2026-03-02-scan_http_proxy-example.csv") -> list[str]:
    return [row.reason for row in judge_bytes(content, name)[0]]
