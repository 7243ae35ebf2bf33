"""A file too big to be united at once, in pieces by address: the same address is always in one."""

from __future__ import annotations

from typing import NamedTuple

from openletter.columns.keys import MAPPED
from openletter.columns.ranges import is_four


class Piece(NamedTuple):
    """One of `pieces` of IPv4 addresses; the first has all else too. None: all."""

    number: int | None
    pieces: int

    @property
    def has_six(self) -> bool:
        """Whether addresses that are not IPv4 belong here."""
        return not self.number

    @property
    def holds(self) -> str:
        """SQL: whether a row's key belongs here."""
        if self.number is None:
            return "true"
        four = f"{is_four()} AND {self.of_four(f'(lo - {MAPPED})::UINTEGER')}"
        return f"(({four}) OR NOT {is_four()})" if self.has_six else f"({four})"

    def of_four(self, number: str) -> str:
        """SQL: whether an IPv4 address, as an unsigned 32-bit number, belongs here."""
        return "true" if self.number is None else f"hash({number}) % {self.pieces} = {self.number}"


ALL = Piece(None, 0)
