"""IANA's special-purpose address registries (RFC 6890), in their CSV and XML forms.

One record names one or several prefixes (`192.0.0.170/32, 192.0.0.171/32`), some with a footnote
mark. They are nobody's networks: no contact, no country.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from openletter.wire.registry import (
    Holder,
    Registration,
    Source,
    Subject,
    UnreadableError,
    parse_range,
    plain,
)
from openletter.wire.rpsl import Faults, note
from openletter.wire.xmlevents import End, Start, events

LARGEST = 4 * 1024 * 1024
LONGEST_CELL = 4_000
_FOOTNOTE = re.compile(r"\[[0-9]{1,3}\]")
_XML_IDS = (b"iana-ipv4-special-registry", b"iana-ipv6-special-registry")


def is_special(head: bytes) -> bool:
    """Whether a file begins as one of the two registries does."""
    if head[:1] == b"<":
        return any(each in head for each in _XML_IDS)
    return head[:40].lstrip(b"\xef\xbb\xbf").replace(b'"', b"").startswith(b"Address Block,Name,")


def read(document: bytes, *, faults: Counter[str]) -> Iterator[Registration]:
    """Every prefix of the registry; what is none is noted and passed over."""
    if len(document) > LARGEST:
        raise UnreadableError("too-large")
    records = _xml(document) if document.lstrip()[:1] == b"<" else _csv(document)
    placed = faults if isinstance(faults, Faults) else Faults()
    for placed.line, blocks, name in records:
        for text in _FOOTNOTE.sub(" ", blocks).split(","):
            ends = parse_range(text.strip()) if "/" in text else None
            if ends is None:
                note(faults, "bad-range")
                continue
            yield Registration(
                source=Source.RPSL, registry="iana", subject=Subject.NETWORK,
                handle=plain(text.strip(), 60), name=plain(name, 200), status="special-purpose",
                first=ends[0], last=ends[1], holder=Holder(),
            )  # fmt: skip


def _csv(document: bytes) -> Iterator[tuple[int, str, str]]:
    text = document.decode("utf-8-sig", "replace")
    rows = csv.reader(io.StringIO(text))
    try:
        next(rows, None)
        for row in rows:
            if len(row) >= 2 and any(row):
                yield rows.line_num, row[0][:LONGEST_CELL], row[1][:LONGEST_CELL]
    except csv.Error as problem:
        raise UnreadableError("bad-csv") from problem


def _xml(document: bytes) -> Iterator[tuple[int, str, str]]:
    line, record = 0, {"address": "", "name": ""}
    for event in events([document]):
        if isinstance(event, Start) and event.name == "record":
            line, record = event.line, {"address": "", "name": ""}
        elif isinstance(event, End) and event.name in record:
            record[event.name] = event.text
        elif isinstance(event, End) and event.name == "record":
            yield line, record["address"], record["name"]
