"""Who holds a network (the unit of trial arms) and which partner answers for it.

A holder is the organisation where the registry has a handle for it, else its name, else the
block; the same organisation in two blocks is one holder. A network constituency wins over a
country; two partners on the same level are a conflict that a person settles: nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from openletter.contacts.rules.names import fold
from openletter.wire.registry import IPAddress
from openletter.words import Reason


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A partner's claim on a country or on a network."""

    partner: int
    country: str = ""
    network: IPv4Network | IPv6Network | None = None


@dataclass(frozen=True, kw_only=True)
class Responsibility:
    """The partner that answers for an address, or the partners that contradict each other."""

    partner: int
    conflict: tuple[int, ...]
    reason: Reason


def holder_key(*, registry: str, handle: str, name: str, first: IPAddress, last: IPAddress) -> str:
    """The same for all networks of one holder."""
    if handle:
        return f"{registry}:{handle.upper()}"[:200]
    bare = re.sub(r"[^\w]+", " ", fold(name)).strip()
    return f"name:{bare}"[:200] if bare else f"block:{first}-{last}"


def stratum(*, country: str | None) -> str:
    """Arms are drawn within a country, so that each has the same shares."""
    return country or "ZZ"


def responsible(
    address: IPAddress, *, country: str | None, claims: Iterable[Claim], lead: int
) -> Responsibility:
    """The partner that answers for the address; the campaign's lead where nobody claims it."""
    every = list(claims)
    by_network = {each.partner for each in every if each.network and address in each.network}
    by_country = {each.partner for each in every if country and each.country == country}
    for found, kind in ((by_network, "network"), (by_country, "country")):
        if len(found) > 1:
            values = {"kind": kind, "country": country, "partners": len(found)}
            return Responsibility(
                partner=lead, conflict=tuple(sorted(found)),
                reason=Reason(code="partner-conflict", values=values),
            )  # fmt: skip
        if found:
            reason = Reason(code=f"partner-of-{kind}", values={"country": country})
            return Responsibility(partner=found.pop(), conflict=(), reason=reason)
    reason = Reason(code="partner-lead", values={"country": country})
    return Responsibility(partner=lead, conflict=(), reason=reason)
