"""Letters and answers on their way, and one letter with its stored bytes as text."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.rules import Level
from openletter.desk import reading, reasons
from openletter.desk.access import Visit, needs
from openletter.desk.labels import SETS
from openletter.desk.paging import page_of
from openletter.desk.queries import letters, line
from openletter.letters import sending
from openletter.letters.models import Delivery, Letter
from openletter.words import parse_reference


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    asked = {
        name: visit.request.GET.get(name, "")[:320]
        for name in ("campaign", "state", "purpose", "mailbox")
    }
    told = {
        "title": gettext("Letters on their way"),
        "page": page_of(visit.request, letters.asked(visit.viewer, letters.Filter(**asked))),
        "asked": asked,
        "by_state": letters.by_state(visit.viewer),
        "campaigns": list(line.campaigns(visit.viewer)),
        "sets": SETS,
    }
    return visit.show("deliveries", told)


@needs(Level.READER)
def letter(visit: Visit, reference: str) -> HttpResponse:
    """What was written, to whom and about what, and how it fared."""
    rows = Letter.objects.select_related("campaign", "partner", "wave", "delivery")
    one = visit.find(rows, reference=parse_reference(reference) or "")
    told = {
        "title": gettext("Letter %(reference)s") % {"reference": one.reference},
        "letter": one,
        "about": letters.page_of(visit.viewer, one),
        "mail": reading.letter(bytes(one.raw)),
        "may_handle": visit.may(Level.HANDLER, one.partner_id),
    }
    return visit.show("letter", told)


@needs(Level.HANDLER, change=True)
def clear_again(visit: Visit, pk: int) -> HttpResponse:
    """Send again what the mail server's log proved not to have left; only a person may."""
    one = visit.find(Delivery.objects.select_related("campaign"), pk=pk)
    visit.must(Level.HANDLER, one.partner_id)
    try:
        sending.clear_again(one, user=visit.user.get_username(), now=clock.now(one.campaign))
    except sending.Refused as refused:
        visit.regrets(reasons.told(refused.reason))
    else:
        visit.says(gettext("Cleared: it leaves with the next hand-over."))
    return visit.to("deliveries")
