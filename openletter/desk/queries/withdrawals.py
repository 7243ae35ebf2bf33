"""What was taken back: in worlds that the viewer's campaigns live in, with his partners' rows.

A withdrawal belongs to no partner; whoever takes part sees that it was made, and its figures. The
cases and mailboxes that it touched are shown to their own partner alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Viewer
from openletter.cases.models import Mistake
from openletter.desk.queries.line import campaigns
from openletter.evidence.models import Batch, Source, Withdrawal
from openletter.letters import corrections
from openletter.letters.models import Correction, LetterCase
from openletter.words import DeliveryState, WaveKind

MOST = 200
"""Cases and mailboxes that a page shows; it says so where there are more."""


def withdrawals(viewer: Viewer) -> QuerySet[Withdrawal]:
    mine = campaigns(viewer)
    seen = Q(exercise__in=mine.filter(exercise=True).order_by().values("pk"))
    if mine.filter(exercise=False).exists():
        seen |= Q(exercise=None)
    return Withdrawal.objects.filter(seen).select_related("source", "exercise").order_by("-pk")


def corrections_of(viewer: Viewer, withdrawal: Withdrawal) -> list[Correction]:
    """What it asks of the viewer's campaigns."""
    rows = Correction.objects.filter(withdrawal=withdrawal, campaign__in=campaigns(viewer))
    return list(rows.select_related("campaign__lead").order_by("campaign_id"))


def state_of(withdrawal: Withdrawal, asked: list[Correction]) -> str:
    """restored, waits (for an approval), approved, or stands: nothing had left."""
    if withdrawal.restored_at is not None:
        return "restored"
    if any(one.approved_at is None for one in asked):
        return "waits"
    return "approved" if asked else "stands"


@dataclass(frozen=True, kw_only=True)
class Listed:
    withdrawal: Withdrawal
    state: str


def listed(viewer: Viewer, rows: list[Withdrawal]) -> list[Listed]:
    """The rows of a page with what became of them; two queries."""
    asked: dict[int, list[Correction]] = {row.pk: [] for row in rows}
    for one in Correction.objects.filter(withdrawal__in=rows, campaign__in=campaigns(viewer)):
        asked[one.withdrawal_id].append(one)
    return [Listed(withdrawal=row, state=state_of(row, asked[row.pk])) for row in rows]


@dataclass(frozen=True, kw_only=True)
class Told:
    """A mailbox that was told of mistakes, and how far its correction is."""

    mailbox: str
    campaign: str
    rows: int
    wants_no_letters: bool
    state: str


@dataclass(frozen=True, kw_only=True)
class WithdrawalPage:
    withdrawal: Withdrawal
    state: str
    corrections: list[Correction]
    mistakes: list[Mistake]
    mistakes_in_all: int
    told: list[Told]
    figures: list[tuple[str, Mapping[str, int]]]


def page_of(viewer: Viewer, withdrawal: Withdrawal) -> WithdrawalPage:
    asked = corrections_of(viewer, withdrawal)
    wrong = mistakes(viewer, withdrawal)
    names = {one.slug: one.name for one in campaigns(viewer)}
    counted = withdrawal.counts.get("campaigns", {})
    return WithdrawalPage(
        withdrawal=withdrawal,
        state=state_of(withdrawal, asked),
        corrections=asked,
        mistakes=list(wrong[:MOST]),
        mistakes_in_all=wrong.count(),
        told=_told(viewer, withdrawal),
        figures=[(names[slug], counts) for slug, counts in counted.items() if slug in names],
    )


def mistakes(viewer: Viewer, withdrawal: Withdrawal) -> QuerySet[Mistake]:
    """Cases of the viewer's partners that it ended."""
    return (
        Mistake.objects.filter(withdrawal=withdrawal, case__partner_id__in=viewer.partner_ids)
        .select_related("case")
        .order_by("undone_at", "case__ip", "pk")
    )


def _told(viewer: Viewer, withdrawal: Withdrawal) -> list[Told]:
    """Mailboxes of the viewer's partners' letters that told of its mistakes."""
    wrong = Mistake.objects.filter(withdrawal=withdrawal, undone_at=None, case=OuterRef("case"))
    written = LetterCase.objects.filter(
        letter__wave__kind=WaveKind.CORRECTION, letter__mailbox=OuterRef("letter__mailbox"),
        case=OuterRef("case"),
    ).exclude(letter__delivery__state=DeliveryState.CANCELLED)  # fmt: skip
    rows = (
        LetterCase.objects.filter(
            corrections.was_told(), Exists(wrong), letter__partner_id__in=viewer.partner_ids
        )
        .annotate(
            silent=Exists(corrections.stopped_in_its_campaign()),
            fate=Subquery(written.values("letter__delivery__state")[:1]),
        )
        .values("letter__mailbox", "letter__campaign__name", "silent", "fate")
        .annotate(count=Count("pk"))
        .order_by("letter__mailbox", "letter__campaign__name")[:MOST]
    )
    return [
        Told(
            mailbox=row["letter__mailbox"], campaign=row["letter__campaign__name"],
            rows=row["count"], wants_no_letters=row["silent"], state=row["fate"] or "",
        )
        for row in rows
    ]  # fmt: skip


def sources() -> QuerySet[Source]:
    """Sources that have said something."""
    said = Batch.objects.filter(parts__source=OuterRef("pk"))
    return Source.objects.filter(Exists(said)).order_by("name")


def worlds(viewer: Viewer) -> list[Campaign | None]:
    """The worlds that the viewer's campaigns live in; None is the real one."""
    found: list[Campaign | None] = [*campaigns(viewer).filter(exercise=True)]
    if campaigns(viewer).filter(exercise=False).exists():
        found.insert(0, None)
    return found
