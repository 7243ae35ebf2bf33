"""What is worth keeping: learnt the second time that it is asked for, forgotten when it is much."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

_KEPT = 4096
_MET = 65_536

_Made = TypeVar("_Made")


class UnlearntError(Exception):
    """There is no template for this."""


class Kept:
    """Remembers what was asked for once; `eager` learns at the first time."""

    def __init__(self, *, eager: bool) -> None:
        self._eager = eager
        self._met: set[int] = set()

    def ask(
        self, kept: dict[Hashable, _Made | None], key: Hashable, learn: Callable[[], _Made | None]
    ) -> _Made | None:
        if key in kept:
            return kept[key]
        if not self._eager and (met := hash(key)) not in self._met:
            if len(self._met) >= _MET:
                self._met.clear()
            self._met.add(met)
            return None
        if len(kept) >= _KEPT:
            kept.clear()
        try:
            made = learn()
        except UnlearntError:
            made = None
        kept[key] = made
        return made
