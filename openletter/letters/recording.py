"""Writing down what became of letters that were handed over, many in one transaction.

Only the sender that held a letter knows; a restart may have called it `unknown` meanwhile, and a
known fate is better than none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from openletter.campaigns import steps as campaigns
from openletter.campaigns.rules import Entry
from openletter.contacts import steps as contacts
from openletter.letters.claimed import Claimed
from openletter.letters.door import sql
from openletter.letters.models import LetterCase
from openletter.letters.rules.fates import is_dead, state_of, wait_after
from openletter.wire.smtp import Fate, Outcome
from openletter.words import DeliveryState

Told = tuple[Claimed, Fate]
_SURE = (Outcome.ACCEPTED, Outcome.REFUSED)


def record(claimed: Claimed, fate: Fate, *, now: datetime) -> DeliveryState:
    """What became of one letter."""
    record_all([(claimed, fate)], now=now)
    return state_of(fate, exercise=claimed.exercise)


@transaction.atomic
def record_all(told: Sequence[Told], *, now: datetime) -> int:
    """What became of these letters; how many of them this sender still held."""
    if not told:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute(sql("record.sql"), {**_columns(told, now=now), "now": now})
        before = dict(cursor.fetchall())
    held = [(claimed, fate) for claimed, fate in told if claimed.id in before]
    for claimed, fate in held:
        if fate.outcome is Outcome.REFUSED:
            _bounced(claimed, fate, now=now)
    campaigns.record(
        _entry(claimed, fate, before=before[claimed.id], now=now) for claimed, fate in held
    )
    return len(held)


def _columns(told: Sequence[Told], *, now: datetime) -> dict[str, list[object]]:
    """The parameters of `record.sql`, one list a column."""
    states = [state_of(fate, exercise=claimed.exercise) for claimed, fate in told]
    return {
        "ids": [claimed.id for claimed, _ in told],
        "workers": [claimed.worker for claimed, _ in told],
        "attempts": [claimed.attempt for claimed, _ in told],
        "states": [str(state) for state in states],
        "codes": [fate.code for _, fate in told],
        "texts": [_stored(fate.text, 300) for _, fate in told],
        "queue_ids": [_stored(fate.queue_id, 100) for _, fate in told],
        "reasons": [
            f"smtp-{fate.stage}" if fate.outcome is not Outcome.ACCEPTED else "" for _, fate in told
        ],
        "not_before": [
            now + wait_after(claimed.attempt) if state == DeliveryState.DEFERRED else None
            for (claimed, _), state in zip(told, states, strict=True)
        ],
        "is_sure": [fate.outcome in _SURE for _, fate in told],
    }


def _stored(text: str, most: int) -> str:
    """What a server wrote, fit for a column: PostgreSQL takes no zero bytes."""
    return text.replace("\0", "")[:most]


def _bounced(claimed: Claimed, fate: Fate, *, now: datetime) -> None:
    """Refused at the door: a dead mailbox sends its cases on to the next contact."""
    if not is_dead(fate):
        return
    rows = LetterCase.objects.filter(letter__delivery=claimed.id).select_related("choice")
    if (row := rows.first()) is not None:
        contacts.note_bounce(row.choice, permanent=True, now=now, because=_stored(fate.text, 200))


def _entry(claimed: Claimed, fate: Fate, *, before: str, now: datetime) -> Entry:
    state = str(state_of(fate, exercise=claimed.exercise))
    return Entry(
        subject=f"delivery:{claimed.id}",
        actor="step:send",
        action=state,
        at=now,
        campaign_id=claimed.campaign,
        partner_id=claimed.partner,
        before={"state": before},
        after={"state": state, "code": fate.code, "queue_id": _stored(fate.queue_id, 100)},
    )
