"""How often a server is asked, and when it is left alone.

One row a server, shared by all workers: the time of its next turn (so much apart for each
registry), and until when it is left alone, because it asked for that or because it is away.
Pure: `now` and the row come in, the changed row goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openletter.wire import registries
from openletter.wire.lookup import LONGEST_WAIT, End, Reply

FAILURES = 3
"""So many failures in a row open the circuit breaker."""
SHORTEST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=6)

KEPT_FOR = {
    End.FOUND: timedelta(days=30), End.MOVED: timedelta(days=1), End.NOTHING: timedelta(days=7),
    End.REFUSED: timedelta(days=1),
}  # fmt: skip
"""How long an answer holds; "nothing" and "refused" are the negative cache."""
TRIES = 6
"""After so many looks in vain a case goes on without an answer."""
_PACES = {"dns": 0.25}


@dataclass(frozen=True, kw_only=True)
class Server:
    """What is remembered of a server."""

    next_at: datetime | None = None
    closed_until: datetime | None = None
    closed_because: str = ""
    failures: int = 0
    refusals: int = 0
    """How often in a row it asked to be left alone."""


def pace_of(server: str) -> float:
    """Seconds between two questions; guesses ask our own resolver."""
    return _PACES.get(server) or registries.pace_of(server)


def take_turn(
    server: Server, *, pace: float, now: datetime, patience: float
) -> tuple[Server, datetime | None]:
    """When this question may leave; None where that is further off than `patience` seconds."""
    if server.closed_until is not None and now < server.closed_until:
        return server, None
    at = max(now, server.next_at) if server.next_at else now
    if (at - now).total_seconds() > patience:
        return server, None
    return replace(server, next_at=at + timedelta(seconds=pace)), at


def after(server: Server, reply: Reply, *, now: datetime) -> Server:
    """What an answer changes: well again, left alone for a while, or one failure more."""
    match reply.end:
        case End.BUSY:
            asked_for = reply.retry_after or SHORTEST_REST
            rest = max(asked_for, _doubled(server.refusals)) if server.refusals else asked_for
            return replace(
                server, refusals=server.refusals + 1, closed_because=reply.code,
                closed_until=now + max(timedelta(seconds=1), min(rest, LONGEST_WAIT)),
            )  # fmt: skip
        case End.FAILED:
            failures = server.failures + 1
            if failures < FAILURES:
                return replace(server, failures=failures)
            return replace(
                server, failures=failures, closed_because=reply.code,
                closed_until=now + _doubled(failures - FAILURES),
            )  # fmt: skip
    return replace(server, failures=0, refusals=0, closed_until=None, closed_because="")


def _doubled(times: int) -> timedelta:
    return min(SHORTEST_REST * (1 << min(times, 12)), LONGEST_REST)


def again_after(tries: int) -> timedelta:
    """How long a case waits before it is looked up again, the first time and later."""
    return min(timedelta(minutes=5) * (1 << 2 * min(tries, 6)), timedelta(days=1))
