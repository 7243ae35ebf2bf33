"""Letters that a verifier may still look at: their key's records must stay in DNS."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from openletter.campaigns.rules import CampaignState
from openletter.letters.models import Letter
from openletter.letters.selectors import QUEUE_LIFE
from openletter.words import DeliveryState

_WAITS = (DeliveryState.CLEARED, DeliveryState.HANDING, DeliveryState.DEFERRED)


def signed_before(moment: datetime, *, now: datetime) -> int:
    """Real letters signed before a moment that have not left, or may lie in a queue somewhere."""
    left_lately = Q(delivery__handed_at__gt=now - QUEUE_LIFE)
    unsent = Q(delivery=None) & ~Q(campaign__state=CampaignState.FINISHED)
    waiting = unsent | Q(delivery__state__in=_WAITS) | left_lately
    signed = Letter.objects.filter(campaign__exercise=False, composed_at__lt=moment)
    return signed.filter(waiting).count()
