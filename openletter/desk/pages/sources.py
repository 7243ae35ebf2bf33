"""Whose word the evidence is, and which DNS zones may be believed."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns.rules import Level
from openletter.desk.access import Visit, needs
from openletter.desk.queries import sources


@needs(Level.READER)
def listing(visit: Visit) -> HttpResponse:
    told = {
        "title": gettext("Sources"),
        "zones": sources.zones(visit.now),
        "sources": sources.sources(),
    }
    return visit.show("sources", told)
