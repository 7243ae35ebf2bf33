"""What a later look at the sources means, and what became of a case. Pure.

Silence is no closure: an address has gone from a source only when a complete, healthy feed of
that source came later and does not name it; and from the sources only when all of them say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from openletter.words import OutcomeResult, Reason

RULE_VERSION = "look-2"
USUAL_DAYS = (1, 2, 4, 8, 16, 28)
SHRINKS_TO = 0.5
"""A feed with less than this share of the rows of the one before is not trusted to be complete."""
REFUSED_SHARE = 0.5
"""A feed of which more than this share was refused is not trusted either."""
ONE_ROUND = timedelta(hours=20)
"""Files of one source that come within this time are one round of it."""
GROWN_OLD = timedelta(days=7)
"""A row that a feed carries on with a date of its own older than this is no longer "seen"."""


class Seen(StrEnum):
    """What a look at the sources shows."""

    STILL_THERE = "still-there"
    GONE = "gone"
    SILENCE = "silence"


@dataclass(frozen=True, kw_only=True)
class Round:
    """All complete files of one source that came together."""

    at: datetime
    rows: int
    refused: int

    def is_healthy_after(self, before: Round | None) -> bool:
        """Not empty, not mostly refused, and not suddenly half of what it was."""
        if self.rows == 0 or self.refused > self.rows * REFUSED_SHARE:
            return False
        return before is None or self.rows >= before.rows * SHRINKS_TO


@dataclass(frozen=True, kw_only=True)
class SourceWord:
    """What one source last said of a case's address: when, in the feed of which day.

    `latest` is the source's latest healthy round, if there is one; `own_date` says that the time
    is the row's own, not that of the file or of its coming.
    """

    source: str
    seen_at: datetime
    feed_at: datetime
    latest: Round | None = None
    own_date: bool = False

    def still_says_so(self, since: datetime) -> bool:
        return self.seen_at > since

    def has_dropped_it(self, since: datetime) -> bool:
        if self.latest is None or self.latest.at <= since:
            return False
        return self.feed_at < self.latest.at - ONE_ROUND

    def carries_it_on(self, since: datetime) -> bool:
        """The latest feed still has the row, with an old date: the source saw it no more."""
        if self.latest is None or self.latest.at <= since or self.still_says_so(since):
            return False
        return self.own_date and self.seen_at < self.latest.at - GROWN_OLD


@dataclass(frozen=True, kw_only=True)
class Look:
    """The result of one look, with its reasons and the newest evidence known."""

    seen: Seen
    reasons: tuple[Reason, ...]
    last_seen_at: datetime | None


def look(words: Sequence[SourceWord], *, since: datetime) -> Look:
    """Compare what sources say now with what they said; only statements after `since` are new."""
    newest = max((word.seen_at for word in words), default=None)
    still = [word for word in words if word.still_says_so(since)]
    dropped = [word for word in words if word.has_dropped_it(since)]
    stale = [word for word in words if word not in dropped and word.carries_it_on(since)]
    if still:
        return Look(
            seen=Seen.STILL_THERE, reasons=_named("still-named", still), last_seen_at=newest
        )
    ended = _named("no-longer-named", dropped) + _named("carried-on-unseen", stale)
    if words and len(dropped) + len(stale) == len(words):
        return Look(seen=Seen.GONE, reasons=ended, last_seen_at=newest)
    silent = [word for word in words if word not in dropped and word not in stale]
    reasons = _named("source-silent", silent) + ended
    return Look(seen=Seen.SILENCE, reasons=reasons, last_seen_at=newest)


def _named(code: str, words: Sequence[SourceWord]) -> tuple[Reason, ...]:
    names = sorted({word.source for word in words})
    return tuple(Reason(code=code, values={"source": name}) for name in names)


def is_conclusive(seen: Seen, *, before: Seen | None, is_announced: bool, is_last: bool) -> bool:
    """Gone twice running, or gone after the holder said so, or nothing more is planned."""
    if is_last:
        return True
    return seen is Seen.GONE and (is_announced or before is Seen.GONE)


@dataclass(frozen=True, kw_only=True)
class PastLook:
    """A look that was made."""

    at: datetime
    seen: Seen
    last_seen_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What became of a case, and between which times; `censored`: the end was not seen."""

    result: OutcomeResult
    censored: bool
    not_before: datetime | None
    not_after: datetime | None
    reason: Reason


def conclude(looks: Sequence[PastLook], *, is_announced: bool) -> Conclusion:
    """Looks in order. The last one that was no silence decides."""
    telling = [one for one in looks if one.seen is not Seen.SILENCE]
    newest = max((one.last_seen_at for one in looks if one.last_seen_at), default=None)
    if not telling:
        return Conclusion(
            result=OutcomeResult.UNREACHABLE,
            censored=True,
            not_before=newest,
            not_after=None,
            reason=Reason(code="sources-silent", values={"looks": len(looks)}),
        )
    if telling[-1].seen is Seen.STILL_THERE:
        return Conclusion(
            result=OutcomeResult.STILL_OPEN,
            censored=True,
            not_before=newest,
            not_after=None,
            reason=Reason(code="still-named-at-end", values={"looks": len(looks)}),
        )
    return Conclusion(
        result=OutcomeResult.CLOSED if is_announced else OutcomeResult.GONE,
        censored=False,
        not_before=newest,
        not_after=_first_gone(telling),
        reason=Reason(code="announced-and-gone" if is_announced else "left-the-sources"),
    )


def _first_gone(telling: Sequence[PastLook]) -> datetime:
    """When the run of looks began in which it was gone."""
    at = telling[-1].at
    for one in reversed(telling):
        if one.seen is not Seen.GONE:
            break
        at = one.at
    return at
