"""Standing stops: mailboxes we don't write to, networks we neither check nor write about.

Those of one campaign are seen by the partners that have to do with them; those for all campaigns
and networks are shared among partners (contracts §2).
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from openletter.campaigns.models import Exclusion
from openletter.campaigns.rules import Viewer
from openletter.contacts.models import Choice, Suppression
from openletter.desk.queries.line import campaigns


def suppressions(viewer: Viewer) -> QuerySet[Suppression]:
    """Shared ones, and those of mailboxes that one of the viewer's partners chose to write to."""
    mine = Choice.objects.filter(
        partner_id__in=viewer.partner_ids,
        mailbox=OuterRef("mailbox"),
        case__campaign_id=OuterRef("campaign_id"),
    )
    return (
        Suppression.objects.filter(Q(campaign=None) | Q(Exists(mine)))
        .select_related("campaign")
        .order_by("-at", "-id")
    )


def exclusions(viewer: Viewer) -> QuerySet[Exclusion]:
    """Shared ones, and those of campaigns in which one of the viewer's partners takes part."""
    return (
        Exclusion.objects.filter(Q(campaign=None) | Q(campaign__in=campaigns(viewer).values("pk")))
        .select_related("campaign")
        .order_by("-at", "-id")
    )
