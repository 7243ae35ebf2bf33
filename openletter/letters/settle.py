"""What became of letters: from a log, a journal mailbox, and at every start (contracts §1).

No machine resends. A log may say that an `unknown` letter was accepted, delivered or returned, or
prove that it never arrived (`not-sent`); only a person clears one of those again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from openletter.campaigns import steps as campaigns
from openletter.campaigns.rules import Entry
from openletter.letters.mark import after_restore, at_start, go_on
from openletter.letters.models import Delivery, Letter, MailToken
from openletter.letters.rules.copies import Copy
from openletter.letters.rules.logs import SETTLING, LogFacts, Seen, gather, is_whole
from openletter.wire.postfixlog import LogLine
from openletter.words import DeliveryState, Reason, TokenPurpose, secret_hash

__all__ = ["Settled", "after_restore", "at_start", "from_copies", "from_log", "go_on"]

LOGGED, COPIED = "smarthost-log", "journal-mailbox"
_SKEW = timedelta(minutes=1)
"""So much may the mail server's clock be behind ours."""
_LEFT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a log settled: state -> how many; and how many unknown ones it says nothing about."""

    by_state: Counter[str] = field(default_factory=Counter)
    not_sent: int = 0
    still_unknown: int = 0


@transaction.atomic
def from_log(lines: Iterable[LogLine], *, by: str, now: datetime) -> Settled:
    """Settle what the log proves. `unknown` -> accepted or not-sent; accepted -> delivered."""
    facts = gather(lines)
    counts: Counter[str] = Counter()
    entries: list[Entry] = []
    open_states = (DeliveryState.UNKNOWN, DeliveryState.ACCEPTED)
    rows = Delivery.objects.filter(state__in=open_states, exercise=False)
    for row in rows.select_for_update().order_by("id"):
        since = (row.handed_at or row.cleared_at) - _SKEW
        seen = facts.of(row.message_id, row.queue_id, recipient=row.recipient, since=since)
        state = _state_in(seen) if seen else None
        if seen is None or state is None or state == row.state:
            continue
        entries.append(_settle(row, state, seen, by=by, now=now))
        counts[state] += 1
    not_sent = _not_sent(facts, by=by, now=now, entries=entries)
    campaigns.record(entries)
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN, exercise=False)
    return Settled(
        by_state=counts,
        not_sent=not_sent,
        still_unknown=unknown.filter(not_sent_at=None).count(),
    )


def _state_in(seen: Seen) -> DeliveryState | None:
    """None: a Message-ID without a queued message was cut off before its end."""
    if seen.status == "sent":
        return DeliveryState.DELIVERED
    if seen.status in ("bounced", "expired"):
        return DeliveryState.BOUNCED
    return DeliveryState.ACCEPTED if seen.is_queued else None


def _settle(row: Delivery, state: DeliveryState, seen: Seen, *, by: str, now: datetime) -> Entry:
    before = row.state
    row.state, row.queue_id, row.settled_at = state, seen.queue_id[:100], now
    row.settled_by, row.reason, row.not_sent_at = by[:150], LOGGED, None
    row.smtp_text = f"{seen.dsn} {seen.text}".strip()[:300] or row.smtp_text
    row.save()
    return _entry(row, str(state), before=before, by=by, now=now)


def _entry(
    row: Delivery, action: str, *, before: str, by: str, now: datetime, because: str = LOGGED
) -> Entry:
    return Entry(
        subject=f"delivery:{row.pk}",
        actor=by,
        action=action,
        at=now,
        campaign_id=row.campaign_id,
        partner_id=row.partner_id,
        before={"state": before},
        after={"state": row.state, "queue_id": row.queue_id},
        reason=Reason(code=because).as_json(),
    )


# -- a journal mailbox ----------------------------------------------------------------------------


@transaction.atomic
def from_copies(copies: Iterable[Copy], *, by: str, now: datetime) -> Settled:
    """Settle what copies in a journal mailbox prove: `unknown` -> accepted. Absence proves nothing.

    An accepted letter whose copy came back is noted: the service has passed it on.
    """
    wanted = _copied(list(copies))
    states = (DeliveryState.UNKNOWN, DeliveryState.ACCEPTED)
    rows = Delivery.objects.filter(pk__in=wanted, state__in=states, exercise=False)
    entries: list[Entry] = []
    for row in rows.exclude(reason=COPIED).select_for_update().order_by("id"):
        before = row.state
        row.state, row.reason, row.not_sent_at = DeliveryState.ACCEPTED, COPIED, None
        if before == DeliveryState.UNKNOWN:
            row.settled_at, row.settled_by = now, by[:150]
            entries.append(_entry(row, "accepted", before=before, by=by, now=now, because=COPIED))
        row.save(update_fields=["state", "reason", "not_sent_at", "settled_at", "settled_by"])
    campaigns.record(entries)
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN, exercise=False)
    counts = Counter({str(DeliveryState.ACCEPTED): len(entries)} if entries else {})
    return Settled(by_state=counts, still_unknown=unknown.filter(not_sent_at=None).count())


def _copied(copies: Sequence[Copy]) -> set[int]:
    """Deliveries of which these are copies: whoever knows a secret of a letter has seen it leave.

    By Message-ID, by the token in Reply-To, or by reference and recipient together.
    """
    messages = {one for copy in copies for one in copy.message_ids}
    found = set(Delivery.objects.filter(message_id__in=messages).values_list("pk", flat=True))
    hashes = [secret_hash(token) for copy in copies for token in copy.tokens]
    by_token = MailToken.objects.filter(purpose=TokenPurpose.REPLY, token_hash__in=hashes)
    found |= set(by_token.exclude(letter__delivery=None).values_list("letter__delivery", flat=True))
    references = {one: copy for copy in copies for one in copy.references}
    named = Letter.objects.filter(reference__in=references, delivery__isnull=False)
    for reference, recipient, pk in named.values_list("reference", "recipient", "delivery"):
        if recipient.lower() in references[reference].recipients:
            found.add(pk)
    return found


# -- what a whole log proves ----------------------------------------------------------------------


def _not_sent(facts: LogFacts, *, by: str, now: datetime, entries: list[Entry]) -> int:
    """Mark those that a whole log does not know; the state stays `unknown`."""
    known = {
        message: at
        for message, at in Delivery.objects.filter(state__in=_LEFT, exercise=False)
        .exclude(queue_id="")
        .values_list("message_id", "handed_at")
        if at is not None
    }
    count = 0
    rows = Delivery.objects.filter(
        state=DeliveryState.UNKNOWN, exercise=False, not_sent_at=None, handed_at__lt=now - SETTLING
    )
    for row in rows.select_for_update().order_by("id"):
        since = row.handed_at
        if row.message_id in facts.by_message or since is None:
            continue
        if not is_whole(facts, known=known, since=since, now=now):
            continue
        row.not_sent_at, row.settled_by = now, by[:150]
        row.save(update_fields=["not_sent_at", "settled_by"])
        entries.append(_entry(row, "not-sent", before=row.state, by=by, now=now))
        count += 1
    return count
