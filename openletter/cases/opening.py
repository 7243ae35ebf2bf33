"""New cases on their way into the database, thousands at once: whose they are, how they are named.

`steps` decides which findings become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from openletter.campaigns.copying import copy_rows, new_ids
from openletter.campaigns.fields import Network
from openletter.campaigns.models import Campaign, Constituency
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases.models import Case
from openletter.evidence import weighing
from openletter.evidence.models import Finding
from openletter.words import CaseState, Reason, new_reference

ACTOR = "step:open"
_COLUMNS = (
    "id", "campaign_id", "exercise", "partner_id", "ip", "weakness", "finding_id", "reference",
    "state", "opened_at", "last_evidence_at", "fresh_until", "judged_at", "judged_by",
)  # fmt: skip


def open_new(campaign: Campaign, findings: Sequence[Finding], *, now: datetime) -> None:
    """A case for each of these findings, with its line in the timeline."""
    if not findings:
        return
    networks, knobs = responsible(campaign), weighing.knobs_of(campaign).knobs
    ids, references = new_ids("case", len(findings)), _references(len(findings))
    partners = [partner_of(finding, networks) or campaign.lead_id for finding in findings]
    told = list(zip(ids, partners, findings, references, strict=True))
    copy_rows(
        "case",
        _COLUMNS,
        (
            (
                pk, campaign.pk, campaign.exercise, partner, str(finding.ip), finding.weakness,
                finding.pk, reference, CaseState.OPEN, now, newest(finding), finding.fresh_until,
                finding.weighed_at, knobs,
            )
            for pk, partner, finding, reference in told
        ),
    )  # fmt: skip
    record(
        [
            Entry(
                subject=f"case:{pk}",
                actor=ACTOR,
                action="opened",
                at=now,
                campaign_id=campaign.pk,
                partner_id=partner,
                after={
                    "state": CaseState.OPEN,
                    "ip": str(finding.ip),
                    "weakness": finding.weakness,
                    "finding": finding.pk,
                    "rule": finding.rule_version,
                },
                reason=_because_of(finding),
            )
            for pk, partner, finding, _ in told
        ]
    )


def _because_of(finding: Finding) -> dict[str, object]:
    return Reason(code="finding-open", values={"families": len(finding.families)}).as_json()


def responsible(campaign: Campaign) -> list[tuple[Network, int]]:
    """Networks that partners of the campaign answer for, the most specific first."""
    rows = Constituency.objects.filter(
        network__isnull=False, partner__campaigns=campaign
    ).values_list("network", "partner_id")
    found = [(network, partner_id) for network, partner_id in rows if network is not None]
    return sorted(found, key=lambda row: -row[0].prefixlen)


def partner_of(finding: Finding, networks: Sequence[tuple[Network, int]]) -> int | None:
    for network, partner_id in networks:
        if finding.ip.version == network.version and finding.ip in network:
            return partner_id
    return None


def _references(count: int) -> list[str]:
    """Fresh references that no case has."""
    found: set[str] = set()
    while len(found) < count:
        drawn = {new_reference() for _ in range(count - len(found))}
        taken = Case.objects.filter(reference__in=drawn).values_list("reference", flat=True)
        found |= drawn - set(taken)
    return list(found)


def newest(finding: Finding) -> datetime:
    """When the newest evidence is from; an open finding rests on dated rows only."""
    return finding.last_seen or finding.weighed_at
