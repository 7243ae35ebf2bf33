"""The step `lookup` on cases: which wait, which are covered already, and what became of each.

Short transactions only, none while anybody is asked: `jobs.py` does that in between. Nothing is
asked for exercises, nor where the installation has look-up switched off; then `find` waits for
nothing either. No case waits for ever: after some days or tries `find` goes by what is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign, Installation
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases.models import Case
from openletter.contacts.ladder import ladders
from openletter.contacts.lookup_rows import Fetch, LookUp
from openletter.contacts.models import Choice
from openletter.contacts.rules import pace
from openletter.contacts.rules.course import Course
from openletter.contacts.rules.covered import Range, is_covered
from openletter.contacts.rules.decide import Rung
from openletter.evidence.models import Observation
from openletter.evidence.rules.spaces import Space
from openletter.wire.lookup import End
from openletter.words import CaseState, Reason

ACTOR = "step:lookup"
PATIENCE = timedelta(days=3)
"""So long at most a case waits for its look-up; then `find` goes by what is loaded."""
NEXT_TURN = timedelta(minutes=1)
"""When a case is looked at again whose server had no turn left in this run."""
MOST_REASONS = 10
State = LookUp.State
UNANSWERED = (Choice.Outcome.NOBODY, Choice.Outcome.NEEDS_PERSON)
"""Choices that a live answer may change."""


def is_on(campaign: Campaign) -> bool:
    """Whether this campaign's cases are looked up at all."""
    return not campaign.exercise and bool(settings.OUTSIDE.look_up.is_on)


def waiting(campaign: Campaign, *, now: datetime) -> QuerySet[Case]:
    """Open cases without a contact that were not looked up yet, or are to be again now."""
    if not is_on(campaign):
        return Case.objects.none()
    over = LookUp.objects.filter(case=OuterRef("pk")).filter(
        ~Q(state=State.WAITING) | Q(again_at__gt=now)
    )
    told = Choice.objects.filter(case=OuterRef("pk"), superseded_at=None).exclude(
        outcome__in=UNANSWERED
    )
    open_cases = Case.objects.filter(campaign=campaign, state=CaseState.OPEN)
    return open_cases.filter(~Exists(over), ~Exists(told)).order_by("id")


def may_be_found(campaign: Campaign) -> Q:
    """What `find` takes: every case, or where look-up is on, those whose look-up is over."""
    if not is_on(campaign):
        return Q()
    return Q(Exists(LookUp.objects.filter(case=OuterRef("pk")).exclude(state=State.WAITING)))


def is_paused(campaign: Campaign) -> bool:
    """Somebody pressed stop: nobody is asked any more."""
    return (
        Installation.objects.filter(leaving_paused_at__isnull=False).exists()
        or Campaign.objects.filter(pk=campaign.pk, paused_at__isnull=False).exists()
    )


@transaction.atomic
def take(campaign: Campaign, *, now: datetime, limit: int) -> tuple[list[Case], int]:
    """Cases to look up; those that loaded registries cover are settled at once, and counted."""
    cases = list(waiting(campaign, now=now)[:limit])
    rungs = ladders([case.ip for case in cases], world=None)
    stale = _stale((rung for found in rungs.values() for rung in found), now=now)
    covered = [case for case in cases if is_covered(rungs[case.ip], stale=stale)]
    _keep(LookUp(case=case, state=State.COVERED, since=now, at=now) for case in covered)
    left = {case.pk for case in covered}
    return [case for case in cases if case.pk not in left], len(covered)


def _stale(rungs: Iterable[Rung], *, now: datetime) -> set[Range]:
    """Ranges of live answers that held until a while ago and were not asked for again since."""
    firsts = {rung.first for rung in rungs}
    newest = (
        Fetch.objects.filter(end=End.FOUND, first__in=firsts)
        .values("first", "last")
        .annotate(until=Max("expires_at"))
    )
    return {
        (row["first"], row["last"])
        for row in newest
        if row["first"] and row["last"] and row["until"] and row["until"] <= now
    }


@transaction.atomic
def settle(
    cases: Sequence[Case],
    courses: Iterable[Course],
    *,
    now: datetime,
    then: Callable[[QuerySet[Choice]], object],
) -> int:
    """Write down how far each case is; the number of those whose look-up is over.

    `then` takes back, in the same transaction, choices of before that named nobody for a case
    about which something was found now.
    """
    ended = {course.about: course for course in courses}
    earlier = {row.case_id: row for row in LookUp.objects.filter(case__in=cases)}
    rows = [_row(case, ended[case.ip], earlier.get(case.pk), now=now) for case in cases]
    _keep(rows)
    over = [row for row in rows if row.state != State.WAITING]
    record(_entry(row, now=now) for row in over)
    found = [row.case_id for row in over if row.state == State.FOUND]
    then(Choice.objects.filter(case__in=found, superseded_at=None, outcome__in=UNANSWERED))
    return len(over)


def _row(case: Case, course: Course, earlier: LookUp | None, *, now: datetime) -> LookUp:
    tries = earlier.tries if earlier else 0
    since = (earlier.since if earlier else None) or now
    row = LookUp(case=case, tries=tries, since=since, at=now, reasons=_reasons(course))
    is_late = now - since >= PATIENCE
    if course.ask is None and not course.waits:
        row.state = _STATES[course.end]
    elif is_late or (course.waits and tries + 1 >= pace.TRIES):
        row.state = State.GAVE_UP
    else:
        row.state = State.WAITING
        row.tries = tries + course.waits
        row.again_at = now + (pace.again_after(tries) if course.waits else NEXT_TURN)
    return row


_STATES = {End.FOUND: State.FOUND, End.NOTHING: State.NOTHING, End.REFUSED: State.REFUSED}


def _reasons(course: Course) -> list[dict[str, object]]:
    """What stood in the way, for the case page."""
    return [
        Reason(code=f"asked-{each.code}", values={"server": each.server}).as_json()
        for each in course.troubles[:MOST_REASONS]
        if each.code
    ]


def _keep(rows: Iterable[LookUp]) -> None:
    """One row a case; a later one takes its place."""
    LookUp.objects.bulk_create(
        list(rows),
        update_conflicts=True,
        unique_fields=["case"],
        update_fields=["state", "tries", "again_at", "since", "at", "reasons"],
        batch_size=1_000,
    )


def _entry(row: LookUp, *, now: datetime) -> Entry:
    case = row.case
    return Entry(
        subject=f"case:{case.pk}",
        actor=ACTOR,
        action=f"looked-up-{row.state}",
        at=now,
        campaign_id=case.campaign_id,
        partner_id=case.partner_id,
        reason=row.reasons[-1] if row.reasons else None,
    )


def moving(addresses: Iterable[Address]) -> set[Address]:
    """Addresses of which evidence says that they move between customers."""
    spaces = [space for space in Space if space.is_moving]
    found = Observation.objects.filter(ip__in=list(addresses), space__in=spaces)
    return set(found.values_list("ip", flat=True).distinct())
