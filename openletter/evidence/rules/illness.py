"""What a feed shows of itself when it is ill, so that nobody should rest on what it says. Pure.

A shrunken or frozen feed says nothing wrong of the rows that are left; but whoever keeps it has
lost something on the way, and what else went wrong nobody knows yet. Small feeds vary by nature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from openletter.words import Reason

ENOUGH = 200
"""Rows below which a feed proves nothing by its size or its times."""
COLLAPSED_TO = 0.25
EXPLODED_BY = 20
EXPLODED_FROM = 20_000
WORLD = 1 << 31
"""Half of all IPv4 addresses; no list of servers has so many."""
FROZEN_FOR = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One part of a file, in figures.

    `before`: rows of the whole feed before this one, null where there is none or one of the two
    isn't whole. `seconds`: rows that tell their own second, the first and the last of these.
    `covered`: IPv4 addresses in the networks that it names. `unchanged`: how long a live source
    has said the same without a time.
    """

    rows: int
    before: int | None = None
    seconds: int = 0
    first: datetime | None = None
    last: datetime | None = None
    covered: int = 0
    unchanged: timedelta = timedelta(0)


def illness(shown: Shown) -> Reason | None:
    """The first sign that holds; None: nothing speaks against it."""
    if shown.covered >= WORLD:
        return Reason(code="feed-lists-the-world", values={"addresses": shown.covered})
    if shown.before is not None and (sign := _size(shown.rows, shown.before)):
        return Reason(code=sign, values={"rows": shown.rows, "before": shown.before})
    if shown.seconds >= ENOUGH and shown.first is not None and shown.first == shown.last:
        at = shown.first.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Reason(code="feed-of-one-moment", values={"rows": shown.seconds, "at": at})
    if shown.unchanged >= FROZEN_FOR and shown.rows >= ENOUGH:
        return Reason(code="feed-frozen", values={"days": shown.unchanged.days})
    return None


def _size(rows: int, before: int) -> str:
    if before >= ENOUGH and rows <= before * COLLAPSED_TO:
        return "feed-collapsed"
    if rows >= max(EXPLODED_FROM, before * EXPLODED_BY):
        return "feed-exploded"
    return ""
