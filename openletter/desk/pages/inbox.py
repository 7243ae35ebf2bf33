"""The inbox: replies that wait for a person, and the page of one reply."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.rules import Level
from openletter.contacts import graces
from openletter.contacts.errors import ContactError
from openletter.desk import openings, reasons
from openletter.desk.access import Visit, needs
from openletter.desk.labels import SETS
from openletter.desk.paging import page_of
from openletter.desk.queries import inbox, line
from openletter.replies import steps
from openletter.replies.models import Reply, ReplyKind
from openletter.replies.rules.days import day_named
from openletter.words import Reason, normalise_mailbox

UNDOABLE = frozenset({
    ReplyKind.FIXED, ReplyKind.NOT_OURS, ReplyKind.OPT_OUT, ReplyKind.FEEDBACK,
    ReplyKind.BOUNCE_HARD, ReplyKind.BOUNCE_SOFT,
})  # fmt: skip
"""Kinds that did something to a case, a contact or a mailbox."""


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    """What waits, the longest waiting first; or everything, the newest first."""
    asked = {name: visit.request.GET.get(name, "")[:100] for name in ("view", "kind", "campaign")}
    asked["view"] = asked["view"] or "waiting"
    page = page_of(visit.request, inbox.asked(visit.viewer, inbox.Filter(**asked)))
    told = {
        "title": gettext("Inbox"),
        "page": page,
        "asked": asked,
        "by_kind": inbox.by_kind(visit.viewer),
        "campaigns": list(line.campaigns(visit.viewer)),
    }
    return visit.show("inbox", told)


def found(visit: Visit, pk: int) -> Reply:
    """The reply of that number, among the viewer's partners' replies."""
    rows = Reply.objects.select_related("campaign", "partner", "letter__delivery", "case", "mail")
    return visit.find(rows, pk=pk)


@needs(Level.READER)
def reply(visit: Visit, pk: int) -> HttpResponse:
    """A reply as plain text, what the rules made of it and why, and what a person may do."""
    one = found(visit, pk)
    return _page(visit, one, draft=_opening(visit, one))


def _page(visit: Visit, one: Reply, *, draft: str, status: int = 200) -> HttpResponse:
    told = {
        "title": gettext("Reply"),
        "about": inbox.page_of(one),
        "reply": one,
        "may_handle": visit.may(Level.HANDLER, one.partner_id),
        "may_answer": not one.automatic and one.letter_id and normalise_mailbox(one.sender),
        "has_effects": one.kind in UNDOABLE,
        "kinds": SETS["reply"],
        "openings": openings.NAMES.items(),
        "opening": visit.request.GET.get("opening", ""),
        "draft": draft,
        **_time(visit, one),
    }
    return visit.show("reply", told, status=status)


def _time(visit: Visit, one: Reply) -> dict[str, object]:
    """The time that the letter's mailbox has been given, and the day that the reply names."""
    now = clock.now(one.campaign)
    if one.letter is None:
        return {"grace": None, "day": None}
    given = graces.standing(one.letter.mailbox, campaign=one.campaign, now=now)
    return {"grace": given, "day": day_named(one.text, today=now.date())}


def _opening(visit: Visit, one: Reply) -> str:
    key = visit.request.GET.get("opening", "")
    return openings.text(key, language=one.language, partner=one.partner.name)


# -- verbs --------------------------------------------------------------------------------------


def _mine(visit: Visit, pk: int) -> Reply:
    one = found(visit, pk)
    visit.must(Level.HANDLER, one.partner_id)
    return one


@needs(Level.HANDLER, change=True)
def answer(visit: Visit, pk: int) -> HttpResponse:
    """The answer is cleared to leave like a letter; a refused one stays in the form."""
    one = _mine(visit, pk)
    text = visit.request.POST.get("text", "").replace("\r\n", "\n")
    try:
        steps.answer(one, text=text, user=visit.user, now=clock.now(one.campaign))
    except steps.Refused as refused:
        visit.regrets(reasons.told(refused.reason))
        return _page(visit, one, draft=text, status=422)
    visit.says(gettext("The answer is cleared and leaves with the next hand-over."))
    return visit.to("reply", pk=one.pk)


@needs(Level.HANDLER, change=True)
def correct(visit: Visit, pk: int) -> HttpResponse:
    one = _mine(visit, pk)
    kind = visit.request.POST.get("kind", "")
    if kind not in ReplyKind.values:
        visit.regrets(gettext("Choose what it is."))
        return visit.to("reply", pk=one.pk)
    try:
        steps.correct(one, kind=kind, user=visit.user, now=clock.now(one.campaign))
    except steps.Refused as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Corrected: %(kind)s.") % {"kind": SETS["reply"][kind]})
    return visit.to("reply", pk=one.pk)


@needs(Level.HANDLER, change=True)
def undo(visit: Visit, pk: int) -> HttpResponse:
    one = _mine(visit, pk)
    steps.undo(one, user=visit.user, now=clock.now(one.campaign))
    visit.says(gettext("What the reply did is undone."))
    return visit.to("reply", pk=one.pk)


@needs(Level.HANDLER, change=True)
def settle(visit: Visit, pk: int) -> HttpResponse:
    one = _mine(visit, pk)
    steps.settle(one, user=visit.user, now=clock.now(one.campaign))
    visit.says(gettext("Dealt with."))
    return visit.to("inbox")


@needs(Level.HANDLER, change=True)
def give_time(visit: Visit, pk: int) -> HttpResponse:
    """Until the end of that day (UTC) the mailbox gets no later letter of the campaign."""
    one = _mine(visit, pk)
    typed = visit.request.POST.get("until", "")[:10]
    try:
        if one.letter is None:
            raise ContactError(Reason(code="no-letter"))
        now = clock.now(one.campaign)
        until = datetime.combine(date.fromisoformat(typed), time.max, tzinfo=UTC)
        graces.give(
            one.letter.mailbox, campaign=one.campaign, until=until, actor=visit.actor, now=now
        )
    except ValueError:
        visit.regrets(gettext("Give a day: year, month, day."))
    except ContactError as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Until then it gets no later letter."))
    return visit.to("reply", pk=one.pk)


@needs(Level.HANDLER, change=True)
def take_time_back(visit: Visit, pk: int) -> HttpResponse:
    one = _mine(visit, pk)
    if one.letter is not None:
        graces.take_back(
            one.letter.mailbox, campaign=one.campaign, actor=visit.actor,
            now=clock.now(one.campaign),
        )  # fmt: skip
    visit.says(gettext("The time is taken back."))
    return visit.to("reply", pk=one.pk)
