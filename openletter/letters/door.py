"""The door: why a cleared letter may not leave now, and where it goes then.

`door.sql` holds the questions once; the claim asks them of what may leave, and this module of
what waits, to send back what will never be right again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.cases.models import CaseLink
from openletter.letters.models import Delivery, HandedElsewhere, Letter, LetterCase
from openletter.letters.questions import question
from openletter.words import DeliveryState, Reason

_WAITING = [
    "no-installation", "leaving-paused", "campaign-paused", "campaign-not-running",
    "wave-not-open", "evidence-weighed-anew", "handed-elsewhere",
]  # fmt: skip
"""Reasons at the door that make a letter wait; the last is settled by `find_elsewhere`."""


def sql(name: str) -> str:
    """A named query of this room, with the door's questions in their place."""
    return question(
        name, campaign="c.id", mailbox="d.mailbox", kind="l.kind", own="d.id", now="%(now)s"
    )


def entry_of(
    row: Delivery,
    action: str,
    *,
    before: str,
    now: datetime,
    actor: str = "step:send",
    because: str = "",
) -> Entry:
    return Entry(
        subject=f"delivery:{row.pk}",
        actor=actor,
        action=action,
        at=now,
        campaign_id=row.campaign_id,
        partner_id=row.partner_id,
        before={"state": before},
        after={"state": row.state, "code": row.smtp_code, "queue_id": row.queue_id},
        reason=Reason(code=because).as_json() if because else None,
    )


def _stale(campaign: Campaign, *, waiting: list[str], now: datetime, limit: int) -> dict[int, str]:
    """Cleared letters that fail at the door for another reason than these: id -> reason."""
    if not _waits(campaign):  # after most runs of a sender; the door is a large question to plan
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            sql("stale.sql"),
            {"campaign": campaign.pk, "now": now, "waiting": waiting, "limit": limit},
        )
        return dict(cursor.fetchall())


def _waits(campaign: Campaign) -> bool:
    """Whether any letter is there that `stale.sql` would look at."""
    waiting = (DeliveryState.CLEARED, DeliveryState.DEFERRED)
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    return letters.filter(state__in=waiting).exists()


@transaction.atomic
def send_back(campaign: Campaign, *, now: datetime, limit: int = 500) -> dict[str, int]:
    """Cleared letters that fail at the door go back to their step, counted by reason.

    The delivery is cancelled and keeps the reason; the letter goes, with its secrets, which
    nobody ever saw. `compose` then writes anew about what is still right.
    """
    found = _stale(campaign, waiting=_WAITING, now=now, limit=limit)
    if not found:
        return {}
    rows = list(Delivery.objects.filter(pk__in=found))
    entries = []
    for row in rows:
        before, row.state, row.reason = row.state, DeliveryState.CANCELLED, found[row.pk]
        row.settled_at = now
        row.save(update_fields=["state", "reason", "settled_at"])
        entries.append(entry_of(row, "sent-back", before=before, now=now, because=found[row.pk]))
    forget_letters(Letter.objects.filter(delivery__in=rows))
    campaigns.record(entries)
    counts: dict[str, int] = {}
    for reason in found.values():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def forget_letters(letters: QuerySet[Letter]) -> None:
    """Letters that never left, with rows, tokens and the links printed in them."""
    ids = list(letters.values_list("id", flat=True))
    rows = LetterCase.objects.filter(letter_id__in=ids)
    links = list(rows.values_list("link_id", flat=True))
    rows.delete()
    Letter.objects.filter(id__in=ids).delete()
    CaseLink.objects.filter(id__in=links).delete()


@transaction.atomic
def find_elsewhere(campaign: Campaign, *, now: datetime) -> int:
    """Letters of which the journal says that their like left after this database's backup.

    They become `unknown`: one of them has left, and only a person may say it was this one.
    """
    if not HandedElsewhere.objects.filter(campaign=campaign.slug).exists():
        return 0
    waiting = [one for one in _WAITING if one != "handed-elsewhere"]
    found = _stale(campaign, waiting=waiting, now=now, limit=500)
    ids = [pk for pk, reason in found.items() if reason == "handed-elsewhere"]
    rows = list(Delivery.objects.filter(pk__in=ids))
    entries = []
    for row in rows:
        before, row.state, row.reason = row.state, DeliveryState.UNKNOWN, "handed-elsewhere"
        row.settled_at = now
        row.save(update_fields=["state", "reason", "settled_at"])
        entries.append(entry_of(row, "unknown", before=before, now=now, because=row.reason))
    if entries:
        campaigns.record(entries)
    return len(rows)
