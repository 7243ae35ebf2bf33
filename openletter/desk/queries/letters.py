"""Deliveries in a list, and one letter as it left: stored bytes read as text, never as markup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from openletter.campaigns.models import TimelineEntry
from openletter.campaigns.rules import Viewer
from openletter.desk.queries.inbox import replies
from openletter.desk.queries.line import deliveries
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.replies.models import Reply


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the list is asked for; empty means all."""

    campaign: str = ""
    state: str = ""
    purpose: str = ""
    mailbox: str = ""


def asked(viewer: Viewer, wish: Filter) -> QuerySet[Delivery]:
    """Deliveries as wished, the newest first, without their bytes."""
    columns = {
        "campaign__slug": wish.campaign, "state": wish.state, "purpose": wish.purpose,
        "mailbox": wish.mailbox.strip().lower(),
    }  # fmt: skip
    return (
        deliveries(viewer)
        .filter(**{column: word for column, word in columns.items() if word})
        .select_related("campaign", "partner", "letter")
        .defer("raw", "letter__raw")
        .order_by("-cleared_at", "-id")
    )


def by_state(viewer: Viewer) -> Mapping[str, int]:
    return dict(deliveries(viewer).values_list("state").annotate(count=Count("pk")))


@dataclass(frozen=True, kw_only=True)
class LetterPage:
    letter: Letter
    rows: list[LetterCase]
    rows_in_all: int
    replies: list[Reply]
    timeline: list[TimelineEntry]


def page_of(viewer: Viewer, letter: Letter) -> LetterPage:
    rows = LetterCase.objects.filter(letter=letter, case__partner_id__in=viewer.partner_ids)
    subjects = [f"letter:{letter.pk}", f"delivery:{letter.delivery_id}"]
    entries = TimelineEntry.objects.filter(campaign=letter.campaign_id, subject__in=subjects)
    return LetterPage(
        letter=letter,
        rows=list(rows.select_related("case").order_by("number")[:100]),
        rows_in_all=rows.count(),
        replies=list(replies(viewer).filter(letter=letter).order_by("-at")),
        timeline=list(entries.order_by("-at", "-id")[:100]),
    )
