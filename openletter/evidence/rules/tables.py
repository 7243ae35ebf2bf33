"""Tables and JSON among the forms that are read: proxy lists, saved mappings, recorded answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from openletter.evidence.rules.feeds import Format, SourceBook
from openletter.evidence.rules.recognise import (
    Hint,
    NotRead,
    Recognised,
    by_keys,
    day_of,
    own_mapping,
)
from openletter.wire import dnsblanswers, jsonvalues, mappedcsv, proxylist
from openletter.wire.feedrow import FeedRow
from openletter.wire.lines import Line
from openletter.wire.table import records
from openletter.wire.unpack import Part

_FIRST = (b"{", b"[")
_SNIFFED = 4_096


def is_json(part: Part) -> bool:
    """Whether a part begins as JSON does."""
    head = b""
    for chunk in part.open():
        head += chunk
        if len(head) >= _SNIFFED or head.strip():
            break
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_FIRST)


def recognise_json(part: Part, *, book: SourceBook, hint: Hint) -> Recognised | NotRead:
    """Whose word a JSON file is: the declared source's, or whose keys it has."""
    first = jsonvalues.first(part.open())
    if first is None or first.problem:
        reason = first.problem if first else "empty-file"
        detail = first.excerpt if first else ""
        return NotRead(reason=reason, detail=detail, refused=True)
    keys = _keys(first.value)
    feed = book.get(hint.source) or by_keys(keys, book)
    if hint.source and feed is None:
        return NotRead(reason="source-unknown", refused=True, source=hint.source)
    mapping = own_mapping(hint, feed)
    if mapping is not None:
        feed = feed or book.get(mapping.source or "unnamed-csv")
        if feed is None:
            return NotRead(reason="source-unknown", refused=True, source=mapping.source)
        return Recognised(
            format=Format.MAPPED,
            feed=feed,
            mapping=mapping,
            is_json=True,
            file_time=day_of(part.name),
        )
    feed = feed or (book.get("unnamed-proxies") if proxylist.is_proxy(first.value) else None)
    if feed is None:
        return NotRead(reason="json-needs-mapping")
    if feed.format is not Format.PROXIES:
        return NotRead(reason="format-differs", refused=True, source=feed.id)
    return Recognised(format=Format.PROXIES, feed=feed, is_json=True, file_time=day_of(part.name))


def _keys(value: object) -> frozenset[str]:
    return frozenset(str(key).lower() for key in value) if isinstance(value, dict) else frozenset()


def json_rows(part: Part, known: Recognised) -> Iterator[FeedRow]:
    values = jsonvalues.values(part.open())
    if known.format is Format.PROXIES:
        return proxylist.rows_of_values(values)
    return mappedcsv.rows_of_values(values, known.mapping or mappedcsv.CsvMapping())


def proxy_rows(text: Iterable[Line], known: Recognised) -> Iterator[FeedRow]:
    table = records(without_remarks(text), delimiter=known.delimiter)
    return proxylist.rows_of_records(islice(table, 1, None), known.header)


def answer_rows(text: Iterable[Line], known: Recognised) -> Iterator[FeedRow]:
    return dnsblanswers.rows(text, zone=known.zone, apart=bool(known.feed.codes))


def without_remarks(text: Iterable[Line]) -> Iterator[Line]:
    """A table may have remarks in front of its header."""
    is_head = True
    for line in text:
        is_head = is_head and (line.text.startswith("#") or not line.text.strip())
        if not is_head:
            yield line
