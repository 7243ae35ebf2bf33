"""A target that PostgreSQL hears of for the first time: what day files said of it comes along.

Weighing asks for this before it concludes, whatever way a statement came in.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.columns.engine import desk
from openletter.columns.keys import key_of
from openletter.evidence import dayfiles
from openletter.evidence.rules.signs import code_of
from openletter.evidence.spacelists import known_spaces
from openletter.words import Weakness

_NEW = """
SELECT target.ip, target.weakness
FROM unnest(%s::inet[], %s::text[]) AS target (ip, weakness)
WHERE NOT EXISTS (
  SELECT 1 FROM finding AS f WHERE f.exercise_id IS NOT DISTINCT FROM %s
  AND f.ip = target.ip AND f.weakness = target.weakness)
AND NOT EXISTS (
  SELECT 1 FROM observation AS o JOIN batch_part AS p ON p.id = o.part_id
  WHERE o.exercise_id IS NOT DISTINCT FROM %s AND p.day_file <> ''
  AND o.ip = target.ip AND o.weakness = target.weakness)
"""


def follow(
    targets: Collection[tuple[Address, Weakness]], *, exercise: Campaign | None, now: datetime
) -> int:
    """Bring the statements of day files about targets that are new here; returns how many."""
    if not targets or not dayfiles.is_there_any(exercise):
        return 0
    new = _new(targets, exercise)
    if not new:
        return 0
    days = dayfiles.folder()
    state = Path(settings.STATE).resolve() / "columns"
    with desk(state, also=[days]) as at:
        rows = [(*key_of(ip), code_of(weakness)) for ip, weakness in sorted(new, key=str)]
        at.fill("asked", dayfiles.TARGET, rows)
        parts = dayfiles.kept(exercise, now=now)
        return dayfiles.promote(at, parts, targets="asked", spaces=known_spaces(), now=now)


def _new(
    targets: Collection[tuple[Address, Weakness]], exercise: Campaign | None
) -> list[tuple[Address, Weakness]]:
    """Those without a conclusion, and of which no day file's word has come yet."""
    world = exercise.pk if exercise else None
    by_text = {(str(ip), str(weakness)): (ip, weakness) for ip, weakness in targets}
    with connection.cursor() as cursor:
        cursor.execute(
            _NEW, [[ip for ip, _ in by_text], [kind for _, kind in by_text], world, world]
        )
        return [by_text[str(ip).partition("/")[0], str(kind)] for ip, kind in cursor.fetchall()]
