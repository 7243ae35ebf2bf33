"""The front page: the line at a glance, and what waits for somebody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext

from openletter.campaigns.rules import Level
from openletter.desk.access import Visit, needs
from openletter.desk.queries import inbox, line
from openletter.letters import mark


@needs(Level.READER)
def front(visit: Visit) -> HttpResponse:
    """Each live campaign's line, what is beyond recall, what is unknown, who has to act."""
    live = line.campaigns(visit.viewer).filter(state__in=line.LIVE)
    lines = line.lines(visit.viewer, live)
    oldest = (
        inbox.waiting_for_a_person(visit.viewer).select_related("campaign").order_by("at").first()
    )
    told = {
        "title": gettext("The line"),
        "lines": lines,
        "installation": line.installation(),
        "beyond_recall": sum(one.beyond_recall for one in lines),
        "unknown": sum(one.unknown for one in lines),
        "cleared": sum(one.cleared for one in lines),
        "oldest_reply": oldest,
        "is_administrator": visit.viewer.highest >= Level.ADMINISTRATOR,
        "is_handler": visit.viewer.highest >= Level.HANDLER,
    }
    return visit.show("front", told)


@needs(Level.ADMINISTRATOR, change=True)
def installation_go_on(visit: Visit) -> HttpResponse:
    """After a restore or copy: a person has looked and says go on."""
    mark.go_on(settings.STATE, by=visit.user.get_username(), now=visit.now)
    visit.says(gettext("Letters may leave this installation again."))
    return visit.to("front")
