"""X-ARF 0.1 and 0.2: the plain part (`report.txt`) of a mail that reports abuse.

One document (between `---` lines) is one row. `Source` is who is reported; the reporter and the
log lines behind it never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from openletter.wire import fields as named
from openletter.wire.feedrow import FeedRow
from openletter.wire.visible import visible
from openletter.wire.xarf import kind_of_service, slug

NEEDED = ("Reported-From", "Category", "Report-Type", "Date", "Source", "Source-Type")
ONCE = (*NEEDED, "Version", "Port", "Service", "Report-ID", "User-Agent")
VERSIONS = frozenset({"", "0.1", "0.2"})
_SEPARATOR = re.compile(r"(?m)^---[ \t]*$")
_SIGN = re.compile(r"(?mi)^Report-Type[ \t]*:")
_SOURCE = re.compile(r"(?mi)^Source[ \t]*:")
_ADDRESSES = frozenset({"ip-address", "ip", "ipv4", "ipv6", "ipv4-address", "ipv6-address"})
_FACTS = {
    "service": "Service", "reported_from": "Reported-From", "report_id": "Report-ID",
    "user_agent": "User-Agent", "schema": "Schema-URL", "port": "Port",
    "occurrences": "Occurrences",
}  # fmt: skip
MOST = 1_000


def looks_like(text: str) -> bool:
    """Whether a text is such a part."""
    head = text[:20_000]
    return bool(_SIGN.search(head) and _SOURCE.search(head)) and "reported-from" in head.lower()


def rows(text: str, told: Mapping[str, str]) -> Iterator[FeedRow]:
    """One row for each document; `told` is what the mail says of itself."""
    number, line = 0, 1
    for document in _SEPARATOR.split(text):
        if document.strip() and number < MOST:
            number += 1
            yield _row(document, number=number, line=line, told=told)
        line += document.count("\n")


def _row(document: str, *, number: int, line: int, told: Mapping[str, str]) -> FeedRow:
    fields = named.plain(document)
    at = line + _line_of(document)
    if fault := _fault_of(fields):
        code, place = fault
        return FeedRow(row=number, line=at, problem=code, excerpt=visible(place))
    category = slug(named.one(fields, "Category"))
    kind = slug(named.one(fields, "Report-Type"))
    of_service = kind_of_service(kind)
    facts = {key: named.one(fields, name) for key, name in _FACTS.items()}
    return FeedRow(
        row=number,
        line=at,
        address=named.address(named.one(fields, "Source")),
        time=named.moment(named.one(fields, "Date")),
        tags=(f"x-arf:{of_service or kind}",),
        says=f"{category}/{kind}",
        role="exit",
        facts={key: value for key, value in {**facts, **told}.items() if value},
    )


def _fault_of(fields: named.Fields) -> tuple[str, str] | None:
    if place := named.missing(fields, NEEDED):
        return "field-missing", place
    if place := named.twice(fields, ONCE):
        return "field-twice", place
    version = named.one(fields, "Version")
    if version not in VERSIONS:
        return "report-version-unknown", f"Version: {version}"
    kind = slug(named.one(fields, "Source-Type"))
    if kind not in _ADDRESSES:
        return "no-address-reported", f"Source-Type: {kind}"
    return None


def _line_of(document: str) -> int:
    """How many lines down the source stands."""
    found = _SOURCE.search(document)
    return document.count("\n", 0, found.start()) if found else 0
