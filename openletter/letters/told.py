"""Which choices a letter has already been sent by: a register's change moves those no more."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from openletter.contacts.models import Choice
from openletter.letters.models import Delivery, LetterCase
from openletter.words import DeliveryState

_WAITS = (DeliveryState.CLEARED, DeliveryState.DEFERRED)
_LEFT = (
    DeliveryState.HANDING, DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.UNKNOWN,
)  # fmt: skip


def untold(choices: QuerySet[Choice]) -> QuerySet[Choice]:
    """Of these choices those whose mailbox has no letter about the case in its hands, or in ours.

    Letters that wait are held until the commit, so that none leaves while its choice changes.
    """
    of_case = LetterCase.objects.filter(
        case=OuterRef("case"), letter__mailbox=OuterRef("mailbox")
    )  # fmt: skip
    named = LetterCase.objects.filter(choice__in=choices).values("letter")
    waiting = Delivery.objects.select_for_update(of=("self",)).filter(
        letter__in=named, state__in=_WAITS
    )
    list(waiting.order_by("pk").values_list("pk"))
    return choices.exclude(Exists(of_case.filter(letter__delivery__state__in=_LEFT)))
