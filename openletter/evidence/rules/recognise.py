"""Which form a file has and whose word it is, from its name and its first lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from openletter.evidence.rules.feeds import Feed, Format, SourceBook
from openletter.evidence.rules.times import parse_time
from openletter.wire import mappedcsv, plainlist, rbldnsd, shadowserver
from openletter.wire.lines import Line
from openletter.wire.table import records

UNNAMED = {
    Format.PLAIN: "unnamed-list",
    Format.RBLDNSD: "unnamed-zone",
    Format.MAPPED: "unnamed-csv",
}
_JSON = re.compile(r"[\[{]\s*($|[\"{\[\]}])")
_MARKUP = re.compile(r"<(\?xml|!doctype|html|[a-z]+[ >])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What whoever hands over the file says about it."""

    source: str = ""
    mapping: mappedcsv.CsvMapping | None = None


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """How to read a file and whose word it is. `header` holds a table's column names."""

    format: Format
    feed: Feed
    only_by_tag: bool = False
    header: tuple[str, ...] = ()
    mapping: mappedcsv.CsvMapping | None = None
    file_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NotRead:
    """Why a file is not read. `refused`: it is known and cannot or need not be; else unknown."""

    reason: str
    detail: str = ""
    refused: bool = False
    format: str = ""
    source: str = ""


def recognise(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    """`head` is the beginning of the file, enough lines to show its form."""
    first = next((line.text.strip() for line in head if line.text.strip()), "")
    if not first:
        return NotRead(reason="empty-file", refused=True)
    if hint.mapping is not None:
        return _mapped(name, head, book=book, hint=hint)
    if reason := _other_form(head, first):
        return NotRead(reason=reason)
    if rbldnsd.is_zone(head):
        return _zone(name, head, book=book, hint=hint)
    header = _header(head)
    if shadowserver.looks_like_report(header):
        return _report(name, header, book=book, hint=hint)
    declared = book.get(hint.source)
    if declared is not None and declared.format is Format.RBLDNSD:
        return _zone(name, head, book=book, hint=hint)
    return _list_or_unknown(name, head, book=book, hint=hint)


def _other_form(head: Sequence[Line], first: str) -> str:
    """Forms that are known and not read here."""
    if _JSON.match(first):
        return "json-not-read"
    if _MARKUP.match(first):
        return "markup-not-read"
    broken = sum(1 for line in head if line.problem in {"nul-byte", "wrong-encoding"})
    return "binary" if broken * 2 > len(head) else ""


def _header(head: Sequence[Line]) -> tuple[str, ...]:
    record = next(records(line for line in head if not line.text.startswith("#")), None)
    return shadowserver.columns(record.cells) if record else ()


def _report(
    name: str, header: tuple[str, ...], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    form = Format.SHADOWSERVER
    doubled = len(set(header)) != len(header)
    if doubled:
        return NotRead(reason="duplicate-column", refused=True, format=form)
    report = shadowserver.report_type(name)
    feed = book.get(hint.source) or book.by_report(report)
    by_name = feed is not None
    if feed is None and report.startswith(book.other_reports):
        return NotRead(reason="not-about-our-weaknesses", detail=report, refused=True, format=form)
    feed = feed or book.by_columns(header)
    if feed is None:
        return NotRead(reason="not-about-our-weaknesses", refused=True, format=form)
    if missing := sorted(shadowserver.REQUIRED - set(header)):
        return NotRead(
            reason="column-missing", detail=missing[0], refused=True, format=form, source=feed.id
        )
    doubtful = not by_name and bool(feed.weakness)
    return Recognised(format=form, feed=feed, only_by_tag=doubtful, header=header)


def _zone(name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint) -> Recognised | NotRead:
    feed = (
        book.get(hint.source)
        or book.by_zone(rbldnsd.zone_of(head))
        or book.by_zone(shadowserver.label(name))
        or book.get(UNNAMED[Format.RBLDNSD])
    )
    if feed is None:
        return NotRead(reason="source-unknown", refused=True, format=Format.RBLDNSD)
    told = rbldnsd.written_at(head)
    written = parse_time(told, form="epoch") or parse_time(told)
    return Recognised(
        format=Format.RBLDNSD, feed=feed, file_time=_written(head, feed) or written or _day_of(name)
    )


def _mapped(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    mapping = hint.mapping or mappedcsv.CsvMapping()
    source = hint.source or mapping.source or UNNAMED[Format.MAPPED]
    feed = book.get(source)
    if feed is None:
        return NotRead(reason="source-unknown", refused=True, format=Format.MAPPED, source=source)
    record = next(records(iter(head), delimiter=mapping.delimiter), None)
    if record is None or record.problem:
        return NotRead(reason="header-unreadable", refused=True, format=Format.MAPPED)
    header = shadowserver.columns(record.cells)
    if len(set(header)) != len(header):
        return NotRead(reason="duplicate-column", refused=True, format=Format.MAPPED)
    if missing := mappedcsv.missing_columns(mapping, header):
        return NotRead(
            reason="column-missing",
            detail=missing[0],
            refused=True,
            format=Format.MAPPED,
            source=feed.id,
        )
    return Recognised(
        format=Format.MAPPED, feed=feed, header=header, mapping=mapping, file_time=_day_of(name)
    )


def _list_or_unknown(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    feed = book.get(hint.source) or _by_mark(head, book)
    if hint.source and feed is None:
        return NotRead(reason="source-unknown", refused=True, source=hint.source)
    if feed is None and plainlist.is_list(head):
        feed = book.get(UNNAMED[Format.PLAIN])
    if feed is not None and feed.format is Format.PLAIN:
        written = _written(head, feed) or _day_of(name)
        return Recognised(format=Format.PLAIN, feed=feed, file_time=written)
    if feed is not None:
        return NotRead(reason="format-differs", refused=True, source=feed.id)
    return NotRead(reason="csv-needs-mapping" if _is_table(head) else "format-unknown")


def _by_mark(head: Sequence[Line], book: SourceBook) -> Feed | None:
    """The list that names itself in its comments."""
    for feed in book:
        for mark in feed.marks:
            if any(re.search(mark, line.text) for line in head):
                return feed
    return None


def _written(head: Sequence[Line], feed: Feed) -> datetime | None:
    """When a list says in its head that it was written."""
    if feed.dated is None:
        return None
    pattern, form = feed.dated
    for line in head:
        if match := re.search(pattern, line.text):
            return parse_time(match.group("time"), form=form)
    return None


def _day_of(name: str) -> datetime | None:
    day = shadowserver.report_day(name)
    return datetime.combine(day, time(), tzinfo=UTC) if day else None


def _is_table(head: Sequence[Line]) -> bool:
    """The first lines hold the same number of commas, semicolons or tabs, and at least one."""
    texts = [line.text for line in head if line.text.strip() and not line.text.startswith("#")][:5]
    for mark in ",;\t":
        counts = {text.count(mark) for text in texts}
        if len(texts) > 1 and len(counts) == 1 and counts != {0}:
            return True
    return False
