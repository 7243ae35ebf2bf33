"""Remembers in the timeline that a campaign was looked over, and tells those who start it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.campaigns.rules import Entry
from openletter.doctor.rules.check import Check, State

ACTION = "looked-over"


@dataclass(frozen=True, kw_only=True)
class LookedOver:
    """The last time: when, and what was bad or to be looked at, by reason."""

    at: datetime
    bad: tuple[str, ...]
    warning: tuple[str, ...]


def remember(campaign: Campaign, checks: Iterable[Check], *, now: datetime) -> None:
    """One line: how many of each, and which were not good."""
    found = list(checks)
    codes = {
        str(state): sorted({check.seen.code for check in found if check.state is state})
        for state in (State.BAD, State.WARNING, State.NOT_ASKED)
    }
    counts = Counter(str(check.state) for check in found)
    campaigns.record(
        [
            Entry(
                subject=f"campaign:{campaign.pk}", actor="command:doctor", action=ACTION, at=now,
                campaign_id=campaign.pk, partner_id=campaign.lead_id,
                after={"counts": dict(counts), **codes},
            )
        ]
    )  # fmt: skip


def last(campaign: Campaign) -> LookedOver | None:
    """None: nobody has looked it over."""
    rows = TimelineEntry.objects.filter(campaign=campaign, action=ACTION).order_by("-at", "-id")
    row = rows.first()
    if row is None:
        return None
    after = row.after if isinstance(row.after, dict) else {}
    return LookedOver(
        at=row.at,
        bad=tuple(after.get(State.BAD.value, ())),
        warning=tuple(after.get(State.WARNING.value, ())),
    )
