"""Rows that a source, or we, take back: which, what they held up, and the way back.

Marks rows and weighs anew what rested on them; cases and letters are the rooms' downstream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import connection
from django.db.models import Q, QuerySet

from openletter.campaigns.models import Campaign
from openletter.evidence import weighing
from openletter.evidence.models import Batch, Finding, Observation, Source, Withdrawal
from openletter.evidence.rules.weigh import Listing, Weighed
from openletter.evidence.rules.weigh import weigh as conclude
from openletter.evidence.weighing import IN_SCOPE, Target
from openletter.words import Judgement, Reason, Role, Value, Weakness

PIECE = 5_000
"""Addresses that are weighed at a time."""
LONGEST_REASON = 300


class WithdrawalError(Exception):
    """A withdrawal, or its way back, that the rules refuse; `reason` says why, for a person."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.reason = Reason(code=code, values=values)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which statements: of one source in one world, within times, of a file, or single rows."""

    source: Source
    exercise: Campaign | None
    since: datetime | None = None
    until: datetime | None = None
    batch: Batch | None = None
    rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.since is None and self.batch is None and not self.rows:
            raise WithdrawalError("scope-missing")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise WithdrawalError("scope-empty")

    @property
    def observations(self) -> QuerySet[Observation]:
        """What stands in the scope and was not taken back before."""
        asked = Q(source=self.source, exercise=self.exercise, withdrawn=None)
        if self.since is not None:
            asked &= Q(seen_at__gte=self.since)
        if self.until is not None:
            asked &= Q(seen_at__lt=self.until)
        if self.batch is not None:
            asked &= Q(batch=self.batch)
        if self.rows:
            asked &= Q(pk__in=self.rows)
        return Observation.objects.filter(asked)

    def check(self) -> None:
        """Every row that was named must be there, and be this source's in this world."""
        if self.rows:
            found = set(
                Observation.objects.filter(
                    pk__in=self.rows, source=self.source, exercise=self.exercise
                ).values_list("pk", flat=True)
            )
            if missing := sorted(set(self.rows) - found):
                raise WithdrawalError("row-not-of-source", row=missing[0], source=self.source.pk)
        if self.batch is not None and self.batch.exercise_id != _pk(self.exercise):
            raise WithdrawalError("file-of-another-world", file=self.batch.pk)


@dataclass(frozen=True, kw_only=True)
class Rests:
    """One address and weakness of which something is taken back, as it would stand without it.

    `listings` are all statements, those taken back marked as such; `held_up` says whether one of
    these could have counted.
    """

    target: Target
    listings: Sequence[Listing]
    held_up: bool
    finding: Finding | None
    after: Weighed


@dataclass(kw_only=True)
class Touched:
    """What is taken back, in figures and by address."""

    keys: frozenset[int]
    targets: Sequence[Target]
    findings: Counter[str] = field(default_factory=Counter)

    def count(self, rests: Rests) -> None:
        """Note how one finding changes: `open-suspected`, `open-open` and so on."""
        if rests.finding is not None:
            self.findings[f"{rests.finding.state}-{rests.after.state}"] += 1


def touched_by(rows: QuerySet[Observation]) -> Touched:
    """The rows' ids and what they speak of."""
    keys: list[int] = []
    targets: set[Target] = set()
    told = rows.values_list("pk", "ip", "weakness")
    for pk, ip, weakness in told.iterator(chunk_size=20_000):
        keys.append(pk)
        if weakness:
            targets.add((ip, Weakness(weakness)))
    ordered = sorted(targets, key=lambda target: (target[0].packed, target[1]))
    return Touched(keys=frozenset(keys), targets=ordered)


def pieces(targets: Sequence[Target]) -> Iterator[list[Target]]:
    """A bounded number of addresses at a time."""
    rest = iter(targets)
    while piece := list(islice(rest, PIECE)):
        yield piece


def as_it_would_stand(
    piece: Collection[Target],
    *,
    keys: frozenset[int],
    exercise: Campaign | None,
    since: datetime,
    now: datetime,
) -> list[Rests]:
    """Each of these weighed as if the rows `keys` counted for nothing; changes nothing."""
    policy = weighing.world_policy(exercise)
    said = weighing.said_of(
        piece, exercise=exercise, since=since, without=keys, with_suspended=True
    )
    findings = _findings(piece, exercise=exercise)
    oldest = now - weighing.REMEMBERED
    found = []
    for target, listings in said.items():
        recent = [one for one in listings if one.seen_at is not None and one.seen_at > oldest]
        found.append(
            Rests(
                target=target,
                listings=listings,
                held_up=any(_held_up(one, keys) for one in listings),
                finding=findings.get(target),
                after=conclude(recent, policy=policy, now=now),
            )
        )
    return found


def _held_up(one: Listing, keys: frozenset[int]) -> bool:
    return one.key in keys and one.says is Judgement.ACCEPT and one.role is not Role.EXIT


def _findings(piece: Collection[Target], *, exercise: Campaign | None) -> dict[Target, Finding]:
    rows = Finding.objects.filter(exercise=exercise, ip__in={ip for ip, _ in piece})
    return {(row.ip, Weakness(row.weakness)): row for row in rows}


# -- marking -------------------------------------------------------------------------------------


def mark(scope: Scope, *, reason: str, by: str, now: datetime) -> Withdrawal:
    """Take the scope's rows back; late rows of it will be as they are weighed."""
    made = Withdrawal.objects.create(
        exercise=scope.exercise, source=scope.source, since=scope.since, until=scope.until,
        batch=scope.batch, rows=list(scope.rows), reason=reason[:LONGEST_REASON], by=by, at=now,
    )  # fmt: skip
    scope.observations.update(withdrawn=made)
    return made


def reweigh(targets: Sequence[Target], *, exercise: Campaign | None, now: datetime) -> None:
    for piece in pieces(targets):
        weighing.reweigh(piece, exercise=exercise, now=now)


_OTHERS = f"""
UPDATE observation o SET withdrawn_id = (
    SELECT min(w.id) FROM withdrawal w WHERE w.restored_at IS NULL AND w.id <> %(this)s
      AND ({IN_SCOPE})
) WHERE o.withdrawn_id = %(this)s
"""


def give_back(withdrawal: Withdrawal, *, by: str, now: datetime) -> Touched:
    """The rows count again, save what another standing withdrawal takes back as well."""
    touched = touched_by(Observation.objects.filter(withdrawn=withdrawal))
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, {"this": withdrawal.pk})
    withdrawal.restored_at, withdrawal.restored_by = now, by
    withdrawal.save(update_fields=["restored_at", "restored_by"])
    return touched


def still_taken_back(
    targets: Sequence[Target], *, exercise: Campaign | None
) -> dict[Target, Withdrawal]:
    """Of these, those of which a standing withdrawal takes back something that said it is open."""
    found: dict[Target, Withdrawal] = {}
    for piece in pieces(targets):
        rows = (
            Observation.objects.filter(exercise=exercise, ip__in={ip for ip, _ in piece})
            .filter(withdrawn__isnull=False, says=Judgement.ACCEPT, weakness__isnull=False)
            .exclude(role=Role.EXIT)
            .select_related("withdrawn__source")
            .order_by("withdrawn_id")
        )
        for row in rows:
            if row.withdrawn is not None:
                found.setdefault((row.ip, Weakness(str(row.weakness))), row.withdrawn)
    return {target: found[target] for target in targets if target in found}


def _pk(campaign: Campaign | None) -> int | None:
    return campaign.pk if campaign is not None else None
