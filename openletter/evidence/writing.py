"""Judged rows on their way into the database, in pieces, under the part of the file."""

from __future__ import annotations

from datetime import datetime

from openletter.evidence.copying import (
    STATED,
    copy_observations,
    copy_ranges,
    copy_rejects,
)
from openletter.evidence.fetching import Undated, date, said_at
from openletter.evidence.known import suspended_in
from openletter.evidence.models import Batch, Part, Source
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import FileVerdict, RowOf
from openletter.evidence.suspending import WHILE_SUSPENDED

PIECE = 5_000
KEPT_REJECTS = 20_000
"""So many refused rows of one file are kept to be looked at; all are counted."""


class PartWriter:
    """Gathers judged rows and writes them in pieces, under the part of the file they stand in."""

    def __init__(self, batch: Batch, *, book: SourceBook, now: datetime) -> None:
        self.batch, self.book, self.now = batch, book, now
        self._part: Part | None = None
        self._newest: datetime | None = None
        self._file = ""
        self._rows: list[Judged] = []
        self._undated = Undated()
        self._kept = 0

    def add(self, told: RowOf) -> None:
        judged = told.judged
        self._file = told.file
        self._rows.append(judged)
        if judged.seen_at is not None and judged.judgement in STATED:
            self._newest = max(self._newest or judged.seen_at, judged.seen_at)
        if _is_kept(judged):
            self._undated.add(judged)
        if len(self._rows) >= PIECE:
            self._flush(judged.source)

    def finish(self, verdict: FileVerdict) -> Part:
        """The part is read: write what is left and what became of it."""
        if self._rows:
            self._flush(self._rows[0].source)
        part = self._part or self._new_part()
        is_known = verdict.source is not None and self.book.get(verdict.source) is not None
        part.source = self._source(verdict.source) if verdict.source and is_known else None
        part.undated_sha256 = self._undated.sha256
        part.undated_at = part.undated_at or said_at(part, None)
        part.feed_at = self._newest or part.undated_at
        if part.source_id in suspended_in(self.batch.exercise):
            part.set_aside = WHILE_SUSPENDED
        part.file = verdict.file
        part.outcome = verdict.outcome
        part.format = verdict.format or ""
        part.reason, part.detail = verdict.reason or "", verdict.detail[:200]
        part.rows = verdict.rows
        part.by_judgement = verdict.by_judgement
        part.by_reason = verdict.by_reason
        part.save()
        date(part)
        self._part = self._newest = None
        self._undated = Undated()
        return part

    def _flush(self, source: str) -> None:
        if self._part is None:
            self._part = self._new_part()
            self._part.source = self._source(source)
            self._part.undated_at = said_at(self._part, None)
            self._part.save()
        stated = [row for row in self._rows if row.judgement in STATED and row.ip is not None]
        ranges = [row for row in self._rows if row.judgement in STATED and row.first is not None]
        others = [row for row in self._rows if not _is_kept(row)]
        copy_observations(stated, batch=self.batch, part=self._part, now=self.now)
        copy_ranges(ranges, batch=self.batch, part=self._part)
        room = max(0, KEPT_REJECTS - self._kept)
        copy_rejects(others[:room], batch=self.batch, part=self._part)
        self._kept += len(others)
        self._rows = []

    def _new_part(self) -> Part:
        return Part(
            batch=self.batch, file=self._file, feed_at=self.batch.stored_at, read_at=self.now
        )

    def _source(self, feed_id: str) -> Source:
        """Its row as the book has it now: another family, or stricter terms, hold at once."""
        feed = self.book.get(feed_id)
        told = {"name": feed.name, "family": feed.family, "terms": dict(feed.terms)} if feed else {}
        row, is_new = Source.objects.get_or_create(pk=feed_id, defaults=told)
        if not is_new and any(getattr(row, name) != value for name, value in told.items()):
            Source.objects.filter(pk=feed_id).update(**told)
            row.refresh_from_db()
        return row


def _is_kept(row: Judged) -> bool:
    """A statement about an address or a network; all else is kept as refused, to be looked at."""
    return row.judgement in STATED and (row.ip is not None or row.first is not None)
