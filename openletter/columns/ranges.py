"""Nested ranges as disjoint ones, and the most specific range of many addresses at once.

A nearest-start join over *nested* ranges is silently wrong (one address in eight of a registry's);
over flattened ones it is the longest match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openletter.columns.engine import Desk, file
from openletter.columns.keys import MAPPED

NOBODY = -1
Start = tuple[int, int]
"""From which number on, and whose; NOBODY is a gap."""


def flatten(blocks: Iterable[tuple[int, int, int]]) -> list[Start]:
    """`(first, last, owner)` of one family to starts in order; the most specific range wins.

    Of equal ranges the last one in order of owner wins. One sweep, n log n.
    """
    starts: list[Start] = []
    stack: list[tuple[int, int]] = []
    for first, end, owner in sorted((first, -last, owner) for first, last, owner in blocks):
        while stack and stack[-1][0] < first:
            _leave(stack, starts)
        _put(starts, first, owner)
        stack.append((-end, owner))
    while stack:
        _leave(stack, starts)
    return starts


def _leave(stack: list[tuple[int, int]], starts: list[Start]) -> None:
    """The innermost range ends; whatever lies around it takes over."""
    end = stack.pop()[0]
    while stack and stack[-1][0] <= end:
        stack.pop()
    _put(starts, end + 1, stack[-1][1] if stack else NOBODY)


def _put(starts: list[Start], first: int, owner: int) -> None:
    if starts and starts[-1][0] == first:
        starts.pop()
    if not starts or starts[-1][1] != owner:
        starts.append((first, owner))


def lay_out(desk: Desk, four: Sequence[Start], six: Sequence[Start]) -> None:
    """Tables `ranges4` and `ranges6` for `owned`."""
    for name, kind, starts, bits in (
        ("ranges4", "UINTEGER", four, 32),
        ("ranges6", "UHUGEINT", six, 128),
    ):
        path = desk.place(f"{name}.csv")
        with path.open("w", encoding="ascii") as out:
            out.writelines(f"{first},{owner}\n" for first, owner in starts if not first >> bits)
        desk.run(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_csv({file(path)}, "
            "header = false, auto_detect = false, delim = ',', "
            f"columns = {{'first': '{kind}', 'owner': 'INTEGER'}})"
        )
        path.unlink()


def owned(source: str, *, keep: str) -> str:
    """SQL: `keep` and `owner` (NOBODY where no range holds it) of the rows of `source`."""
    number = "(hi::UHUGEINT << 64) | lo"
    return f"""
    SELECT {keep}, coalesce(owner, {NOBODY}) AS owner
    FROM (SELECT *, (lo - {MAPPED})::UINTEGER AS number FROM {source} WHERE {is_four()}) AS asked
    ASOF LEFT JOIN ranges4 ON asked.number >= ranges4.first
    UNION ALL
    SELECT {keep}, coalesce(owner, {NOBODY}) AS owner
    FROM (SELECT *, {number} AS number FROM {source} WHERE NOT {is_four()}) AS asked
    ASOF LEFT JOIN ranges6 ON asked.number >= ranges6.first
    """


def is_four(high: str = "hi", low: str = "lo") -> str:
    """SQL: whether a key is an IPv4 address."""
    return f"({high} = 0 AND {low} >> 32 = {MAPPED >> 32})"
