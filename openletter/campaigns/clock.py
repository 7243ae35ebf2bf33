"""The only place that reads a clock. Everything else takes `now`.

`now(campaign)` is the wall clock plus an exercise's offset (contracts §3); DKIM, Date headers
and journals use `wall()`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from openletter.campaigns.models import Campaign


def wall() -> datetime:
    """The wall clock, aware, UTC."""
    return datetime.now(UTC)


def now(campaign: Campaign | None) -> datetime:
    """The campaign's time; the real world's (None) is the wall clock."""
    return wall() + campaign.clock_offset if campaign is not None else wall()
