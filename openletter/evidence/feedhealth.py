"""Looks at each part of a file as it is stored: an ill feed is set aside, its source suspended.

In the transaction that stores it, so that nothing of an ill part is ever weighed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv4Address

from django.conf import settings
from django.db.models import Count, Max, Min

from openletter.columns.engine import desk
from openletter.evidence import dayfiles, suspending
from openletter.evidence.kinds import moment_of
from openletter.evidence.known import known_sources
from openletter.evidence.labels import read_labels
from openletter.evidence.layouts import layout_of
from openletter.evidence.models import Batch, Observation, Part, RangeListing
from openletter.evidence.rules.feeds import Feed
from openletter.evidence.rules.illness import ENOUGH, Shown, illness
from openletter.words import Reason

ACTOR = "step:ingest"


def examine(batch: Batch, *, now: datetime) -> None:
    """Every part that was read: what its figures show, and what follows from that."""
    book = known_sources(batch.exercise)
    for part in batch.parts.exclude(source=None).select_related("source").order_by("pk"):
        feed = book.get(part.source_id or "")
        reason = illness(shown(part, feed, now=now)) if feed is not None else None
        if feed is not None and reason is not None:
            _set_aside(part, feed, reason, now=now)


def _set_aside(part: Part, feed: Feed, reason: Reason, *, now: datetime) -> None:
    """Of a file that nobody named only itself: the next one is somebody else's."""
    part.set_aside = reason.code
    part.save(update_fields=["set_aside"])
    if part.source is not None and not feed.unnamed:
        suspending.suspend(
            part.source, exercise=part.batch.exercise, by=ACTOR, because=reason.as_json(), now=now
        )


def shown(part: Part, feed: Feed, *, now: datetime) -> Shown:
    """A part in figures."""
    is_dated = part.undated_sha256 is None and part.rows >= ENOUGH
    count, first, last = _seconds(part) if is_dated else (0, None, None)
    return Shown(
        rows=part.rows,
        before=_before(part) if part.batch.complete else None,
        seconds=count,
        first=first,
        last=last,
        covered=0 if feed.neighbours else _covered(part),
        unchanged=_unchanged(part),
    )


def _before(part: Part) -> int | None:
    """Rows of the newest whole and healthy feed of this source before."""
    whole = Part.objects.filter(
        source=part.source_id, batch__exercise=part.batch.exercise_id, batch__complete=True,
        set_aside="", outcome__in=["ok", "ok-with-rejects"], read_at__lte=part.read_at,
        format=part.format,
    )  # fmt: skip
    earlier = whole.exclude(batch=part.batch_id).order_by("-read_at", "-pk")
    return earlier.values_list("rows", flat=True).first()


def _seconds(part: Part) -> tuple[int, datetime | None, datetime | None]:
    """Rows with a second of their own, the first of these and the last."""
    if part.day_file:
        return _seconds_of_day(part)
    own = Observation.objects.filter(part=part, dated_by="row")
    told = own.aggregate(count=Count("pk"), first=Min("seen_at"), last=Max("seen_at"))
    return told["count"], told["first"], told["last"]


def _seconds_of_day(part: Part) -> tuple[int, datetime | None, datetime | None]:
    """The same of a day's file. Rows that tell a day are all of midnight: no second to judge."""
    state = settings.STATE / "columns"
    with desk(state.resolve(), also=[dayfiles.folder()]) as at:
        known = read_labels(at, dayfiles.place_of(part), known_sources(part.batch.exercise))
        layout = layout_of(known) if known is not None else None
        if layout is None or not layout.time:
            return 0, None, None
        first, last, count = next(at.rows(dayfiles.times(dayfiles.place_of(part))))
    if not isinstance(first, int) or not isinstance(last, int):
        return 0, None, None
    begin, end = moment_of(first), moment_of(last)
    is_midnight = begin == begin.replace(hour=0, minute=0, second=0, microsecond=0)
    return (0 if begin == end and is_midnight else int(str(count))), begin, end


def _covered(part: Part) -> int:
    """IPv4 addresses in the networks that it names, those of two networks once."""
    found, end = 0, -1
    rows = RangeListing.objects.filter(part=part).order_by("first").values_list("first", "last")
    for first, last in rows.iterator(chunk_size=20_000):
        if isinstance(first, IPv4Address):
            begin = max(int(first), end + 1)
            found += max(0, int(last) - begin + 1)
            end = max(end, int(last))
    return found


def _unchanged(part: Part) -> timedelta:
    """How long a live source has said the same, as far as we know."""
    if part.undated_sha256 is None or part.undated_at is None or part.batch.fetched_at is None:
        return timedelta(0)
    alike = Part.objects.filter(
        source=part.source_id, batch__exercise=part.batch.exercise_id,
        undated_sha256=bytes(part.undated_sha256),
    )  # fmt: skip
    first: datetime | None = alike.aggregate(at=Min("batch__stored_at"))["at"]
    return part.undated_at - first if first is not None else timedelta(0)
