"""One campaign in figures: its funnel, its waves and arms, its life so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet

from openletter.campaigns.models import Approval, Campaign, Partner, TimelineEntry, Wave
from openletter.campaigns.rules import Viewer
from openletter.cases.models import Case
from openletter.contacts.models import Choice
from openletter.desk.queries.scope import mine
from openletter.letters.models import Letter, LetterCase
from openletter.outcomes.models import Outcome
from openletter.replies.models import Reply, ReplyKind
from openletter.words import CaseState, DeliveryState

_M = TypeVar("_M", bound=Model)
LEFT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)
ARRIVED = DeliveryState.DELIVERED
BY_A_PERSON = (
    ReplyKind.QUESTION, ReplyKind.FIXED, ReplyKind.NOT_OURS, ReplyKind.FORWARDED,
    ReplyKind.COMPLAINT, ReplyKind.OPT_OUT,
)  # fmt: skip
DIMENSIONS: Mapping[str, str] = {
    "country": "holder__country",
    "language": "languages__0",
    "reader": "reader",
    "weakness": "case__weakness",
    "arm": "holder__arm",
    "partner": "partner__name",
}
"""What the funnel may be split by, and where that stands on a choice."""


def cases(viewer: Viewer) -> QuerySet[Case]:
    return mine(Case.objects, viewer)


def choices(viewer: Viewer) -> QuerySet[Choice]:
    return mine(Choice.objects, viewer)


def letters(viewer: Viewer) -> QuerySet[Letter]:
    return mine(Letter.objects, viewer)


@dataclass(frozen=True, kw_only=True)
class FunnelRow:
    """How far the cases of one kind came: each figure counts cases."""

    key: str
    cases: int
    chosen: int
    written: int
    left: int
    arrived: int
    answered: int
    ended: int


def funnel(viewer: Viewer, campaign: Campaign, *, by: str) -> list[FunnelRow]:
    """Cases by one dimension and how far they came, the largest group first; one query."""
    column = DIMENSIONS[by]
    in_letters = LetterCase.objects.filter(case=OuterRef("case"))
    answers = Reply.objects.filter(kind__in=BY_A_PERSON, partner_id=OuterRef("partner_id"))
    rows = (
        choices(viewer)
        .filter(superseded_at=None, case__campaign=campaign)
        .annotate(
            key=F(column),
            is_written=Exists(in_letters),
            is_out=Exists(in_letters.filter(letter__delivery__state__in=LEFT)),
            is_there=Exists(in_letters.filter(letter__delivery__state=ARRIVED)),
            is_answered=Exists(answers.filter(case=OuterRef("case")))
            | Exists(answers.filter(case=None, letter__rows__case=OuterRef("case"))),
        )
        .values("key")
        .annotate(
            cases=Count("pk"),
            chosen=Count("pk", filter=Q(outcome=Choice.Outcome.CHOSEN)),
            written=Count("pk", filter=Q(is_written=True)),
            left=Count("pk", filter=Q(is_out=True)),
            arrived=Count("pk", filter=Q(is_there=True)),
            answered=Count("pk", filter=Q(is_answered=True)),
            ended=Count("pk", filter=Q(case__state=CaseState.CLOSED)),
        )
        .order_by("-cases", "key")
    )
    return [
        FunnelRow(
            key=row["key"] or "",
            cases=row["cases"],
            chosen=row["chosen"],
            written=row["written"],
            left=row["left"],
            arrived=row["arrived"],
            answered=row["answered"],
            ended=row["ended"],
        )
        for row in rows
    ]


@dataclass(frozen=True, kw_only=True)
class CampaignPage:
    """What the page of a campaign shows beside its line."""

    campaign: Campaign
    partners: list[Partner]
    waves: list[tuple[Wave, int]]
    arms: list[tuple[str, int]]
    approvals: list[Approval]
    by_case: Mapping[str, int] = field(default_factory=dict)
    by_outcome: Mapping[str, int] = field(default_factory=dict)
    by_reply: Mapping[str, int] = field(default_factory=dict)
    timeline: list[TimelineEntry] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(self.by_case.values())

    @property
    def given(self) -> int:
        """How many different persons have approved the start."""
        return sum(1 for one in self.approvals if one.what == "start")


def page_of(viewer: Viewer, campaign: Campaign) -> CampaignPage:
    """A campaign in figures, of the viewer's partners' rows."""
    of_campaign = cases(viewer).filter(campaign=campaign)
    replies = mine(Reply.objects, viewer)
    outcomes = mine(Outcome.objects, viewer)
    return CampaignPage(
        campaign=campaign,
        partners=list(campaign.partners.order_by("name")),
        waves=_waves(viewer, campaign),
        arms=_arms(viewer, campaign),
        approvals=list(campaign.approvals.select_related("user").order_by("at")),
        by_case=_count(of_campaign, "state"),
        by_outcome=_count(
            outcomes.filter(campaign=campaign, reopened_at=None).exclude(
                case__state=CaseState.WITHDRAWN
            ),
            "result",
        ),
        by_reply=_count(replies.filter(campaign=campaign), "kind"),
        timeline=list(
            TimelineEntry.objects.filter(subject=f"campaign:{campaign.pk}").order_by("-id")[:30]
        ),
    )


def _count(rows: QuerySet[_M], column: str) -> Mapping[str, int]:
    counted = rows.values_list(column).annotate(count=Count("pk")).order_by("-count", column)
    return {str(word): int(count) for word, count in counted}


def _waves(viewer: Viewer, campaign: Campaign) -> list[tuple[Wave, int]]:
    written = letters(viewer).filter(campaign=campaign).values_list("wave_id")
    counts = dict(written.annotate(count=Count("pk")))
    return [(wave, counts.get(wave.pk, 0)) for wave in campaign.waves.order_by("opens_at", "id")]


def _arms(viewer: Viewer, campaign: Campaign) -> list[tuple[str, int]]:
    current = choices(viewer).filter(superseded_at=None, case__campaign=campaign)
    rows = current.exclude(holder=None).values_list("holder__arm")
    return [
        (str(arm), int(count))
        for arm, count in rows.annotate(count=Count("holder", distinct=True)).order_by(
            "holder__arm"
        )
    ]
