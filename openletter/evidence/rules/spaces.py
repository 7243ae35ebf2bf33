"""Addresses whose word counts less or not at all, and how that is known. Pure.

Dynamic and shared (CGNAT) space moves: tomorrow another customer has the address, and behind a
shared one stand hundreds at once. It is told by the host name, by the registry's remark, or by a
list that an operator loaded. Exits, scanners and own hosts are told by loaded lists only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from openletter.evidence.rules import naming
from openletter.wire.intervals import Intervals

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
REMARKS = ("remark", "netname", "descr")
"""Facts of a row that quote the registry."""


class ListKind(StrEnum):
    """What a loaded list says of its networks."""

    DYNAMIC = "dynamic"
    SHARED = "shared"
    TOR_EXIT = "tor-exit"
    RESEARCH_SCANNER = "research-scanner"
    OWN_HOST = "own-host"


class Space(StrEnum):
    """What is known of an address, and by what; the value is a reason code."""

    DYNAMIC_BY_NAME = "dynamic-by-name"
    DYNAMIC_BY_REMARK = "dynamic-by-remark"
    DYNAMIC_BY_LIST = "dynamic-by-list"
    SHARED_BY_NAME = "shared-by-name"
    SHARED_BY_REMARK = "shared-by-remark"
    SHARED_BY_LIST = "shared-by-list"
    TOR_EXIT = "tor-exit"
    RESEARCH_SCANNER = "research-scanner"
    OWN_HOST = "own-host"

    @property
    def is_set_aside(self) -> bool:
        """What is said of it says nothing about a server that somebody left open."""
        return self in _SET_ASIDE

    @property
    def is_moving(self) -> bool:
        """It counts for 48 hours, and only with the second of observation."""
        return self not in _SET_ASIDE


_SET_ASIDE = frozenset({Space.TOR_EXIT, Space.RESEARCH_SCANNER, Space.OWN_HOST})

_BY_LIST = {
    ListKind.OWN_HOST: Space.OWN_HOST,
    ListKind.TOR_EXIT: Space.TOR_EXIT,
    ListKind.RESEARCH_SCANNER: Space.RESEARCH_SCANNER,
    ListKind.SHARED: Space.SHARED_BY_LIST,
    ListKind.DYNAMIC: Space.DYNAMIC_BY_LIST,
}
"""In this order: what is set aside goes before what moves."""


class Spaces:
    """What the loaded lists know; empty, it still reads names and remarks."""

    def __init__(self, lists: Iterable[tuple[ListKind, Iterable[Network]]] = ()) -> None:
        gathered: dict[ListKind, list[tuple[Address, Address]]] = {}
        for kind, networks in lists:
            gathered.setdefault(kind, []).extend((net[0], net[-1]) for net in networks)
        self._ranges = {kind: Intervals(ends) for kind, ends in gathered.items()}

    def listed(self, address: Address) -> Space | None:
        """By the lists alone."""
        if not self._ranges:
            return None
        told = (space for kind, space in _BY_LIST.items() if address in self._ranges.get(kind, ()))
        return next(told, None)

    def of(self, address: Address, facts: Mapping[str, str]) -> Space | None:
        """By lists, else by what the row says: the registry's remark, the host name."""
        if (space := self.listed(address)) is not None or not facts:
            return space
        for remark in filter(None, map(facts.get, REMARKS)):
            if naming.is_shared_by_remark(remark):
                return Space.SHARED_BY_REMARK
            if naming.moves_by_remark(remark):
                return Space.DYNAMIC_BY_REMARK
        name = facts.get("hostname", "")
        if not name:
            return None
        if naming.is_shared_by_name(name):
            return Space.SHARED_BY_NAME
        return Space.DYNAMIC_BY_NAME if naming.moves_by_name(name, address) else None

    def set_aside(self) -> Iterator[tuple[int, int, int]]:
        """Version, first and last number of what the lists set aside."""
        for kind, ranges in self._ranges.items():
            if _BY_LIST[kind].is_set_aside:
                yield from ranges.ends()
