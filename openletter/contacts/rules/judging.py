"""Contacts of registrations, judged once for all blocks that share them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

from openletter.contacts.rules.blocks import NOBODY, Contacts
from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.refuse import World, registry_of_mailbox
from openletter.contacts.rules.scope import traits_of
from openletter.wire.registry import Registration, Remark, Written

MOST_JUDGED = 100_000


class Judge:
    """Contacts of registrations; what many blocks share is judged once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[Hashable, Contacts] = {}

    def __call__(self, found: Registration) -> Contacts:
        """Everything that `candidates_of` may look at, but the very range, is the key."""
        remarks = tuple(each for each in found.remarks if any(map(_may_name, each.lines)))
        if not found.written and not remarks:
            return NOBODY
        key = (
            found.written, remarks, found.holder, traits_of(found), found.status,
            found.country, found.registry, found.maintainers, found.subject, found.source,
            found.holder.name == found.handle, _named(found, remarks),
        )  # fmt: skip
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_JUDGED:
                self._known.clear()
            known = Contacts(candidates_of(found, world=self.world))
            self._known[key] = known
        return known


def _named(found: Registration, remarks: Sequence[Remark]) -> str:
    """The network's name where a registry's own box is judged by it."""
    return found.name if remarks or any(map(_is_registrys, found.written)) else ""


def _is_registrys(written: Written) -> bool:
    return _is_registrys_box(written.value.strip().lower())


@lru_cache(maxsize=50_000)
def _is_registrys_box(value: str) -> bool:
    """Whether any of a value's addresses may lie in a registry's domain; doubt is yes."""
    if value.count("@") != 1:
        return True
    return registry_of_mailbox(value.strip("<>()[]\"'.,; ")) is not None


def _may_name(line: str) -> bool:
    return "@" in line or "at" in line.lower()
