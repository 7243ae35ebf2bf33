"""The breaker: counts what came of the letters lately and pauses a campaign that goes wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count as Counted
from django.db.models import Q, QuerySet

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.catalogue import sentence
from openletter.letters.models import Delivery
from openletter.replies.models import Reply, ReplyKind
from openletter.replies.rules.breaker import (
    Count,
    judge,
    letters_that_matter,
    needs_comparison,
)
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
    lately = _lately(campaign, since, now)
    reason = judge(lately, _before(campaign, since) if needs_comparison(lately) else Count())
    if reason is not None:
        because = sentence("openletter.replies", reason, "en")
        campaigns.pause(campaign, actor=ACTOR, because=because, now=now)
    return reason


def _looked_at(campaign: Campaign) -> datetime | None:
    """When a person last ended a pause: what was before is known to somebody."""
    ended = TimelineEntry.objects.filter(campaign=campaign, action="resumed")
    return ended.order_by("-at").values_list("at", flat=True).first()


def _letters(campaign: Campaign) -> QuerySet[Delivery]:
    return Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)


def _lately(campaign: Campaign, since: datetime, now: datetime) -> Count:
    """What came of the window's letters; they are counted only as far as that can matter."""
    letters = _letters(campaign).filter(handed_at__gt=since, handed_at__lte=now)
    bounced = letters.filter(state=DeliveryState.BOUNCED).count()
    complaints = Reply.objects.filter(
        campaign=campaign, undone_at=None, at__gt=since, at__lte=now,
        kind__in=[ReplyKind.COMPLAINT, ReplyKind.FEEDBACK],
    ).count()  # fmt: skip
    most = letters_that_matter(bounced=bounced, complaints=complaints)
    counted = letters.exclude(state=DeliveryState.CANCELLED)[:most].count() if most else 0
    return Count(letters=counted, bounced=bounced, complaints=complaints)


def _before(campaign: Campaign, until: datetime) -> Count:
    """All letters ahead of the window."""
    letters = _letters(campaign).filter(handed_at__lte=until)
    found = letters.aggregate(
        letters=Counted("pk", filter=~Q(state=DeliveryState.CANCELLED)),
        bounced=Counted("pk", filter=Q(state=DeliveryState.BOUNCED)),
    )
    return Count(**found)
