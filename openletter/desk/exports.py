"""A campaign's cases as CSV for handlers; cells from outside are never formulas."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, OuterRef, Subquery
from django.http import StreamingHttpResponse

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Level, Viewer
from openletter.contacts.models import Choice
from openletter.desk.queries.campaigns import cases
from openletter.evidence.models import Observation
from openletter.evidence.telling import exportable
from openletter.letters.models import LetterCase
from openletter.outcomes.models import Outcome
from openletter.wire.visible import csv_cell, visible
from openletter.words import print_reference

COLUMNS: Final = (
    "reference", "address", "weakness", "ports", "case_state", "opened_at", "last_evidence_at",
    "closed_at", "partner", "contact", "mailbox", "reader", "languages", "holder", "country",
    "letter", "delivery_state", "handed_at", "outcome",
)  # fmt: skip


FACTS: Final = (
    "reference", "ip", "weakness", "ports_told", "state", "opened_at", "last_told",
    "closed_at", "partner__name", "contact", "mailbox", "reader", "languages", "holder", "country",
    "letter", "delivery", "handed_at", "result",
)  # fmt: skip
"""Where each column comes from; `contact` and the ones after it are picked from other rooms."""


_IS_BASIS: Final = Func(
    F("pk"),
    OuterRef("finding__rows"),
    template="(%(expressions)s))",
    arg_joiner=" = ANY(",
    output_field=BooleanField(),
)
"""The rows that the outer case's finding rests on."""


class _Line:
    """A file for the CSV writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def cases_csv(viewer: Viewer, campaign: Campaign) -> StreamingHttpResponse:
    """One row a case, UTF-8, RFC 4180; only of partners at which the viewer handles cases.

    Ports and times are those of sources whose terms let them leave the house.
    """
    writer = csv.writer(_Line(), lineterminator="\r\n")
    handled = [pk for pk, role in viewer.roles.items() if Level.of(role) >= Level.HANDLER]
    rows = cases(viewer).filter(campaign=campaign, partner_id__in=handled)
    facts = rows.annotate(**_picked()).order_by("id").values_list(*FACTS)
    table = chain([COLUMNS], (_cells(row) for row in facts.iterator(chunk_size=1000)))
    lines = (writer.writerow(row) for row in table)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="{campaign.slug}-cases.csv"'
    return response


def _picked() -> dict[str, Subquery]:
    told = exportable(Observation.objects.filter(_IS_BASIS)).order_by()
    choice = Choice.objects.filter(case=OuterRef("pk"), superseded_at=None)
    letter = LetterCase.objects.filter(case=OuterRef("pk")).order_by("-id")
    picked = {
        "contact": choice.values("outcome"),
        "mailbox": choice.values("mailbox"),
        "reader": choice.values("reader"),
        "languages": choice.values("languages"),
        "holder": choice.values("holder__name"),
        "country": choice.values("holder__country"),
        "letter": letter.values("letter__reference"),
        "delivery": letter.values("letter__delivery__state"),
        "handed_at": letter.values("letter__delivery__handed_at"),
        "result": Outcome.objects.holding().filter(case=OuterRef("pk")).values("result"),
    }
    facts = {name: Subquery(rows[:1]) for name, rows in picked.items()}
    ports = told.filter(port__isnull=False).order_by("port").values("port").distinct()
    last = told.order_by("-seen_at").values("seen_at")[:1]
    return facts | {"ports_told": ArraySubquery(ports), "last_told": Subquery(last)}


def _cells(row: Sequence[object]) -> list[str]:
    return [_cell(name, value) for name, value in zip(COLUMNS, row, strict=True)]


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in ("reference", "letter"):
        return print_reference(str(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return csv_cell(visible(str(value), limit=400))
