"""When what has no time of its own was said: first seen, or as a live source answers again.

Bytes that lie there are no statement; a source that says something is. So a row without a time is
as old as the first file that said the same, however it was packed or ordered since, unless its
source was asked anew (`Batch.fetched_at`) and answered so. Of a file of unknown origin nobody
asked a source anything.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from openletter.evidence.known import known_sources
from openletter.evidence.models import Batch, Observation, Part
from openletter.evidence.rules.judge import Judged

_SPACE = 1 << 256


class Undated:
    """What rows without a time say, all together; neither order nor doubles matter."""

    def __init__(self) -> None:
        self._sum, self._count = 0, 0

    def add(self, one: Judged) -> None:
        """One statement; a double says nothing of its own."""
        if one.seen_at is not None or one.same_as is not None:
            return
        told = (
            one.ip, one.first, one.last, one.port, one.protocol, one.weakness, one.role, one.says,
            one.code,
        )  # fmt: skip
        digest = hashlib.sha256("|".join(map(str, told)).encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % _SPACE
        self._count += 1

    @property
    def sha256(self) -> bytes | None:
        """None where every row has its own time."""
        return self._sum.to_bytes(32, "big") if self._count else None


def said_at(part: Part, sha256: bytes | None) -> datetime:
    """When the part's rows without a time were said."""
    batch = part.batch
    asked = batch.fetched_at if is_live(part) else None
    at = asked or min(batch.stored_at, batch.fetched_at or batch.stored_at)
    if sha256 is None or part.source_id is None:
        return at
    alike = Part.objects.filter(
        batch__exercise=batch.exercise_id, source=part.source_id, undated_sha256=sha256
    ).exclude(pk=part.pk)
    before: datetime | None = alike.aggregate(at=Max("undated_at"))["at"]
    if before is None:
        return at
    return max(before, asked) if asked else before


def date(part: Part) -> None:
    """Only when all of it is read is it known whether the same was said before."""
    if part.undated_sha256 is not None:
        at = said_at(part, bytes(part.undated_sha256))
        if at != part.undated_at:
            redate(part, at=at)


def is_live(part: Part) -> bool:
    """Whether the part is the answer of a source that somebody can name."""
    feed = known_sources(part.batch.exercise).get(part.source_id or "")
    return part.batch.fetched_at is not None and feed is not None and not feed.unnamed


@transaction.atomic
def answered_again(batch: Batch, *, at: datetime) -> None:
    """A live source answered with these bytes once more: what has no time, it says now too."""
    later = Q(fetched_at=None) | Q(fetched_at__lt=at)
    if not Batch.objects.filter(later, pk=batch.pk).update(fetched_at=at):
        return
    batch.refresh_from_db()
    for part in batch.parts.filter(undated_at__lt=at, undated_sha256__isnull=False):
        part.batch = batch
        if is_live(part):
            redate(part, at=at)


def redate(part: Part, *, at: datetime) -> None:
    """Its rows without a time are of this moment; what weighing knew of them waits again."""
    if part.feed_at == part.undated_at:
        part.feed_at = at
    part.undated_at = at
    part.save(update_fields=["undated_at", "feed_at"])
    undated = Observation.objects.filter(part=part, dated_by="fetch").exclude(seen_at=at)
    undated.exclude(weakness=None).update(weighed_at=None)
    undated.update(seen_at=at)
