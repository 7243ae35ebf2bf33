"""Verbs of this room: the timeline, a campaign's life, approvals, exclusions, the pause switch."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import QuerySet

from openletter.campaigns.copying import as_json, copy_rows
from openletter.campaigns.fields import Address, Network
from openletter.campaigns.models import (
    Approval,
    Campaign,
    Exclusion,
    Installation,
    LineState,
    Member,
    TimelineEntry,
    Wave,
)
from openletter.campaigns.rules import (
    CampaignState,
    Entry,
    Level,
    MemberRole,
    Viewer,
    canonical,
    chain,
    commitment,
    linked,
    may_move,
)
from openletter.words import Reason, StepName, WaveKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User

APPROVERS_NEEDED = 2
FIRST_CHAIN = b"\0" * 32
_LOCK_SPACE = 0x0C4A1


class CampaignError(Exception):
    """A change that the campaign's rules refuse; `reason` says why, for a person."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


def _refuse(code: str, **values: str | int) -> CampaignError:
    return CampaignError(Reason(code=code, values=values))


# -- timeline -----------------------------------------------------------------------------------


@transaction.atomic
def record(entries: Iterable[Entry]) -> None:
    """Append entries to their campaigns' chains; the chain's lock is held to the commit.

    Call it last in a transaction: chains of one campaign are written one transaction at a time.
    """
    by_campaign: dict[int | None, list[Entry]] = {}
    for entry in entries:
        by_campaign.setdefault(entry.campaign_id, []).append(entry)
    for campaign_id in sorted(by_campaign, key=lambda key: key or 0):
        _append(campaign_id, by_campaign[campaign_id])


def _append(campaign_id: int | None, entries: list[Entry]) -> None:
    told = [(entry, canonical(entry)) for entry in entries]  # before others have to wait for us
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, campaign_id or 0])
    last = _chain_of(campaign_id).order_by("-id").values_list("hash", flat=True).first()
    copy_rows("timeline", _COLUMNS, _chained(told, bytes(last) if last else FIRST_CHAIN))


_COLUMNS = (
    "campaign_id", "partner_id", "subject", "actor", "at", "action", "before", "after", "reason",
    "previous", "hash",
)  # fmt: skip


def _chained(told: Iterable[tuple[Entry, bytes]], link: bytes) -> Iterator[tuple[object, ...]]:
    for entry, body in told:
        previous, link = link, linked(link, body)
        yield (
            entry.campaign_id, entry.partner_id, entry.subject, entry.actor, entry.at,
            entry.action, *map(_json, (entry.before, entry.after, entry.reason)), previous, link,
        )  # fmt: skip


def _json(said: Mapping[str, object] | None) -> str | None:
    return None if said is None else as_json(said)


def _chain_of(campaign_id: int | None) -> QuerySet[TimelineEntry]:
    """The entries of one campaign, or (None) those that belong to no campaign."""
    if campaign_id is None:
        return TimelineEntry.objects.filter(campaign__isnull=True)
    return TimelineEntry.objects.filter(campaign_id=campaign_id)


def verify_chain(campaign_id: int | None) -> int | None:
    """The id of the first entry that does not follow from the one before; None: all whole."""
    link = FIRST_CHAIN
    rows = _chain_of(campaign_id).order_by("id")
    for row in rows.iterator(chunk_size=2000):
        entry = Entry(
            subject=row.subject,
            actor=row.actor,
            action=row.action,
            at=row.at,
            campaign_id=row.campaign_id,
            partner_id=row.partner_id,
            before=row.before,
            after=row.after,
            reason=row.reason,
        )
        if bytes(row.previous) != link or bytes(row.hash) != chain(link, entry):
            return row.pk
        link = bytes(row.hash)
    return None


# -- a campaign's life --------------------------------------------------------------------------


@transaction.atomic
def plan(campaign: Campaign, *, actor: str, now: datetime) -> None:
    """draft -> planned: the arms' key is drawn and committed, the first wave opens."""
    locked = _locked(campaign)
    _move(locked, CampaignState.PLANNED)
    locked.arm_key = secrets.token_bytes(32)
    locked.arm_commitment = commitment(locked.arm_key)
    locked.save()
    Wave.objects.get_or_create(
        campaign=locked, kind=WaveKind.FIRST, defaults={"opens_at": now, "closes_at": None}
    )
    record([_life(locked, "planned", actor=actor, now=now, before=CampaignState.DRAFT)])
    campaign.refresh_from_db()


@transaction.atomic
def approve(campaign: Campaign, *, user: User, what: str, now: datetime) -> None:
    """A member with the right says yes to `start` or `go-on`; saying it twice is saying it once."""
    if viewer_of(user).level_at(campaign.lead_id) < Level.APPROVER:
        raise _refuse("not-an-approver", user=user.get_username())
    _, created = Approval.objects.get_or_create(
        campaign=campaign, user=user, what=what, defaults={"at": now}
    )
    if created:
        actor = f"user:{user.get_username()}"
        record([_life(campaign, f"approved-{what}", actor=actor, now=now)])


@transaction.atomic
def start(campaign: Campaign, *, actor: str, now: datetime) -> None:
    """planned -> running. A real campaign needs two different approvers and approved law."""
    locked = _locked(campaign)
    if not locked.exercise:
        given = locked.approvals.filter(what="start").count()
        if given < APPROVERS_NEEDED:
            raise _refuse("approvals-missing", needed=APPROVERS_NEEDED, given=given)
        without = locked.partners.filter(legal_approved_at=None).values_list("name", flat=True)
        if names := ", ".join(without):
            raise _refuse("legal-text-missing", partners=names)
    _move(locked, CampaignState.RUNNING)
    locked.started_at = now
    locked.save()
    record([_life(locked, "started", actor=actor, now=now, before=CampaignState.PLANNED)])
    campaign.refresh_from_db()


@transaction.atomic
def wait_after_first(campaign: Campaign, *, now: datetime) -> None:
    """running -> waiting once the first letters have left; one approver goes on."""
    locked = _locked(campaign)
    _move(locked, CampaignState.WAITING)
    locked.save()
    record([_life(locked, "waits-after-first", actor="step:compose", now=now)])
    campaign.refresh_from_db()


@transaction.atomic
def go_on(campaign: Campaign, *, user: User, now: datetime) -> None:
    """waiting -> running, by a person who may approve."""
    locked = _locked(campaign)
    approve(locked, user=user, what="go-on", now=now)
    _move(locked, CampaignState.RUNNING)
    locked.save()
    actor = f"user:{user.get_username()}"
    record([_life(locked, "goes-on", actor=actor, now=now, before=CampaignState.WAITING)])
    campaign.refresh_from_db()


@transaction.atomic
def finish(campaign: Campaign, *, actor: str, now: datetime) -> None:
    """running or waiting -> finished: nothing of it leaves us any more."""
    locked = _locked(campaign)
    before = CampaignState(locked.state)
    _move(locked, CampaignState.FINISHED)
    locked.save()
    record([_life(locked, "finished", actor=actor, now=now, before=before)])
    campaign.refresh_from_db()


@transaction.atomic
def pause(campaign: Campaign, *, actor: str, because: str, now: datetime) -> None:
    """Stop all that leaves us before the next claim; pausing twice changes nothing."""
    locked = _locked(campaign)
    if locked.paused_at is not None:
        return
    locked.paused_at, locked.paused_because = now, because
    locked.save(update_fields=["paused_at", "paused_because"])
    record([_life(locked, "paused", actor=actor, now=now, because=because)])
    campaign.refresh_from_db()


@transaction.atomic
def resume(campaign: Campaign, *, actor: str, now: datetime) -> None:
    """End a pause; a person's decision."""
    locked = _locked(campaign)
    if locked.paused_at is None:
        return
    because = locked.paused_because
    locked.paused_at, locked.paused_because = None, ""
    locked.save(update_fields=["paused_at", "paused_because"])
    record([_life(locked, "resumed", actor=actor, now=now, because=because)])
    campaign.refresh_from_db()


def _locked(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_for_update().get(pk=campaign.pk)


def _move(campaign: Campaign, to: CampaignState) -> None:
    if not may_move(CampaignState(campaign.state), to):
        raise _refuse("no-such-move", campaign=campaign.slug, state=campaign.state, to=to)
    campaign.state = to


def _life(
    campaign: Campaign,
    action: str,
    *,
    actor: str,
    now: datetime,
    before: CampaignState | None = None,
    because: str = "",
) -> Entry:
    return Entry(
        subject=f"campaign:{campaign.pk}",
        actor=actor,
        action=action,
        at=now,
        campaign_id=campaign.pk,
        partner_id=campaign.lead_id,
        before={"state": before} if before else None,
        after={"state": campaign.state, "paused": campaign.paused_at is not None},
        reason={"text": because} if because else None,
    )


# -- persons, exclusions, installation ----------------------------------------------------------


def viewer_of(user: User) -> Viewer:
    """The roles of a signed-in user; an inactive or anonymous one has none."""
    if not user.is_active or user.pk is None:
        return Viewer()
    members = Member.objects.filter(user=user).values_list("partner_id", "role")
    return Viewer(user_id=user.pk, roles={partner: MemberRole(role) for partner, role in members})


def exclusions_for(campaign: Campaign) -> list[Network]:
    """Networks that this campaign neither checks nor writes about, its own and everybody's."""
    rows = Exclusion.objects.filter(undone_at=None, campaign=None) | Exclusion.objects.filter(
        undone_at=None, campaign=campaign
    )
    return sorted(set(rows.values_list("network", flat=True)), key=str)


def is_excluded(ip: Address, exclusions: Iterable[Network]) -> bool:
    return any(ip.version == network.version and ip in network for network in exclusions)


@transaction.atomic
def exclude(
    network: Network, *, campaign: Campaign | None, who: str, how: str, now: datetime
) -> Exclusion:
    """A holder proved that the network is his and wants no checks and no letters about it."""
    row = Exclusion.objects.create(network=network, campaign=campaign, who=who, how=how, at=now)
    record([_exclusion_entry(row, "excluded", actor=who, now=now)])
    return row


@transaction.atomic
def lift_exclusion(row: Exclusion, *, actor: str, now: datetime) -> None:
    """A handler takes an exclusion back; lifting it twice changes nothing."""
    changed = Exclusion.objects.filter(pk=row.pk, undone_at=None).update(
        undone_at=now, undone_by=actor
    )
    if changed:
        record([_exclusion_entry(row, "exclusion-lifted", actor=actor, now=now)])


def _exclusion_entry(row: Exclusion, action: str, *, actor: str, now: datetime) -> Entry:
    return Entry(
        subject=f"exclusion:{row.pk}",
        actor=actor,
        action=action,
        at=now,
        campaign_id=row.campaign_id,
        after={"network": str(row.network), "how": row.how},
    )


@transaction.atomic
def pause_leaving(*, because: str, now: datetime, actor: str = "start") -> None:
    """Everything that leaves this installation stops (another mark, a restore, a full disk)."""
    changed = Installation.objects.filter(leaving_paused_at=None).update(
        leaving_paused_at=now, leaving_paused_because=because
    )
    if changed:
        record([_leaving("leaving-paused", actor=actor, because=because, now=now)])


@transaction.atomic
def resume_leaving(*, actor: str, now: datetime) -> None:
    """A person has looked and says go on."""
    changed = Installation.objects.exclude(leaving_paused_at=None).update(
        leaving_paused_at=None, leaving_paused_because=""
    )
    if changed:
        record([_leaving("leaving-resumed", actor=actor, because="", now=now)])


def _leaving(action: str, *, actor: str, because: str, now: datetime) -> Entry:
    return Entry(
        subject="installation:1",
        actor=actor,
        action=action,
        at=now,
        reason={"text": because} if because else None,
    )


# -- the line reports of itself -----------------------------------------------------------------


def report(
    campaign: Campaign,
    step: StepName,
    *,
    waiting: int | None,
    oldest: datetime | None,
    settled: int,
    at: datetime,
) -> None:
    """One row a step: what waits, since when, how many were settled, rows a minute.

    The rate is an exponential mean over about a minute of wall time. `waiting` is None where
    nobody has counted: what waited before, less what was settled, and for as long.
    """
    row, _ = LineState.objects.get_or_create(campaign=campaign, step=step, defaults={"at": at})
    elapsed = max((at - row.at).total_seconds(), 0.001)
    keep = math.exp(-elapsed / 60)
    row.rate = row.rate * keep + settled / elapsed * 60 * (1 - keep)
    if waiting is None:
        waiting, oldest = max(row.waiting - settled, 0), row.oldest
    row.waiting, row.oldest, row.at = waiting, oldest, at
    row.done += settled
    row.save()
