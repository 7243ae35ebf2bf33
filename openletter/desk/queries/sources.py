"""Where evidence comes from: sources with their latest word, and the DNS zones that are asked.

Both belong to the installation, not to a partner; no address stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from openletter.evidence.models import Part, Source, Suspension
from openletter.evidence.zonestates import ZoneState, states
from openletter.wire.visible import visible


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """A source, the newest part that was read of it, and where it counts for nothing now."""

    source: Source
    latest: Part | None
    suspensions: Sequence[Suspension] = ()

    @property
    def may_be_passed_on(self) -> bool:
        return bool(self.source.terms.get("redistribute", False))

    @property
    def note(self) -> str:
        return visible(str(self.source.terms.get("note", "")))


def sources() -> list[SourceLine]:
    """Every source that has ever said something, by name; in three queries."""
    parts = Part.objects.exclude(source=None).order_by("source", "-feed_at").distinct("source")
    latest: Mapping[str | None, Part] = {part.source_id: part for part in parts}
    rows = Source.objects.order_by("name", "id")
    held: dict[str, list[Suspension]] = {}
    for one in Suspension.objects.filter(ended_at=None).select_related("exercise").order_by("at"):
        held.setdefault(one.source_id, []).append(one)
    return [
        SourceLine(source=row, latest=latest.get(row.pk), suspensions=held.get(row.pk, ()))
        for row in rows
    ]


def zones(now: datetime) -> list[ZoneState]:
    """Every zone that is configured or was ever asked, with what is left for today."""
    return states(now=now)
