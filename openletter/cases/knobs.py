"""Whether what is said is enough for one campaign, by its own knobs (ADR 0008, ADR 0016).

A world's findings are shared, and weighed with the laxest knobs of its campaigns. Each case keeps
what its own campaign makes of it (`falls_short`, `fresh_until`), judged again whenever its finding
was weighed; the door lets nothing leave that waits for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet

from openletter.campaigns.models import Campaign
from openletter.cases.models import Case
from openletter.evidence import weighing
from openletter.evidence.models import Finding
from openletter.evidence.rules.weigh import RULE_VERSION, Weighed
from openletter.words import CaseState, FindingState, Weakness

_LIVE = (CaseState.OPEN, CaseState.ANNOUNCED_FIXED)


def short_of(campaign: Campaign, findings: Sequence[Finding], *, now: datetime) -> set[int]:
    """Findings that are not open now by this campaign's knobs; what it asks stands on the others.

    The real world is weighed with the laxest of its campaigns' knobs; mostly there is one. A
    finding was weighed when it was: what it rested on may have grown old before the case opens.
    """
    knobs = weighing.knobs_of(campaign).knobs
    asked = [
        one for one in findings if not (_is_weighed_by(one, knobs) and _still_stands(one, now=now))
    ]
    weighed = _weighed(campaign, asked, now=now)
    for finding in asked:
        if finding.pk in weighed:
            finding.fresh_until = weighed[finding.pk].fresh_until
    return {one.pk for one in asked if not _is_open(weighed.get(one.pk))}


def unjudged(campaign: Campaign) -> QuerySet[Case]:
    """Live cases about which something was weighed, or whose campaign asks otherwise, since."""
    knobs = weighing.knobs_of(campaign).knobs
    stale = Q(judged_at=None) | Q(judged_at__lt=F("finding__weighed_at")) | ~Q(judged_by=knobs)
    rows = Case.objects.filter(stale, campaign=campaign, state__in=_LIVE)
    return rows.select_related("finding").order_by("pk")


def judge_anew(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """What the campaign's own knobs make of these cases now; how many."""
    cases = list(unjudged(campaign)[:limit])
    knobs = weighing.knobs_of(campaign).knobs
    asked = [case.finding for case in cases if not _is_weighed_by(case.finding, knobs)]
    weighed = _weighed(campaign, asked, now=now)
    own = {finding.pk for finding in asked}
    for case in cases:
        case.judged_by = knobs
        _judge(case, weighed.get(case.finding_id), is_own=case.finding_id in own)
    Case.objects.bulk_update(
        cases,
        ["falls_short", "fresh_until", "last_evidence_at", "judged_at", "judged_by"],
        batch_size=500,
    )
    return len(cases)


def _judge(case: Case, conclusion: Weighed | None, *, is_own: bool) -> None:
    finding = case.finding
    case.judged_at = finding.weighed_at
    if not is_own:
        is_open = finding.state == FindingState.OPEN
        newest, until = finding.last_seen, finding.fresh_until
    else:
        is_open = _is_open(conclusion)
        newest = conclusion.last_seen if conclusion else None
        until = conclusion.fresh_until if conclusion else None
    case.falls_short = not is_open
    if is_open:
        case.last_evidence_at, case.fresh_until = newest or case.last_evidence_at, until


def _is_weighed_by(finding: Finding, knobs: str) -> bool:
    return (finding.rule_version, finding.knobs) == (RULE_VERSION, knobs)


def _still_stands(finding: Finding, *, now: datetime) -> bool:
    until = finding.fresh_until
    return finding.state == FindingState.OPEN and until is not None and until > now


def _weighed(
    campaign: Campaign, findings: Sequence[Finding], *, now: datetime
) -> dict[int, Weighed]:
    """Each weighed with the campaign's own knobs, by its id; none of whom nothing is said."""
    if not findings:
        return {}
    targets = {(one.ip, Weakness(one.weakness)): one.pk for one in findings}
    policy = weighing.policy_of(campaign)
    found = weighing.weigh_targets(targets, exercise=campaign.world, policy=policy, now=now)
    return {targets[target]: conclusion for target, conclusion in found.items()}


def _is_open(conclusion: Weighed | None) -> bool:
    return conclusion is not None and conclusion.state is FindingState.OPEN
