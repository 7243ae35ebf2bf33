"""Which form a file has and whose word it is, from its name and its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from openletter.evidence.rules.feeds import Feed, Format, SourceBook
from openletter.evidence.rules.times import parse_time
from openletter.wire import (
    dnsblanswers,
    mappedcsv,
    plainlist,
    proxylist,
    rbldnsd,
    shadowserver,
)
from openletter.wire.lines import Line
from openletter.wire.table import records

UNNAMED = {
    Format.PLAIN: "unnamed-list",
    Format.RBLDNSD: "unnamed-zone",
    Format.MAPPED: "unnamed-csv",
    Format.PROXIES: "unnamed-proxies",
    Format.ANSWERS: "unnamed-zone",
}
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
    delimiter: str = ","
    zone: str = ""
    is_json: bool = False


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
    if problem := _never_read(head):
        return NotRead(reason=problem, refused=True)
    mapping = own_mapping(hint, book.get(hint.source))
    if mapping is not None:
        return _mapped(name, head, book=book, hint=replace(hint, mapping=mapping))
    if reason := _other_form(head, first):
        return NotRead(reason=reason)
    return _by_form(name, head, book=book, hint=hint)


def _by_form(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    """Whatever shows its form: answers, a zone, a report, a table with a header, a list."""
    if dnsblanswers.is_answers(head):
        return _answers(name, head, book=book, hint=hint)
    if rbldnsd.is_zone(head):
        return _zone(name, head, book=book, hint=hint)
    header = _header(head)
    if shadowserver.looks_like_report(header):
        return _report(name, header, book=book, hint=hint)
    declared = book.get(hint.source)
    if declared is not None and declared.format is Format.RBLDNSD:
        return _zone(name, head, book=book, hint=hint)
    if (table := _table(name, head, book=book, hint=hint)) is not None:
        return table
    return _list_or_unknown(name, head, book=book, hint=hint)


def own_mapping(hint: Hint, feed: Feed | None) -> mappedcsv.CsvMapping | None:
    """The mapping that was handed in, else the one that the source saved."""
    return hint.mapping or (feed.mapping if feed is not None else None)


def _never_read(head: Sequence[Line]) -> str:
    """A file whose first line has no end that we wait for is no list, whatever it holds."""
    first = next((line for line in head if line.problem or line.text.strip()), None)
    return "line-too-long" if first is not None and first.problem == "line-too-long" else ""


def by_keys(names: Iterable[str], book: SourceBook) -> Feed | None:
    """The source whose tables have all these columns; it says so itself."""
    have = set(names)
    fitting = [
        feed
        for feed in book
        if feed.by_columns
        and feed.format in {Format.MAPPED, Format.PROXIES}
        and feed.columns
        and feed.columns <= have
    ]
    return max(fitting, key=lambda feed: len(feed.columns), default=None)


def _table(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead | None:
    """A table that tells by its header what it is; None where it doesn't."""
    for delimiter in ",;\t|":
        kept = (line for line in head if not line.text.startswith("#"))
        record = next(records(kept, delimiter=delimiter), None)
        header = shadowserver.columns(record.cells) if record else ()
        if len(header) < 2:
            continue
        if len(set(header)) != len(header):
            return None
        feed = book.get(hint.source) or by_keys(header, book)
        if feed is not None and feed.format is Format.MAPPED and feed.mapping is not None:
            mapping = replace(feed.mapping, delimiter=delimiter)
            known = Hint(source=feed.id, mapping=mapping)
            return _mapped(name, list(head), book=book, hint=known)
        if proxylist.is_header(header) and (feed is None or feed.format is Format.PROXIES):
            return _proxies(name, header, feed or book.get(UNNAMED[Format.PROXIES]), delimiter)
    return None


def _proxies(
    name: str, header: tuple[str, ...], feed: Feed | None, delimiter: str
) -> Recognised | NotRead:
    if feed is None:
        return NotRead(reason="source-unknown", refused=True, format=Format.PROXIES)
    return Recognised(
        format=Format.PROXIES,
        feed=feed,
        header=header,
        delimiter=delimiter,
        file_time=day_of(name),
    )


def _answers(
    name: str, head: Sequence[Line], *, book: SourceBook, hint: Hint
) -> Recognised | NotRead:
    zone = dnsblanswers.zone_of(head)
    feed = book.get(hint.source) or book.by_zone(zone) or book.get(UNNAMED[Format.ANSWERS])
    if feed is None:
        return NotRead(reason="source-unknown", refused=True, format=Format.ANSWERS)
    return Recognised(format=Format.ANSWERS, feed=feed, zone=zone, file_time=day_of(name))


def _other_form(head: Sequence[Line], first: str) -> str:
    """Forms that are known and not read here."""
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
    named = bool(shadowserver.report_day(name)) and "_" in report
    if feed is None and (named or report.startswith(book.other_reports)):
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
    if rbldnsd.names_domains(head):
        return NotRead(reason="names-not-addresses", refused=True, format=Format.RBLDNSD)
    told = rbldnsd.written_at(head)
    written = parse_time(told, form="epoch") or parse_time(told)
    return Recognised(
        format=Format.RBLDNSD, feed=feed, file_time=_written(head, feed) or written or day_of(name)
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
        format=Format.MAPPED, feed=feed, header=header, mapping=mapping, file_time=day_of(name)
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
        written = _written(head, feed) or day_of(name)
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


def day_of(name: str) -> datetime | None:
    """The day in a file's name, as a moment."""
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
