"""Whether the loaded registries say enough about an address, so that nobody need be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from openletter.contacts.rules.candidates import Tier
from openletter.contacts.rules.decide import Rung
from openletter.wire.registry import IPAddress

_WIDEST = {4: 2**24, 6: 2**112}
"""A /8 or a /16: a wider block is the registry's own placeholder (IANA-BLK, NON-RIPE-...)."""
_NO_REGISTRY = frozenset({Tier.SECOND_OPINION, Tier.GUESS, Tier.CSIRT})


Range = tuple[IPAddress, IPAddress]


def is_covered(rungs: Iterable[Rung], *, stale: Collection[Range] = ()) -> bool:
    """Whether a registry's or a partner's own entry names somebody who may be written to.

    Delegations, guesses, placeholders, live answers that no longer hold (`stale`) and blocks that
    name only a registry's own box are not enough: the live answer may say more.
    """
    return any(
        candidate.refused is None and candidate.tier not in _NO_REGISTRY
        for rung in rungs
        if not rung.is_delegation and not _is_placeholder(rung)
        if (rung.first, rung.last) not in stale
        for candidate in rung.candidates
    )


def _is_placeholder(rung: Rung) -> bool:
    return int(rung.last) - int(rung.first) + 1 > _WIDEST[rung.first.version]
