"""Observations, rejects and findings by COPY: the ORM reads them, the bulk way writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection

from openletter.campaigns.copying import array, as_json, copy_rows
from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.evidence.models import Batch, Part
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.weigh import Weighed
from openletter.words import Judgement, Weakness

OBSERVATION_COLUMNS = (
    "batch_id", "exercise_id", "part_id", "source_id", "row", "line", "ip", "port", "protocol",
    "weakness", "role", "code", "seen_at", "dated_by", "address_class", "judgement", "says",
    "reason", "about", "weighed_at", "space", "withdrawn_id",
)  # fmt: skip
RANGE_COLUMNS = (
    "batch_id", "exercise_id", "part_id", "source_id", "row", "line", "first", "last", "weakness",
    "code", "seen_at", "judgement", "reason", "about",
)  # fmt: skip
REJECT_COLUMNS = ("batch_id", "file", "row", "line", "judgement", "reason", "excerpt")
FINDING_COLUMNS = (
    "exercise_id", "ip", "weakness", "ports", "state", "confidence", "families", "reasons", "rows",
    "rule_version", "first_seen", "last_seen", "needs_cert", "fresh_until",
    "knobs", "weighed_at",
)  # fmt: skip
_KEY = ("exercise_id", "ip", "weakness")
_NEW = "finding_new"
_ALL = ", ".join(FINDING_COLUMNS)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in FINDING_COLUMNS if name not in _KEY)
_STAGE = f"CREATE TEMP TABLE {_NEW} ON COMMIT DROP AS SELECT {_ALL} FROM finding WITH NO DATA"
_MERGE = (
    f"INSERT INTO finding ({_ALL}) SELECT {_ALL} FROM {_NEW} ORDER BY ip, weakness "
    f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {_CHANGES}"
)
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
_WEIGHED = STATED - {Judgement.SAME_AS}


def copy_observations(rows: Iterable[Judged], *, batch: Batch, part: Part, now: datetime) -> None:
    """What rows say, with the part's time where neither row nor file gave one."""
    copy_rows(
        "observation",
        OBSERVATION_COLUMNS,
        (_observation(one, batch=batch, part=part, now=now) for one in rows),
    )


def copy_ranges(rows: Iterable[Judged], *, batch: Batch, part: Part) -> None:
    """Statements about networks, beside the observations and never among them."""
    copy_rows(
        "range_listing",
        RANGE_COLUMNS,
        (
            (
                batch.pk, batch.exercise_id, part.pk, one.source, one.row, one.line,
                str(one.first), str(one.last), one.weakness, one.code,
                one.seen_at or part.undated_at or batch.stored_at, one.judgement, one.reason,
                _as_json(one.about),
            )
            for one in rows
        ),
    )  # fmt: skip


def copy_rejects(rows: Iterable[Judged], *, batch: Batch, part: Part) -> None:
    copy_rows(
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
        one.seen_at or part.undated_at or batch.stored_at,
        one.dated_by or "fetch",
        one.address_class,
        one.judgement,
        one.says,
        one.reason,
        _as_json(one.about),
        None if weighed else now,
        one.space,
        None,
    )


def _as_json(about: Mapping[str, str]) -> str:
    return as_json(dict(about)) if about else "{}"


def _excerpt(one: Judged) -> str:
    if one.excerpt:
        return one.excerpt[:200]
    return f"{one.ip} {one.port or ''} {one.seen_at or ''}".strip()


def copy_findings(
    concluded: Iterable[tuple[Address, Weakness, Weighed]],
    *,
    exercise: Campaign | None,
    knobs: str,
    now: datetime,
) -> None:
    """The newest conclusion about each address and weakness; it replaces the one before."""
    world = exercise.pk if exercise is not None else None
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_NEW}")
        cursor.execute(_STAGE)
        copy_rows(
            _NEW,
            FINDING_COLUMNS,
            (
                (world, str(ip), weakness, *_conclusion(weighed), knobs, now)
                for ip, weakness, weighed in concluded
            ),
        )
        cursor.execute(_MERGE)


def _conclusion(weighed: Weighed) -> tuple[object, ...]:
    reasons = [reason.as_json() for reason in weighed.reasons]
    return (
        array(weighed.ports),
        weighed.state,
        weighed.confidence,
        array(weighed.families),
        as_json(reasons),
        array(weighed.rows),
        weighed.rule_version,
        weighed.first_seen,
        weighed.last_seen,
        weighed.needs_cert,
        weighed.fresh_until,
    )
