"""Shadowserver report CSV: columns by their header's name, never by position.

Columns move between years (`severity`, `hostname_source`, `sector` came, `sic` went), so a row is
a mapping. The report's type stands in the file's name (`YYYY-MM-DD-type[-id].csv`, `-delayed`);
what a type is worth is data of the source, not known here.
https://www.shadowserver.org/what-we-do/network-reporting/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from openletter.wire.feedrow import FeedRow
from openletter.wire.table import Record
from openletter.wire.visible import visible

REQUIRED = frozenset({"timestamp", "ip"})
COMMON = frozenset({"timestamp", "ip", "asn", "geo", "region", "city", "naics"})
_FACTS = (
    "hostname", "banner", "server", "via", "http", "http_code", "http_reason", "content_type",
    "proxy_authenticate", "tag", "severity", "asn", "geo", "source", "reason", "device_vendor",
    "url", "subject", "src_ip",
)  # fmt: skip
_NAME = re.compile(r"(?:(\d{4})-(\d{2})-(\d{2})-)?([a-z][a-z0-9_]*)", re.ASCII)
_TAG = re.compile(r"[;,]")


def label(name: str) -> str:
    """The last piece of a path or archive name, without folders, whatever the separator."""
    return re.split(r"[/\\!]", name)[-1]


def report_type(name: str) -> str:
    """`2026-11-02-scan_http_proxy-ministry.csv` -> `scan_http_proxy`; empty where there is none."""
    match = _NAME.match(label(name).lower())
    return match.group(4) if match else ""


def report_day(name: str) -> date | None:
    """The day that a feed's file name begins with or carries (`relays-2026-11-02.txt`)."""
    match = re.search(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)", label(name))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def columns(header: Sequence[str]) -> tuple[str, ...]:
    """Column names as we compare them."""
    return tuple(cell.strip().lower() for cell in header)


def looks_like_report(names: Sequence[str]) -> bool:
    """Whether a header is of this family at all (reports name the address ip or src_ip)."""
    have = set(names)
    if "timestamp" not in have or not have & {"ip", "src_ip"}:
        return False
    return COMMON - {"ip"} <= have or {"asn", "geo"} <= have or {"src_asn", "src_geo"} <= have


def rows(records: Iterable[Record], names: Sequence[str]) -> Iterator[FeedRow]:
    """Data rows; `names` are the header's columns. A row with another number of cells is bad."""
    place = {name: at for at, name in enumerate(names)}
    facts = [(name, place[name]) for name in _FACTS if name in place]
    for record in records:
        problem = record.problem or ("" if len(record.cells) == len(names) else "wrong-columns")
        if problem:
            yield FeedRow(
                row=record.number,
                line=record.line,
                problem=problem,
                excerpt=record.excerpt or visible(",".join(record.cells)),
            )
        else:
            yield _row(record, place=place, facts=facts)


def _row(record: Record, *, place: dict[str, int], facts: list[tuple[str, int]]) -> FeedRow:
    cells = record.cells

    def cell(name: str) -> str:
        return cells[place[name]].strip() if name in place else ""

    return FeedRow(
        row=record.number,
        line=record.line,
        address=cell("ip"),
        port=cell("port"),
        protocol=cell("protocol"),
        time=cell("timestamp"),
        tags=tuple(tag for tag in map(str.strip, _TAG.split(cell("tag").lower())) if tag),
        says=cell("reason"),
        facts={name: cells[at] for name, at in facts if cells[at]},
    )
