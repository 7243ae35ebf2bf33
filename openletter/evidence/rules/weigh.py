"""What to conclude from everything that is said of one address and one weakness. Pure.

Two independent families of sources, fresh enough, and at least one that saw where the server
*listens*. Families that repeat each other count once. A list that does not say which side it sees
counts beside one that does. What only says "reachable", only corroborates, names a range, or
names where traffic leaves, never counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openletter.evidence.rules.judge import CLOCKS_DIFFER
from openletter.words import FindingState, Judgement, Reason, Role, Value

RULE_VERSION = "weigh-1"
_WHY_NOT_OPEN = {
    Judgement.REACHABLE_ONLY: "reachable-not-open",
    Judgement.CORROBORATES: "corroborates-only",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One statement of a source: what it says (`says`), of which side, when it was seen.

    `key` leads back to the row it came from.
    """

    key: int
    source: str
    family: str
    says: Judgement
    role: Role
    port: int | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A campaign's knobs, and which families repeat which."""

    families_needed: int = 2
    fresh_for: timedelta = timedelta(days=7)
    copies: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """The conclusion, and the rows it rests on; where none is fresh, those that once said so.

    `last_seen` is the newest row that counts; with `needs_cert` it is open only thanks to sources
    that national teams alone may hold.
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


def weigh(listings: Iterable[Listing], *, policy: Policy, now: datetime) -> Weighed:
    """Listings of one address and one weakness, in any order."""
    told = sorted(listings, key=lambda one: (one.source, one.key))
    open_said = [one for one in told if one.says is Judgement.ACCEPT]
    counting = [
        one
        for one in open_said
        if one.role is not Role.EXIT and _is_fresh(one, policy=policy, now=now)
    ]
    origins = independent({one.family for one in counting}, policy.copies)
    has_entry = any(one.role is Role.ENTRY for one in counting)
    enough = len(origins) >= policy.families_needed and has_entry
    state = _state(enough=enough, is_said=bool(open_said))
    basis = counting or open_said
    times = [one.seen_at for one in counting if one.seen_at is not None]
    return Weighed(
        state=state,
        confidence=_confidence(len(origins), state=state),
        families=tuple(sorted(origins)),
        ports=_ports(basis),
        reasons=tuple(_reasons(told, counting, origins, policy=policy, now=now)),
        rows=tuple(sorted(one.key for one in basis)),
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
    )


def independent(families: Iterable[str], copies: Mapping[str, frozenset[str]]) -> set[str]:
    """One name for each group of families that repeat each other, directly or through others.

    A copy stands for its origin even when the origin's own list isn't there: two lists that both
    copy a third are one voice.
    """
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    given = set(families)
    for family in sorted(given):
        for copied in sorted(copies.get(family, frozenset())):
            group[root(family)] = root(copied)
    named: dict[str, str] = {}
    for family in sorted(given):
        named.setdefault(root(family), family)
    return set(named.values())


def _is_fresh(one: Listing, *, policy: Policy, now: datetime) -> bool:
    if one.seen_at is None or one.seen_at > now + CLOCKS_DIFFER:
        return False
    return now - one.seen_at <= policy.fresh_for


def _state(*, enough: bool, is_said: bool) -> FindingState:
    if enough:
        return FindingState.OPEN
    return FindingState.SUSPECTED if is_said else FindingState.NONE


def _confidence(origins: int, *, state: FindingState) -> float:
    """An order, not a probability: 0 nothing said, below ½ suspected, above ½ open."""
    if state is FindingState.OPEN:
        return round(1 - 0.4**origins, 2)
    return round(min(0.45, 0.2 + 0.1 * origins), 2) if state is FindingState.SUSPECTED else 0.0


def _ports(counting: Sequence[Listing]) -> tuple[int, ...]:
    """Where the server listens: ports named by most families first, then the lower one."""
    named = {
        (one.port, one.family)
        for one in counting
        if one.role is Role.ENTRY and one.port is not None
    }
    by_port = Counter(port for port, _ in named)
    return tuple(sorted(by_port, key=lambda port: (-by_port[port], port)))


def _reasons(
    told: Sequence[Listing],
    counting: Sequence[Listing],
    origins: set[str],
    *,
    policy: Policy,
    now: datetime,
) -> list[Reason]:
    reasons = [_verdict_reason(origins, counting, policy=policy)]
    reasons.extend(_by_source("says-open", counting))
    if len({one.family for one in counting}) > len(origins) or _doubles(counting):
        sources = ", ".join(sorted({one.source for one in counting}))
        reasons.append(Reason(code="copies-count-once", values={"sources": sources}))
    reasons.extend(_left_out(told, counting, policy=policy, now=now))
    return reasons


def _verdict_reason(origins: set[str], counting: Sequence[Listing], *, policy: Policy) -> Reason:
    values: dict[str, Value] = {"count": len(origins), "needed": policy.families_needed}
    if not counting:
        return Reason(code="nothing-fresh-says-open")
    if len(origins) < policy.families_needed:
        return Reason(code="families-missing", values=values)
    if not any(one.role is Role.ENTRY for one in counting):
        return Reason(code="no-entry-seen", values={"count": len(origins)})
    return Reason(code="families-agree", values=values)


def _doubles(counting: Sequence[Listing]) -> bool:
    """Whether several sources of one family say it."""
    return len({one.source for one in counting}) > len({one.family for one in counting})


def _by_source(code: str, listings: Sequence[Listing]) -> list[Reason]:
    """One reason for each source and port, with the newest time."""
    newest: dict[tuple[str, int | None], datetime | None] = {}
    for one in listings:
        place = (one.source, one.port)
        before = newest.get(place)
        newest[place] = max(filter(None, (before, one.seen_at)), default=None)
    return [
        Reason(code=code, values={"source": source, "port": port, "at": _iso(at)})
        for (source, port), at in newest.items()
    ]


def _left_out(
    told: Sequence[Listing], counting: Sequence[Listing], *, policy: Policy, now: datetime
) -> list[Reason]:
    """Why each other statement did not count, once for each source and reason."""
    counted = {one.key for one in counting}
    found: dict[tuple[str, str], Reason] = {}
    for one in told:
        if one.key in counted:
            continue
        reason = _why_left_out(one, policy=policy, now=now)
        found.setdefault((reason.code, one.source), reason)
    return list(found.values())


def _why_left_out(one: Listing, *, policy: Policy, now: datetime) -> Reason:
    if one.says is not Judgement.ACCEPT:
        code = _WHY_NOT_OPEN.get(one.says, "set-aside")
        return Reason(code=code, values={"source": one.source})
    if one.role is Role.EXIT:
        return Reason(code="exit-only", values={"source": one.source})
    if one.seen_at is None:
        return Reason(code="time-unknown", values={"source": one.source})
    if one.seen_at > now:
        return Reason(code="from-the-future", values={"source": one.source})
    values: dict[str, Value] = {
        "source": one.source,
        "days": (now - one.seen_at).days,
        "limit": policy.fresh_for.days,
    }
    return Reason(code="too-old", values=values)


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
