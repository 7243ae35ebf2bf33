"""Whether the shared findings are enough for one campaign (ADR 0008)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openletter.campaigns.models import Campaign
from openletter.evidence import weighing
from openletter.evidence.models import Finding
from openletter.words import FindingState, Weakness


def short_of(campaign: Campaign, findings: Sequence[Finding], *, now: datetime) -> set[int]:
    """Findings that are not open by this campaign's knobs; what it asks stands on the others.

    The real world is weighed with the laxest of its campaigns' knobs; mostly there is one.
    """
    own = weighing.policy_of(campaign)
    if own == weighing.world_policy(campaign.world):
        return set()
    targets = {(one.ip, Weakness(one.weakness)): one for one in findings}
    weighed = weighing.weigh_targets(targets, exercise=campaign.world, policy=own, now=now)
    for target, conclusion in weighed.items():
        targets[target].fresh_until = conclusion.fresh_until
    return {
        finding.pk
        for target, finding in targets.items()
        if target not in weighed or weighed[target].state is not FindingState.OPEN
    }
