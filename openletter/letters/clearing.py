"""Pace and clearing: how many letters may be cleared now, and what clearing one leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.letters.models import Delivery, Letter, LetterCase
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


def clear_letters(letters: Sequence[Letter], *, campaign: Campaign, now: datetime) -> None:
    """Each becomes a delivery that may leave; it is never touched again."""
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            campaign=campaign,
            exercise=campaign.exercise,
            partner_id=letter.partner_id,
            purpose=Delivery.Purpose.LETTER,
            mailbox=letter.mailbox,
            recipient=letter.recipient,
            envelope_from=letter.envelope_from,
            message_id=letter.message_id,
            raw=letter.raw,
            body_sha256=letter.body_sha256,
            state=DeliveryState.CLEARED,
            cleared_at=now,
        )
        for letter in letters
    )
    for letter, delivery in zip(letters, deliveries, strict=True):
        letter.delivery = delivery
    Letter.objects.bulk_update(letters, ["delivery"], batch_size=500)
    named = LetterCase.objects.filter(letter__in=[letter.pk for letter in letters])
    by_letter: dict[int, list[int]] = defaultdict(list)
    for letter_id, case_id in named.order_by("number").values_list("letter_id", "case_id"):
        by_letter[letter_id].append(case_id)
    record(
        chain.from_iterable(_cleared(letter, by_letter[letter.pk], now=now) for letter in letters)
    )


def _cleared(letter: Letter, cases: Iterable[int], *, now: datetime) -> Iterable[Entry]:
    """An entry of the letter's, and one of each case in it."""
    about = [("letter", letter.pk), *(("case", case) for case in cases)]
    for kind, pk in about:
        yield Entry(
            subject=f"{kind}:{pk}",
            actor="step:compose",
            action="cleared" if kind == "letter" else "letter-cleared",
            at=now,
            campaign_id=letter.campaign_id,
            partner_id=letter.partner_id,
            after={"letter": letter.pk, "reference": letter.reference},
        )
