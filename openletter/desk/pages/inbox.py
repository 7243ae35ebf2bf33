"""The inbox: replies that wait for a person, and the page of one reply."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.rules import Level
from openletter.desk.access import Visit, needs
from openletter.desk.paging import page_of
from openletter.desk.queries import inbox, line
from openletter.replies.models import Reply


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
    told = {
        "title": gettext("Reply"),
        "about": inbox.page_of(one),
        "reply": one,
        "may_handle": visit.may(Level.HANDLER, one.partner_id),
        "campaign_now": clock.now(one.campaign),
    }
    return visit.show("reply", told)
