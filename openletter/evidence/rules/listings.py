"""What is weighed, and with which knobs: a source's statement, a campaign's policy. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openletter.evidence.rules.formerly import COUNTED
from openletter.evidence.rules.origins import Origins, Voice
from openletter.evidence.rules.spaces import Space
from openletter.words import Judgement, Role

RULE_VERSION = "weigh-3"
REPLAYED = frozenset({RULE_VERSION, *COUNTED})
"""Versions of the rule by which a conclusion can be made again."""
BY_ITS_OWN_SECOND = "row"
"""`dated_by` of a row that gave the second itself; in moving space nothing less leads to anyone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One statement of a source: what it says (`says`), of which side, when it was seen.

    `key` leads back to the row it came from. `space` and `dated_by` are the row's own words for
    moving space and for whose time it is; `moves`: another row knows that the address moves.
    """

    key: int
    source: str
    family: str
    says: Judgement
    role: Role
    port: int | None = None
    seen_at: datetime | None = None
    dated_by: str = BY_ITS_OWN_SECOND
    reason: str = ""
    space: str = ""
    moves: bool = False
    is_ipv6: bool = False
    cert_only: bool = False
    taken_back: bool = False
    taken_back_since: bool = False

    @property
    def is_moving(self) -> bool:
        return self.moves or (bool(self.space) and Space(self.space).is_moving)

    @property
    def is_set_aside(self) -> bool:
        return bool(self.space) and Space(self.space).is_set_aside


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A campaign's knobs, which families repeat which, and the version of the rule.

    The limits are where as many servers are still there as a week leaves of what is seen listening
    on IPv4 (84 %, measured on 143 weekly lists): four days where a list does not say which side it
    sees (74 % after a week), two on IPv6 (53 %). Moving space has its next customer by then.
    """

    families_needed: int = 2
    fresh_for: timedelta = timedelta(days=7)
    fresh_unsaid: timedelta = timedelta(days=4)
    fresh_ipv6: timedelta = timedelta(days=2)
    fresh_moving: timedelta = timedelta(hours=48)
    origins: Origins = field(default_factory=Origins)
    rule: str = RULE_VERSION

    @property
    def knobs(self) -> str:
        """All knobs as one text, to tell whether two policies ask the same (and door.sql)."""
        days = (self.fresh_for, self.fresh_unsaid, self.fresh_ipv6)
        hours = self.fresh_moving // timedelta(hours=1)
        return "/".join(map(str, (self.families_needed, *(one.days for one in days), hours)))

    def voices(self, counting: Iterable[Listing]) -> tuple[str, ...]:
        """One family for each independent voice among these."""
        if self.rule in COUNTED:
            families = {one.family for one in counting}
            return tuple(sorted(COUNTED[self.rule](families, self.origins.copies)))
        return self.origins.voices(Voice(one.family, one.port is not None) for one in counting)

    def limit(self, one: Listing) -> timedelta:
        """How long a statement of this kind counts: the shortest of what holds for it."""
        limits = [self.fresh_for]
        if one.role is not Role.ENTRY:
            limits.append(self.fresh_unsaid)
        if one.is_ipv6:
            limits.append(self.fresh_ipv6)
        if one.is_moving:
            limits.append(self.fresh_moving)
        return min(limits)
