"""Campaigns whose first letters have left, for tests of what is written after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from openletter.campaigns.models import Campaign, Installation, Wave
from openletter.cases.models import Case
from openletter.contacts.models import Choice
from openletter.letters import sending, steps
from openletter.letters.models import Delivery, Letter
from openletter.words import DeliveryState, WaveKind
from tests.builders import NOW, a_user
from tests.letter_builders import ABUSE, a_campaign_with_wave, chosen_cases

DAY = timedelta(days=1)
LATER = NOW + 31 * DAY
"""After the campaign's distance to the first letters, which left at NOW."""


def told(
    campaign: Campaign, addresses: Sequence[str], mailbox: str = ABUSE, **changes: object
) -> list[Choice]:
    """Cases of a mailbox that its first letter told it of."""
    choices = chosen_cases(campaign, list(addresses), mailbox, **changes)
    compose(campaign, now=NOW)
    arrive(campaign, at=NOW)
    return choices


@contextmanager
def what_if() -> Iterator[None]:
    """Whatever is done within is undone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def compose(campaign: Campaign, *, now: datetime) -> int:
    return sum(_until_nothing(campaign, now=now))


def _until_nothing(campaign: Campaign, *, now: datetime) -> Iterator[int]:
    while done := steps.compose(campaign, now=now, limit=100):
        yield done


def arrive(campaign: Campaign, *, at: datetime) -> None:
    """Whatever is cleared was handed over and taken."""
    Delivery.objects.filter(campaign=campaign, state=DeliveryState.CLEARED).update(
        state=DeliveryState.DELIVERED, handed_at=at
    )


def see_again(*addresses: str, at: datetime = LATER) -> None:
    """A source named these again; the others' evidence is as old as the letter."""
    Case.objects.filter(ip__in=addresses).update(last_evidence_at=at)


def a_told_campaign(**changes: object) -> Campaign:
    """An exercise that lets reminders and closing letters be written."""
    Installation.objects.get_or_create(id=1, defaults={"mark": "0" * 32})
    wanted: dict[str, object] = {"reminders": True, "closing_letters": True}
    return a_campaign_with_wave(**(wanted | changes))


def opened(campaign: Campaign, kind: WaveKind, *, now: datetime = LATER) -> Wave:
    user = a_user("lead", partner=campaign.lead, role="approver")
    return steps.open_wave(campaign, kind, user=user, now=now)


def written(kind: WaveKind, mailbox: str = ABUSE) -> Letter:
    return Letter.objects.select_related("delivery").get(kind=kind, mailbox=mailbox)


def claimed(campaign: Campaign, *, now: datetime = LATER) -> list[str]:
    """Take what may leave now, as the sender does: their kinds; all of it is delivered."""
    taken = [one.id for one in sending.claim(campaign, worker="w", now=now, limit=100)]
    Delivery.objects.filter(pk__in=taken).update(state=DeliveryState.DELIVERED)
    return sorted(Letter.objects.filter(delivery__in=taken).values_list("kind", flat=True))
