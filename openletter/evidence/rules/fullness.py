"""Whether a feed may be trusted to be whole, so that who isn't in it is gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from openletter.words import Judgement

SHRINKS_TO = 0.5
"""A feed with less than this share of the statements before it has lost some on the way."""
REFUSED_SHARE = 0.5
"""Of a feed of which more than this share was refused, nobody knows what the rest would say."""


class Counts(NamedTuple):
    """Rows of a feed, and how many of them were refused."""

    rows: int
    refused: int

    @classmethod
    def of(cls, rows: int, by_judgement: Mapping[str, int]) -> Counts:
        return cls(rows, by_judgement.get(Judgement.REJECT, 0))


def why_not_whole(now: Counts, before: Counts | None, *, is_complete: bool) -> str:
    """The reason why absence from a feed means nothing; empty where it means gone."""
    if not is_complete:
        return "feed-in-part"
    if now.rows == 0:
        return "feed-empty"
    if now.refused > now.rows * REFUSED_SHARE:
        return "feed-mostly-refused"
    if before is None:
        return "feed-is-first"
    return "feed-shrunk" if now.rows < before.rows * SHRINKS_TO else ""
