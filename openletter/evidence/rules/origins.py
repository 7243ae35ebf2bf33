"""How many voices speak when several families of sources say the same. Pure.

Two families *repeat* each other when one could have what it says from the other, or both from a
third: one copies the other (directly or through others), both copy a third, one operator is behind
both, or nobody knows whose word one of them is. What nobody named may be a copy of anything: of
another such file, and of every named source whose data its form could carry. Only a port that the
named source never tells can't come from there. So a file without a name is a second voice only
beside a list of bare addresses, and only where it names a port; who wants more of it names it.

The voices are the largest set of families of which no two repeat each other. It is no partition: a
list that copies two others joins what they say without making one voice of them, and what is
added never takes a voice away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

EXACT_UP_TO = 48
"""Families about one address; beyond, and past so many `BRANCHES`, a smaller set may be found."""
BRANCHES = 2_000
_REMEMBERED = 4_096


class Voice(NamedTuple):
    """A family, and whether anything that it says of the address names a port."""

    family: str
    names_port: bool = True


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What is known of families: whom each copies, who is behind it, what it could not carry.

    `unnamed`: nobody knows whose word they are. `portless`: they name bare addresses.
    """

    copies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    operators: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unnamed: frozenset[str] = frozenset()
    portless: frozenset[str] = frozenset()
    _known: dict[object, tuple[str, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _rooted: dict[str, frozenset[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def repeats(self, one: Voice, other: Voice) -> bool:
        """Whether these two could be one voice; the same whichever is asked first."""
        if one.family == other.family:
            return True
        roots, others = self._roots(one.family), self._roots(other.family)
        if not roots.isdisjoint(others):
            return True
        if not self._behind(roots).isdisjoint(self._behind(others)):
            return True
        nameless = [voice for voice in (one, other) if voice.family in self.unnamed]
        if len(nameless) != 1:
            return bool(nameless)
        named = other if nameless[0] is one else one
        return not nameless[0].names_port or not self._is_portless(named.family)

    def voices(self, speaking: Iterable[Voice]) -> tuple[str, ...]:
        """A largest set of families of which no two repeat each other, named ones first.

        Never more than there are: where it can't be found exactly, it is too small.
        """
        asked = _one_for_each_family(speaking, self.unnamed)
        if len(asked) < 2:
            return tuple(voice.family for voice in asked)
        if asked not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._largest(asked) if len(asked) <= EXACT_UP_TO else self._some(asked)
            self._known[asked] = tuple(sorted(found))
        return self._known[asked]

    def _roots(self, family: str) -> frozenset[str]:
        """Where its rows may come from: itself, and all that it copies."""
        if family not in self._rooted:
            found: set[str] = set()
            waiting = [family]
            while waiting:
                name = waiting.pop()
                if name not in found:
                    found.add(name)
                    waiting.extend(self.copies.get(name, ()))
            self._rooted[family] = frozenset(found)
        return self._rooted[family]

    def _behind(self, families: Iterable[str]) -> frozenset[str]:
        return frozenset(who for name in families for who in self.operators.get(name, ()))

    def _is_portless(self, family: str) -> bool:
        """It names no port, nor does anything that it copies."""
        return self._roots(family) <= self.portless

    def _largest(self, asked: Sequence[Voice]) -> list[str]:
        graph = [
            sum(
                1 << at
                for at, other in enumerate(asked)
                if other is not one and self.repeats(one, other)
            )
            for one in asked
        ]
        found = _Search(graph).largest((1 << len(asked)) - 1)
        return [voice.family for at, voice in enumerate(asked) if found >> at & 1]

    def _some(self, asked: Sequence[Voice]) -> list[str]:
        """No two that repeat each other, to which nobody could be added; it may be too few."""
        found: list[Voice] = []
        for voice in asked:
            if not any(self.repeats(voice, other) for other in found):
                found.append(voice)
        return [voice.family for voice in found]


def _one_for_each_family(speaking: Iterable[Voice], unnamed: frozenset[str]) -> tuple[Voice, ...]:
    """In an order that rests on names alone, those that nobody named last."""
    ports: dict[str, bool] = {}
    for voice in speaking:
        ports[voice.family] = ports.get(voice.family, False) or voice.names_port
    order = sorted(ports, key=lambda family: (family in unnamed, family))
    return tuple(Voice(family, ports[family]) for family in order)


class _Search:
    """The largest independent set of a small graph; vertices are bits, `graph` has neighbours."""

    def __init__(self, graph: Sequence[int]) -> None:
        self._graph = graph
        self._left = BRANCHES

    def largest(self, rest: int) -> int:
        """Of the vertices `rest`. Whoever sees no more than his neighbour goes before him."""
        rest = self._without_dominated(rest)
        chosen = 0
        for at in _bits(rest):
            if not self._graph[at] & rest:
                chosen |= 1 << at
        rest &= ~chosen
        if not rest:
            return chosen
        return chosen | self._branch(rest)

    def _branch(self, rest: int) -> int:
        """With the one that has the most neighbours, or without him."""
        most = max(_bits(rest), key=lambda at: ((self._graph[at] & rest).bit_count(), -at))
        if self._left <= 0:
            return self.largest(rest & ~(1 << most))
        self._left -= 1
        beside = rest & ~self._graph[most] & ~(1 << most)
        with_it = 1 << most | self.largest(beside)
        without = self.largest(rest & ~(1 << most))
        return with_it if with_it.bit_count() >= without.bit_count() else without

    def _without_dominated(self, rest: int) -> int:
        """Leave out who repeats all that one of his neighbours repeats, and more."""
        changed = True
        while changed:
            changed = False
            for at in _bits(rest):
                if rest >> at & 1 and (beside := self._dominated_by(at, rest)):
                    rest &= ~beside
                    changed = True
        return rest

    def _dominated_by(self, at: int, rest: int) -> int:
        own = (self._graph[at] | 1 << at) & rest
        beaten = 0
        for other in _bits(self._graph[at] & rest):
            if not own & ~(self._graph[other] | 1 << other):
                beaten |= 1 << other
        return beaten


def _bits(number: int) -> list[int]:
    return [at for at in range(number.bit_length()) if number >> at & 1]
