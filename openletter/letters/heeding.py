"""What contacts' wishes do to letters: how many follow one, and what taking one back may undo."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from openletter.campaigns.models import Campaign
from openletter.contacts import finding, wishes
from openletter.contacts.rules.wished import REASON
from openletter.contacts.wish_rows import ContactWish
from openletter.letters import sending
from openletter.letters.journal import mailbox_hash
from openletter.letters.models import Delivery, HandedElsewhere, Letter, LetterCase
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

    Nothing is chosen or claimed between the look and the end of the wish.
    """
    finding.wait_for(row.exercise)
    sending.hold_claims()
    rows = LetterCase.objects.filter(choice__in=wishes.followers(row).values("pk"))
    letters = rows.filter(letter__delivery__isnull=False).values("letter__delivery")
    states = Delivery.objects.filter(pk__in=letters).values_list("state", flat=True)
    left = set(states) - {DeliveryState.CLEARED, DeliveryState.CANCELLED}
    followed = bool(left) or _is_handed_elsewhere(row.instead)
    return wishes.take_back(row, followed=followed, because=because, actor=actor, now=now)


def _is_handed_elsewhere(mailbox: str) -> bool:
    """The journal knows a letter to it that this database does not: a backup was played back."""
    digest = bytes.fromhex(mailbox_hash(mailbox))
    return HandedElsewhere.objects.filter(mailbox_hash=digest).exists()
