"""How earlier versions of the rule counted voices, so that what they concluded can be replayed.

Nothing new is concluded by these. They differ from today's in nothing else that a replay compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Counting = Callable[[Iterable[str], Mapping[str, frozenset[str]]], set[str]]


def groups(families: Iterable[str], copies: Mapping[str, frozenset[str]]) -> set[str]:
    """weigh-2: one name for each group of families that copy each other, directly or not.

    A list that copied two others made one voice of all three; nothing asked who was unnamed.
    """
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    given = set(families)
    for family in sorted(given):
        for copied in sorted(copies.get(family, frozenset())):
            group[root(family)] = root(copied)
    named: dict[str, str] = {}
    for family in sorted(given):
        named.setdefault(root(family), family)
    return set(named.values())


COUNTED: Mapping[str, Counting] = {"weigh-2": groups}
"""Rule versions that can still be replayed beside today's."""
