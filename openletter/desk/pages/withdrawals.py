"""Taking back what a source said: look, do it, approve the corrections, or undo it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Level
from openletter.desk import reasons
from openletter.desk.access import Visit, needs
from openletter.desk.paging import page_of
from openletter.desk.queries import line, withdrawals
from openletter.evidence.models import Source, Withdrawal
from openletter.evidence.rules.times import parse_time
from openletter.evidence.withdrawing import LONGEST_REASON, Scope, WithdrawalError
from openletter.letters import corrections, recall
from openletter.letters.models import Correction

REAL = "real"
"""The form's word for the world that is none of an exercise."""


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    page = page_of(visit.request, withdrawals.withdrawals(visit.viewer), size=30)
    told = {
        "title": gettext("Taken back"),
        "page": page,
        "rows": withdrawals.listed(visit.viewer, list(page.object_list)),
        **_form(visit),
    }
    return visit.show("withdrawals", told)


def _form(visit: Visit) -> dict[str, object]:
    return {
        "is_approver": visit.viewer.highest >= Level.APPROVER,
        "sources": list(withdrawals.sources()),
        "worlds": withdrawals.worlds(visit.viewer),
    }


@needs(Level.READER)
def withdrawal(visit: Visit, pk: int) -> HttpResponse:
    """What one withdrawal changed, whom it leaves to be corrected, and what may be done."""
    one = _found(visit, pk)
    about = withdrawals.page_of(visit.viewer, one)
    waiting = [row for row in about.corrections if row.approved_at is None]
    told = {
        "title": gettext("Withdrawal %(number)s") % {"number": one.pk},
        "about": about,
        "one": one,
        "exercise": one.exercise is not None,
        "may_restore": _may_change(visit, one.exercise)
        and one.restored_at is None
        and len(waiting) == len(about.corrections),
        "may_approve": [
            row.pk for row in waiting if visit.may(Level.APPROVER, row.campaign.lead_id)
        ],
        "example": _example(visit, about.corrections),
    }
    return visit.show("withdrawal", told)


def _example(visit: Visit, asked: list[Correction]) -> str:
    """One correction as it would leave now, to somebody of the viewer's partners."""
    for row in asked:
        if row.dropped_at is None:
            text = corrections.example(row, partners=visit.viewer.partner_ids)
            if text:
                return text
    return ""


def _found(visit: Visit, pk: int) -> Withdrawal:
    one = withdrawals.withdrawals(visit.viewer).filter(pk=pk).first()
    if one is None:
        raise Http404
    return one


def _may_change(visit: Visit, world: Campaign | None) -> bool:
    """An approver of a partner that leads a campaign in that world."""
    mine = line.campaigns(visit.viewer)
    concerned = mine.filter(pk=world.pk) if world else mine.filter(exercise=False)
    return any(visit.may(Level.APPROVER, one.lead_id) for one in concerned)


# -- look first ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a form says: kept as typed, so that it can be typed again."""

    source: str
    since: str
    until: str
    world: str

    @classmethod
    def of(cls, visit: Visit) -> Asked:
        given = visit.request.POST or visit.request.GET
        names = ("source", "since", "until", "world")
        return cls(**{name: given.get(name, "").strip()[:60] for name in names})


@needs(Level.APPROVER)
def preview(visit: Visit) -> HttpResponse:
    """What it would change: figures of all, rows of the viewer's partners; changes nothing."""
    asked = Asked.of(visit)
    told: dict[str, object] = {"title": gettext("Take back"), "asked": asked, **_form(visit)}
    try:
        scope, now = _scope(visit, asked)
        change = recall.preview(scope, now=now)
    except WithdrawalError as refused:
        told["refused"] = reasons.told(refused.reason)
    else:
        mine = visit.viewer.partner_ids
        told |= {
            "change": change,
            "source": scope.source,
            "wrong": [
                case for one in change.campaigns for case in one.mistakes
                if case.partner_id in mine
            ][: withdrawals.MOST],
            "may_change": _may_change(visit, scope.exercise),
        }  # fmt: skip
    return visit.show("withdrawal_preview", told)


def _scope(visit: Visit, asked: Asked) -> tuple[Scope, datetime]:
    source = Source.objects.filter(pk=asked.source).first()
    if source is None:
        raise WithdrawalError("source-unknown")
    world = None
    if asked.world != REAL:
        world = line.campaigns(visit.viewer).filter(slug=asked.world, exercise=True).first()
        if world is None:
            raise WithdrawalError("world-missing")
    elif None not in withdrawals.worlds(visit.viewer):
        raise WithdrawalError("world-missing")
    now = clock.now(world)
    since = parse_time(asked.since) if asked.since else None
    until = parse_time(asked.until) if asked.until else now
    if until is None or (asked.since and since is None):
        raise WithdrawalError("bad-time")
    return Scope(source=source, exercise=world, since=since, until=until), now


# -- verbs ---------------------------------------------------------------------------------------


@needs(Level.APPROVER, change=True)
def take_back(visit: Visit) -> HttpResponse:
    """Do it: from then on nothing of it leaves, and corrections wait for an approval."""
    asked = Asked.of(visit)
    because = visit.request.POST.get("because", "").strip()[:LONGEST_REASON]
    try:
        scope, now = _scope(visit, asked)
        if not _may_change(visit, scope.exercise):
            raise PermissionDenied
        made, _ = recall.withdraw(scope, reason=because, by=visit.actor, now=now)
    except WithdrawalError as refused:
        visit.regrets(reasons.told(refused.reason))
        return visit.to("withdrawals")
    visit.says(gettext("Taken back. Nothing that rests on it leaves any more."))
    return visit.to("withdrawal", pk=made.pk)


@needs(Level.APPROVER, change=True)
def approve_correction(visit: Visit, pk: int) -> HttpResponse:
    """The corrections of one campaign may leave; only an approver of its lead says so."""
    one = _found(visit, pk)
    slug = visit.request.POST.get("campaign", "")
    asked = withdrawals.corrections_of(visit.viewer, one)
    chosen = next((row for row in asked if row.campaign.slug == slug), None)
    if chosen is None:
        raise Http404
    visit.must(Level.APPROVER, chosen.campaign.lead_id)
    try:
        corrections.approve(chosen, user=visit.user, now=clock.now(chosen.campaign))
    except WithdrawalError as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Approved: the corrections go ahead of everything else."))
    return visit.to("withdrawal", pk=one.pk)


@needs(Level.APPROVER, change=True)
def restore(visit: Visit, pk: int) -> HttpResponse:
    one = _found(visit, pk)
    if not _may_change(visit, one.exercise):
        raise PermissionDenied
    try:
        recall.restore(one, by=visit.actor, now=clock.now(one.exercise))
    except WithdrawalError as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Restored: what was taken back counts again."))
    return visit.to("withdrawal", pk=one.pk)
