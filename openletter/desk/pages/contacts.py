"""Contacts: shares by country and registry, kinds with their bounces, and what waits for a person.

Also how a case goes over to another partner: a person's decision, with its reason.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns import clock
from openletter.campaigns.rules import Level
from openletter.cases.models import Case
from openletter.contacts import handing
from openletter.contacts.errors import ContactError
from openletter.desk import reasons
from openletter.desk.access import Visit, needs
from openletter.desk.queries import contacts as figures
from openletter.desk.queries import line
from openletter.letters.told import untold
from openletter.words import parse_reference


@needs(Level.READER)
def report(visit: Visit) -> HttpResponse:
    """The figures of one campaign, and every conflict of partners that a person has to settle."""
    known = list(line.campaigns(visit.viewer))
    asked = visit.request.GET.get("campaign", "")
    campaign = next((one for one in known if one.slug == asked), known[0] if known else None)
    told = {
        "title": gettext("Contacts"),
        "campaigns": known,
        "campaign": campaign,
        "report": figures.report(campaign, viewer=visit.viewer) if campaign else None,
        "conflicts": list(figures.conflicts(visit.viewer)[: figures.MOST_CONFLICTS]),
    }
    return visit.show("contacts", told)


@needs(Level.HANDLER, change=True)
def hand_over(visit: Visit, reference: str) -> HttpResponse:
    """Another partner of the campaign answers for the case from now on."""
    rows = Case.objects.select_related("campaign", "partner")
    one = visit.find(rows, reference=parse_reference(reference) or "")
    visit.must(Level.HANDLER, one.partner_id)
    partner = one.campaign.partners.filter(slug=visit.request.POST.get("partner", "")).first()
    if partner is None:
        visit.regrets(gettext("Name a partner of the campaign."))
        return visit.to("case", reference=one.reference)
    try:
        chosen = handing.hand_over(
            one, partner, reason=visit.request.POST.get("because", ""), user=visit.user,
            now=clock.now(one.campaign), untold=untold,
        )  # fmt: skip
    except ContactError as refused:
        visit.regrets(reasons.told(refused.reason))
        return visit.to("case", reference=one.reference)
    if chosen is None:
        visit.regrets(gettext("That partner answers for it already."))
    else:
        visit.says(gettext("%(partner)s answers for it from now on.") % {"partner": partner.name})
    is_mine = visit.may(Level.READER, partner.pk)
    return visit.to("case", reference=one.reference) if is_mine else visit.to("cases")
