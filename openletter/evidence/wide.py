"""Big files on their way in: judged in columns, kept as Parquet, and what rows need in PostgreSQL.

Nothing is half there: the day's file is renamed into place before the transaction that names it
commits, and a file that no part names is as good as none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from django.conf import settings

from openletter.columns.engine import Desk, TooMuchError, desk, file
from openletter.evidence import comparing, dayfiles, fetching, spool
from openletter.evidence.columnar import Sheet
from openletter.evidence.kinds import moment_of
from openletter.evidence.labels import join, labels_of
from openletter.evidence.layouts import laid_out
from openletter.evidence.models import Batch, Part, Source
from openletter.evidence.rules import reading, signs
from openletter.evidence.rules.fullness import Counts, why_not_whole
from openletter.evidence.rules.judge import Circumstances
from openletter.evidence.rules.reading import FileVerdict, RowOf
from openletter.evidence.rules.recognise import Recognised
from openletter.evidence.rules.spaces import Spaces
from openletter.evidence.weighing import world_policy
from openletter.wire import unpack
from openletter.wire.lines import lines
from openletter.words import Judgement

log = structlog.get_logger()
FROM_BYTES = 16 << 20
"""Files smaller than this are read row by row: there the engine's start is not worth it."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A part that was judged and waits for its row in the database."""

    path: Path
    seen: datetime | None
    compared: comparing.Compared
    before: Part | None


class WideReader:
    """The `wide` reader of one batch, and what is to be done when a part of it is stored."""

    def __init__(self, batch: Batch, *, spaces: Spaces, now: datetime) -> None:
        self.batch, self.spaces, self.now = batch, spaces, now
        self._exits = ExitStack()
        self._desk: Desk | None = None
        self._read: _Read | None = None
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    # -- reading ---------------------------------------------------------------------------------

    def __call__(
        self, part: unpack.Part, known: Recognised, around: Circumstances
    ) -> Iterator[RowOf | FileVerdict] | None:
        found = laid_out(known, part) if _is_big(part) else None
        if found is None:
            return None
        known, layout = found
        sheet = Sheet(self._opened(), layout=layout, around=around)
        return self._bounded(part, known, self._events(part, known, sheet))

    def _bounded(
        self, part: unpack.Part, known: Recognised, events: Iterator[RowOf | FileVerdict]
    ) -> Iterator[RowOf | FileVerdict]:
        """What the engine has no room for is refused; rows come behind all its work, so none is."""
        try:
            yield from events
        except TooMuchError as problem:
            log.warning("feed-too-much", file=part.name, problem=str(problem)[:200])
            yield FileVerdict(
                file=part.name,
                outcome=reading.REFUSED,
                reason="reader-out-of-memory",
                format=known.format,
                source=known.feed.id,
            )

    def _events(
        self, part: unpack.Part, known: Recognised, sheet: Sheet
    ) -> Iterator[RowOf | FileVerdict]:
        at = self._opened()
        head = list(islice(lines(part.open()), reading.HEAD_LINES))
        sheet.read(part.open(), head=head, original=self._original(part))
        log.info("feed-read", file=part.name, lines=sheet.told.lines)
        before = self._before(known.feed.id)
        files: list[Path] = []
        newest, told = 0, comparing.NOTHING
        days = [dayfiles.place_of(before)] if before else []
        comparing.known_from(at, days, once=sheet.is_one_piece)
        for piece in sheet.pieces():
            files.append(at.place(f"part-{self._count}-{len(files)}.parquet"))
            sheet.write(files[-1], labels=labels_of(known))
            newest = max(newest, at.number(_NEWEST))
            told += comparing.compare(at, piece)
            log.info("feed-judged", piece=len(files), of=max(1, piece.pieces), **told.as_json())
        self._read = _Read(
            path=join(at, files, labels=labels_of(known)),
            seen=moment_of(newest) if newest else None,
            compared=told,
            before=before,
        )
        rows = sorted([*sheet.networks(), *sheet.kept_refusals()], key=lambda one: one.row)
        for one in rows:
            yield RowOf(file=part.name, judged=one)
        yield _verdict(part, known, sheet)

    def _opened(self) -> Desk:
        if self._desk is None:
            state = Path(settings.STATE).resolve()
            dayfiles.folder().mkdir(parents=True, exist_ok=True, mode=0o700)
            also = [dayfiles.folder(), spool.place(bytes(self.batch.sha256)).resolve()]
            self._desk = self._exits.enter_context(desk(state / "columns", also=also))
        return self._desk

    def _original(self, part: unpack.Part) -> Path | None:
        """The kept file itself, where the part is all of it and nothing was unpacked."""
        path = spool.place(bytes(self.batch.sha256)).resolve()
        with path.open("rb") as stream:
            head = stream.read(1 << 12)
        first = next(part.open(), b"")
        return path if first and first.startswith(head) and "!" not in part.name else None

    # -- storing ---------------------------------------------------------------------------------

    def settle(self, part: Part) -> None:
        """The part has its row: put its file in place, compare, and write what rows need."""
        if self._read is None or part.source is None:
            return
        done, self._read = self._read, None
        part.feed_at = done.seen or part.feed_at
        part.day_file = dayfiles.name_of(part, number=self._count)
        self._count += 1
        _put_in_place(done.path, dayfiles.place_of(part))
        undated = dayfiles.undated(self._opened(), dayfiles.place_of(part))
        part.undated_sha256 = undated or part.undated_sha256
        part.compared = self._compared(part, done)
        part.save()
        fetching.date(part)
        self._promote(part)

    def _before(self, source: str) -> Part | None:
        """The newest whole feed of the same source."""
        kept = dayfiles.kept(self.batch.exercise, now=self.now)
        same = (one for one in kept if one.source_id == source and one.batch.complete)
        return next(same, None)

    def _compared(self, part: Part, done: _Read) -> dict[str, object]:
        before = done.before
        told: dict[str, object] = dict(done.compared.as_json())
        why = why_not_whole(
            Counts.of(part.rows, part.by_judgement),
            Counts.of(before.rows, before.by_judgement) if before else None,
            is_complete=self.batch.complete,
        )
        if why:
            told |= {"not_named": told.pop("gone"), "why": why}
        return told | {"beside": before.pk if before else None}

    def _promote(self, part: Part) -> None:
        """Statements about targets that can become a finding, or that PostgreSQL knew before."""
        at, source = self._opened(), part.source
        others = [one for one in dayfiles.kept(self.batch.exercise, now=self.now) if one != part]
        if source is None:
            return
        dayfiles.held(at, self.batch.exercise)
        _table(at, "named", [dayfiles.place_of(part)], says=signs.RANKED)
        needed = world_policy(self.batch.exercise).families_needed
        families = dict(Source.objects.values_list("pk", "family"))
        strangers = [one for one in others if families[str(one.source_id)] != source.family]
        if needed <= 1:
            at.run("CREATE OR REPLACE TEMP TABLE also AS SELECT * FROM named")
        else:
            files = [dayfiles.place_of(one) for one in strangers]
            _table(at, "also", files, says=(signs.ACCEPT,))
        at.run(_TOUCHED)
        at.run(_UNKNOWN)
        count = dayfiles.promote(at, [part], targets="touched", spaces=self.spaces, now=self.now)
        if at.number("SELECT count(*) FROM unknown"):
            count += dayfiles.promote(
                at, others, targets="unknown", spaces=self.spaces, now=self.now
            )
        log.info("feed-stored", day_file=part.day_file, rows_for_weighing=count)


_NEWEST = """
SELECT max(seen)::BIGINT FROM (SELECT max(seen) AS seen FROM uniq4 UNION ALL
SELECT max(seen) FROM uniq6)
"""
_TOUCHED = """
CREATE OR REPLACE TEMP TABLE touched AS
SELECT * FROM named SEMI JOIN held USING (hi, lo, weakness)
UNION SELECT * FROM named SEMI JOIN also USING (hi, lo, weakness)
"""
_UNKNOWN = """
CREATE OR REPLACE TEMP TABLE unknown AS
SELECT * FROM touched ANTI JOIN (SELECT * FROM held WHERE is_whole) USING (hi, lo, weakness)
"""


def _table(at: Desk, name: str, files: list[Path], *, says: tuple[int, ...]) -> None:
    """A table of the targets that files name in one of these ways."""
    among = ", ".join(map(str, says))
    queries = [
        f"SELECT DISTINCT hi, lo, (sign >> {signs.WEAKNESS_SHIFT})::UTINYINT AS weakness "
        f"FROM read_parquet({file(path)}) WHERE sign >> {signs.WEAKNESS_SHIFT} > 0 "
        f"AND (sign >> {signs.SAYS_SHIFT} & {signs.SAYS_MASK}) IN ({among})"
        for path in files
    ] or ["SELECT 0::UBIGINT AS hi, 0::UBIGINT AS lo, 0::UTINYINT AS weakness LIMIT 0"]
    at.run(f"CREATE OR REPLACE TEMP TABLE {name} AS {' UNION '.join(queries)}")


def _put_in_place(source: Path, place: Path) -> None:
    """Whole and on disk, or not at all; the same again is the same."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source.open("rb") as stream:
        os.fsync(stream.fileno())
    source.replace(place)


def _is_big(part: unpack.Part) -> bool:
    size = 0
    for chunk in part.open():
        size += len(chunk)
        if size >= FROM_BYTES:
            return True
    return False


def _verdict(part: unpack.Part, known: Recognised, sheet: Sheet) -> FileVerdict:
    judgements, reasons = +sheet.told.by_judgement, +sheet.told.by_reason
    bad = judgements[Judgement.REJECT] + judgements[Judgement.QUARANTINE]
    return FileVerdict(
        file=part.name,
        outcome=reading.WITH_REJECTS if bad else reading.OK,
        format=known.format,
        source=known.feed.id,
        rows=sum(judgements.values()),
        by_judgement=dict(judgements),
        by_reason=dict(reasons),
    )
