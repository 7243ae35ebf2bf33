"""Cases that were our mistake: ended with a withdrawal, given back when it is restored.

A case is our mistake when, without what was taken back, it would never have been open from its
opening until now. That it would be too old today says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.cases.models import Case, Mistake
from openletter.evidence import weighing
from openletter.evidence.models import Withdrawal
from openletter.evidence.rules.weigh import Policy, moving_together, was_ever_open
from openletter.evidence.weighing import Target
from openletter.evidence.withdrawing import Rests
from openletter.words import CaseState, Judgement, Reason, Role, Weakness


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one case: our mistake, or held up by what remains."""

    case: Case
    is_mistake: bool
    rested: bool
    """What its letters say rests on rows that were taken back."""
    newest: datetime | None
    fresh_until: datetime | None


def cases_about(targets: Iterable[Target], *, exercise: Campaign | None) -> QuerySet[Case]:
    """Cases of this world about these addresses that are not withdrawn already."""
    addresses = {ip for ip, _ in targets}
    found = Case.objects.filter(ip__in=addresses).exclude(state=CaseState.WITHDRAWN)
    world = found.filter(campaign=exercise) if exercise else found.filter(exercise=False)
    return world.select_related("campaign", "finding").order_by("pk")


def judge(
    cases: Iterable[Case], rests: Sequence[Rests], *, keys: frozenset[int], now: datetime
) -> list[Verdict]:
    """Each case by its own campaign's knobs, without the rows `keys`."""
    by_target = {one.target: one for one in rests}
    policies: dict[int, Policy] = {}
    verdicts = []
    for case in cases:
        stands = by_target.get((case.ip, Weakness(case.weakness)))
        if stands is None:
            continue
        if case.campaign_id not in policies:
            policies[case.campaign_id] = weighing.policy_of(case.campaign)
        verdicts.append(
            _verdict(case, stands, keys=keys, policy=policies[case.campaign_id], now=now)
        )
    return verdicts


def _verdict(
    case: Case, stands: Rests, *, keys: frozenset[int], policy: Policy, now: datetime
) -> Verdict:
    left = [
        one
        for one in moving_together(stands.listings)
        if one.says is Judgement.ACCEPT and one.role is not Role.EXIT and not one.taken_back
    ]
    times = [(one.seen_at, one.seen_at + policy.limit(one)) for one in left if one.seen_at]
    return Verdict(
        case=case,
        is_mistake=stands.held_up and not was_right(case, stands, policy=policy, now=now),
        rested=not keys.isdisjoint(case.finding.rows),
        newest=max((seen for seen, _ in times), default=None),
        fresh_until=max((until for _, until in times), default=None),
    )


def was_right(case: Case, stands: Rests, *, now: datetime, policy: Policy | None = None) -> bool:
    """Whether what remains made it open at some moment since the case was opened."""
    knobs = policy or weighing.policy_of(case.campaign)
    opened = min(case.opened_at, now)
    return was_ever_open(stands.listings, policy=knobs, since=opened, until=now)


def end(verdicts: Sequence[Verdict], *, withdrawal: Withdrawal, now: datetime) -> list[Entry]:
    """Close the mistakes; the others lose what was taken back. The timeline's entries."""
    wrong = [one.case for one in verdicts if one.is_mistake]
    Mistake.objects.bulk_create(
        [
            Mistake(
                case=case, withdrawal=withdrawal, state_before=case.state,
                closed_before=case.closed_at, rows=case.finding.rows, ports=case.finding.ports,
                at=now,
            )
            for case in wrong
        ],
        batch_size=2_000,
    )  # fmt: skip
    reason = _why(withdrawal)
    entries = [
        _moved(case, "our-mistake", to=CaseState.WITHDRAWN, by=withdrawal.by, now=now, why=reason)
        for case in wrong
    ]
    ended = [case.pk for case in wrong]
    Case.objects.filter(pk__in=ended).update(state=CaseState.WITHDRAWN, closed_at=now)
    kept = [one for one in verdicts if not one.is_mistake and one.rested]
    _lose_evidence(kept)
    entries += [
        _about(one.case, "evidence-withdrawn", by=withdrawal.by, now=now, why=reason)
        for one in kept
    ]
    return entries


_LOSE = """
UPDATE "case" k SET fresh_until = told.fresh_until,
    last_evidence_at = least(k.last_evidence_at, told.newest)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS told (id, newest, fresh_until)
WHERE k.id = told.id
"""


def _lose_evidence(verdicts: Sequence[Verdict]) -> None:
    """What remains is never newer than what was known before."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOSE,
            [
                [one.case.pk for one in verdicts],
                [one.newest for one in verdicts],
                [one.fresh_until for one in verdicts],
            ],
        )


# -- the way back --------------------------------------------------------------------------------


def standing(withdrawal: Withdrawal) -> QuerySet[Mistake]:
    """The cases that are this withdrawal's mistakes now."""
    return _now().filter(withdrawal=withdrawal)


def of_others(withdrawal: Withdrawal, targets: Iterable[Target]) -> list[Mistake]:
    """Mistakes of other withdrawals about these addresses."""
    wanted = set(targets)
    rows = _now().filter(
        case__ip__in={ip for ip, _ in wanted}, withdrawal__exercise=withdrawal.exercise
    )
    others = rows.exclude(withdrawal=withdrawal)
    return [one for one in others if (one.case.ip, Weakness(one.case.weakness)) in wanted]


def _now() -> QuerySet[Mistake]:
    rows = Mistake.objects.filter(undone_at=None)
    return rows.select_related("case__campaign", "case__finding").order_by("pk")


_GIVE_BACK = """
UPDATE "case" k SET state = m.state_before, closed_at = m.closed_before
FROM mistake m WHERE m.id = ANY(%s) AND k.id = m.case_id
"""


def give_back(
    mistakes: Sequence[Mistake], *, withdrawal: Withdrawal, by: str, now: datetime
) -> list[Entry]:
    """The cases are again what they were before."""
    why = Reason(code="withdrawal-restored", values={"number": withdrawal.pk})
    entries = []
    for one in mistakes:
        before = CaseState(one.state_before)
        entries.append(_moved(one.case, "given-back", to=before, by=by, now=now, why=why))
    ids = [one.pk for one in mistakes]
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [ids])
    Mistake.objects.filter(pk__in=ids).update(undone_at=now, undone_because="withdrawal-restored")
    return entries


def hand_to(mistake: Mistake, other: Withdrawal, *, by: str, now: datetime) -> Entry:
    """Another withdrawal takes it back as well: the case stays a mistake, now of that one."""
    Mistake.objects.filter(pk=mistake.pk).update(undone_at=now, undone_because="other-withdrawal")
    Mistake.objects.create(
        case=mistake.case, withdrawal=other, state_before=mistake.state_before,
        closed_before=mistake.closed_before, rows=mistake.rows, ports=mistake.ports, at=now,
    )  # fmt: skip
    return _about(mistake.case, "our-mistake", by=by, now=now, why=_why(other))


# -- timeline ------------------------------------------------------------------------------------


def _why(withdrawal: Withdrawal) -> Reason:
    return Reason(
        code="our-mistake",
        values={
            "source": withdrawal.source.name, "number": withdrawal.pk, "text": withdrawal.reason
        },
    )  # fmt: skip


def _moved(case: Case, action: str, *, to: CaseState, by: str, now: datetime, why: Reason) -> Entry:
    entry = _about(case, action, by=by, now=now, why=why)
    return replace(entry, before={"state": case.state}, after={"state": to})


def _about(case: Case, action: str, *, by: str, now: datetime, why: Reason) -> Entry:
    return Entry(
        subject=f"case:{case.pk}",
        actor=by,
        action=action,
        at=now,
        campaign_id=case.campaign_id,
        partner_id=case.partner_id,
        reason=why.as_json(),
    )
