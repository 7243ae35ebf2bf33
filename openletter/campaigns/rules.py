"""Who may do what, and how a campaign moves from state to state. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class MemberRole(StrEnum):
    """Roles at a partner; each may do all that the ones before it may."""

    READER = "reader"
    HANDLER = "handler"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


class Level(IntEnum):
    """Roles in order, so that `level >= needed` is a claim."""

    STRANGER = 0
    READER = 1
    HANDLER = 2
    APPROVER = 3
    ADMINISTRATOR = 4

    @classmethod
    def of(cls, role: MemberRole) -> Level:
        return cls[role.name]


class CampaignState(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"


MOVES: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.PLANNED}),
    CampaignState.PLANNED: frozenset({CampaignState.RUNNING}),
    CampaignState.RUNNING: frozenset({CampaignState.WAITING, CampaignState.FINISHED}),
    CampaignState.WAITING: frozenset({CampaignState.RUNNING, CampaignState.FINISHED}),
    CampaignState.FINISHED: frozenset(),
}
"""draft -> planned -> running -> (waiting after the first letters -> running) -> finished."""


def may_move(now_in: CampaignState, to: CampaignState) -> bool:
    return to in MOVES[now_in]


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A signed-in person (or nobody): roles by partner id."""

    user_id: int | None = None
    roles: Mapping[int, MemberRole] = field(default_factory=dict)

    @property
    def partner_ids(self) -> frozenset[int]:
        return frozenset(self.roles)

    def level_at(self, partner_id: int | None) -> Level:
        """The viewer's level at one partner; nothing has no partner, so nobody may change it."""
        role = self.roles.get(partner_id) if partner_id is not None else None
        return Level.of(role) if role else Level.STRANGER

    @property
    def highest(self) -> Level:
        return max((Level.of(role) for role in self.roles.values()), default=Level.STRANGER)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One change to be written to the timeline."""

    subject: str
    actor: str
    action: str
    at: datetime
    campaign_id: int | None = None
    partner_id: int | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    reason: Mapping[str, object] | None = None


def chain(previous: bytes, entry: Entry) -> bytes:
    """SHA-256 over the previous hash and the entry's canonical JSON."""
    return linked(previous, canonical(entry))


def linked(previous: bytes, body: bytes) -> bytes:
    """The same for an entry whose canonical JSON is made already."""
    return hashlib.sha256(previous + body).digest()


def canonical(entry: Entry) -> bytes:
    """The entry's canonical JSON: sorted, UTC ISO 8601."""
    return json.dumps(
        {
            "subject": entry.subject, "actor": entry.actor, "action": entry.action,
            "at": entry.at.isoformat(timespec="microseconds"), "campaign": entry.campaign_id,
            "partner": entry.partner_id, "before": entry.before, "after": entry.after,
            "reason": entry.reason,
        },
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    ).encode()  # fmt: skip


def arm_of(holder: str, *, stratum: str, key: bytes, shares: Mapping[str, float]) -> str:
    """The arm a holder belongs to for good: a keyed hash of holder and stratum, by shares.

    `shares` need not sum to one; empty means the single arm `letter`.
    """
    if not shares:
        return "letter"
    digest = hmac.new(key, f"{stratum}\0{holder}".encode(), hashlib.sha256).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(shares.values())
    for arm in sorted(shares):
        point -= shares[arm]
        if point < 0:
            return arm
    return max(shares)


def commitment(key: bytes) -> str:
    """What is published before the start, so that the arms can be checked afterwards."""
    return hashlib.sha256(b"openletter arms\0" + key).hexdigest()
