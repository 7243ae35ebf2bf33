"""Pace and clearing: how many letters may be cleared now, and what clearing one leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from django.db import connection

from openletter.campaigns.copying import check_keys
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.letters.models import Delivery
from openletter.letters.questions import question
from openletter.words import DeliveryState, WaveKind

UNBOUNDED = 1_000_000


def room(campaign: Campaign, *, now: datetime) -> int:
    """How many letters pace and the first batch allow to clear now; not above zero: none."""
    return min(room_this_hour(campaign, now=now), room_before_waiting(campaign))


def room_this_hour(campaign: Campaign, *, now: datetime) -> int:
    recent = Delivery.objects.filter(
        campaign=campaign,
        purpose=Delivery.Purpose.LETTER,
        cleared_at__gt=now - timedelta(hours=1),
    ).exclude(state=DeliveryState.CANCELLED)
    return campaign.letters_per_hour - recent.count()


def room_before_waiting(campaign: Campaign) -> int:
    """Letters until somebody must say go on; without a first batch, or once said, no bound.

    Corrections are not among the first letters: a person approved them.
    """
    if not campaign.first_batch or campaign.approvals.filter(what="go-on").exists():
        return UNBOUNDED
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    sent = letters.exclude(state=DeliveryState.CANCELLED)
    return campaign.first_batch - sent.exclude(letter__wave__kind=WaveKind.CORRECTION).count()


def clear_letters(letters: Collection[int], *, campaign: Campaign, now: datetime) -> int:
    """Each becomes a delivery that may leave; it is never touched again. How many were drafts."""
    with connection.cursor() as cursor:
        cursor.execute(question("clear.sql"), {"letters": list(letters), "now": now})
        cleared = cursor.fetchall()
    check_keys()
    record(chain.from_iterable(_cleared(campaign, *row, now=now) for row in cleared))
    return len(cleared)


def _cleared(
    campaign: Campaign, letter: int, partner: int, reference: str, cases: Sequence[int],
    *, now: datetime,
) -> Iterator[Entry]:  # fmt: skip
    """An entry of the letter's, and one of each case in it."""
    about = [("letter", letter), *(("case", case) for case in cases)]
    for kind, pk in about:
        yield Entry(
            subject=f"{kind}:{pk}",
            actor="step:compose",
            action="cleared" if kind == "letter" else "letter-cleared",
            at=now,
            campaign_id=campaign.pk,
            partner_id=partner,
            after={"letter": letter, "reference": reference},
        )
