"""Claim, hand back, record: the states of a delivery on its way out (contracts §1).

A claim is one conditional UPDATE that asks again, at the door, everything that may have changed
since the letter was composed. Nobody but a person sends again what may have been accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Approval, Campaign, Installation
from openletter.campaigns.rules import CampaignState, Entry
from openletter.cases.models import CaseLink
from openletter.contacts import steps as contacts
from openletter.letters.journal import LARGEST_BATCH, Line, What, mailbox_hash
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.letters.rules.fates import is_dead, may_leave, state_of, wait_after
from openletter.wire.smtp import Fate, Outcome
from openletter.words import DeliveryState, Reason

MOST_BEYOND_RECALL = 200
_HOUR = timedelta(hours=1)
_LOCK = (0x0C4A1, -1)
_WAITING = [
    "no-installation", "leaving-paused", "campaign-paused", "campaign-not-running",
    "wave-not-open", "handed-elsewhere",
]  # fmt: skip
"""Reasons at the door that make a letter wait; the last is settled by `find_elsewhere`."""


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


@contextmanager
def alone() -> Iterator[bool]:
    """One sender at a time a database; False: another one is at work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            _unlock()


def _unlock() -> None:
    """A lost connection has let go of it already."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


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
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    room = may_leave(
        per_hour=campaign.letters_per_hour,
        left_last_hour=letters.filter(handed_at__gt=now - _HOUR).count(),
        beyond_recall=beyond_recall(campaign),
        most_beyond=MOST_BEYOND_RECALL,
    )
    if campaign.exercise or Approval.objects.filter(campaign=campaign, what="go-on").exists():
        return room
    first = letters.exclude(handed_at=None).count()
    return min(room, max(0, campaign.first_batch - first))


def wait_after_first(campaign: Campaign, *, now: datetime) -> None:
    """The first letters of a real campaign have left: the rest waits for a person."""
    if campaign.exercise or campaign.state != CampaignState.RUNNING:
        return
    if Approval.objects.filter(campaign=campaign, what="go-on").exists():
        return
    letters = Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)
    if letters.exclude(handed_at=None).count() >= campaign.first_batch:
        campaigns.wait_after_first(campaign, now=now)


def is_stopped(campaign: Campaign) -> bool:
    """Somebody pressed stop; asked before every letter."""
    if Installation.objects.exclude(leaving_paused_at=None).exists():
        return True
    return Campaign.objects.filter(pk=campaign.pk).exclude(paused_at=None).exists()


# -- claim --------------------------------------------------------------------------------------


def _sql(name: str) -> str:
    folder = files("openletter.letters")
    text = folder.joinpath(name).read_text()
    return text.replace("{door}", folder.joinpath("door.sql").read_text())


@transaction.atomic
def claim(campaign: Campaign, *, worker: str, now: datetime, limit: int) -> list[Claimed]:
    """Take at most `limit` deliveries; they are `handing` from the commit of this on."""
    letters = may_leave_now(campaign, now=now)
    values = {
        "campaign": campaign.pk, "now": now, "worker": worker, "with_letters": letters > 0,
        "limit": min(limit, letters or limit, LARGEST_BATCH),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute(_sql("claim.sql"), values)
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
    campaigns.record([_entry(row, str(state), before=before, now=now)])
    return state


def _bounced(row: Delivery, fate: Fate, *, now: datetime) -> None:
    """Refused at the door: a dead mailbox sends its cases on to the next contact."""
    choice = LetterCase.objects.filter(letter__delivery=row).select_related("choice").first()
    if choice is not None and is_dead(fate):
        contacts.note_bounce(choice.choice, permanent=True, now=now, because=fate.text[:200])


def _entry(
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


# -- what may not leave any more ----------------------------------------------------------------


@transaction.atomic
def send_back(campaign: Campaign, *, now: datetime, limit: int = 500) -> dict[str, int]:
    """Cleared letters that fail at the door go back to their step, counted by reason.

    The delivery is cancelled and keeps the reason; the letter goes, with its secrets, which
    nobody ever saw. `compose` then writes anew about what is still right.
    """
    with connection.cursor() as cursor:
        values = {"campaign": campaign.pk, "now": now, "waiting": _WAITING, "limit": limit}
        cursor.execute(_sql("stale.sql"), values)
        found: dict[int, str] = dict(cursor.fetchall())
    if not found:
        return {}
    rows = list(Delivery.objects.filter(pk__in=found))
    entries = []
    for row in rows:
        before, row.state, row.reason = row.state, DeliveryState.CANCELLED, found[row.pk]
        row.settled_at = now
        row.save(update_fields=["state", "reason", "settled_at"])
        entries.append(_entry(row, "sent-back", before=before, now=now, because=found[row.pk]))
    _forget_letters(Letter.objects.filter(delivery__in=rows))
    campaigns.record(entries)
    counts: dict[str, int] = {}
    for reason in found.values():
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def _forget_letters(letters: QuerySet[Letter]) -> None:
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
    with connection.cursor() as cursor:
        values = {
            "campaign": campaign.pk, "now": now, "limit": 500,
            "waiting": [one for one in _WAITING if one != "handed-elsewhere"],
        }  # fmt: skip
        cursor.execute(_sql("stale.sql"), values)
        ids = [pk for pk, reason in cursor.fetchall() if reason == "handed-elsewhere"]
    rows = list(Delivery.objects.filter(pk__in=ids))
    entries = []
    for row in rows:
        before, row.state, row.reason = row.state, DeliveryState.UNKNOWN, "handed-elsewhere"
        row.settled_at = now
        row.save(update_fields=["state", "reason", "settled_at"])
        entries.append(_entry(row, "unknown", before=before, now=now, because=row.reason))
    if entries:
        campaigns.record(entries)
    return len(rows)


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
    entry = _entry(
        row, "cleared-again", before=DeliveryState.UNKNOWN, now=now, actor=f"user:{user}"
    )
    campaigns.record([entry])
