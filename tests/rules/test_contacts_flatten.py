"""Nested blocks as disjoint ranges with ladders, against looking at every block by hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from openletter.contacts.rules.flatten import ASIDE, ENDS_WALK, WIDTHS, Range, bounds, flatten, key


@dataclass(frozen=True, kw_only=True)
class Block:
    first: int
    last: int
    id: int
    traits: int = 0


def flat(blocks: list[Block], *, width: int) -> list[Range]:
    return list(
        flatten(
            [key(b.first, b.last, b.id, width=width, traits=b.traits) for b in blocks], width=width
        )
    )


def ladder_at(ranges: list[Range], address: int) -> list[int]:
    found = [each for each in ranges if each.start <= address][-1].ladder
    return [int(each) for each in found.split(",") if each]


def by_hand(blocks: list[Block], address: int) -> list[int]:
    """All blocks around an address, the smallest first; of equal ones the later loaded first."""
    around = [each for each in blocks if each.first <= address <= each.last]
    around.sort(key=lambda each: (each.last - each.first, -each.id))
    ended, ladder = False, []
    for each in around:
        if not ended or each.traits & ASIDE:
            ladder.append(each.id)
        ended = ended or bool(each.traits & ENDS_WALK)
    return ladder


@st.composite
def nested(draw: st.DrawFn, *, width: int) -> list[Block]:
    """Blocks as CIDRs are: two of them are apart, equal, or one lies within the other."""
    base = draw(st.sampled_from([0, (1 << width) - 64, 1 << (width - 3)]))
    found = []
    for number in range(1, draw(st.integers(min_value=1, max_value=13))):
        size = 2 ** draw(st.integers(min_value=0, max_value=6))
        first = base + draw(st.integers(min_value=0, max_value=64 // size - 1)) * size
        traits = draw(st.sampled_from([0, 0, 0, ASIDE, ENDS_WALK]))
        found.append(Block(first=first, last=first + size - 1, id=number, traits=traits))
    return found


def check(blocks: list[Block], *, width: int) -> None:
    ranges = flat(blocks, width=width)
    starts = [each.start for each in ranges]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert all(low.ladder != high.ladder for low, high in pairwise(ranges))
    edges = {end for b in blocks for end in (b.first - 1, b.first, b.last, b.last + 1)}
    for address in {each for each in edges if 0 <= each < 1 << width} | {0, (1 << width) - 1}:
        assert ladder_at(ranges, address) == by_hand(blocks, address)


@given(nested(width=32))
def test_every_address_has_the_ladder_of_all_blocks_around_it(blocks: list[Block]) -> None:
    check(blocks, width=32)


@given(nested(width=128))
def test_version_6_as_well(blocks: list[Block]) -> None:
    check(blocks, width=128)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=10))
def test_ranges_that_overlap_crosswise_name_only_blocks_around(
    crossing: list[tuple[int, int]],
) -> None:
    blocks = [Block(first=a, last=a + n, id=number) for number, (a, n) in enumerate(crossing, 1)]
    ranges = flat(blocks, width=32)
    for address in range(85):
        around = {each.id for each in blocks if each.first <= address <= each.last}
        ladder = ladder_at(ranges, address)
        assert set(ladder) <= around
        assert bool(ladder) == bool(around)
        assert len(ladder) == len(set(ladder))


def test_a_gap_is_a_range_of_its_own_and_equal_ranges_are_one() -> None:
    blocks = [Block(first=8, last=15, id=1), Block(first=8, last=15, id=2),
              Block(first=12, last=15, id=3)]  # fmt: skip
    assert flat(blocks, width=32) == [(0, ""), (8, "2,1"), (12, "3,2,1"), (16, "")]
    assert flat([], width=128) == [(0, "")]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**46 - 1))
def test_a_key_gives_its_ends_back(one: int, other: int, id_: int) -> None:
    first, last = sorted((one, other))
    found = key(first, last, id_, width=WIDTHS[4], traits=ASIDE)
    assert bounds(found, width=WIDTHS[4]) == (first, last)
