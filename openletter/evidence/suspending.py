"""Sources that count for nothing for a while: who says so, since when, and the way back.

What a suspended source said counts neither in weighing nor at the door; its conclusions are drawn
anew, by the next `weigh`. What comes in meanwhile is kept and set aside: it counts only if whoever
ends the suspension says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.evidence import weighing
from openletter.evidence.models import Part, Source, Suspension

WHILE_SUSPENDED = "source-suspended"
"""Why a part that came in meanwhile is set aside."""


def standing(exercise: Campaign | None) -> QuerySet[Suspension]:
    """Suspensions that hold now in a world, the newest first."""
    rows = Suspension.objects.filter(exercise=exercise, ended_at=None)
    return rows.select_related("source").order_by("-at", "-pk")


def held_back(suspension: Suspension) -> QuerySet[Part]:
    """What came in while it stood and counts for nothing."""
    return Part.objects.filter(
        ~Q(set_aside=""), counts_from=None, source=suspension.source_id,
        batch__exercise=suspension.exercise_id, read_at__gte=suspension.at,
    )  # fmt: skip


@transaction.atomic
def suspend(
    source: Source, *, exercise: Campaign | None, by: str, because: Mapping[str, object],
    now: datetime,
) -> Suspension | None:  # fmt: skip
    """From the commit of this on nothing rests on it any more. None: it is suspended already."""
    weighing.hold(exercise)
    if Suspension.objects.filter(source=source, exercise=exercise, ended_at=None).exists():
        return None
    made = Suspension.objects.create(
        source=source, exercise=exercise, by=by[:150], because=dict(because), at=now
    )
    count = _weigh_anew(source, exercise=exercise, now=now)
    record([_entry(made, "source-suspended", actor=by, now=now, because=because, rows=count)])
    return made


@transaction.atomic
def resume(
    source: Source, *, exercise: Campaign | None, by: str, because: str, now: datetime,
    with_held: bool = False,
) -> Suspension | None:  # fmt: skip
    """A person looked: it counts again, as do with `with_held` the parts that were set aside.

    None: it was not suspended.
    """
    weighing.hold(exercise)
    found = Suspension.objects.select_for_update(of=("self",)).filter(
        source=source, exercise=exercise, ended_at=None
    )
    ended = found.first()
    if ended is None:
        return None
    if with_held:
        held_back(ended).update(counts_from=now)
    ended.ended_at, ended.ended_by = max(now, ended.at), by[:150]
    ended.ended_because = because[:300]
    ended.save(update_fields=["ended_at", "ended_by", "ended_because"])
    count = _weigh_anew(source, exercise=exercise, now=now)
    why = {"text": because}
    record([_entry(ended, "source-resumed", actor=by, now=now, because=why, rows=count)])
    return ended


_ANEW = """
UPDATE observation SET weighed_at = NULL
WHERE source_id = %s AND exercise_id IS NOT DISTINCT FROM %s AND weighed_at IS NOT NULL
  AND weakness IS NOT NULL AND seen_at > %s
  AND says IN ('accept', 'reachable-only', 'corroborates', 'withdrawn')
"""


def _weigh_anew(source: Source, *, exercise: Campaign | None, now: datetime) -> int:
    """All that it said and that weighing still looks at waits for the next `weigh`."""
    since = now - weighing.REMEMBERED
    with connection.cursor() as cursor:
        cursor.execute(_ANEW, [source.pk, exercise.pk if exercise else None, since])
        return int(cursor.rowcount)


def _entry(
    suspension: Suspension,
    action: str,
    *,
    actor: str,
    now: datetime,
    because: Mapping[str, object],
    rows: int,
) -> Entry:
    return Entry(
        subject=f"source:{suspension.source_id}",
        actor=actor,
        action=action,
        at=now,
        campaign_id=suspension.exercise_id,
        after={"source": suspension.source_id, "rows_weighed_anew": rows},
        reason=dict(because),
    )
