"""Wordings and their approvals, of the viewer's partners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from openletter.campaigns.models import Partner
from openletter.campaigns.rules import Viewer
from openletter.desk.queries.scope import mine
from openletter.letters import approvals, library
from openletter.letters.models import WordingApproval
from openletter.words import WaveKind


@dataclass(frozen=True, kw_only=True)
class Line:
    """One language: of each kind, the approval that holds now, or nothing."""

    language: str
    approvals: Mapping[WaveKind, WordingApproval | None]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One partner's wordings."""

    partner: Partner
    lines: list[Line]
    approved: int
    needed: int


def partners(viewer: Viewer) -> QuerySet[Partner]:
    """Partners of which the viewer is a member."""
    return Partner.objects.filter(pk__in=viewer.partner_ids).order_by("name")


def kinds() -> list[WaveKind]:
    return list(library.kinds())


def tables(viewer: Viewer) -> list[Table]:
    return [_table(partner) for partner in partners(viewer)]


def _table(partner: Partner) -> Table:
    given = approvals.standing(partner)
    lines = [
        Line(
            language=tag,
            approvals={kind: given.get(approvals.version(kind, tag)) for kind in kinds()},
        )
        for tag in library.languages()
    ]
    cells = [one for line in lines for one in line.approvals.values()]
    return Table(
        partner=partner, lines=lines, approved=sum(one is not None for one in cells),
        needed=len(cells),
    )  # fmt: skip


def past(viewer: Viewer, partner: Partner, kind: WaveKind, language: str) -> list[WordingApproval]:
    """Earlier approvals of this kind and language, the newest first."""
    rows = mine(WordingApproval.objects, viewer)
    return list(rows.filter(partner=partner, kind=kind, language=language).order_by("-at", "-pk"))
