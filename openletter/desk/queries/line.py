"""The line at a glance: what each step reported of itself, and what is on its way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign, CampaignPartner, Installation, LineState
from openletter.campaigns.rules import CampaignState, Viewer
from openletter.desk.queries.scope import mine
from openletter.letters.models import Delivery
from openletter.words import DeliveryState, StepName

STALE = timedelta(minutes=2)
"""A rate that nobody has measured for so long says nothing about now."""
LIVE = (CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.WAITING)


def campaigns(viewer: Viewer) -> QuerySet[Campaign]:
    """Campaigns in which one of the viewer's partners takes part, the newest first."""
    ids = viewer.partner_ids
    joined = CampaignPartner.objects.filter(partner_id__in=ids).values("campaign_id")
    return (
        Campaign.objects.filter(Q(lead_id__in=ids) | Q(pk__in=joined))
        .select_related("lead")
        .order_by("-created_at", "-id")
    )


def deliveries(viewer: Viewer) -> QuerySet[Delivery]:
    """Letters and answers of the viewer's partners that were cleared to leave."""
    return mine(Delivery.objects, viewer)


@dataclass(frozen=True, kw_only=True)
class CampaignLine:
    """A campaign's steps in order and its deliveries by state."""

    campaign: Campaign
    steps: list[LineState]
    by_state: Mapping[str, int] = field(default_factory=dict)
    at: datetime = field(default_factory=clock.wall)

    @property
    def now(self) -> datetime:
        """The campaign's time, by which the oldest rows are old."""
        return clock.now(self.campaign)

    @property
    def measured_at(self) -> datetime | None:
        return max((row.at for row in self.steps), default=None)

    @property
    def is_measured_now(self) -> bool:
        """Whether the rates say what happens now: somebody walks the line."""
        return self.measured_at is not None and self.at - self.measured_at < STALE

    @property
    def beyond_recall(self) -> int:
        """Accepted by the mail server and not yet known to be delivered or bounced."""
        return self.by_state.get(DeliveryState.ACCEPTED, 0)

    @property
    def unknown(self) -> int:
        return self.by_state.get(DeliveryState.UNKNOWN, 0)

    @property
    def cleared(self) -> int:
        """Still ours to stop: cleared, or deferred by a mail server."""
        held = (DeliveryState.CLEARED, DeliveryState.DEFERRED)
        return sum(self.by_state.get(state, 0) for state in held)


def lines(viewer: Viewer, which: Iterable[Campaign]) -> list[CampaignLine]:
    """The lines of some campaigns, in two queries whatever their number."""
    chosen = list(which)
    ids = [campaign.pk for campaign in chosen]
    order = {name.value: place for place, name in enumerate(StepName)}
    steps: dict[int, list[LineState]] = {}
    for row in LineState.objects.filter(campaign_id__in=ids):
        steps.setdefault(row.campaign_id, []).append(row)
    counted = _states(viewer, ids)
    return [
        CampaignLine(
            campaign=campaign,
            steps=sorted(steps.get(campaign.pk, []), key=lambda row: order.get(row.step, 99)),
            by_state=counted.get(campaign.pk, {}),
        )
        for campaign in chosen
    ]


def _states(viewer: Viewer, ids: list[int]) -> dict[int, dict[str, int]]:
    counted: dict[int, dict[str, int]] = {}
    rows = deliveries(viewer).filter(campaign_id__in=ids).values_list("campaign_id", "state")
    for campaign_id, state, count in rows.annotate(count=Count("pk")):
        counted.setdefault(campaign_id, {})[state] = count
    return counted


def installation() -> Installation | None:
    return Installation.objects.first()
