"""How each zone stands, for whoever looks: asked or not and why, healthy or not, what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from openletter.evidence.known import all_sources, suspended_in
from openletter.evidence.models import Zone, ZoneRun
from openletter.evidence.rules.feeds import Feed
from openletter.evidence.zonekeeping import left_today
from openletter.words import Reason


@dataclass(frozen=True, kw_only=True)
class ZoneState:
    """One zone as it stands now. `row` is not saved where nobody has asked it yet."""

    name: str
    feed: Feed | None
    row: Zone
    left: int
    latest: ZoneRun | None
    why_not: Reason | None

    @property
    def is_suspended(self) -> bool:
        return self.row.suspended_at is not None

    @property
    def is_asked(self) -> bool:
        """Nothing stands in the way of asking it, other than rate and budget."""
        return self.why_not is None and not self.is_suspended

    @property
    def word(self) -> str:
        """`not-asked`, `suspended`, `unseen` or `asked`."""
        if self.is_suspended:
            return "suspended"
        if self.why_not is not None:
            return "not-asked"
        return "asked" if self.row.condition else "unseen"

    @property
    def spoken_of(self) -> int:
        """Addresses of the last round."""
        return sum(self.latest.by_answer.values()) if self.latest is not None else 0

    @property
    def listed(self) -> int:
        return int(self.latest.by_answer.get("listed", 0)) if self.latest is not None else 0

    @property
    def reason(self) -> Mapping[str, object] | None:
        """Why it is suspended or not asked; else what the last examination showed."""
        if self.why_not is not None and not self.is_suspended:
            return self.why_not.as_json()
        found: Mapping[str, object] | None = self.row.suspended_because or self.row.reason
        return found


def states(*, now: datetime) -> list[ZoneState]:
    """The configured zones and those that were ever asked, by name; in four queries."""
    book = all_sources()
    rows = {row.name: row for row in Zone.objects.all()}
    runs = ZoneRun.objects.order_by("zone", "-id").distinct("zone")
    latest = {run.zone_id: run for run in runs}
    suspended = suspended_in(None)
    found = []
    for name in sorted({*settings.OUTSIDE.zones, *rows}):
        feed, row = book.by_zone(name), rows.get(name) or Zone(name=name)
        state = ZoneState(
            name=name,
            feed=feed,
            row=row,
            left=left_today(row, now=now),
            latest=latest.get(row.pk),
            why_not=_why_not(name, feed, suspended),
        )
        found.append(state)
    return found


def _why_not(name: str, feed: Feed | None, suspended: Collection[str]) -> Reason | None:
    if settings.OUTSIDE.resolver is None:
        return Reason(code="no-resolver")
    if name not in settings.OUTSIDE.zones:
        return Reason(code="zone-not-configured")
    if feed is None:
        return Reason(code="zone-without-source")
    if feed.dead:
        return Reason(code="zone-dead", values={"why": feed.dead})
    if feed.id in suspended:
        return Reason(code="source-suspended", values={"source": feed.id})
    return None
