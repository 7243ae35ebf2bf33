"""A file from its bytes to judged rows: unpack, recognise, parse, judge. Streaming, no I/O here.

Nothing of a damaged file comes out: archives are read to their end before the first row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Protocol

from openletter.evidence.rules import tables
from openletter.evidence.rules.feeds import Format, SourceBook
from openletter.evidence.rules.judge import Circumstances, Judge, Judged
from openletter.evidence.rules.recognise import Hint, NotRead, Recognised, recognise
from openletter.evidence.rules.reports import (
    broken_json,
    is_all_broken,
    mail_time,
    provenance,
    recognise_report,
    report_rows,
    unnamed_in_mail,
)
from openletter.evidence.rules.spaces import Spaces
from openletter.wire import mappedcsv, plainlist, rbldnsd, shadowserver
from openletter.wire.containers import contents as contents_here
from openletter.wire.feedrow import FeedRow
from openletter.wire.intervals import Intervals
from openletter.wire.lines import Line, is_utf16, lines
from openletter.wire.table import records
from openletter.wire.unpack import Limits, Part, UnreadableFileError
from openletter.wire.visible import visible
from openletter.words import Judgement

HEAD_LINES = 200


class Contents(Protocol):
    """Opens a file: the parts that are to be judged one by one."""

    def __call__(
        self, name: str, stream: BinaryIO, *, limits: Limits | None = None
    ) -> Iterable[Part]: ...


OK, WITH_REJECTS, REFUSED, UNRECOGNISED = "ok", "ok-with-rejects", "refused", "unrecognised"


@dataclass(frozen=True, kw_only=True)
class RowOf:
    """A judged row and the name of the file or archive member that it stands in."""

    file: str
    judged: Judged


Wide = Callable[[Part, Recognised, Circumstances], "Iterator[RowOf | FileVerdict] | None"]
"""Judges a whole part in columns; None where it leaves it to the way row by row."""


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """What became of a file or archive member; `rows` is the sum of `by_judgement`."""

    file: str
    outcome: str
    format: str | None = None
    source: str | None = None
    reason: str | None = None
    detail: str = ""
    rows: int = 0
    by_judgement: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        return self.outcome in {OK, WITH_REJECTS}


def read_file(
    name: str,
    stream: BinaryIO,
    *,
    book: SourceBook,
    now: datetime,
    hint: Hint | None = None,
    limits: Limits | None = None,
    contents: Contents = contents_here,
    spaces: Spaces | None = None,
    wide: Wide | None = None,
) -> Iterator[RowOf | FileVerdict]:
    """Judged rows, and one verdict behind the rows of each part. `stream` must be seekable.

    `contents` opens archives and mails; a stranger's are opened by `evidence.apart`. `wide` may
    judge a part in columns instead of row by row.
    """
    try:
        found = contents(name, stream, limits=limits)
    except UnreadableFileError as problem:
        yield FileVerdict(file=visible(name, limit=300), outcome=REFUSED, reason=problem.code)
        return
    around = _Around(book=book, now=now, hint=hint or Hint(), spaces=spaces or Spaces(), wide=wide)
    for part in found:
        yield from _read_part(part, around)


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What holds for every part of a file."""

    book: SourceBook
    now: datetime
    hint: Hint
    spaces: Spaces
    wide: Wide | None


def _read_part(part: Part, around: _Around) -> Iterator[RowOf | FileVerdict]:
    known = known_form(part, book=around.book, hint=around.hint)
    if isinstance(known, NotRead):
        yield FileVerdict(
            file=part.name,
            outcome=REFUSED if known.refused else UNRECOGNISED,
            reason=known.reason,
            detail=known.detail,
            format=known.format or None,
            source=known.source or None,
        )
        return
    holds = circumstances(part, known, now=around.now, spaces=around.spaces)
    if around.wide is not None and (events := around.wide(part, known, holds)) is not None:
        yield from events
        return
    judge = Judge(holds)
    tally = _Tally()
    for row in _rows(part, known):
        tally.take(row)
        for judged in judge.judge(row):
            tally.judgements[judged.judgement] += 1
            tally.reasons[judged.reason] += 1
            yield RowOf(file=part.name, judged=judged)
    yield _verdict(part, known, tally)


def known_form(part: Part, *, book: SourceBook, hint: Hint) -> Recognised | NotRead:
    """How a part is to be read and whose word it is."""
    known = _form_of(part, book=book, hint=hint)
    return unnamed_in_mail(part, known, hint=hint) or broken_json(part, known) or known


def _form_of(part: Part, *, book: SourceBook, hint: Hint) -> Recognised | NotRead:
    if part.refused:
        return NotRead(reason=part.refused, refused=part.refused != "mail-without-report")
    if is_utf16(next(part.open(), b"")):
        return NotRead(reason="wrong-encoding", refused=True)
    if (report := recognise_report(part, book=book, hint=hint)) is not None:
        return report
    if tables.is_json(part):
        return tables.recognise_json(part, book=book, hint=hint)
    head = list(islice(lines(part.open()), HEAD_LINES))
    return recognise(part.name, head, book=book, hint=hint)


def circumstances(
    part: Part, known: Recognised, *, now: datetime, spaces: Spaces | None = None
) -> Circumstances:
    """What holds for all rows of a part."""
    withdrawn = Intervals()
    if known.format is Format.RBLDNSD:
        withdrawn = rbldnsd.exceptions(lines(part.open()))
    mapping = known.mapping
    return Circumstances(
        feed=known.feed,
        now=now,
        file_time=known.file_time or mail_time(part),
        time_form=mapping.time_format if mapping else "",
        time_zone=mapping.time_zone if mapping else "",
        only_by_tag=known.only_by_tag,
        withdrawn=withdrawn,
        spaces=spaces or Spaces(),
    )


def _rows(part: Part, known: Recognised) -> Iterator[FeedRow]:
    report = report_rows(part, known)
    if report is not None:
        return report
    if known.is_json:
        return tables.json_rows(part, known)
    return _PARSERS[known.format](lines(part.open()), known)


def _shadowserver(text: Iterator[Line], known: Recognised) -> Iterator[FeedRow]:
    return shadowserver.rows(islice(records(text), 1, None), known.header)


def _mapped(text: Iterator[Line], known: Recognised) -> Iterator[FeedRow]:
    mapping = known.mapping or mappedcsv.CsvMapping()
    table = records(text, delimiter=mapping.delimiter)
    return mappedcsv.rows(islice(table, 1, None), known.header, mapping)


def _plain(text: Iterator[Line], known: Recognised) -> Iterator[FeedRow]:
    return plainlist.rows(text, skip=known.feed.skip)


def _zone(text: Iterator[Line], known: Recognised) -> Iterator[FeedRow]:
    return rbldnsd.rows(text)


_PARSERS: dict[Format, Callable[[Iterator[Line], Recognised], Iterator[FeedRow]]] = {
    Format.SHADOWSERVER: _shadowserver,
    Format.MAPPED: _mapped,
    Format.PLAIN: _plain,
    Format.RBLDNSD: _zone,
    Format.PROXIES: tables.proxy_rows,
    Format.ANSWERS: tables.answer_rows,
}


@dataclass
class _Tally:
    """What became of the rows of a part, and the first that could not be read."""

    records: int = 0
    broken: int = 0
    first: FeedRow | None = None
    judgements: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, row: FeedRow) -> None:
        self.records += 1
        if row.problem:
            self.broken += 1
            self.first = self.first or row


def _verdict(part: Part, known: Recognised, tally: _Tally) -> FileVerdict:
    bad = tally.judgements[Judgement.REJECT] + tally.judgements[Judgement.QUARANTINE]
    told = FileVerdict(
        file=part.name,
        outcome=WITH_REJECTS if bad else OK,
        format=known.format,
        source=known.feed.id,
        detail=provenance(part),
        rows=sum(tally.judgements.values()),
        by_judgement=dict(tally.judgements),
        by_reason=dict(tally.reasons),
    )
    if tally.first and is_all_broken(known, rows=tally.records, broken=tally.broken):
        first = tally.first
        return replace(told, outcome=REFUSED, reason=first.problem, detail=first.excerpt)
    return told
