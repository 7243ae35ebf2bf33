"""Verbs of this room: take in a file, judge and store it, weigh what is said of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet

from openletter.campaigns.models import Campaign
from openletter.evidence import feedhealth, fetching, sourcebook, spool
from openletter.evidence.known import known_sources
from openletter.evidence.models import Batch, Part, Reject, Source
from openletter.evidence.rules.definitions import read_definition
from openletter.evidence.rules.forms import FILE_REFUSED, Form, exit_code, file_form
from openletter.evidence.rules.reading import Contents, FileVerdict, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.spacelists import known_spaces
from openletter.evidence.weighing import unweighed, weigh, weigh_address
from openletter.evidence.wide import WideReader
from openletter.evidence.writing import PartWriter
from openletter.wire.containers import contents as read_here
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.visible import visible

__all__ = [
    "declare_sources", "exit_code_of", "ingest_batch", "known_sources", "rejects",
    "store_file", "told", "unweighed", "verdicts", "waiting_batches", "weigh", "weigh_address",
]  # fmt: skip


# -- sources -------------------------------------------------------------------------------------


@transaction.atomic
def declare_sources(folder: Path) -> int:
    """Make the definitions in `folder` (`*.toml`) known, an operator's own or an exercise's."""
    paths = sourcebook.definitions_in(folder)
    for path in paths:
        raw = sourcebook.parse(path)
        for feed in read_definition(raw):
            Source.objects.update_or_create(
                pk=feed.id,
                defaults={
                    "name": feed.name,
                    "family": feed.family,
                    "terms": dict(feed.terms),
                    "definition": raw,
                },
            )
    return len(paths)


# -- ingest --------------------------------------------------------------------------------------


def store_file(
    content: Path | bytes,
    *,
    name: str,
    exercise: Campaign | None,
    now: datetime,
    source: str = "",
    mapping: Mapping[str, object] | None = None,
    complete: bool = False,
    fetched_at: datetime | None = None,
) -> Batch:
    """Keep a file's bytes and let it wait; the same bytes in the same world are one batch.

    `fetched_at`: when a live source answered with them. Bytes that merely lie there again say
    nothing new; a source that is asked anew and answers alike says it again.
    """
    if mapping is not None:
        read_mapping(mapping)
    batch, is_new = Batch.objects.get_or_create(
        sha256=spool.keep(content),
        exercise=exercise,
        defaults={
            "name": visible(name, limit=300),
            "declared_source": source,
            "mapping": mapping,
            "complete": complete,
            "stored_at": now,
            "fetched_at": fetched_at,
        },
    )
    if not is_new and fetched_at is not None:
        fetching.answered_again(batch, at=fetched_at)
        feedhealth.examine(batch, now=now)
    return batch


def waiting_batches(campaign: Campaign, *, now: datetime) -> QuerySet[Batch]:
    """Files of the campaign's world that nobody has judged yet."""
    waiting = Batch.objects.filter(exercise=campaign.world, state=Batch.State.WAITING)
    return waiting.order_by("stored_at", "id")


@transaction.atomic
def ingest_batch(batch: Batch, *, now: datetime, contents: Contents = read_here) -> Batch:
    """Judge one file and store all of it or, if it breaks, nothing. Twice is once.

    `contents` are what `taking` had opened apart; without it only files of our own are read.
    """
    locked = Batch.objects.select_for_update().get(pk=batch.pk)
    if locked.state != Batch.State.WAITING:
        return locked
    with spool.open_kept(bytes(locked.sha256)) as stream:
        verdicts = _store_rows(locked, stream, now=now, contents=contents)
    read = [verdict for verdict in verdicts if verdict.is_read]
    first = next(iter(read or verdicts))
    locked.state = Batch.State.DONE if read else Batch.State.REFUSED
    locked.format = first.format or ""
    locked.source_id = first.source if len(read) == 1 else None
    locked.reason, locked.detail = first.reason or "", first.detail
    locked.rows = sum(verdict.rows for verdict in verdicts)
    locked.by_judgement = _summed(verdict.by_judgement for verdict in verdicts)
    locked.by_reason = _summed(verdict.by_reason for verdict in verdicts)
    locked.done_at = now
    locked.save()
    feedhealth.examine(locked, now=now)
    return locked


def _store_rows(
    batch: Batch, stream: BinaryIO, *, now: datetime, contents: Contents
) -> list[FileVerdict]:
    book = known_sources(batch.exercise)
    mapping = read_mapping(batch.mapping) if batch.mapping is not None else None
    hint = Hint(source=batch.declared_source, mapping=mapping)
    verdicts: list[FileVerdict] = []
    writer, spaces = PartWriter(batch, book=book, now=now), known_spaces()
    with WideReader(batch, spaces=spaces, now=now) as wide:
        events = read_file(
            batch.name, stream, book=book, now=now, hint=hint, contents=contents, spaces=spaces,
            wide=wide,
        )  # fmt: skip
        for event in events:
            if isinstance(event, FileVerdict):
                wide.settle(writer.finish(event))
                verdicts.append(event)
            else:
                writer.add(event)
    return verdicts


def told(batch: Batch) -> list[Form]:
    """What became of each part of a file, in the form of contracts.md section 5."""
    return [file_form(verdict) for verdict in verdicts(batch)]


def verdicts(batch: Batch) -> list[FileVerdict]:
    """What became of each part of a file."""
    return [_verdict(part) for part in batch.parts.order_by("id")]


def rejects(batch: Batch, *, limit: int) -> QuerySet[Reject]:
    """Rows that were refused or set aside, in the file's order."""
    return batch.rejects.order_by("id")[:limit]


def exit_code_of(batch: Batch) -> int:
    """The command's exit code for a file: the worst of its parts."""
    return max((exit_code(_verdict(part)) for part in batch.parts.all()), default=FILE_REFUSED)


def _verdict(part: Part) -> FileVerdict:
    return FileVerdict(
        file=part.file,
        outcome=part.outcome,
        format=part.format or None,
        source=part.source_id,
        reason=part.reason or None,
        detail=part.detail,
        rows=part.rows,
        by_judgement=part.by_judgement,
        by_reason=part.by_reason,
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return total
