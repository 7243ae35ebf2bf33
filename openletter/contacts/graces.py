"""Time that a contact was given: until that day its mailbox gets no update, reminder or closing.

A handler gives it, because somebody wrote when it will be closed. A first letter about something
else to the same mailbox can't come later than that: it had one already.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.contacts.decision_rows import Grace
from openletter.contacts.errors import ContactError
from openletter.words import Reason

LONGEST = timedelta(days=180)


def standing(mailbox: str, *, campaign: Campaign, now: datetime) -> Grace | None:
    """The time that is still running."""
    return Grace.objects.filter(
        mailbox=mailbox, campaign=campaign, undone_at=None, until__gt=now
    ).first()


@transaction.atomic
def give(mailbox: str, *, campaign: Campaign, until: datetime, actor: str, now: datetime) -> Grace:
    """Until then no later letter; another day takes the place of the one before."""
    if not now < until <= now + LONGEST:
        raise ContactError(Reason(code="grace-out-of-range", values={"days": LONGEST.days}))
    _undo(mailbox, campaign, actor=actor, now=now)
    row = Grace.objects.create(
        campaign=campaign, mailbox=mailbox, until=until, who=actor[:200], at=now
    )
    record([_entry(row, "time-given", actor=actor, now=now)])
    return row


@transaction.atomic
def take_back(mailbox: str, *, campaign: Campaign, actor: str, now: datetime) -> bool:
    """The time is over, or was given by mistake; False: none was running."""
    undone = _undo(mailbox, campaign, actor=actor, now=now)
    record(_entry(row, "time-taken-back", actor=actor, now=now) for row in undone)
    return bool(undone)


def _undo(mailbox: str, campaign: Campaign, *, actor: str, now: datetime) -> list[Grace]:
    rows = list(
        Grace.objects.select_for_update().filter(mailbox=mailbox, campaign=campaign, undone_at=None)
    )
    for row in rows:
        row.undone_at, row.undone_by = now, actor[:150]
        row.save(update_fields=["undone_at", "undone_by"])
    return rows


def _entry(row: Grace, action: str, *, actor: str, now: datetime) -> Entry:
    return Entry(
        subject=f"mailbox:{row.mailbox}"[:60], actor=actor, action=action, at=now,
        campaign_id=row.campaign_id, partner_id=row.campaign.lead_id,
        after={"mailbox": row.mailbox, "until": row.until.isoformat()},
    )  # fmt: skip
