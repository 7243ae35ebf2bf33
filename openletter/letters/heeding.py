"""What contacts' wishes do to letters: how many follow one, and what taking one back may undo."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from openletter.campaigns.models import Campaign
from openletter.contacts import wishes
from openletter.contacts.rules.wished import REASON
from openletter.contacts.wish_rows import ContactWish
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.words import DeliveryState, Wish


def followed(letters: QuerySet[Letter], campaign: Campaign) -> dict[Wish, int]:
    """How many of these letters follow a wish of their contact, by wish; none: left out."""
    standing = wishes.standing(campaign.world)
    plain = standing.filter(wish=Wish.NO_ATTACHMENT, mailbox=OuterRef("mailbox"))
    moved = LetterCase.objects.filter(
        letter=OuterRef("pk"), choice__reasons__contains=[{"code": REASON}]
    )
    counted = {
        Wish.NO_ATTACHMENT: letters.filter(Exists(plain)).count() if standing.exists() else 0,
        Wish.OTHER_MAILBOX: letters.filter(Exists(moved)).count() if standing.exists() else 0,
    }
    return {wish: count for wish, count in counted.items() if count}


@transaction.atomic
def take_back(row: ContactWish, *, because: str, actor: str, now: datetime) -> bool:
    """A wish holds no more; where a letter has left by it, its mailboxes stay one contact.

    The letters are locked, so that none is claimed between the look and the end of the wish.
    """
    rows = LetterCase.objects.filter(choice__in=wishes.followers(row).values("pk"))
    letters = rows.filter(letter__delivery__isnull=False).values("letter__delivery")
    states = Delivery.objects.filter(pk__in=letters).select_for_update().values_list("state")
    left = {state for (state,) in states} - {DeliveryState.CLEARED, DeliveryState.CANCELLED}
    return wishes.take_back(row, followed=bool(left), because=because, actor=actor, now=now)
