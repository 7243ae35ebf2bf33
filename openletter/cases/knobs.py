"""Whether the shared findings are enough for one campaign (ADR 0008)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openletter.campaigns.models import Campaign
from openletter.evidence import weighing
from openletter.evidence.models import Finding
from openletter.evidence.rules.weigh import Policy
from openletter.words import FindingState, Weakness


def short_of(campaign: Campaign, findings: Sequence[Finding], *, now: datetime) -> set[int]:
    """Findings that are not open now by this campaign's knobs; what it asks stands on the others.

    The real world is weighed with the laxest of its campaigns' knobs; mostly there is one. A
    finding was weighed when it was: what it rested on may have grown old before the case opens.
    """
    own = weighing.policy_of(campaign)
    is_alike = own == weighing.world_policy(campaign.world)
    asked = [one for one in findings if not (is_alike and _is_whole(one, own, now=now))]
    targets = {(one.ip, Weakness(one.weakness)): one for one in asked}
    weighed = weighing.weigh_targets(targets, exercise=campaign.world, policy=own, now=now)
    for target, conclusion in weighed.items():
        targets[target].fresh_until = conclusion.fresh_until
    return {
        finding.pk
        for target, finding in targets.items()
        if target not in weighed or weighed[target].state is not FindingState.OPEN
    }


def _is_whole(finding: Finding, policy: Policy, *, now: datetime) -> bool:
    """Whether the oldest of what it rests on still counts, whatever kind it is of."""
    if finding.first_seen is None:
        return False
    limits = (policy.fresh_for, policy.fresh_unsaid, policy.fresh_ipv6, policy.fresh_moving)
    return now - finding.first_seen <= min(limits)
