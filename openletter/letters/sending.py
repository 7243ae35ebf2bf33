"""Claim and hand back: the states of a delivery on its way out (contracts §1).

A claim is one conditional UPDATE that asks again, at the door, everything that may have changed
since the letter was composed. Nobody but a person sends again what may have been accepted.
`recording` writes down what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign
from openletter.letters import pacing
from openletter.letters.claimed import Claimed
from openletter.letters.door import entry_of, find_elsewhere, send_back, sql
from openletter.letters.journal import LARGEST_BATCH, Line, What, mailbox_hash
from openletter.letters.models import Delivery
from openletter.letters.pacing import Room, beyond_recall
from openletter.letters.recording import record, record_all
from openletter.letters.turn import alone
from openletter.words import DeliveryState, Reason, WaveKind

__all__ = [
    "MOST_BEYOND_RECALL", "Claimed", "Refused", "alone", "beyond_recall", "claim", "clear_again",
    "cleared_to_leave", "find_elsewhere", "is_stopped", "may_leave_now", "put_back", "record",
    "record_all", "room_now", "send_back", "why_waiting",
]  # fmt: skip

MOST_BEYOND_RECALL = 200


class Refused(Exception):  # noqa: N818 - what it says
    """A change that the rules of delivery refuse; `reason` says why, for a person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.reason = Reason(code=code)


# -- what waits ---------------------------------------------------------------------------------


def cleared_to_leave(campaign: Campaign, *, now: datetime) -> QuerySet[Delivery]:
    """What waits for the sender, whether or not the door is open for it now."""
    due = Q(state=DeliveryState.CLEARED) | Q(state=DeliveryState.DEFERRED, not_before__lte=now)
    return Delivery.objects.filter(due, campaign=campaign).order_by("id")


def may_leave_now(campaign: Campaign, *, now: datetime) -> int:
    """How many letters pace, recall, warm-up and the first batch allow."""
    return room_now(campaign, now=now).letters


def room_now(campaign: Campaign, *, now: datetime) -> Room:
    """What the campaign as a whole may let out; one sender keeps it over several claims."""
    return pacing.room(campaign, now=now, most_beyond=MOST_BEYOND_RECALL)


def why_waiting(campaign: Campaign, *, now: datetime) -> dict[str, int]:
    """Letters that have not left, by the first reason why not now; "" for what is about to."""
    return pacing.why_waiting(campaign, now=now, most_beyond=MOST_BEYOND_RECALL)


def is_stopped(campaign: Campaign) -> bool:
    """Somebody pressed stop; asked before every letter."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM installation WHERE leaving_paused_at IS NOT NULL)"
            " OR EXISTS (SELECT FROM campaign WHERE id = %s AND paused_at IS NOT NULL)",
            [campaign.pk],
        )
        return bool(cursor.fetchone()[0])


# -- claim --------------------------------------------------------------------------------------


def hold_claims() -> None:
    """No claim is under way, and none begins before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM installation FOR UPDATE")


@transaction.atomic
def claim(
    campaign: Campaign, *, worker: str, now: datetime, limit: int, room: Room | None = None
) -> list[Claimed]:
    """Take at most `limit` deliveries; they are `handing` from the commit of this on.

    `room` is what `room_now` gave, less what was claimed since; only one sender may keep it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute("SELECT mark FROM installation FOR UPDATE")
        if (found := cursor.fetchone()) is None:
            return []
        left = room or room_now(campaign, now=now)
        buckets = pacing.buckets(campaign, now=now)
        most = min(limit, left.letters or left.corrections or limit, LARGEST_BATCH)
        values: dict[str, pacing.Parameter] = {
            "campaign": campaign.pk, "now": now, "worker": worker, "limit": most,
            "with_letters": left.letters > 0, "with_corrections": left.corrections > 0,
            "closed_countries": pacing.closed_now(campaign, now=now), **buckets.values(),
        }  # fmt: skip
        cursor.execute(sql("claim.sql"), values)
        rows = sorted((Row(*row) for row in cursor.fetchall()), key=Row.order)
        if not rows:
            return []
        cursor.execute(
            "UPDATE installation SET journal_position = journal_position + %s"
            " RETURNING journal_position",
            [len(rows)],
        )
        first = cursor.fetchone()[0] - len(rows) + 1
    letters = [row for row in rows if row.purpose == Delivery.Purpose.LETTER]
    buckets.charge([row.provider for row in letters], [row.partner for row in letters])
    return [
        row.claimed(campaign, number=number, mark=str(found[0]), worker=worker, now=now)
        for number, row in enumerate(rows, start=first)
    ]


class Row(NamedTuple):
    """What `claim.sql` gives back of one delivery."""

    id: int
    attempt: int
    purpose: str
    sender: str
    recipient: str
    mailbox: str
    message_id: str
    raw: bytes
    partner: int
    provider: str
    wave: int | None
    kind: str | None
    handed_before: datetime | None = None

    def order(self) -> tuple[str, bool, int]:
        """Answers first, then corrections."""
        return self.purpose, self.kind != WaveKind.CORRECTION, self.id

    def claimed(
        self, campaign: Campaign, *, number: int, mark: str, worker: str, now: datetime
    ) -> Claimed:
        line = Line(
            what=What.HANDING, number=number, mark=mark, at=now, message_id=self.message_id,
            campaign=campaign.slug, wave=self.wave, kind=self.kind or "answer",
            mailbox=mailbox_hash(self.mailbox) if self.kind else "",
        )  # fmt: skip
        return Claimed(
            id=self.id, campaign=campaign.pk, partner=self.partner, number=number,
            attempt=self.attempt, worker=worker, exercise=campaign.exercise,
            is_answer=self.purpose == Delivery.Purpose.ANSWER,
            sender=self.sender, recipient=self.recipient, message_id=self.message_id,
            raw=bytes(self.raw), journal=line, provider=self.provider,
            handed_before=self.handed_before,
        )  # fmt: skip


@transaction.atomic
def put_back(claimed: Sequence[Claimed], *, now: datetime) -> None:
    """Claimed, but nothing of them was said to any server: as before, and no pace is spent."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        hold_claims()
        cursor.execute(
            sql("put_back.sql"),
            {
                "ids": [one.id for one in claimed],
                "workers": [one.worker for one in claimed],
                "attempts": [one.attempt for one in claimed],
                "handed_before": [one.handed_before for one in claimed],
            },
        )
        held = {int(pk) for (pk,) in cursor.fetchall()}
    letters = [one for one in claimed if one.id in held and not one.is_answer]
    if letters:
        campaign = Campaign.objects.get(pk=letters[0].campaign)
        pacing.buckets(campaign, now=now).give_back(
            [one.provider for one in letters], [one.partner for one in letters]
        )


@transaction.atomic
def put_back_unsaid(claimed: Sequence[Claimed], *, written: int, now: datetime) -> None:
    """Claimed, and the journal could not be written: cleared, and their numbers given back.

    `written` is the journal's last number. Numbers that it never gets would look like lines lost.
    """
    last = max(one.number for one in claimed)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE installation SET journal_position = %s WHERE journal_position = %s",
            [max(written, last - len(claimed)), last],
        )
    put_back(claimed, now=now)


# -- only a person ------------------------------------------------------------------------------


@transaction.atomic
def clear_again(delivery: Delivery, *, user: str, now: datetime) -> None:
    """A person sends again what `settle` proved not to have left (contracts §1)."""
    row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    if row.state != DeliveryState.UNKNOWN or row.not_sent_at is None:
        raise Refused("not-proved-unsent")
    row.state, row.cleared_at, row.not_sent_at = DeliveryState.CLEARED, now, None
    row.reason, row.settled_at, row.settled_by = "", None, user[:150]
    row.save()
    entry = entry_of(
        row, "cleared-again", before=DeliveryState.UNKNOWN, now=now, actor=f"user:{user}"
    )
    campaigns.record([entry])
