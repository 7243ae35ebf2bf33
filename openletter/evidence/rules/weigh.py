"""What to conclude from everything that is said of one address and one weakness. Pure.

Two independent families of sources, fresh enough, and at least one that saw where the server
*listens*. Families that repeat each other count once (`origins`). A list that does not say which
side it sees counts beside one that does. What only says "reachable", only corroborates, names a
range, names where traffic leaves, or was taken back, never counts. What contradicts is shown and
lowers the confidence; a check that found it closed after everything else outweighs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openletter.evidence.rules.judge import CLOCKS_DIFFER
from openletter.evidence.rules.listings import (
    BY_ITS_OWN_SECOND,
    REPLAYED,
    RULE_VERSION,
    Listing,
    Policy,
)
from openletter.words import FindingState, Judgement, Reason, Role, Value

__all__ = [
    "CERT_ONLY", "CHECKED_CLOSED", "CONTRADICTS", "REPLAYED", "RULE_VERSION", "SAYS_OPEN",
    "Listing", "Policy", "Weighed", "iso", "moving_together", "was_ever_open", "weigh",
]  # fmt: skip

CERT_ONLY = "cert_only"
"""The term of a source whose data national teams alone may hold."""
CHECKED_CLOSED = "check-found-closed"
SAYS_OPEN = "says-open"
"""The reason that tells who says so, of which port, and when last."""
CONTRADICTS = frozenset({CHECKED_CLOSED, "asks-for-sign-in"})
"""Why a row that is no `accept` says outright that the server is not open."""
_DOUBT = 0.6
"""What each doubt leaves of the confidence beyond the even chance."""
_WHY_NOT_OPEN = {
    Judgement.REACHABLE_ONLY: "reachable-not-open",
    Judgement.CORROBORATES: "corroborates-only",
}


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """The conclusion, and the rows it rests on; where none is fresh, those that once said so.

    `last_seen` is the newest row that counts. `fresh_until`: of what is open, when it no longer is
    unless more is said; of what is suspected, when the last row stops counting. With `needs_cert`
    it is open only thanks to sources that national teams alone may hold.
    """

    state: FindingState
    confidence: float
    families: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    reasons: tuple[Reason, ...] = ()
    rows: tuple[int, ...] = ()
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    needs_cert: bool = False
    fresh_until: datetime | None = None
    rule_version: str = RULE_VERSION

    @property
    def port(self) -> int | None:
        return self.ports[0] if self.ports else None


@dataclass(frozen=True, kw_only=True)
class _Scales:
    """All that is said, sorted, and what of it counts."""

    told: Sequence[Listing]
    policy: Policy
    now: datetime
    said: Sequence[Listing]
    counting: Sequence[Listing]
    origins: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        has_entry = any(one.role is Role.ENTRY for one in self.counting)
        return len(self.origins) >= self.policy.families_needed and has_entry

    @property
    def contrary(self) -> list[Listing]:
        """What says outright that it is not open, fresh, at a port that was named or at none."""
        ports = {one.port for one in self.counting if one.port is not None}
        return [
            one
            for one in self.told
            if one.reason in CONTRADICTS
            and one.says is not Judgement.ACCEPT
            and not one.taken_back
            and _is_within(one, self.policy.fresh_for, now=self.now)
            and (one.port is None or not ports or one.port in ports)
        ]

    @property
    def found_closed(self) -> Listing | None:
        """A check that found it closed after everything that says it is open."""
        newest = max((one.seen_at for one in self.counting if one.seen_at), default=None)
        checks = [one for one in self.contrary if one.reason == CHECKED_CLOSED]
        later = [one for one in checks if newest and one.seen_at and one.seen_at > newest]
        return max(later, key=lambda one: (one.seen_at, one.source, one.key), default=None)

    @property
    def ports_differ(self) -> bool:
        """Several families name ports, and no two of them the same one."""
        named = {(one.family, one.port) for one in self.counting if one.port is not None}
        counted = Counter(port for _, port in named)
        families = {family for family, _ in named}
        return len(families) > 1 and max(counted.values()) == 1


def weigh(listings: Iterable[Listing], *, policy: Policy, now: datetime) -> Weighed:
    """Listings of one address and one weakness, in any order."""
    scales = _put_on(listings, policy=policy, now=now)
    counting = scales.counting
    state = _state(scales)
    times = [one.seen_at for one in counting if one.seen_at is not None]
    basis = counting or scales.said
    return Weighed(
        state=state,
        confidence=_confidence(scales, state=state),
        families=scales.origins,
        ports=_ports(basis),
        reasons=tuple(_reasons(scales)),
        rows=tuple(sorted(one.key for one in basis)),
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
        needs_cert=state is FindingState.OPEN and not _is_open_without_certs(scales),
        fresh_until=_open_until(scales) if state is FindingState.OPEN else _last_counts(scales),
        rule_version=policy.rule,
    )


def was_ever_open(
    listings: Sequence[Listing], *, policy: Policy, since: datetime, until: datetime
) -> bool:
    """Whether what is said made it open at any moment from `since` to `until`.

    Statements only expire as time goes by, so it can become open only when one begins to count.
    """
    counts_from = {one.seen_at - CLOCKS_DIFFER for one in listings if one.seen_at}
    made = {moment for moment in counts_from if since <= moment <= until}
    return any(
        _state(_put_on(listings, policy=policy, now=moment)) is FindingState.OPEN
        for moment in sorted({since, until, *made})
    )


def _put_on(listings: Iterable[Listing], *, policy: Policy, now: datetime) -> _Scales:
    told = sorted(moving_together(listings), key=lambda one: (one.source, one.key))
    said = [one for one in told if one.says is Judgement.ACCEPT and not one.taken_back]
    counting = [one for one in said if _why_left_out(one, policy=policy, now=now) is None]
    return _Scales(
        told=told, policy=policy, now=now, said=said, counting=counting,
        origins=policy.voices(counting),
    )  # fmt: skip


def moving_together(listings: Iterable[Listing]) -> list[Listing]:
    """An address moves or doesn't: what one row knows of it holds for those that know no name."""
    told = list(listings)
    if any(one.is_moving for one in told):
        return [replace(one, moves=True) for one in told]
    return told


def _is_within(one: Listing, limit: timedelta, *, now: datetime) -> bool:
    if one.seen_at is None or one.seen_at > now + CLOCKS_DIFFER:
        return False
    return now - one.seen_at <= limit


def _state(scales: _Scales) -> FindingState:
    if scales.is_enough and scales.found_closed is None:
        return FindingState.OPEN
    return FindingState.SUSPECTED if scales.said else FindingState.NONE


def _is_open_without_certs(scales: _Scales) -> bool:
    if not any(one.cert_only for one in scales.counting):
        return True
    public = [one for one in scales.told if not one.cert_only]
    return _put_on(public, policy=scales.policy, now=scales.now).is_enough


def _expiries(scales: _Scales) -> list[datetime]:
    """When each kind of what counts says its last: a family, with a port or not, of this side."""
    last: dict[tuple[str, bool, bool], datetime] = {}
    for one in scales.counting:
        if one.seen_at is not None:
            kind = (one.family, one.port is not None, one.role is Role.ENTRY)
            until = one.seen_at + scales.policy.limit(one)
            last[kind] = max(last.get(kind, until), until)
    return sorted(set(last.values()))


def _last_counts(scales: _Scales) -> datetime | None:
    return max(_expiries(scales), default=None)


def _open_until(scales: _Scales) -> datetime | None:
    """The moment from which what counts now is too little, because some of it grew too old."""
    return next((at for at in _expiries(scales) if not _is_open_after(scales, at)), None)


def _is_open_after(scales: _Scales, moment: datetime) -> bool:
    policy = scales.policy
    left = [
        one for one in scales.counting if one.seen_at and one.seen_at + policy.limit(one) > moment
    ]
    later = replace(scales, now=moment, counting=left, origins=policy.voices(left))
    return later.is_enough and later.found_closed is None


def _confidence(scales: _Scales, *, state: FindingState) -> float:
    """An order, not a probability: 0 nothing said, below ½ suspected, above ½ open."""
    origins = len(scales.origins)
    doubts = len({one.family for one in scales.contrary}) + scales.ports_differ
    left: float = _DOUBT**doubts
    if state is FindingState.OPEN:
        return max(0.51, round(0.5 + (0.5 - 0.4**origins) * left, 2))
    if state is FindingState.SUSPECTED:
        return max(0.01, round(min(0.45, 0.2 + 0.1 * origins) * left, 2))
    return 0.0


def _ports(counting: Sequence[Listing]) -> tuple[int, ...]:
    """Where the server listens: ports named by most families first, then the lower one."""
    named = {
        (one.port, one.family)
        for one in counting
        if one.role is Role.ENTRY and one.port is not None
    }
    by_port = Counter(port for port, _ in named)
    return tuple(sorted(by_port, key=lambda port: (-by_port[port], port)))


# -- reasons -------------------------------------------------------------------------------------


def _reasons(scales: _Scales) -> list[Reason]:
    counting = scales.counting
    reasons = [_verdict_reason(scales)]
    reasons.extend(_by_source(SAYS_OPEN, counting))
    families = {one.family for one in counting}
    if len(families) > len(scales.origins) or len({one.source for one in counting}) > len(families):
        sources = ", ".join(sorted({one.source for one in counting}))
        reasons.append(Reason(code="copies-count-once", values={"sources": sources}))
    reasons.extend(_doubts(scales))
    reasons.extend(_left_out(scales))
    return reasons


def _verdict_reason(scales: _Scales) -> Reason:
    count, needed = len(scales.origins), scales.policy.families_needed
    values: dict[str, Value] = {"count": count, "needed": needed}
    closed = scales.found_closed
    if not scales.counting:
        return Reason(code="nothing-fresh-says-open")
    if count < needed:
        return Reason(code="families-missing", values=values)
    if not any(one.role is Role.ENTRY for one in scales.counting):
        return Reason(code="no-entry-seen", values={"count": count})
    if closed is not None:
        told = {"source": closed.source, "at": iso(closed.seen_at)}
        return Reason(code="closed-after-all", values=told)
    return Reason(code="families-agree", values=values)


def _doubts(scales: _Scales) -> list[Reason]:
    """What speaks against it, in words; none of it is left out in silence."""
    reasons = _by_source("contradicted", scales.contrary)
    if scales.ports_differ:
        ports = sorted({one.port for one in scales.counting if one.port is not None})
        told = ", ".join(map(str, ports))
        reasons.append(Reason(code="ports-differ", values={"ports": told}))
    spaces = sorted({one.space for one in scales.told if one.space})
    reasons.extend(Reason(code=space) for space in spaces)
    since = sorted({one.source for one in scales.counting if one.taken_back_since})
    reasons.extend(Reason(code="taken-back-since", values={"source": name}) for name in since)
    return reasons


def _by_source(code: str, listings: Sequence[Listing]) -> list[Reason]:
    """One reason for each source and port, with the newest time."""
    newest: dict[tuple[str, int | None], datetime | None] = {}
    for one in listings:
        place = (one.source, one.port)
        before = newest.get(place)
        newest[place] = max(filter(None, (before, one.seen_at)), default=None)
    return [
        Reason(code=code, values={"source": source, "port": port, "at": iso(at)})
        for (source, port), at in newest.items()
    ]


def _left_out(scales: _Scales) -> list[Reason]:
    """Why each other statement did not count, once for each source and reason."""
    contrary = {one.key for one in scales.contrary}
    found: dict[tuple[str, str], Reason] = {}
    for one in scales.told:
        reason = _why_left_out(one, policy=scales.policy, now=scales.now)
        if reason is not None and one.key not in contrary:
            found.setdefault((reason.code, one.source), reason)
    return list(found.values())


def _why_left_out(one: Listing, *, policy: Policy, now: datetime) -> Reason | None:
    """None: it counts."""
    values: dict[str, Value] = {"source": one.source}
    if code := _what_it_is_not(one):
        return Reason(code=code, values=values)
    if one.seen_at is None:
        return Reason(code="time-unknown", values=values)
    if one.seen_at > now + CLOCKS_DIFFER:
        return Reason(code="from-the-future", values=values)
    if one.is_moving and one.dated_by != BY_ITS_OWN_SECOND:
        return Reason(code="moving-without-second", values=values)
    age, limit = now - one.seen_at, policy.limit(one)
    if age <= limit:
        return None
    if one.is_moving:
        hours: dict[str, Value] = {"hours": _hours(age), "limit": _hours(limit)}
        return Reason(code="moving-too-old", values=values | hours)
    return Reason(code="too-old", values=values | {"days": age.days, "limit": limit.days})


def _what_it_is_not(one: Listing) -> str:
    """Why a statement can't count, however fresh it is; empty: it can."""
    if one.taken_back:
        return "taken-back"
    if one.says is not Judgement.ACCEPT:
        return _WHY_NOT_OPEN.get(one.says, "set-aside")
    if one.is_set_aside:
        return one.space
    return "exit-only" if one.role is Role.EXIT else ""


def _hours(span: timedelta) -> int:
    return int(span.total_seconds() // 3600)


def iso(moment: datetime | None) -> str | None:
    """A time as reasons tell it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
