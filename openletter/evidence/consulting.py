"""What to ask DNS zones, and what becomes of their answers. Nothing here asks: `jobs` does.

Zones are asked only about addresses that something fresh says stand open and that lack another
origin. Questions are booked in the zone's row before they leave. Answers of a round are kept only
if the zone behaved before, during and after it; then they are observations like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation
from openletter.evidence import spool
from openletter.evidence.known import known_sources, suspended_in
from openletter.evidence.models import (
    Batch,
    Finding,
    Observation,
    Zone,
    ZoneAnswer,
    ZoneRun,
)
from openletter.evidence.rules import rounds
from openletter.evidence.rules.feeds import Feed
from openletter.evidence.rules.judge import Circumstances, Judge
from openletter.evidence.rules.reading import OK, FileVerdict, RowOf
from openletter.evidence.rules.rounds import Answered, Round
from openletter.evidence.rules.spaces import Space
from openletter.evidence.rules.zones import affordable, holds_for, needed, unheard
from openletter.evidence.spacelists import known_spaces
from openletter.evidence.writing import PartWriter
from openletter.evidence.zonekeeping import left_today, made, record_health
from openletter.wire.address import Address, address_class
from openletter.words import AddressClass, FindingState

FORMAT = "dnsbl"
REST = timedelta(minutes=10)
"""Between two rounds of a zone that left nothing waiting: each costs its test questions anew."""
NOT_ASKED = timedelta(days=1)
OF_LATE = timedelta(days=30)
Cell = str | int | list[str] | datetime | None
FORGOTTEN = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Questions that are booked: nobody else asks them, and no crash brings them back."""

    zone: str
    feed: Feed
    rate: float
    addresses: tuple[Address, ...]
    questions: int
    begun_at: datetime
    is_full: bool


# -- what waits ----------------------------------------------------------------------------------


def configured(campaign: Campaign) -> dict[str, Feed]:
    """The zones of this installation that speak in the campaign's world and have a code table.

    Invented zones are asked about invented addresses, real ones about real ones.
    """
    return _speaking(campaign.world)


def of_the_world() -> dict[str, Feed]:
    """Those that speak of the real world's addresses."""
    return _speaking(None)


def _speaking(world: Campaign | None) -> dict[str, Feed]:
    if settings.OUTSIDE.resolver is None or not settings.OUTSIDE.zones:
        return {}
    book = known_sources(world)
    found = {name: book.by_zone(name) for name in settings.OUTSIDE.zones}
    suspended = suspended_in(world)
    return {
        name: feed
        for name, feed in found.items()
        if feed is not None
        and not feed.dead
        and feed.made_up is (world is not None)
        and feed.id not in suspended
    }


def due(campaign: Campaign, *, now: datetime) -> dict[str, Feed]:
    """Those that may be asked now: not suspended, rested, with questions left for today."""
    feeds = configured(campaign)
    if not feeds or _is_stopped(campaign):
        return {}
    rows = {zone.name: zone for zone in Zone.objects.filter(name__in=feeds)}
    return {
        name: feed for name, feed in feeds.items() if name not in rows or is_due(rows[name], now)
    }


def is_due(zone: Zone, now: datetime) -> bool:
    if zone.suspended_at is not None and (zone.try_again_at is None or zone.try_again_at > now):
        return False
    is_rested = zone.rests_until is None or zone.rests_until <= now
    return is_rested and left_today(zone, now=now) >= needed(1)


def _is_stopped(campaign: Campaign) -> bool:
    """What leaves us stops with the campaign, or with everything after a restore."""
    paused = Campaign.objects.filter(pk=campaign.pk, paused_at__isnull=False)
    return paused.exists() or Installation.objects.exclude(leaving_paused_at=None).exists()


def waiting(campaign: Campaign, *, now: datetime) -> QuerySet[Finding]:
    """Suspected addresses that lack another origin and that a zone has not spoken of lately."""
    return _unasked(campaign, list(due(campaign, now=now)), now=now)


def _unasked(campaign: Campaign, zones: Sequence[str], *, now: datetime) -> QuerySet[Finding]:
    if not zones:
        return Finding.objects.none()
    asked = (
        ZoneAnswer.objects.filter(
            zone__name__in=zones, exercise=campaign.world, ip=OuterRef("ip"), ask_again_at__gt=now
        )
        .order_by()
        .values("ip")
        .annotate(count=Count("pk"))
        .values("count")
    )
    suspected = Finding.objects.filter(
        exercise=campaign.world,
        state=FindingState.SUSPECTED,
        fresh_until__gt=now,
        families__len__lt=campaign.families_needed,
    )
    return (
        suspected.annotate(asked=Coalesce(Subquery(asked), 0))
        .filter(asked__lt=len(zones))
        .order_by("id")
    )


# -- before asking -------------------------------------------------------------------------------


def leases(campaign: Campaign, *, now: datetime, limit: int) -> list[Lease]:
    """What to ask each zone that is due, booked."""
    found = (
        _lease(name, feed, campaign, now=now, limit=limit)
        for name, feed in due(campaign, now=now).items()
    )
    return [lease for lease in found if lease is not None]


def _lease(name: str, feed: Feed, campaign: Campaign, *, now: datetime, limit: int) -> Lease | None:
    unasked = _unasked(campaign, [name], now=now).values_list("ip", flat=True)
    addresses = list(dict.fromkeys(unasked[:limit]))
    if not addresses:
        return None
    lease = book(name, feed, addresses=addresses, now=now)
    return lease if lease is not None and lease.addresses else None


@transaction.atomic
def book(name: str, feed: Feed, *, addresses: Sequence[Address], now: datetime) -> Lease | None:
    """Book a round before its first question leaves; without addresses, one that only examines.

    The zone rests for as long as its rate lets the questions take: whoever comes in the meantime
    gets nothing.
    """
    zone = made(name, feed)
    left = left_today(zone, now=now)
    asked = addresses[: affordable(len(addresses), left=left, rate=zone.rate)]
    questions = needed(len(asked))
    if (addresses and not (asked and is_due(zone, now))) or left < questions:
        return None
    zone.booked = zone.daily_budget - left + questions
    zone.day = now.date()
    zone.rests_until = now + timedelta(seconds=questions / zone.rate)
    zone.save(update_fields=["booked", "day", "rests_until"])
    return Lease(
        zone=name,
        feed=feed,
        rate=zone.rate,
        addresses=tuple(asked),
        questions=questions,
        begun_at=now,
        is_full=len(asked) < len(addresses) or not asked,
    )


def set_aside(campaign: Campaign, lease: Lease) -> tuple[dict[Address, str], list[Address]]:
    """Addresses that nobody is to ask about, each with its reason, and those that remain.

    A list remembers the customer before: of an address that moves it can say nothing that counts.
    """
    excluded = campaigns.exclusions_for(campaign)
    moving = _moving(campaign, lease)
    not_asked: dict[Address, str] = {}
    for ip in lease.addresses:
        if campaigns.is_excluded(ip, excluded):
            not_asked[ip] = "not-asked-excluded"
        elif (address_class(ip) is AddressClass.GLOBAL) is campaign.exercise:
            not_asked[ip] = "not-asked-class"
        elif ip in moving:
            not_asked[ip] = "not-asked-moving"
    return not_asked, [ip for ip in lease.addresses if ip not in not_asked]


def _moving(campaign: Campaign, lease: Lease) -> frozenset[Address]:
    """Those that something said of late calls dynamic or shared."""
    moves = [space for space in Space if space.is_moving]
    told = Observation.objects.filter(
        exercise=campaign.world,
        ip__in=lease.addresses,
        space__in=moves,
        seen_at__gt=lease.begun_at - OF_LATE,
    )
    return frozenset(told.values_list("ip", flat=True))


# -- after asking --------------------------------------------------------------------------------


@transaction.atomic
def settle(
    lease: Lease, found: Round, *, campaign: Campaign | None, not_asked: Mapping[Address, str]
) -> int:
    """Keep a round's answers if the zone may be believed; give back what was not asked."""
    zone = Zone.objects.select_for_update().get(name=lease.zone)
    world = campaign.world if campaign is not None else None
    if zone.day == lease.begun_at.date():
        zone.booked = max(0, zone.booked - max(0, lease.questions - found.questions))
    took = timedelta(seconds=found.questions / zone.rate)
    zone.rests_until = max(
        lease.begun_at + took, found.ended_at if lease.is_full else found.ended_at + REST
    )
    record_health(zone, found.health, now=found.ended_at)
    run = ZoneRun.objects.create(
        zone=zone,
        exercise=world,
        begun_at=found.begun_at,
        ended_at=found.ended_at,
        questions=found.questions,
        by_answer=found.by_answer,
        condition=found.health.condition,
        reason=found.health.reason.as_json(),
        discarded=0 if found.is_believed else len(found.about),
    )
    if not found.is_believed or campaign is None:
        return 0
    passed_over = [Answered(ip=ip, told=unheard(why)) for ip, why in not_asked.items()]
    kept = _remember(zone, [*found.about, *passed_over], world=world, now=found.ended_at)
    run.batch = _as_observations(found, lease.feed, world=world)
    run.save(update_fields=["batch"])
    return kept


_ANSWERED = """
INSERT INTO zone_answer
    (zone_id, exercise_id, ip, answer, codes, why, tries, asked_at, ask_again_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (ip, zone_id, exercise_id) DO UPDATE SET answer = excluded.answer,
    codes = excluded.codes, why = excluded.why, tries = excluded.tries,
    asked_at = excluded.asked_at, ask_again_at = excluded.ask_again_at
"""


def _remember(
    zone: Zone, answers: Iterable[Answered], *, world: Campaign | None, now: datetime
) -> int:
    """The newest answer about each address, and when to ask again; long forgotten ones go."""
    ordered = sorted(answers, key=lambda one: (one.ip.version, one.ip.packed))
    known = ZoneAnswer.objects.filter(
        zone=zone, exercise=world, answer="unknown", ip__in=[one.ip for one in ordered]
    )
    tries = {str(ip): count for ip, count in known.values_list("ip", "tries")}
    place = (zone.pk, world.pk if world is not None else None)
    rows = [_answer(one, tries=tries.get(str(one.ip), 0) + 1, now=now) for one in ordered]
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(_ANSWERED, [*place, *row])
    ZoneAnswer.objects.filter(ask_again_at__lt=now - FORGOTTEN).delete()
    return len(rows)


def _answer(one: Answered, *, tries: int, now: datetime) -> list[Cell]:
    told = one.told
    is_passed_over = told.why.startswith("not-asked")
    holds = NOT_ASKED if is_passed_over else holds_for(told, tries=tries)
    codes = list(told.codes)
    tries = min(tries, 100)
    return [str(one.ip), str(told.answer), codes, told.why, tries, now, now + holds]


def _as_observations(found: Round, feed: Feed, *, world: Campaign | None) -> Batch | None:
    """One batch for the round: the answers as they came in the spool, the listed ones judged."""
    now = found.ended_at
    batch = Batch.objects.create(
        exercise=world,
        sha256=spool.keep(rounds.as_file(found)),
        name=f"{found.zone} {found.begun_at:%Y-%m-%dT%H:%M:%S}Z",
        declared_source=feed.id,
        state=Batch.State.DONE,
        format=FORMAT,
        stored_at=now,
        done_at=now,
    )
    writer = PartWriter(batch, book=known_sources(world), now=now)
    judge = Judge(Circumstances(feed=feed, now=now, spaces=known_spaces()))
    judged = [one for row in rounds.rows(found, feed) for one in judge.judge(row)]
    verdict = FileVerdict(
        file=batch.name,
        outcome=OK,
        format=FORMAT,
        source=feed.id,
        rows=len(judged),
        by_judgement=dict(Counter(str(one.judgement) for one in judged)),
        by_reason=dict(Counter(one.reason for one in judged)),
    )
    for one in judged:
        writer.add(RowOf(file=batch.name, judged=one))
    writer.finish(verdict)
    batch.source_id = feed.id
    batch.rows, batch.by_judgement = verdict.rows, verdict.by_judgement
    batch.by_reason = verdict.by_reason
    batch.save()
    return batch
