"""Nested netblocks as disjoint ranges, each with its ladder. One sweep, n log n, streamed.

A longest match over nested blocks is silently wrong when asked of the raw table; over the
flattened one it is the nearest start at or below the address.

A block is one integer, so that millions of them sort fast and lie close together: first address,
distance of the last from the top, id, traits; in this order they sort as the sweep wants them
(the wider one first, and of equal ranges the one loaded first).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

WIDTHS = {4: 32, 6: 128}
ID_BITS = 46
TRAIT_BITS = 2
ASIDE, ENDS_WALK = 1, 2
"""Traits: a block that names no level of its own; one over which nothing is inherited."""
_LOW = ID_BITS + TRAIT_BITS
_LOW_MASK = (1 << _LOW) - 1
_TRAITS = (1 << TRAIT_BITS) - 1


class Range(NamedTuple):
    """From `start` to the next range: the ids of the blocks there, most specific first."""

    start: int
    ladder: str
    """`12,7,3`; empty: a gap"""


def key(first: int, last: int, id_: int, *, width: int, traits: int = 0) -> int:
    """A block as a number that sorts."""
    top = (1 << width) - 1
    return ((first << width | top - last) << _LOW) | id_ << TRAIT_BITS | traits


def bounds(block: int, *, width: int) -> tuple[int, int]:
    """The first and last address of a key."""
    ends = block >> _LOW
    top = (1 << width) - 1
    return ends >> width, top - (ends & top)


def flatten(blocks: Iterable[int], *, width: int) -> Iterator[Range]:
    """Ranges from address 0 on, of keys in any order; neighbours always differ."""
    before: str | None = None
    waiting = Range(0, "")
    for found in _sweep(sorted(blocks), width=width):
        if found.start != waiting.start and waiting.ladder != before:
            yield waiting
            before = waiting.ladder
        waiting = found
    if waiting.ladder != before and waiting.start >> width == 0:
        yield waiting


def _sweep(blocks: list[int], *, width: int) -> Iterator[Range]:
    """Every change of what is on top, also several at one start: the last of them counts."""
    top = (1 << width) - 1
    stack: list[tuple[int, str, str]] = []  # last address, ladder, ladder of those aside
    for block in blocks:
        ends = block >> _LOW
        first, last = ends >> width, top - (ends & top)
        while stack and stack[-1][0] < first:
            end = stack.pop()[0]
            while stack and stack[-1][0] <= end:
                stack.pop()
            yield Range(end + 1, stack[-1][1] if stack else "")
        low = block & _LOW_MASK
        entry = _entry(stack, last, low >> TRAIT_BITS, low & _TRAITS)
        stack.append(entry)
        yield Range(first, entry[1])
    while stack:
        end = stack.pop()[0]
        while stack and stack[-1][0] <= end:
            stack.pop()
        yield Range(end + 1, stack[-1][1] if stack else "")


def _entry(
    stack: list[tuple[int, str, str]], last: int, id_: int, traits: int
) -> tuple[int, str, str]:
    """The block with its ladder: the one around it (the latest that covers it whole) goes on."""
    up = aside = ""
    for around in reversed(stack):
        if around[0] >= last:
            up, aside = around[1], around[2]
            break
    if traits & ENDS_WALK:
        up = aside
    own = str(id_)
    return (
        last,
        f"{own},{up}" if up else own,
        (f"{own},{aside}" if aside else own) if traits & ASIDE else aside,
    )
