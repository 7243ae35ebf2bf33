"""Weighing with the rows: what waits, whose knobs hold, what was said of an address and when.

The conclusions about the real world are shared by its campaigns, so they are weighed with the
laxest knobs of those that live; each campaign asks its own before it opens a case (ADR 0008).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Func, QuerySet, TextField

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState
from openletter.evidence import known
from openletter.evidence.copying import copy_findings
from openletter.evidence.following import follow
from openletter.evidence.models import Batch, Finding, Observation, Withdrawal
from openletter.evidence.rules.forms import Form
from openletter.evidence.rules.plainly import Weigher
from openletter.evidence.rules.weigh import CERT_ONLY, REPLAYED, Listing, Policy, Weighed
from openletter.evidence.rules.weigh import weigh as conclude
from openletter.words import Judgement, Role, Weakness

REMEMBERED = timedelta(days=90)
"""Older statements are not weighed again, not even to say that they are too old."""
READ_FIRST = timedelta(minutes=10)
_LOCK_SPACE = 0x0E51D
Target = tuple[Address, Weakness]


def hold(exercise: Campaign | None, *, shared: bool = False) -> None:
    """Who weighs, opens cases and takes back in one world takes turns; held to the commit."""
    name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s, %s)", [_LOCK_SPACE, exercise.pk if exercise else 0])


# -- whose knobs ---------------------------------------------------------------------------------


def policy_of(campaign: Campaign | None) -> Policy:
    """A campaign's own knobs; nobody's: those with which its world is weighed."""
    if campaign is None:
        return world_policy(None)
    return replace(knobs_of(campaign), origins=known.known_sources(campaign.world).origins())


def world_policy(world: Campaign | None) -> Policy:
    """An exercise's own knobs; of the real world, the laxest of its living campaigns'."""
    if world is not None:
        return policy_of(world)
    living = Campaign.objects.filter(exercise=False).exclude(state=CampaignState.FINISHED)
    knobs = [knobs_of(one) for one in living] or [Policy()]
    return Policy(
        families_needed=min(one.families_needed for one in knobs),
        fresh_for=max(one.fresh_for for one in knobs),
        fresh_unsaid=max(one.fresh_unsaid for one in knobs),
        fresh_ipv6=max(one.fresh_ipv6 for one in knobs),
        fresh_moving=max(one.fresh_moving for one in knobs),
        origins=known.known_sources(None).origins(),
    )


def knobs_of(campaign: Campaign) -> Policy:
    """A campaign's own knobs alone; nothing is told of who repeats whom."""
    return Policy(
        families_needed=campaign.families_needed,
        fresh_for=timedelta(days=campaign.fresh_days),
        fresh_unsaid=timedelta(days=campaign.fresh_days_unsaid),
        fresh_ipv6=timedelta(days=campaign.fresh_days_ipv6),
        fresh_moving=timedelta(hours=campaign.fresh_hours_moving),
    )


# -- the step ------------------------------------------------------------------------------------


def unweighed(campaign: Campaign, *, now: datetime) -> QuerySet[Observation]:
    """Observations of the campaign's world that no conclusion has taken in yet."""
    return Observation.objects.filter(exercise=campaign.world, weighed_at=None).order_by("id")


@transaction.atomic
def weigh(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Conclude anew about every address and weakness that something new was said of.

    Files that have just come in are read first: whatever they say of the same addresses would be
    another conclusion. None holds weighing up for longer than `READ_FIRST`.
    """
    came_in = Batch.objects.filter(exercise=campaign.world, state=Batch.State.WAITING)
    if came_in.filter(stored_at__gt=now - READ_FIRST, stored_at__lte=now).exists():
        return 0
    hold(campaign.world)
    keys, targets = _next(campaign, now=now, limit=limit)
    take_back_late(keys, exercise=campaign.world)
    if follow(targets, exercise=campaign.world, now=now):
        keys += _unweighed_about(targets, exercise=campaign.world)
        take_back_late(keys, exercise=campaign.world)
    reweigh(targets, exercise=campaign.world, now=now)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE observation SET weighed_at = %s WHERE id = ANY(%s)", [now, keys])
        return int(cursor.rowcount)


def _next(campaign: Campaign, *, now: datetime, limit: int) -> tuple[list[int], set[Target]]:
    """Rows that wait, the oldest first, with all else that waits and is about the same targets."""
    waiting = unweighed(campaign, now=now)[:limit].values_list("id", _HOST, "weakness")
    keys, told = [], set()
    for pk, ip, weakness in waiting:
        keys.append(pk)
        if weakness:
            told.add((ip, weakness))
    targets = {(ip_address(ip), Weakness(weakness)) for ip, weakness in told}
    return (_unweighed_about(targets, exercise=campaign.world) + keys), targets


_HOST = Func(F("ip"), function="host", output_field=TextField())
_WAITING_ABOUT = """
SELECT o.id FROM unnest(%s::inet[], %s::text[]) AS target (ip, weakness)
JOIN observation o USING (ip, weakness)
WHERE o.exercise_id {world} AND o.weighed_at IS NULL
"""


def _unweighed_about(targets: Collection[Target], *, exercise: Campaign | None) -> list[int]:
    """Rows about these that wait to be weighed: one conclusion takes in all of them."""
    ordered = list(targets)
    asked = [[str(ip) for ip, _ in ordered], [str(weakness) for _, weakness in ordered]]
    world = "IS NULL" if exercise is None else f"= {exercise.pk:d}"
    with connection.cursor() as cursor:
        cursor.execute(_WAITING_ABOUT.format(world=world), asked)
        return [pk for (pk,) in cursor.fetchall()]


def reweigh(targets: Collection[Target], *, exercise: Campaign | None, now: datetime) -> None:
    """The newest conclusion about each of these, in place of the one before."""
    policy = world_policy(exercise)
    said = said_of(targets, exercise=exercise, since=now - REMEMBERED)
    if silent := set(targets) - set(said):
        said |= {target: [] for target in _found_before(silent, exercise=exercise)}
    weigher = Weigher(policy, now=now)
    concluded = (
        (ip, weakness, weigher.weigh(listings)) for (ip, weakness), listings in said.items()
    )
    copy_findings(concluded, exercise=exercise, knobs=policy.knobs, now=now)


def _found_before(targets: set[Target], *, exercise: Campaign | None) -> set[Target]:
    """Those of which a conclusion stands that nothing holds up any more."""
    rows = Finding.objects.filter(exercise=exercise, ip__in={ip for ip, _ in targets})
    found = rows.values_list("ip", "weakness")
    return {(ip, Weakness(weakness)) for ip, weakness in found} & targets


def weigh_targets(
    targets: Collection[Target], *, exercise: Campaign | None, policy: Policy, now: datetime
) -> dict[Target, Weighed]:
    """What these come to with given knobs; stores nothing."""
    said = said_of(targets, exercise=exercise, since=now - REMEMBERED)
    return {about: conclude(them, policy=policy, now=now) for about, them in said.items()}


IN_SCOPE = """
    w.source_id = o.source_id AND w.exercise_id IS NOT DISTINCT FROM o.exercise_id
    AND (w.since IS NULL OR o.seen_at >= w.since) AND (w.until IS NULL OR o.seen_at < w.until)
    AND (w.batch_id IS NULL OR w.batch_id = o.batch_id)
    AND (cardinality(w.rows) = 0 OR o.id = ANY(w.rows))
"""
"""Whether a withdrawal (w) takes back an observation (o)."""

_LATE = f"""
UPDATE observation o SET withdrawn_id = w.id FROM withdrawal w
WHERE o.id = ANY(%s) AND o.withdrawn_id IS NULL AND w.restored_at IS NULL AND {IN_SCOPE}
"""


def take_back_late(keys: Sequence[int], *, exercise: Campaign | None) -> int:
    """Of these rows, mark what a standing withdrawal takes back; how many."""
    if not Withdrawal.objects.filter(exercise=exercise, restored_at=None).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [list(keys)])
        return int(cursor.rowcount)


# -- one address ---------------------------------------------------------------------------------


def weigh_address(
    ip: Address,
    *,
    exercise: Campaign | None,
    now: datetime,
    known_at: datetime | None = None,
    policy: Policy | None = None,
) -> tuple[dict[Weakness, Weighed], dict[int, Form]]:
    """Conclusions about one address, and the way back to its rows.

    `known_at` replays: only what was stored by then counts, and what was taken back by then does
    not; what was taken back since counts as it did, and says so.
    """
    targets = {(ip, weakness) for weakness in Weakness}
    said = said_of(targets, exercise=exercise, since=now - REMEMBERED, known_at=known_at)
    knobs = policy or world_policy(exercise)
    found = {about[1]: conclude(them, policy=knobs, now=now) for about, them in said.items()}
    keys = [key for weighed in found.values() for key in weighed.rows]
    rows = Observation.objects.filter(pk__in=keys).select_related("part")
    traced: dict[int, Form] = {
        row.pk: {"id": row.pk, "file": row.part.file, "row": row.row, "line": row.line}
        for row in rows
    }
    return found, traced


def stored_beside(
    ip: Address, *, exercise: Campaign | None, policy: Policy | None = None
) -> dict[Weakness, Form]:
    """The stored conclusions about an address, and whether today's rules conclude the same.

    Each is replayed at the moment at which it was made, and by the rule that made it: `replayed`
    says whether that comes out as it stands; null where the rule is no longer known.
    """
    found: dict[Weakness, Form] = {}
    knobs = policy or world_policy(exercise)
    for finding in Finding.objects.filter(exercise=exercise, ip=ip):
        at, weakness = finding.weighed_at, Weakness(finding.weakness)
        said = said_of([(ip, weakness)], exercise=exercise, since=at - REMEMBERED, known_at=at)
        listings = said.get((ip, weakness), [])
        again = conclude(listings, policy=knobs, now=at)
        by_its_own = None
        if finding.rule_version in REPLAYED:
            own = replace(knobs, rule=finding.rule_version)
            by_its_own = not _differs(finding, conclude(listings, policy=own, now=at))
        found[weakness] = {
            "finding": finding.state,
            "confidence": finding.confidence,
            "rule_version": finding.rule_version,
            "weighed_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "differs": _differs(finding, again),
            "replayed": by_its_own,
        }
    return found


def _differs(finding: Finding, again: Weighed) -> bool:
    stored = (finding.state, finding.families, finding.ports, sorted(finding.rows))
    return stored != (again.state, [*again.families], [*again.ports], [*again.rows])


# -- what was said -------------------------------------------------------------------------------

_COLUMNS = f"""
    host(o.ip), o.weakness, o.id, o.source_id, s.family, o.says, o.role, o.port, o.dated_by,
    o.reason, o.space, s.terms -> '{CERT_ONLY}' = 'true'::jsonb
"""
_COUNTS = """o.source_id <> ALL(%(suspended)s)
    AND (p.set_aside = '' OR p.counts_from IS NOT NULL)"""
"""Whether a statement is neither of a suspended source nor of a part that was set aside."""
_SAID = f"""
SELECT {_COLUMNS}, o.seen_at,
    o.withdrawn_id IS NOT NULL OR NOT ({{counts}}) OR (
        o.weighed_at IS NULL AND EXISTS (
            SELECT FROM withdrawal w WHERE w.restored_at IS NULL AND {IN_SCOPE}
        )
    ), false
FROM observation o
JOIN unnest(%(ips)s::inet[], %(weaknesses)s::text[]) AS target (ip, weakness) USING (ip, weakness)
JOIN source s ON s.id = o.source_id
JOIN batch_part p ON p.id = o.part_id
WHERE o.exercise_id {{world}} AND o.seen_at > %(since)s
  AND (%(with_suspended)s OR ({{counts}}))
  AND o.says IN ('accept', 'reachable-only', 'corroborates', 'withdrawn')
ORDER BY o.ip, o.weakness, o.id
"""
_KNOWN = f"""
SELECT {_COLUMNS},
    CASE WHEN o.dated_by = 'fetch' AND o.seen_at > %(known)s THEN b.stored_at ELSE o.seen_at END,
    taken.by_then IS TRUE, o.withdrawn_id IS NOT NULL AND taken.by_then IS NOT TRUE
FROM observation o
JOIN unnest(%(ips)s::inet[], %(weaknesses)s::text[]) AS target (ip, weakness) USING (ip, weakness)
JOIN source s ON s.id = o.source_id
JOIN batch_part p ON p.id = o.part_id
JOIN batch b ON b.id = o.batch_id AND coalesce(b.done_at, b.stored_at) <= %(known)s
CROSS JOIN LATERAL (
    SELECT bool_or(w.at <= %(known)s AND (w.restored_at IS NULL OR w.restored_at > %(known)s))
        AS by_then
    FROM withdrawal w WHERE w.id = o.withdrawn_id OR ({IN_SCOPE})
) taken
WHERE o.exercise_id {{world}} AND o.seen_at > %(since)s
  AND o.source_id <> ALL(%(suspended)s) AND (p.set_aside = '' OR p.counts_from <= %(known)s)
  AND o.says IN ('accept', 'reachable-only', 'corroborates', 'withdrawn')
ORDER BY o.ip, o.weakness, o.id
"""


def said_of(
    targets: Iterable[Target],
    *,
    exercise: Campaign | None,
    since: datetime,
    known_at: datetime | None = None,
    without: Collection[int] = frozenset(),
    with_suspended: bool = False,
) -> dict[Target, list[Listing]]:
    """All that sources say of these, with what was taken back marked as such.

    `without`: as if these rows had been taken back too; `with_suspended`: as if all rows of
    suspended sources had been, and what was set aside, which else are left out.
    """
    ordered = sorted(targets, key=lambda target: (target[0].packed, target[1]))
    world = "IS NULL" if exercise is None else "= %(world)s"
    parameters: dict[str, list[str] | datetime | int | bool | None] = {
        "ips": [str(ip) for ip, _ in ordered],
        "weaknesses": [str(weakness) for _, weakness in ordered],
        "since": since, "known": known_at, "world": exercise.pk if exercise else None,
        "with_suspended": with_suspended, "suspended": known.suspended_in(exercise, at=known_at),
    }  # fmt: skip
    query = _SAID if known_at is None else _KNOWN
    found: dict[Target, list[Listing]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query.format(world=world, counts=_COUNTS), parameters)
        about: Target | None = None
        before: tuple[object, ...] = ()
        for row in cursor:
            if about is None or row[:2] != before:
                before = row[:2]
                about = ip_address(row[0]), Weakness(row[1])
            target, listing = about, _listing(row, is_ipv6=about[0].version == 6)
            if listing.key in without:
                listing = replace(listing, taken_back=True)
            found.setdefault(target, []).append(listing)
    return found


def _listing(row: Sequence[Any], *, is_ipv6: bool) -> Listing:
    _, _, key, source, family, says, role, port, dated_by, reason, space, *more = row
    cert_only, seen_at, taken_back, taken_back_since = more
    return Listing(
        key=key,
        source=source,
        family=family,
        says=_SAYS[says],
        role=_ROLES[role],
        port=port,
        seen_at=seen_at,
        dated_by=dated_by,
        reason=reason,
        space=space,
        is_ipv6=is_ipv6,
        cert_only=bool(cert_only),
        taken_back=taken_back,
        taken_back_since=taken_back_since,
    )


_SAYS = {str(one): one for one in Judgement}
_ROLES = {str(one): one for one in Role}
