"""Cases: the list with its search, and the page of one case with everything behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.rules import Level
from openletter.cases import steps
from openletter.cases.models import Case
from openletter.contacts import steps as contacts
from openletter.contacts.errors import ContactError
from openletter.desk import reasons
from openletter.desk.access import Visit, needs
from openletter.desk.labels import SETS
from openletter.desk.paging import page_of
from openletter.desk.queries import case_page, cases, line
from openletter.replies.effects import QUIET_AFTER_FIXED
from openletter.words import Reason, parse_reference

HOLD: Final = QUIET_AFTER_FIXED
"""A report by telephone holds letters back as long as one by mail."""
LONGEST_REASON = 300


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    """Fifty cases a page; the filters stand in the address, so that a list can be passed on."""
    asked = {name: visit.request.GET.get(name, "")[:320] for name in (
        "search", "campaign", "state", "weakness", "contact", "reader", "order",
    )}  # fmt: skip
    page = page_of(visit.request, cases.asked(visit.viewer, cases.Filter(**asked)))
    told = {
        "title": gettext("Cases"),
        "page": page,
        "rows": cases.with_choices(visit.viewer, page.object_list),
        "asked": asked,
        "campaigns": list(line.campaigns(visit.viewer)),
        "sets": SETS,
    }
    return visit.show("cases", told)


def found(visit: Visit, reference: str) -> Case:
    """The case of a reference, among the viewer's partners' cases."""
    rows = Case.objects.select_related("campaign", "partner", "finding")
    return visit.find(rows, reference=parse_reference(reference) or "")


@needs(Level.READER)
def case(visit: Visit, reference: str) -> HttpResponse:
    """Evidence, finding, contact, letters, replies, rechecks, outcome and timeline of one case."""
    one = found(visit, reference)
    told = {
        "title": gettext("Case %(reference)s") % {"reference": one.reference},
        "about": case_page.page_of(visit.viewer, one),
        "case": one,
        "may_handle": visit.may(Level.HANDLER, one.partner_id),
        "hold_days": HOLD.days,
        "campaign_now": clock.now(one.campaign),
        "other_partners": case_page.may_take(visit.viewer, one),
    }
    return visit.show("case", told)


# -- verbs --------------------------------------------------------------------------------------


def _mine(visit: Visit, reference: str) -> Case:
    one = found(visit, reference)
    visit.must(Level.HANDLER, one.partner_id)
    return one


def _say(visit: Visit, one: Case, changed: Callable[[Reason], bool], *, done: str) -> HttpResponse:
    """Do it with the person's reason; without one, or where the state forbids it, say so."""
    because = visit.request.POST.get("because", "").strip()[:LONGEST_REASON]
    if not because:
        visit.regrets(gettext("Please say why."))
    elif changed(Reason(code="handler-says", values={"text": because})):
        visit.says(done)
    else:
        visit.regrets(gettext("The case is in another state by now; nothing was changed."))
    return visit.to("case", reference=one.reference)


@needs(Level.HANDLER, change=True)
def announce_fixed(visit: Visit, reference: str) -> HttpResponse:
    one = _mine(visit, reference)
    now = clock.now(one.campaign)

    def change(reason: Reason) -> bool:
        return steps.announce_fixed(
            one, until=now + HOLD, actor=visit.actor, now=now, reason=reason
        )

    return _say(visit, one, change, done=gettext("Noted: reported fixed."))


@needs(Level.HANDLER, change=True)
def not_fixed(visit: Visit, reference: str) -> HttpResponse:
    one = _mine(visit, reference)
    now = clock.now(one.campaign)

    def change(reason: Reason) -> bool:
        return steps.take_back_announcement(one, actor=visit.actor, now=now, reason=reason)

    return _say(visit, one, change, done=gettext("The case is open again."))


@needs(Level.HANDLER, change=True)
def withdraw(visit: Visit, reference: str) -> HttpResponse:
    one = _mine(visit, reference)
    now = clock.now(one.campaign)

    def change(reason: Reason) -> bool:
        return steps.withdraw(one, actor=visit.actor, now=now, reason=reason)

    return _say(visit, one, change, done=gettext("The case is withdrawn."))


@needs(Level.HANDLER, change=True)
def reopen(visit: Visit, reference: str) -> HttpResponse:
    one = _mine(visit, reference)
    now = clock.now(one.campaign)

    def change(reason: Reason) -> bool:
        return steps.reopen(one, actor=visit.actor, now=now, reason=reason)

    return _say(visit, one, change, done=gettext("The case is pursued again."))


@needs(Level.HANDLER, change=True)
def override(visit: Visit, reference: str) -> HttpResponse:
    """A handler's word on whom to write to; refused where the mailbox may not be written to."""
    one = _mine(visit, reference)
    try:
        chosen = contacts.override(
            one,
            address=visit.request.POST.get("address", ""),
            reason=visit.request.POST.get("because", "")[:LONGEST_REASON],
            user=visit.user,
            now=clock.now(one.campaign),
        )
    except ContactError as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Chosen: %(mailbox)s") % {"mailbox": chosen.mailbox})
    return visit.to("case", reference=one.reference)
