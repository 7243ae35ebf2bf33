"""Claim, hand back, record: the states of a delivery on its way out (contracts §1).

A claim is one conditional UPDATE that asks again, at the door, everything that may have changed
since the letter was composed. Nobody but a person sends again what may have been accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Approval, Campaign
from openletter.contacts import steps as contacts
from openletter.letters.door import entry_of, find_elsewhere, send_back, sql
from openletter.letters.journal import LARGEST_BATCH, Line, What, mailbox_hash
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.letters.rules.fates import is_dead, may_leave, state_of, wait_after
from openletter.letters.turn import alone
from openletter.wire.smtp import Fate, Outcome
from openletter.words import DeliveryState, Reason, WaveKind

__all__ = [
    "MOST_BEYOND_RECALL", "Claimed", "Refused", "alone", "beyond_recall", "claim", "clear_again",
    "cleared_to_leave", "find_elsewhere", "is_stopped", "may_leave_now", "put_back", "record",
    "send_back",
]  # fmt: skip

MOST_BEYOND_RECALL = 200
_HOUR = timedelta(hours=1)


class Refused(Exception):  # noqa: N818 - what it says
    """A change that the rules of delivery refuse; `reason` says why, for a person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.reason = Reason(code=code)


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A delivery in the hands of one sender, with all that leaving needs."""

    id: int
    number: int
    attempt: int
    worker: str
    exercise: bool
    is_answer: bool
    sender: str
    recipient: str
    message_id: str
    raw: bytes
    journal: Line

    def returned(self, *, now: datetime) -> Line:
        """The journal's line for one whose first byte was never said."""
        return Line(
            what=What.RETURNED, number=self.number, mark=self.journal.mark, at=now,
            message_id=self.message_id,
        )  # fmt: skip


# -- what waits ---------------------------------------------------------------------------------


def cleared_to_leave(campaign: Campaign, *, now: datetime) -> QuerySet[Delivery]:
    """What waits for the sender, whether or not the door is open for it now."""
    due = Q(state=DeliveryState.CLEARED) | Q(state=DeliveryState.DEFERRED, not_before__lte=now)
    return Delivery.objects.filter(due, campaign=campaign).order_by("id")


def beyond_recall(campaign: Campaign) -> int:
    """Letters that the smarthost has and nobody has yet: a stop can't call them back."""
    return Delivery.objects.filter(
        campaign=campaign, purpose=Delivery.Purpose.LETTER, state=DeliveryState.ACCEPTED
    ).count()


def may_leave_now(campaign: Campaign, *, now: datetime) -> int:
    """How many letters pace, recall and the first batch allow."""
    room = corrections_may_leave(campaign, now=now)
    if campaign.exercise or Approval.objects.filter(campaign=campaign, what="go-on").exists():
        return room
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    left = letters.exclude(handed_at=None).exclude(letter__wave__kind=WaveKind.CORRECTION)
    return min(room, max(0, campaign.first_batch - left.count()))


def corrections_may_leave(campaign: Campaign, *, now: datetime) -> int:
    """How many letters pace and recall allow; a person approved them, so no first batch waits."""
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    return may_leave(
        per_hour=campaign.letters_per_hour,
        left_last_hour=letters.filter(handed_at__gt=now - _HOUR).count(),
        beyond_recall=beyond_recall(campaign),
        most_beyond=MOST_BEYOND_RECALL,
    )


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


@transaction.atomic
def claim(campaign: Campaign, *, worker: str, now: datetime, limit: int) -> list[Claimed]:
    """Take at most `limit` deliveries; they are `handing` from the commit of this on."""
    letters = may_leave_now(campaign, now=now)
    corrections = corrections_may_leave(campaign, now=now)
    values: dict[str, int | str | bool | datetime] = {
        "campaign": campaign.pk, "now": now, "worker": worker, "with_letters": letters > 0,
        "with_corrections": corrections > 0,
        "limit": min(limit, letters or corrections or limit, LARGEST_BATCH),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute(sql("claim.sql"), values)
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        cursor.execute(
            "UPDATE installation SET journal_position = journal_position + %s"
            " RETURNING journal_position, mark",
            [len(ids)],
        )
        position, mark = cursor.fetchone()
    rows = Delivery.objects.filter(id__in=ids).select_related("letter__wave").order_by("id")
    first = position - len(ids) + 1
    return [
        _claimed(row, campaign, number=number, mark=str(mark), now=now)
        for number, row in enumerate(rows, start=first)
    ]


def _claimed(
    row: Delivery, campaign: Campaign, *, number: int, mark: str, now: datetime
) -> Claimed:
    letter: Letter | None = getattr(row, "letter", None)
    line = Line(
        what=What.HANDING,
        number=number,
        mark=mark,
        at=now,
        message_id=row.message_id,
        campaign=campaign.slug,
        wave=letter.wave_id if letter else None,
        kind=letter.wave.kind if letter else "answer",
        mailbox=mailbox_hash(row.mailbox) if letter else "",
    )
    return Claimed(
        id=row.pk,
        number=number,
        attempt=row.attempt,
        worker=row.worker,
        exercise=row.exercise,
        is_answer=row.purpose == Delivery.Purpose.ANSWER,
        sender=row.envelope_from,
        recipient=row.recipient,
        message_id=row.message_id,
        raw=bytes(row.raw),
        journal=line,
    )


@transaction.atomic
def put_back(claimed: Sequence[Claimed], *, now: datetime) -> None:
    """Claimed, but nothing of them was said to any server: cleared as before."""
    for one in claimed:
        _mine(one).update(state=DeliveryState.CLEARED, attempt=one.attempt - 1, worker="")


def _mine(one: Claimed) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        pk=one.id, worker=one.worker, attempt=one.attempt, state=DeliveryState.HANDING
    )


# -- record -------------------------------------------------------------------------------------


@transaction.atomic
def record(claimed: Claimed, fate: Fate, *, now: datetime) -> DeliveryState:
    """Write down what became of a letter; only the sender that held it knows.

    A restart may have called it `unknown` meanwhile; a known fate is better than none.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    state = state_of(fate, exercise=claimed.exercise)
    held = [DeliveryState.HANDING]
    if fate.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
        held.append(DeliveryState.UNKNOWN)
    row = (
        Delivery.objects.select_for_update(of=("self",))
        .filter(pk=claimed.id, worker=claimed.worker, attempt=claimed.attempt, state__in=held)
        .first()
    )
    if row is None:
        return state
    before = row.state
    row.state, row.settled_at, row.queue_id = state, now, fate.queue_id[:100]
    row.smtp_code, row.smtp_text = fate.code, fate.text[:300]
    row.reason = f"smtp-{fate.stage}" if fate.outcome is not Outcome.ACCEPTED else ""
    if state == DeliveryState.DEFERRED:
        row.not_before = now + wait_after(row.attempt)
    row.save()
    if state == DeliveryState.BOUNCED:
        _bounced(row, fate, now=now)
    campaigns.record([entry_of(row, str(state), before=before, now=now)])
    return state


def _bounced(row: Delivery, fate: Fate, *, now: datetime) -> None:
    """Refused at the door: a dead mailbox sends its cases on to the next contact."""
    choice = LetterCase.objects.filter(letter__delivery=row).select_related("choice").first()
    if choice is not None and is_dead(fate):
        contacts.note_bounce(choice.choice, permanent=True, now=now, because=fate.text[:200])


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
