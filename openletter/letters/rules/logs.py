"""What a smarthost's log proves about letters whose fate is unknown. Pure.

A log proves that a letter left when it shows it queued. It proves that a letter never arrived
only if it is whole: it covers the time from the claim to now without a gap, every letter of ours
that is known to have been queued in that time is in it, and one of them is later than the claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openletter.wire.postfixlog import LogLine

LONGEST_SILENCE = timedelta(hours=1)
SETTLING = timedelta(minutes=15)
"""A hand-over of the last minutes may still be going on."""


@dataclass
class Seen:
    """One queued message in the log."""

    queue_id: str
    at: datetime
    is_queued: bool = False
    status: str = ""
    dsn: str = ""
    text: str = ""
    recipient: str = ""


@dataclass
class LogFacts:
    """What the log says: messages by Message-ID, and the stretches of time it covers."""

    by_message: dict[str, Seen] = field(default_factory=dict)
    by_queue: dict[str, Seen] = field(default_factory=dict)
    """Messages whose Message-ID is not in these lines, where the log says what became of them."""
    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)

    def of(self, message_id: str, queue_id: str, *, recipient: str, since: datetime) -> Seen | None:
        """What became of a letter: by its Message-ID, else by the queue id it was taken under.

        Queue ids may come again, so recipient and time must fit, too.
        """
        if message_id in self.by_message:
            return self.by_message[message_id]
        seen = self.by_queue.get(queue_id) if queue_id else None
        fits = seen is not None and seen.recipient == recipient.lower() and seen.at >= since
        return seen if fits else None

    def covers(self, start: datetime, end: datetime) -> bool:
        return any(first <= start and last >= end for first, last in self.stretches)


def gather(lines: Iterable[LogLine]) -> LogFacts:
    """Read the lines once; they may come from several files in any order."""
    facts = LogFacts()
    by_queue: dict[str, Seen] = {}
    for line in sorted(lines, key=lambda one: one.at):
        _extend(facts.stretches, line.at)
        if not line.queue_id:
            continue
        if line.message_id:
            seen = Seen(queue_id=line.queue_id, at=line.at)
            by_queue[line.queue_id] = facts.by_message[line.message_id] = seen
        elif line.queue_id in by_queue:
            _note(by_queue[line.queue_id], line)
        elif line.status:
            seen = Seen(queue_id=line.queue_id, at=line.at, recipient=line.recipient.lower())
            _note(facts.by_queue.setdefault(line.queue_id, seen), line)
    return facts


def _extend(stretches: list[tuple[datetime, datetime]], at: datetime) -> None:
    if stretches and at - stretches[-1][1] <= LONGEST_SILENCE:
        stretches[-1] = (stretches[-1][0], at)
    else:
        stretches.append((at, at))


def _note(seen: Seen, line: LogLine) -> None:
    seen.is_queued = seen.is_queued or line.is_queued or bool(line.status)
    if line.status:
        seen.status, seen.dsn, seen.text = line.status, line.dsn, line.text


def is_whole(
    facts: LogFacts, *, known: dict[str, datetime], since: datetime, now: datetime
) -> bool:
    """`known`: Message-ID -> time of letters that certainly were queued at this smarthost."""
    ours = {one: at for one, at in known.items() if at >= since}
    if any(one not in facts.by_message for one in ours):
        return False
    later = any(at > since for at in ours.values())
    until = max(now - LONGEST_SILENCE, since + SETTLING)
    return later and facts.covers(since, until)
