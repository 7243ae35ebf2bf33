"""Addresses whose word counts less or not at all, and how that is known. Pure.

Dynamic and shared (CGNAT) space moves: tomorrow another customer has the address, and behind a
shared one stand hundreds at once. It is told by the host name, by the registry's remark, or by a
list that an operator loaded. Exits, scanners and own hosts are told by loaded lists only.
"""

from __future__ import annotations

from enum import StrEnum


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
