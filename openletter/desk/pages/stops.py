"""Standing stops: mailboxes that get no letters, networks that are left alone."""

from __future__ import annotations

import ipaddress

from django.http import Http404, HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock, steps
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Level
from openletter.contacts import steps as contacts
from openletter.desk.access import Visit, needs
from openletter.desk.paging import page_of
from openletter.desk.queries import line, stops
from openletter.desk.queries.campaigns import choices
from openletter.words import normalise_mailbox

LONGEST = 200


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    told = {
        "title": gettext("Stops"),
        "suppressions": page_of(visit.request, stops.suppressions(visit.viewer)),
        "exclusions": list(stops.exclusions(visit.viewer)[:500]),
        "campaigns": list(line.campaigns(visit.viewer)),
        "is_handler": visit.viewer.highest >= Level.HANDLER,
    }
    return visit.show("stops", told)


@needs(Level.HANDLER, change=True)
def exclude(visit: Visit) -> HttpResponse:
    """A holder proved that a network is his and wants no checks and no letters about it."""
    typed = visit.request.POST.get("network", "").strip()
    how = visit.request.POST.get("how", "").strip()[:LONGEST]
    try:
        network = ipaddress.ip_network(typed)
    except ValueError:
        visit.regrets(
            gettext("“%(typed)s” is no network, such as 192.0.2.0/24.") % {"typed": typed}
        )
        return visit.to("stops")
    if not how:
        visit.regrets(gettext("Say how the holder proved that the network is theirs."))
        return visit.to("stops")
    campaign = _campaign(visit)
    steps.exclude(network, campaign=campaign, who=visit.actor, how=how, now=clock.now(campaign))
    visit.says(gettext("%(network)s is excluded.") % {"network": network})
    return visit.to("stops")


@needs(Level.HANDLER, change=True)
def lift_exclusion(visit: Visit, pk: int) -> HttpResponse:
    row = stops.exclusions(visit.viewer).filter(pk=pk).first()
    if row is None:
        raise Http404
    steps.lift_exclusion(row, actor=visit.actor, now=clock.now(row.campaign))
    visit.says(gettext("%(network)s is no longer excluded.") % {"network": row.network})
    return visit.to("stops")


@needs(Level.HANDLER, change=True)
def suppress(visit: Visit) -> HttpResponse:
    """Stop letters to a mailbox in one campaign; only one that the viewer's partners write to."""
    mailbox = normalise_mailbox(visit.request.POST.get("mailbox", "").strip()) or ""
    how = visit.request.POST.get("how", "").strip()[:60]
    campaign = _campaign(visit)
    known = choices(visit.viewer).filter(case__campaign=campaign, mailbox=mailbox)
    if campaign is None or not how or not mailbox or not known.exists():
        visit.regrets(gettext("Name a mailbox that your partners write to, and how it asked."))
        return visit.to("stops")
    contacts.suppress(
        mailbox, campaign=campaign, actor=visit.actor, how=how, now=clock.now(campaign)
    )
    visit.says(gettext("%(mailbox)s gets no more letters of this campaign.") % {"mailbox": mailbox})
    return visit.to("stops")


@needs(Level.HANDLER, change=True)
def lift_suppression(visit: Visit, pk: int) -> HttpResponse:
    row = stops.suppressions(visit.viewer).filter(pk=pk).first()
    if row is None:
        raise Http404
    contacts.lift_suppression(row, actor=visit.actor, now=clock.now(row.campaign))
    visit.says(gettext("%(mailbox)s may be written to again.") % {"mailbox": row.mailbox})
    return visit.to("stops")


def _campaign(visit: Visit) -> Campaign | None:
    """The campaign that a form names, among the viewer's; None where it names none."""
    slug = visit.request.POST.get("campaign", "")
    if not slug:
        return None
    campaign = line.campaigns(visit.viewer).filter(slug=slug).first()
    if campaign is None:
        raise Http404
    return campaign
