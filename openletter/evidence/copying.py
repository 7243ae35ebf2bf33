"""Observations and rejects by COPY: the ORM reads them, PostgreSQL's bulk way writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection

from openletter.evidence.models import Batch, Part
from openletter.evidence.rules.judge import Judged
from openletter.words import Judgement

OBSERVATION_COLUMNS = (
    "batch_id", "exercise_id", "part_id", "source_id", "row", "line", "ip", "port", "protocol",
    "weakness", "role", "code", "seen_at", "dated_by", "address_class", "judgement", "says",
    "reason", "about", "weighed_at",
)  # fmt: skip
REJECT_COLUMNS = ("batch_id", "file", "row", "line", "judgement", "reason", "excerpt")
STATED = frozenset(
    {
        Judgement.ACCEPT,
        Judgement.REACHABLE_ONLY,
        Judgement.CORROBORATES,
        Judgement.SAME_AS,
        Judgement.WITHDRAWN,
    }
)
"""Judgements that are kept as observations; the others are kept as rejects."""
_WEIGHED = frozenset({Judgement.ACCEPT, Judgement.REACHABLE_ONLY, Judgement.CORROBORATES})


def copy_observations(rows: Iterable[Judged], *, batch: Batch, part: Part, now: datetime) -> None:
    """What rows say, with the batch's time where neither row nor file gave one."""
    _copy(
        "observation",
        OBSERVATION_COLUMNS,
        (_observation(one, batch=batch, part=part, now=now) for one in rows),
    )


def copy_rejects(rows: Iterable[Judged], *, batch: Batch, part: Part) -> None:
    _copy(
        "reject",
        REJECT_COLUMNS,
        (
            (batch.pk, part.file, one.row, one.line, one.judgement, one.reason, _excerpt(one))
            for one in rows
        ),
    )


def _observation(one: Judged, *, batch: Batch, part: Part, now: datetime) -> tuple[object, ...]:
    weighed = one.weakness is not None and one.says in _WEIGHED
    return (
        batch.pk,
        batch.exercise_id,
        part.pk,
        one.source,
        one.row,
        one.line,
        str(one.ip),
        one.port,
        one.protocol,
        one.weakness,
        one.role,
        one.code,
        one.seen_at or batch.stored_at,
        one.dated_by or "fetch",
        one.address_class,
        one.judgement,
        one.says,
        one.reason,
        json.dumps(dict(one.about), ensure_ascii=False),
        None if weighed else now,
    )


def _excerpt(one: Judged) -> str:
    if one.excerpt:
        return one.excerpt[:200]
    return f"{one.ip} {one.port or ''} {one.seen_at or ''}".strip()


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    names = ", ".join(columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
