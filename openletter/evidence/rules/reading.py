"""A file from its bytes to judged rows: unpack, recognise, parse, judge. Streaming, no I/O here.

Nothing of a damaged file comes out: archives are read to their end before the first row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from openletter.evidence.rules.feeds import Format, SourceBook
from openletter.evidence.rules.judge import Circumstances, Judge, Judged
from openletter.evidence.rules.recognise import Hint, NotRead, Recognised, recognise
from openletter.wire import mappedcsv, plainlist, rbldnsd, shadowserver
from openletter.wire.feedrow import FeedRow
from openletter.wire.intervals import Intervals
from openletter.wire.lines import Line, is_utf16, lines
from openletter.wire.table import records
from openletter.wire.unpack import Limits, Part, UnreadableFileError, parts
from openletter.wire.visible import visible
from openletter.words import Judgement

HEAD_LINES = 200
OK, WITH_REJECTS, REFUSED, UNRECOGNISED = "ok", "ok-with-rejects", "refused", "unrecognised"


@dataclass(frozen=True, kw_only=True)
class RowOf:
    """A judged row and the name of the file or archive member that it stands in."""

    file: str
    judged: Judged


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
) -> Iterator[RowOf | FileVerdict]:
    """Judged rows, and one verdict behind the rows of each part. `stream` must be seekable."""
    try:
        found = parts(name, stream, limits=limits)
    except UnreadableFileError as problem:
        yield FileVerdict(file=visible(name, limit=300), outcome=REFUSED, reason=problem.code)
        return
    for part in found:
        yield from _read_part(part, book=book, now=now, hint=hint or Hint())


def _read_part(
    part: Part, *, book: SourceBook, now: datetime, hint: Hint
) -> Iterator[RowOf | FileVerdict]:
    known = _known(part, book=book, hint=hint)
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
    judge = Judge(_circumstances(part, known, now=now))
    judgements: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for row in _rows(part, known):
        for judged in judge.judge(row):
            judgements[judged.judgement] += 1
            reasons[judged.reason] += 1
            yield RowOf(file=part.name, judged=judged)
    yield _verdict(part, known, judgements=judgements, reasons=reasons)


def _known(part: Part, *, book: SourceBook, hint: Hint) -> Recognised | NotRead:
    if part.refused:
        return NotRead(reason=part.refused, refused=True)
    if is_utf16(next(part.open(), b"")):
        return NotRead(reason="wrong-encoding", refused=True)
    head = list(islice(lines(part.open()), HEAD_LINES))
    return recognise(part.name, head, book=book, hint=hint)


def _circumstances(part: Part, known: Recognised, *, now: datetime) -> Circumstances:
    withdrawn = Intervals()
    if known.format is Format.RBLDNSD:
        withdrawn = rbldnsd.exceptions(lines(part.open()))
    mapping = known.mapping
    return Circumstances(
        feed=known.feed,
        now=now,
        file_time=known.file_time,
        time_form=mapping.time_format if mapping else "",
        time_zone=mapping.time_zone if mapping else "",
        only_by_tag=known.only_by_tag,
        withdrawn=withdrawn,
    )


def _rows(part: Part, known: Recognised) -> Iterator[FeedRow]:
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
}


def _verdict(
    part: Part, known: Recognised, *, judgements: Counter[str], reasons: Counter[str]
) -> FileVerdict:
    bad = judgements[Judgement.REJECT] + judgements[Judgement.QUARANTINE]
    return FileVerdict(
        file=part.name,
        outcome=WITH_REJECTS if bad else OK,
        format=known.format,
        source=known.feed.id,
        rows=sum(judgements.values()),
        by_judgement=dict(judgements),
        by_reason=dict(reasons),
    )
