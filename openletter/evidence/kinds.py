"""What a sheet learns of a file: what kinds of rows say, how often, and which addresses are apart.

Times are microseconds since 1970, the engine's way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from openletter.evidence.rules.judge import Circumstances
from openletter.evidence.rules.times import EPOCH
from openletter.words import Judgement

Ends = tuple[int, int, int]
"""Version, first and last number of a range of addresses."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What rows of one kind say; `seen` is theirs where no column has a time, in microseconds."""

    sign: int
    says: Judgement
    reason: str
    code: str | None
    seen: int | None


@dataclass(kw_only=True)
class Told:
    """What became of a file, in counts."""

    by_judgement: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    rows_by_judge: int = 0


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(number: int) -> datetime:
    """The way back."""
    return EPOCH + timedelta(microseconds=number)


def special_ranges(around: Circumstances) -> list[Ends]:
    """Ranges of addresses that are judged for what they are, merged, in order."""
    ends: list[Ends] = [(net.version, int(net[0]), int(net[-1])) for net in around.feed.fillers]
    ends.extend(around.withdrawn.ends())
    ends.extend(around.spaces.set_aside())
    merged: list[Ends] = []
    for version, first, last in sorted(ends):
        if merged and merged[-1][0] == version and first <= merged[-1][2] + 1:
            merged[-1] = (version, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((version, first, last))
    return merged
