"""Verbs of this room: open cases from findings, move them, hand out their links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import CharField, Count, Exists, F, Func, OuterRef, Q, QuerySet

from openletter.campaigns.copying import copy_binary, new_ids
from openletter.campaigns.models import Campaign, Partner
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import exclusions_for, is_excluded, record
from openletter.cases.knobs import judge_anew, short_of
from openletter.cases.models import Case, Mistake, Skipped
from openletter.cases.opening import ACTOR, newest, open_new, partner_of, responsible
from openletter.cases.rules import may_move, why_not_pursued
from openletter.evidence import weighing
from openletter.evidence.models import Finding
from openletter.words import CaseState, FindingState, Reason

# -- open ----------------------------------------------------------------------------------------


def findings_without_case(campaign: Campaign, *, now: datetime) -> QuerySet[Finding]:
    """Open, fresh findings that have no case yet, or are newer than what their case knows."""
    known = Case.objects.filter(
        campaign=campaign,
        ip=OuterRef("ip"),
        weakness=OuterRef("weakness"),
        last_evidence_at__gte=OuterRef("last_seen"),
    )
    skipped = Skipped.objects.filter(
        campaign=campaign, finding=OuterRef("pk"), evidence_at__gte=OuterRef("last_seen")
    )
    return Finding.objects.filter(
        Q(fresh_until=None) | Q(fresh_until__gt=now),
        ~Exists(known),
        ~Exists(skipped),
        exercise=campaign.world,
        state=FindingState.OPEN,
        families__len__gte=campaign.families_needed,
        last_seen__gt=now - timedelta(days=campaign.fresh_days),
    ).order_by("id")


_UNREAD = ("reasons", "rows", "ports", "confidence")
"""What opening does not ask of a finding."""


@transaction.atomic
def open_cases(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """One case per campaign, address and weakness; later findings add evidence, and are judged."""
    weighing.hold(campaign.world, shared=True)
    world = Func(F("ip"), function="address_world", output_field=CharField())
    waiting = findings_without_case(campaign, now=now).annotate(world=world).defer(*_UNREAD)
    findings = [(finding, str(getattr(finding, "world", ""))) for finding in waiting[:limit]]
    too_little = short_of(campaign, [finding for finding, _ in findings], now=now)
    known = _cases_of(campaign, [finding for finding, _ in findings])
    exclusions = exclusions_for(campaign)
    without_cert = _needing_a_cert(campaign, [finding for finding, _ in findings], known)
    fresh: list[Finding] = []
    left: list[tuple[Finding, str]] = []
    again: list[tuple[Case, Finding]] = []
    for finding, where in findings:
        reason = why_not_pursued(
            exercise=campaign.exercise,
            world=where,
            is_excluded=is_excluded(finding.ip, exclusions),
        ) or ("campaign-asks-more" if finding.pk in too_little else "")
        reason = reason or ("needs-national-team" if finding.pk in without_cert else "")
        case = known.get((str(finding.ip), finding.weakness))
        if reason:
            left.append((finding, reason))
        elif case is not None:
            again.append((case, finding))
        else:
            fresh.append(finding)
    _skip(campaign, left, now=now)
    _add_evidence(again, knobs=weighing.knobs_of(campaign).knobs, now=now)
    open_new(campaign, fresh, now=now)
    judged = judge_anew(campaign, now=now, limit=limit) if len(findings) < limit else 0
    return len(findings) + judged


def _needing_a_cert(
    campaign: Campaign, findings: Sequence[Finding], known: Mapping[tuple[str, str], Case]
) -> set[int]:
    """Findings open only by what national teams alone may hold, whose partner is none."""
    needing = [finding for finding in findings if finding.needs_cert]
    if not needing:
        return set()
    networks = responsible(campaign)
    teams = set(Partner.objects.filter(is_cert=True).values_list("pk", flat=True))
    found = set()
    for finding in needing:
        case = known.get((str(finding.ip), finding.weakness))
        partner = case.partner_id if case else partner_of(finding, networks) or campaign.lead_id
        if partner not in teams:
            found.add(finding.pk)
    return found


_THERE = """
SELECT c.id FROM finding f JOIN "case" c ON c.ip = f.ip AND c.campaign_id = %s
WHERE f.id = ANY(%s)
"""


def _cases_of(campaign: Campaign, findings: Sequence[Finding]) -> dict[tuple[str, str], Case]:
    with connection.cursor() as cursor:
        cursor.execute(_THERE, [campaign.pk, [finding.pk for finding in findings]])
        there = [pk for (pk,) in cursor.fetchall()]
    found = Case.objects.select_for_update().filter(pk__in=there)
    return {(str(case.ip), case.weakness): case for case in found}


def _skip(campaign: Campaign, left: Sequence[tuple[Finding, str]], *, now: datetime) -> None:
    Skipped.objects.bulk_create(
        [
            Skipped(
                campaign=campaign, finding=finding, reason=reason, at=now,
                evidence_at=newest(finding),
            )
            for finding, reason in left
        ],
        update_conflicts=True,
        unique_fields=["campaign", "finding"],
        update_fields=["reason", "evidence_at", "at"],
        batch_size=2_000,
    )  # fmt: skip


def look_again(reason: str) -> int:
    """Findings that were left alone for this reason may be pursued now; how many."""
    deleted, _ = Skipped.objects.filter(reason=reason).delete()
    return deleted


def _add_evidence(seen_again: Sequence[tuple[Case, Finding]], *, knobs: str, now: datetime) -> None:
    """Seen again: the case knows; one that had closed, or was our mistake, opens again by it."""
    for case, finding in seen_again:
        case.finding, case.last_evidence_at = finding, newest(finding)
        case.fresh_until, case.falls_short = finding.fresh_until, False
        case.judged_at = finding.weighed_at
        case.judged_by = knobs
    Case.objects.bulk_update(
        [case for case, _ in seen_again],
        ["finding", "last_evidence_at", "fresh_until", "falls_short", "judged_at", "judged_by"],
        batch_size=500,
    )
    mistaken = set(_mistakes_of([case for case, _ in seen_again]))
    for case, _ in seen_again:
        ended = case.closed_at
        if ended is None or case.last_evidence_at <= ended:
            continue
        if case.state == CaseState.CLOSED or case.pk in mistaken:
            reopen(case, actor=ACTOR, now=now, reason=Reason(code="seen-again"))


def _mistakes_of(cases: Iterable[Case]) -> QuerySet[Mistake, int]:
    """Those of the cases that are our mistake now, by id."""
    standing = Mistake.objects.filter(case__in=[case.pk for case in cases], undone_at=None)
    return standing.values_list("case_id", flat=True)


# -- move ----------------------------------------------------------------------------------------


def announce_fixed(
    case: Case, *, until: datetime, actor: str, now: datetime, reason: Reason | None = None
) -> bool:
    """The holder says it is closed: no letter leaves about it until `until`, then we look again."""
    change = {"announced_at": now, "announced_until": until}
    return _move(
        case,
        CaseState.ANNOUNCED_FIXED,
        "announced-fixed",
        change,
        actor=actor,
        now=now,
        reason=reason,
    )


def take_back_announcement(
    case: Case, *, actor: str, now: datetime, reason: Reason | None = None
) -> bool:
    """Not fixed after all: somebody says so, or a source saw it open later."""
    if case.state != CaseState.ANNOUNCED_FIXED:
        return False
    change = {"announced_at": None, "announced_until": None}
    return _move(
        case, CaseState.OPEN, "announcement-taken-back", change, actor=actor, now=now, reason=reason
    )


def close(case: Case, *, result: str, actor: str, now: datetime, reason: Reason) -> bool:
    """Nothing more to pursue; the outcome says what became of it."""
    return _move(
        case,
        CaseState.CLOSED,
        f"closed:{result}",
        {"closed_at": now},
        actor=actor,
        now=now,
        reason=reason,
    )


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A case that ends, with its result and why."""

    case: Case
    result: str
    reason: Reason


@transaction.atomic
def close_all(endings: Sequence[Ending], *, actor: str, now: datetime) -> int:
    """Many cases at once, as `close` does one; what may not close stays as it is."""
    wanted = {ending.case.pk: ending for ending in endings}
    locked = Case.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    closing = [case for case in locked if may_move(CaseState(case.state), CaseState.CLOSED)]
    entries = []
    for case in closing:
        ending = wanted[case.pk]
        action = f"closed:{ending.result}"
        entry = _entry(case, action, actor=actor, now=now, reason=ending.reason)
        before = {"state": case.state}
        entries.append(replace(entry, before=before, after={"state": CaseState.CLOSED}))
    ended = [case.pk for case in closing]
    Case.objects.filter(pk__in=ended).update(state=CaseState.CLOSED, closed_at=now)
    record(entries)
    return len(closing)


def withdraw(case: Case, *, actor: str, now: datetime, reason: Reason) -> bool:
    """Ours was the mistake, or the holder wants no checks: the case ends without an outcome."""
    return _move(
        case,
        CaseState.WITHDRAWN,
        "withdrawn",
        {"closed_at": now},
        actor=actor,
        now=now,
        reason=reason,
    )


@transaction.atomic
def reopen(case: Case, *, actor: str, now: datetime, reason: Reason | None = None) -> bool:
    """Pursued again, by a person or because it was seen again.

    What was our mistake opens only on evidence that holds; else its withdrawal is to be restored.
    """
    mistaken = Mistake.objects.filter(case=case, undone_at=None)
    if case.finding.state != FindingState.OPEN and mistaken.exists():
        return False
    change = {"closed_at": None, "announced_at": None, "announced_until": None}
    moved = _move(case, CaseState.OPEN, "reopened", change, actor=actor, now=now, reason=reason)
    if moved:
        mistaken.update(undone_at=now, undone_because="seen-again")
    return moved


@transaction.atomic
def assign_partner(
    case: Case, partner: Partner, *, actor: str, now: datetime, reason: Reason | None = None
) -> bool:
    """Another partner answers for the case from now on; there is exactly one at a time."""
    locked = Case.objects.select_for_update().get(pk=case.pk)
    before = locked.partner_id
    if before == partner.pk:
        return False
    locked.partner = partner
    locked.save(update_fields=["partner"])
    entry = _entry(locked, "partner-assigned", actor=actor, now=now, reason=reason)
    record([_with(entry, before={"partner": before}, after={"partner": partner.pk})])
    case.partner = partner
    return True


@transaction.atomic
def _move(
    case: Case,
    to: CaseState,
    action: str,
    change: Mapping[str, datetime | None],
    *,
    actor: str,
    now: datetime,
    reason: Reason | None = None,
) -> bool:
    """One change under a lock, with its timeline entry; a forbidden one changes nothing."""
    locked = Case.objects.select_for_update().get(pk=case.pk)
    before = CaseState(locked.state)
    allowed = may_move(before, to)
    if allowed:
        locked.state = to
        for name, value in change.items():
            setattr(locked, name, value)
        locked.save(update_fields=["state", *change])
        entry = _entry(locked, action, actor=actor, now=now, reason=reason)
        record([_with(entry, before={"state": before}, after={"state": to})])
    case.refresh_from_db()
    return allowed


def _entry(case: Case, action: str, *, actor: str, now: datetime, reason: Reason | None) -> Entry:
    return Entry(
        subject=f"case:{case.pk}",
        actor=actor,
        action=action,
        at=now,
        campaign_id=case.campaign_id,
        partner_id=case.partner_id,
        reason=reason.as_json() if reason else None,
    )


def _with(entry: Entry, *, before: Mapping[str, object], after: Mapping[str, object]) -> Entry:
    return replace(entry, before=before, after=after)


# -- links ---------------------------------------------------------------------------------------


def new_links(pairs: Sequence[tuple[int, bytes]], *, now: datetime) -> list[int]:
    """Links for the letters that name these cases, in order; secrets are kept as hashes only."""
    links = new_ids("case_link", len(pairs))
    copy_binary(
        "case_link", _LINK, ((link, *pair, now) for link, pair in zip(links, pairs, strict=True))
    )
    return links


_LINK = {"id": "int8", "case_id": "int8", "secret_hash": "bytea", "made_at": "timestamptz"}


def skipped_by_reason(campaign: Campaign) -> dict[str, int]:
    """How many findings the campaign leaves alone, by reason."""
    rows = Skipped.objects.filter(campaign=campaign).values_list("reason")
    return dict(rows.annotate(count=Count("id")).order_by("reason"))
