"""Verbs of this room: take in a file, judge and store it, weigh what is said of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import BinaryIO

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.evidence import sourcebook, spool
from openletter.evidence.copying import (
    STATED,
    copy_findings,
    copy_observations,
    copy_rejects,
)
from openletter.evidence.models import Batch, Observation, Part, Reject, Source
from openletter.evidence.rules.definitions import read_definition
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.forms import FILE_REFUSED, Form, exit_code, file_form
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.rules.weigh import Listing, Policy, Weighed
from openletter.evidence.rules.weigh import weigh as conclude
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.visible import visible
from openletter.words import Judgement, Role, Weakness

PIECE = 5_000
KEPT_REJECTS = 20_000
"""So many refused rows of one file are kept to be looked at; all are counted."""
REMEMBERED = timedelta(days=90)
"""Older statements are not weighed again, not even to say that they are too old."""
Target = tuple[Address, Weakness]


# -- sources -------------------------------------------------------------------------------------


@transaction.atomic
def declare_sources(folder: Path) -> int:
    """Make the definitions in `folder` (`*.toml`) known, an operator's own or an exercise's."""
    paths = sorted(folder.glob("*.toml"))
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


def known_sources(exercise: Campaign | None) -> SourceBook:
    """The packaged sources and the declared ones; invented ones speak in exercises only."""
    declared = Source.objects.exclude(definition=None).values_list("definition", flat=True)
    feeds = [feed for raw in declared if raw is not None for feed in read_definition(raw)]
    book = sourcebook.packaged().with_feeds(feeds)
    if exercise is not None:
        return book
    return SourceBook((feed for feed in book if not feed.made_up), other_reports=book.other_reports)


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
) -> Batch:
    """Keep a file's bytes and let it wait; the same bytes in the same world are one batch."""
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
        },
    )
    if not is_new:
        _fetched_again(batch, now=now)
    return batch


@transaction.atomic
def _fetched_again(batch: Batch, *, now: datetime) -> None:
    """The same list came again: what it says without a date of its own, it says now too."""
    before = Q(fetched_at=None, stored_at__lt=now) | Q(fetched_at__lt=now)
    later = Batch.objects.filter(before, pk=batch.pk).update(fetched_at=now)
    undated = batch.observations.filter(dated_by="fetch")
    if not later or not undated.exists():
        return
    Part.objects.filter(pk__in=undated.values("part")).update(feed_at=now)
    undated.update(seen_at=now, weighed_at=None)
    batch.refresh_from_db()


def waiting_batches(campaign: Campaign, *, now: datetime) -> QuerySet[Batch]:
    """Files of the campaign's world that nobody has judged yet."""
    waiting = Batch.objects.filter(exercise=campaign.world, state=Batch.State.WAITING)
    return waiting.order_by("stored_at", "id")


def ingest(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Judge and store waiting files, the oldest first."""
    waiting = list(waiting_batches(campaign, now=now)[:limit])
    for batch in waiting:
        ingest_batch(batch, now=now)
    return len(waiting)


@transaction.atomic
def ingest_batch(batch: Batch, *, now: datetime) -> Batch:
    """Judge one file and store all of it or, if it breaks, nothing. Twice is once."""
    locked = Batch.objects.select_for_update().get(pk=batch.pk)
    if locked.state != Batch.State.WAITING:
        return locked
    with spool.open_kept(bytes(locked.sha256)) as stream:
        verdicts = _store_rows(locked, stream, now=now)
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
    return locked


def _store_rows(batch: Batch, stream: BinaryIO, *, now: datetime) -> list[FileVerdict]:
    book = known_sources(batch.exercise)
    mapping = read_mapping(batch.mapping) if batch.mapping is not None else None
    hint = Hint(source=batch.declared_source, mapping=mapping)
    verdicts: list[FileVerdict] = []
    writer = _Writer(batch, book=book, now=now)
    for event in read_file(batch.name, stream, book=book, now=now, hint=hint):
        if isinstance(event, FileVerdict):
            writer.finish(event)
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


class _Writer:
    """Gathers judged rows and writes them in pieces, under the part of the file they stand in."""

    def __init__(self, batch: Batch, *, book: SourceBook, now: datetime) -> None:
        self.batch, self.book, self.now = batch, book, now
        self._part: Part | None = None
        self._newest: datetime | None = None
        self._file = ""
        self._rows: list[Judged] = []
        self._kept = 0

    def add(self, told: RowOf) -> None:
        judged = told.judged
        self._file = told.file
        self._rows.append(judged)
        if judged.seen_at is not None and judged.judgement in STATED:
            self._newest = max(self._newest or judged.seen_at, judged.seen_at)
        if len(self._rows) >= PIECE:
            self._flush(judged.source)

    def finish(self, verdict: FileVerdict) -> None:
        """The part is read: write what is left and what became of it."""
        if self._rows:
            self._flush(self._rows[0].source)
        part = self._part or self._new_part()
        part.feed_at = self._newest or self.batch.stored_at
        is_known = verdict.source is not None and self.book.get(verdict.source) is not None
        part.source = self._source(verdict.source) if verdict.source and is_known else None
        part.file = verdict.file
        part.outcome = verdict.outcome
        part.format = verdict.format or ""
        part.reason, part.detail = verdict.reason or "", verdict.detail[:200]
        part.rows = verdict.rows
        part.by_judgement = verdict.by_judgement
        part.by_reason = verdict.by_reason
        part.save()
        self._part = self._newest = None

    def _flush(self, source: str) -> None:
        if self._part is None:
            self._part = self._new_part()
            self._part.source = self._source(source)
            self._part.save()
        stated = [row for row in self._rows if row.judgement in STATED and row.ip is not None]
        others = [row for row in self._rows if row.judgement not in STATED or row.ip is None]
        copy_observations(stated, batch=self.batch, part=self._part, now=self.now)
        room = max(0, KEPT_REJECTS - self._kept)
        copy_rejects(others[:room], batch=self.batch, part=self._part)
        self._kept += len(others)
        self._rows = []

    def _new_part(self) -> Part:
        return Part(
            batch=self.batch, file=self._file, feed_at=self.batch.stored_at, read_at=self.now
        )

    def _source(self, feed_id: str) -> Source:
        feed = self.book.get(feed_id)
        defaults = (
            {"name": feed.name, "family": feed.family, "terms": dict(feed.terms)} if feed else {}
        )
        return Source.objects.get_or_create(pk=feed_id, defaults=defaults)[0]


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return total


# -- weigh ---------------------------------------------------------------------------------------


def unweighed(campaign: Campaign, *, now: datetime) -> QuerySet[Observation]:
    """Observations of the campaign's world that no conclusion has taken in yet."""
    return Observation.objects.filter(exercise=campaign.world, weighed_at=None).order_by("id")


@transaction.atomic
def weigh(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Conclude anew about every address and weakness that something new was said of."""
    fresh = list(unweighed(campaign, now=now)[:limit].values_list("id", "ip", "weakness"))
    targets = {(ip, Weakness(weakness)) for _, ip, weakness in fresh if weakness}
    policy = policy_of(campaign)
    said = _said_of(targets, exercise=campaign.world, now=now)
    concluded = (
        (ip, weakness, conclude(listings, policy=policy, now=now))
        for (ip, weakness), listings in said.items()
    )
    copy_findings(concluded, exercise=campaign.world, now=now)
    with connection.cursor() as cursor:
        keys = [pk for pk, _, _ in fresh]
        cursor.execute("UPDATE observation SET weighed_at = %s WHERE id = ANY(%s)", [now, keys])
    return len(fresh)


def weigh_address(
    ip: Address, *, exercise: Campaign | None, now: datetime
) -> tuple[dict[Weakness, Weighed], dict[int, Form]]:
    """Conclusions about one address as things stand, and the way back to its rows."""
    said = _said_of({(ip, weakness) for weakness in Weakness}, exercise=exercise, now=now)
    policy = policy_of(exercise)
    found = {about[1]: conclude(them, policy=policy, now=now) for about, them in said.items()}
    keys = [key for weighed in found.values() for key in weighed.rows]
    rows = Observation.objects.filter(pk__in=keys).select_related("part")
    traced: dict[int, Form] = {
        row.pk: {"id": row.pk, "file": row.part.file, "row": row.row, "line": row.line}
        for row in rows
    }
    return found, traced


def policy_of(campaign: Campaign | None) -> Policy:
    """A campaign's knobs; the real world without a campaign has the usual ones."""
    copies = known_sources(campaign.world if campaign else None).families()
    if campaign is None:
        return Policy(copies=copies)
    return Policy(
        families_needed=campaign.families_needed,
        fresh_for=timedelta(days=campaign.fresh_days),
        copies=copies,
    )


_SAID = """
SELECT o.ip, o.weakness, o.id, o.source_id, s.family, o.says, o.role, o.port, o.seen_at
FROM observation o
JOIN unnest(%s::inet[], %s::text[]) AS target (ip, weakness) USING (ip, weakness)
JOIN source s ON s.id = o.source_id
WHERE o.exercise_id {world} AND o.seen_at > %s AND s.suspended_at IS NULL
  AND o.says IN ('accept', 'reachable-only', 'corroborates')
ORDER BY o.ip, o.weakness, o.id
"""


def _said_of(
    targets: Iterable[Target], *, exercise: Campaign | None, now: datetime
) -> dict[Target, list[Listing]]:
    ordered = sorted(targets, key=lambda target: (target[0].packed, target[1]))
    world = "IS NULL" if exercise is None else "= %s"
    parameters: list[list[str] | int | datetime] = [
        [str(ip) for ip, _ in ordered],
        [str(weakness) for _, weakness in ordered],
    ]
    if exercise is not None:
        parameters.append(exercise.pk)
    found: dict[Target, list[Listing]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SAID.format(world=world), [*parameters, now - REMEMBERED])
        for row in cursor:
            target, listing = _listing(row)
            found.setdefault(target, []).append(listing)
    return found


def _listing(row: Sequence[object]) -> tuple[Target, Listing]:
    ip, weakness, key, source, family, says, role, port, seen_at = row
    target = (_as_address(ip), Weakness(str(weakness)))
    return target, Listing(
        key=int(str(key)),
        source=str(source),
        family=str(family),
        says=Judgement(str(says)),
        role=Role(str(role)),
        port=port if isinstance(port, int) else None,
        seen_at=seen_at if isinstance(seen_at, datetime) else None,
    )


def _as_address(value: object) -> Address:
    """The driver gives addresses as such, or as text where it was told nothing of inet."""
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    return ip_address(str(value).partition("/")[0])
