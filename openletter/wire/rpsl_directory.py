"""The objects of RPSL dumps that networks point at, by family and key, millions of them.

Owns: what is kept of each, and what is worked out once for all networks that point at the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from openletter.wire.registry import Holder, Remark, Written, parse_country
from openletter.wire.rpsl import RpslObject, objects

NETWORKS = frozenset({"inetnum", "inet6num", "nethandle", "v6nethandle"})
ROUTES = frozenset({"route", "route6"})
AUTNUMS = frozenset({"aut-num", "ashandle"})
CONTACTS = frozenset({"role", "person", "nic-hdl", "nic-hdl-br", "pochandle"})
ORGANISATIONS = frozenset({"organisation", "orgid"})
DIRECTORY = CONTACTS | ORGANISATIONS | {"irt", "mntner"}
WANTED = NETWORKS | ROUTES | AUTNUMS | DIRECTORY


class Linked(NamedTuple):
    """What a network's pointers lead to, the same for all networks with the same pointers."""

    before: tuple[Written, ...]
    """the network's abuse-c, before its own boxes"""
    after: tuple[Written, ...]
    remarks: tuple[Remark, ...]
    maintainers: tuple[str, ...]


@dataclass(kw_only=True)
class Directory:
    """The objects that networks point at, by family and key.

    A registry has millions: each is kept as a short text of what a network can ask of it, and
    read again when it is asked. What many networks point at together is worked out once.
    """

    texts: dict[str, bytes] = field(default_factory=dict)
    _read: dict[str, RpslObject | None] = field(default_factory=dict)
    links: dict[Hashable, Linked] = field(default_factory=dict)
    holders: dict[str, Holder] = field(default_factory=dict)

    def add(self, found: RpslObject) -> None:
        """Keep one; the first of a key stays."""
        for family, key in keys_of(found):
            self.texts.setdefault(f"{family} {key}", _short(found))
        self._forget()

    def put(self, found: RpslObject) -> None:
        """Keep one in the place of an older one of its key."""
        for family, key in keys_of(found):
            self.texts[f"{family} {key}"] = _short(found)
        self._forget()

    def drop(self, family: str, key: str) -> None:
        """Forget the object of a key, if there is one."""
        self.texts.pop(f"{family} {key.upper()}", None)
        self._forget()

    def has(self, family: str, key: str) -> bool:
        """Whether there is an object of a family under a key."""
        return f"{family} {key.upper()}" in self.texts

    def get(self, family: str, key: str) -> RpslObject | None:
        """The object of a family under a key, whatever its case."""
        named = f"{family} {key.upper()}"
        if named not in self._read:
            text = self.texts.get(named)
            if len(self._read) >= MOST_REMEMBERED:
                self._read.clear()
            faults: Counter[str] = Counter()
            self._read[named] = next(objects([text], faults=faults), None) if text else None
        return self._read[named]

    def _forget(self) -> None:
        if self._read or self.links or self.holders:
            self._read.clear()
            self.links.clear()
            self.holders.clear()


MOST_REMEMBERED, FEW_LINES = 50_000, 50
_ASKED_OF = {
    "contact": frozenset({
        "role", "person", "nic-hdl", "nic-hdl-br", "pochandle", "isrole", "firstname", "lastname",
        "abuse-mailbox", "e-mail", "mailbox", "notify", "changed", "upd-to", "mnt-nfy", "ref-nfy",
        "irt-nfy", "remarks", "comment", "trouble",
    }),
    "mntner": frozenset({
        "mntner", "abuse-mailbox", "e-mail", "mailbox", "notify", "changed", "upd-to", "mnt-nfy",
        "ref-nfy", "irt-nfy",
    }),
}  # fmt: skip


_ASKED_OF_PLACED = frozenset({
    "organisation", "orgid", "org-name", "orgname", "org-type", "canallocate", "country",
    "abuse-c", "abusehandle", "orgabusehandle", "orgtechhandle", "orgnochandle", "orgadminhandle",
    "abuse-mailbox", "e-mail", "mailbox", "notify", "changed", "upd-to", "mnt-nfy", "ref-nfy",
    "irt-nfy", "remarks", "comment",
})  # fmt: skip
"""Of an organisation that names its country: its postal address tells nothing more."""


def _short(found: RpslObject) -> bytes:
    """The object with what links can ask of it, as text that reads back the same."""
    family = keys_of(found)[0][0]
    asked = _ASKED_OF.get(family)
    if family == "organisation" and parse_country(found.first("country")):
        asked = _ASKED_OF_PLACED
    kept = [
        f"{name}:{value}" if "\n" not in value else f"{name}:" + value.replace("\n", "\n ")
        for place, (name, value) in enumerate(found.attributes)
        if asked is None or name in asked or not place
    ]
    return "\n".join(kept).encode("utf-8", "replace")


def keys_of(found: RpslObject) -> list[tuple[str, str]]:
    """The family and key under which others point at this object."""
    if found.kind in CONTACTS:
        return [("contact", found.first("nic-hdl", "nic-hdl-br", "pochandle").upper())]
    if found.kind in ORGANISATIONS:
        return [("organisation", found.first("organisation", "orgid").upper())]
    if found.kind in ("irt", "mntner"):
        return [(found.kind, found.first(found.kind).upper())]
    return []
