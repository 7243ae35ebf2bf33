"""What a server's answer means for a letter, and how long a deferred one waits. Pure."""

from __future__ import annotations

import re
from datetime import timedelta

from openletter.wire.dsn import first_status
from openletter.wire.smtp import Fate, Outcome, Stage
from openletter.words import DeliveryState

_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"})
_NO_SUCH = re.compile(
    r"(?i)no such (?:user|mailbox|recipient)|(?:user|mailbox|recipient)s? (?:is )?unknown"
    r"|unknown (?:user|mailbox|recipient)|does not exist"
)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=4)

STATES = {
    Outcome.ACCEPTED: DeliveryState.ACCEPTED,
    Outcome.DEFERRED: DeliveryState.DEFERRED,
    Outcome.REFUSED: DeliveryState.BOUNCED,
    Outcome.UNKNOWN: DeliveryState.UNKNOWN,
}


def state_of(fate: Fate, *, exercise: bool) -> DeliveryState:
    """The built-in mailbox is the last station: what it took is delivered."""
    if fate.outcome is Outcome.ACCEPTED and exercise:
        return DeliveryState.DELIVERED
    return STATES[fate.outcome]


def is_dead(fate: Fate) -> bool:
    """The server says that there is no such mailbox; anything else may be about us."""
    if fate.outcome is not Outcome.REFUSED or fate.stage is not Stage.RCPT:
        return False
    status = first_status(fate.text)
    return status in _DEAD or (not status and bool(_NO_SUCH.search(fate.text)))


def is_about_us(fate: Fate) -> bool:
    """Refused for what we are or how we are set up, not for the mailbox."""
    refused = fate.outcome in (Outcome.REFUSED, Outcome.DEFERRED)
    return refused and (fate.is_about_us or " 5.7." in f" {fate.text}" or fate.code == 554)


def wait_after(attempt: int) -> timedelta:
    """Five minutes, doubling to four hours."""
    doublings = min(max(attempt - 1, 0), 10)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)
