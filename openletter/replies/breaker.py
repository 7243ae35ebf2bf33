"""The breaker: counts what came of the letters lately and pauses a campaign that goes wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count as Counted
from django.db.models import Q

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.catalogue import sentence
from openletter.letters.models import Delivery
from openletter.replies.models import Reply, ReplyKind
from openletter.replies.rules.breaker import Count, judge
from openletter.words import DeliveryState, Reason

WINDOW = timedelta(days=7)
ACTOR = "step:breaker"


def check(campaign: Campaign, *, now: datetime) -> Reason | None:
    """Pause the campaign where the breaker says so; the reason, or nothing.

    A paused campaign is not judged again: only a person ends the pause, and counts anew.
    """
    if campaign.paused_at is not None:
        return None
    since = max(now - WINDOW, _looked_at(campaign) or now - WINDOW)
    reason = judge(_count(campaign, since, now), _count(campaign, None, since))
    if reason is not None:
        because = sentence("openletter.replies", reason, "en")
        campaigns.pause(campaign, actor=ACTOR, because=because, now=now)
    return reason


def _looked_at(campaign: Campaign) -> datetime | None:
    """When a person last ended a pause: what was before is known to somebody."""
    ended = TimelineEntry.objects.filter(campaign=campaign, action="resumed")
    return ended.order_by("-at").values_list("at", flat=True).first()


def _count(campaign: Campaign, since: datetime | None, until: datetime) -> Count:
    letters = Delivery.objects.filter(
        campaign=campaign, purpose=Delivery.Purpose.LETTER, handed_at__lte=until
    )
    replies = Reply.objects.filter(
        campaign=campaign, undone_at=None, at__lte=until,
        kind__in=[ReplyKind.COMPLAINT, ReplyKind.FEEDBACK],
    )  # fmt: skip
    if since is not None:
        letters, replies = letters.filter(handed_at__gt=since), replies.filter(at__gt=since)
    found = letters.aggregate(
        letters=Counted("pk", filter=~Q(state__in=[DeliveryState.CANCELLED])),
        bounced=Counted("pk", filter=Q(state=DeliveryState.BOUNCED)),
    )
    return Count(**found, complaints=replies.count())
