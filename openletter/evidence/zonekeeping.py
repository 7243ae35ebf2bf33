"""A zone's state: what is left of its budget, how it behaves, who suspended it and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.evidence.known import all_sources
from openletter.evidence.models import Zone
from openletter.evidence.rules.feeds import Feed
from openletter.evidence.rules.terms import read_terms
from openletter.evidence.rules.zones import Condition, Health

MACHINE = "step:consult"


class TooManyError(Exception):
    """More questions a day than the source's terms allow."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"the source's terms allow {allowed:,} questions a day")
        self.allowed = allowed


def left_today(zone: Zone, *, now: datetime) -> int:
    """Questions that may still be booked today (UTC)."""
    booked = zone.booked if zone.day == now.date() else 0
    return max(0, zone.daily_budget - booked)


def most_a_day(feed: Feed | None) -> int | None:
    """What the source's own terms allow; None where they say nothing."""
    return read_terms(feed.terms).queries_a_day if feed is not None else None


def made(name: str, feed: Feed | None) -> Zone:
    """The zone's row, locked; a new one begins with no more than its terms allow."""
    usual = Zone(name=name).daily_budget
    allowed = most_a_day(feed)
    budget = usual if allowed is None else min(usual, allowed)
    Zone.objects.get_or_create(name=name, defaults={"daily_budget": budget})
    return Zone.objects.select_for_update().get(name=name)


def record_health(zone: Zone, health: Health, *, now: datetime) -> None:
    """What an examination showed: an ill zone is suspended, a well one may speak again.

    A person's suspension only a person ends.
    """
    before = (zone.condition, zone.suspended_at is not None)
    is_ours = zone.suspended_by in {"", MACHINE}
    zone.condition = health.condition
    zone.reason = health.reason.as_json()
    zone.examined_at = now
    zone.answers_six = health.answers_six
    if not health.is_healthy and is_ours:
        zone.suspended_at = zone.suspended_at or now
        zone.suspended_by = MACHINE
        zone.suspended_because = health.reason.as_json()
        after = health.try_again_after
        zone.try_again_at = now + after if after is not None else None
    elif health.is_healthy and is_ours and zone.suspended_at is not None:
        _lift(zone)
    zone.save()
    if (zone.condition, zone.suspended_at is not None) != before:
        action = "zone-suspended" if zone.suspended_at is not None else "zone-healthy"
        record([_entry(zone, action, actor=MACHINE, now=now, because=zone.reason)])


@transaction.atomic
def suspend(name: str, *, actor: str, because: str, now: datetime) -> Zone:
    """A person's word: the zone is asked nothing until a person says otherwise."""
    zone = made(name, all_sources().by_zone(name))
    zone.suspended_at, zone.suspended_by = now, actor
    zone.suspended_because, zone.try_again_at = {"text": because}, None
    zone.save()
    reason = {"text": because}
    record([_entry(zone, "zone-suspended", actor=actor, now=now, because=reason)])
    return zone


@transaction.atomic
def resume(name: str, *, actor: str, because: str, now: datetime) -> Zone | None:
    """A person looked: it may be asked again, and is examined before anything else."""
    zone = Zone.objects.select_for_update().filter(name=name).first()
    if zone is None or zone.suspended_at is None:
        return zone
    _lift(zone)
    zone.condition, zone.reason = "", None
    zone.save()
    reason = {"text": because}
    record([_entry(zone, "zone-resumed", actor=actor, now=now, because=reason)])
    return zone


@transaction.atomic
def limit(
    name: str, *, rate: float | None, daily_budget: int | None, actor: str, now: datetime
) -> Zone:
    """How many questions a second and a day the zone's operator allows us.

    More than the source's terms allow is refused with `TooManyError`.
    """
    allowed = most_a_day(all_sources().by_zone(name))
    if allowed is not None and daily_budget is not None and daily_budget > allowed:
        raise TooManyError(allowed)
    zone = made(name, all_sources().by_zone(name))
    before = _limits(zone)
    zone.rate = rate if rate is not None else zone.rate
    zone.daily_budget = daily_budget if daily_budget is not None else zone.daily_budget
    zone.save(update_fields=["rate", "daily_budget"])
    record([_entry(zone, "zone-limited", actor=actor, now=now, before=before)])
    return zone


def _lift(zone: Zone) -> None:
    zone.suspended_at = zone.try_again_at = zone.suspended_because = None
    zone.suspended_by = ""


def _limits(zone: Zone) -> dict[str, object]:
    return {"rate": zone.rate, "daily_budget": zone.daily_budget}


def _entry(
    zone: Zone,
    action: str,
    *,
    actor: str,
    now: datetime,
    because: Mapping[str, object] | None = None,
    before: Mapping[str, object] | None = None,
) -> Entry:
    condition = str(zone.condition) or str(Condition.HEALTHY if action == "zone-healthy" else "")
    return Entry(
        subject=f"zone:{zone.pk}",
        actor=actor,
        action=action,
        at=now,
        before=before,
        after={"zone": zone.name, "condition": condition, **_limits(zone)},
        reason=because,
    )
