"""Chance that never changes: every throw is a hash of what it is thrown for.

No hidden state: adding an organisation or a row moves nothing else in the made-up world.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)

SEED = "openletter exercise 1"


def throw(*what: object) -> float:
    """A number in [0, 1) that belongs to `what` for good."""
    digest = hashlib.sha256("\0".join([SEED, *map(str, what)]).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def number(low: int, high: int, *what: object) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(throw(*what) * (high - low + 1))


def pick(options: Sequence[_T], *what: object) -> _T:
    return options[int(throw(*what) * len(options))]


def shuffled(items: Iterable[_T], *what: object) -> list[_T]:
    """The items in an order that belongs to `what`; each item is known by its text."""
    return sorted(items, key=lambda item: throw(*what, item))


def dealt(items: Iterable[_K], shares: dict[_T, int], *what: object) -> dict[_K, _T]:
    """Deal the shares out in turn: exactly `shares[x]` items get x, the last share the rest."""
    deck = [share for share, count in shares.items() for _ in range(count)]
    last = list(shares)[-1]
    order = shuffled(items, *what)
    return {item: deck[n] if n < len(deck) else last for n, item in enumerate(order)}
