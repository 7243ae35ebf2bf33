"""Nested netblocks as disjoint ranges, and each one's parent. One sweep, n log n.

A longest match over nested blocks is silently wrong when asked of the raw table; over the
flattened one it is the nearest start at or below the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A range of one address family, as numbers; `id` tells blocks apart."""

    first: int
    last: int
    id: int


def flatten(blocks: Iterable[Block]) -> tuple[list[tuple[int, int | None]], dict[int, int | None]]:
    """Starts with the most specific block from there on (None: a gap), and parents by id."""
    starts: list[tuple[int, int | None]] = []
    parents: dict[int, int | None] = {}
    stack: list[Block] = []
    for block in sorted(blocks, key=lambda each: (each.first, -each.last, each.id)):
        for start, owner in _ended(stack, before=block.first):
            _put(starts, start, owner)
        parents[block.id] = next(
            (each.id for each in reversed(stack) if each.last >= block.last), None
        )
        _put(starts, block.first, block.id)
        stack.append(block)
    for start, owner in _ended(stack, before=None):
        _put(starts, start, owner)
    return starts, parents


def _ended(stack: list[Block], *, before: int | None) -> Iterator[tuple[int, int | None]]:
    """Blocks that end before a start: the one around them takes over after each end."""
    while stack and (before is None or stack[-1].last < before):
        end = stack.pop().last
        while stack and stack[-1].last <= end:
            stack.pop()
        yield end + 1, stack[-1].id if stack else None


def _put(starts: list[tuple[int, int | None]], start: int, owner: int | None) -> None:
    if starts and starts[-1][0] == start:
        starts[-1] = (start, owner)
    elif not starts or starts[-1][1] != owner:
        starts.append((start, owner))
