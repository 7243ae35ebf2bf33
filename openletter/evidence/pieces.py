"""A file too big to be judged at once, in pieces by address: the same address is always in one."""

from __future__ import annotations

from typing import NamedTuple

from openletter.columns.keys import MAPPED
from openletter.columns.ranges import is_four


class Piece(NamedTuple):
    """One of `pieces` of IPv4 addresses; the one behind them has all else. None: all."""

    number: int | None
    pieces: int

    @property
    def holds(self) -> str:
        """SQL: whether a row's key belongs here."""
        if self.number is None:
            return "true"
        if self.number == self.pieces:
            return f"NOT {is_four()}"
        return (
            f"{is_four()} AND {piece_of(f'(lo - {MAPPED})::UINTEGER', self.pieces)} = {self.number}"
        )


ALL = Piece(None, 0)


def piece_of(number: str, count: int) -> str:
    """SQL: the piece of an IPv4 address, as an unsigned 32-bit number."""
    return f"hash({number}) % {count}"
