"""The same conclusions as `weigh`, for hundreds of thousands of targets. Pure.

Mostly all that is said of a target is that it is open, freshly, and nothing speaks against it. What
follows from that rests on who says it, of which side and which port, and not on when: so it is
worked out once for each such company, and times and rows are filled in. Whatever is not that plain
goes through `weigh` itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from openletter.evidence.rules.judge import CLOCKS_DIFFER
from openletter.evidence.rules.listings import Listing, Policy
from openletter.evidence.rules.weigh import SAYS_OPEN, Weighed, iso, weigh
from openletter.words import FindingState, Judgement, Reason, Role

REMEMBERED = 50_000
"""So many companies are kept; commonly there are a few hundred."""
_Company = tuple[tuple[str, str, Role, int | None, bool], ...]
_Kind = tuple[str, bool, bool]
"""Family, whether it names a port, whether it saw where the server listens."""


class Weigher:
    """Weighs with one policy at one moment."""

    def __init__(self, policy: Policy, *, now: datetime) -> None:
        self.policy, self.now = policy, now
        self._latest = now + CLOCKS_DIFFER
        self._known: dict[_Company, Weighed] = {}
        self._limits: dict[tuple[Role, bool], timedelta] = {}
        self._enough: dict[frozenset[_Kind], bool] = {}

    def weigh(self, listings: Sequence[Listing]) -> Weighed:
        """As `weigh.weigh` does."""
        if not listings or not all(map(self._is_plain, listings)):
            return weigh(listings, policy=self.policy, now=self.now)
        told = sorted(listings, key=lambda one: (one.source, one.key))
        company = tuple([(one.source, one.family, one.role, one.port, one.is_ipv6) for one in told])
        known = self._known.get(company)
        if known is not None:
            return self._filled(known, told)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        made = self._known[company] = weigh(told, policy=self.policy, now=self.now)
        return made

    def _is_plain(self, one: Listing) -> bool:
        """It counts, and no other statement changes that."""
        return (
            one.says is Judgement.ACCEPT
            and one.role is not Role.EXIT
            and not (one.taken_back or one.taken_back_since or one.space or one.moves)
            and not one.cert_only
            and one.seen_at is not None
            and one.seen_at <= self._latest
            and self.now - one.seen_at <= self._limit(one)
        )

    def _limit(self, one: Listing) -> timedelta:
        kind = one.role, one.is_ipv6
        if kind not in self._limits:
            self._limits[kind] = self.policy.limit(one)
        return self._limits[kind]

    def _filled(self, known: Weighed, told: Sequence[Listing]) -> Weighed:
        """What the company concludes, with the times and rows of these statements."""
        times = [one.seen_at for one in told if one.seen_at is not None]
        return Weighed(
            state=known.state,
            confidence=known.confidence,
            families=known.families,
            ports=known.ports,
            reasons=tuple(_dated(known.reasons, told)),
            rows=tuple(sorted([one.key for one in told])),
            first_seen=min(times),
            last_seen=max(times),
            needs_cert=known.needs_cert,
            fresh_until=self._fresh_until(known, told),
            rule_version=known.rule_version,
        )

    def _fresh_until(self, known: Weighed, told: Sequence[Listing]) -> datetime | None:
        last: dict[_Kind, datetime] = {}
        for one in told:
            if one.seen_at is not None:
                kind = (one.family, one.port is not None, one.role is Role.ENTRY)
                until = one.seen_at + self._limit(one)
                last[kind] = max(last.get(kind, until), until)
        moments = sorted(set(last.values()))
        if known.state is not FindingState.OPEN:
            return moments[-1]
        for moment in moments:
            left = frozenset(kind for kind, until in last.items() if until > moment)
            if not self._is_enough(left, told):
                return moment
        return None

    def _is_enough(self, left: frozenset[_Kind], told: Sequence[Listing]) -> bool:
        """Whether what such statements say is enough to call it open."""
        if left not in self._enough:
            speaking = [
                one
                for one in told
                if (one.family, one.port is not None, one.role is Role.ENTRY) in left
            ]
            self._enough[left] = len(
                self.policy.voices(speaking)
            ) >= self.policy.families_needed and any(one.role is Role.ENTRY for one in speaking)
        return self._enough[left]


def _dated(reasons: Sequence[Reason], told: Sequence[Listing]) -> Iterator[Reason]:
    """The reasons of another target of the same company, with these statements' times."""
    newest: dict[tuple[str, int | None], datetime | None] = {}
    for one in told:
        place = (one.source, one.port)
        before = newest.get(place)
        newest[place] = one.seen_at if before is None else max(before, one.seen_at or before)
    for reason in reasons:
        if reason.code != SAYS_OPEN:
            yield reason
            continue
        source, port = str(reason.values["source"]), reason.values["port"]
        at = newest[source, port if isinstance(port, int) else None]
        yield Reason(code=SAYS_OPEN, values={"source": source, "port": port, "at": iso(at)})
