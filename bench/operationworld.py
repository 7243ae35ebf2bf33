"""The made-up world of the operation's replay: who holds which addresses, and who named them.

Always the same for the same size. Private addresses only: ten million of them, a provider each
32,768, its owners' networks in the lower half and its own customers in the upper one.
"""

# ruff: noqa: INP001 (a part of a program)
from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

COUNTRIES = (
    "GB NL DE FR ES BR PT IT PL CZ SK HU RO BG GR SE DK FI NO LT UA RU TR SA IR CN TW JP KR ID "
    "US CA AU NZ IE IN ZA NG KE SG MX AR CL CO PE VE AT CH BE LU MA DZ EG AE JO KZ BY HK UY EC"
).split()
"""Sixty; the first thirty speak thirty languages among them."""
BASE, A_PROVIDER, ITS_CUSTOMERS, A_NETWORK = 10 << 24, 1 << 15, 1 << 14, 16
OWNERS_OF_ONE = 333
"""So many owners lie in one provider's space."""
SEED = 2004

RELAY, HTTP, SOCKS = "open-relay", "open-http-proxy", "open-socks"
_WEAKNESSES, _SHARES = (RELAY, HTTP, SOCKS), (20, 45, 35)
REPORT, TEAM, LIST, ZONE, OTHER_ZONE, COPY = (
    "shadowserver", "certwacht", "proxylijst", "wierhaven", "tolhek", "spiegel"
)  # fmt: skip
_LISTENING = {RELAY: (TEAM,), HTTP: (REPORT, TEAM, LIST), SOCKS: (REPORT, TEAM, LIST)}
_FAMILIES = {
    RELAY: (TEAM, ZONE, OTHER_ZONE),
    HTTP: (REPORT, TEAM, LIST, ZONE, OTHER_ZONE),
    SOCKS: (REPORT, TEAM, LIST, ZONE, OTHER_ZONE),
}
_PORTS = {RELAY: (25,), HTTP: (3128, 8080, 8118), SOCKS: (1080, 4145, 9050)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A mailbox with its network (first and last address) and how many suspects lie in it."""

    number: int
    address: str
    name: str
    country: str
    is_provider: bool
    first: int
    last: int
    start: int
    suspects: int


class Suspect(NamedTuple):
    """An address, what is said of it, by whom; `is_old`: nobody has seen it for two months."""

    ip: int
    weakness: str
    port: int
    seen_by: tuple[str, ...]
    is_old: bool


def boxes(count: int) -> list[Box]:
    """Providers with hundreds of suspects first, then owners with one to three."""
    providers = max(1, count // OWNERS_OF_ONE)
    dice = random.Random(SEED)  # noqa: S311
    made = []
    for number in range(count):
        above = number if number < providers else (number - providers) % providers
        country, base = COUNTRIES[above % len(COUNTRIES)], BASE + above * A_PROVIDER
        if number < providers:
            first, last, start = base, base + A_PROVIDER - 1, base + ITS_CUSTOMERS
            suspects = int(150 + 3_000 * ((number + 1) * 300 / providers) ** -0.6)
            name, address = f"Provider {number}", f"abuse@provider{number}.example"
        else:
            first = start = base + (number - providers) // providers * A_NETWORK
            last, suspects = first + A_NETWORK - 1, dice.choices((1, 2, 3), (25, 30, 45))[0]
            name, address = f"Owner {number}", f"abuse@owner{number}.example"
        made.append(
            Box(number=number, address=address, name=name, country=country, first=first,
                last=last, start=start, suspects=suspects, is_provider=number < providers)
        )  # fmt: skip
    return made


def suspects_of(box: Box) -> Iterator[Suspect]:
    """The first one is always open by two families; of the others a few are not."""
    dice = random.Random(SEED * 1_000_003 + box.number)  # noqa: S311
    for at in range(box.suspects):
        weakness = dice.choices(_WEAKNESSES, _SHARES)[0]
        kinds = _FAMILIES[weakness]
        told = dice.choices((1, 2, 3, 4), (8, 20, 34, 38))[0] if at else dice.choice((2, 3))
        listening = dice.choice(_LISTENING[weakness])
        others = [kind for kind in kinds if kind != listening]
        seen_by = (listening, *dice.sample(others, min(told, len(kinds)) - 1))
        if ZONE in seen_by and dice.random() < 0.2:
            seen_by = (*seen_by, COPY)
        is_old = at > 0 and dice.random() < 0.03
        yield Suspect(box.start + at, weakness, dice.choice(_PORTS[weakness]), seen_by, is_old)


def strays(count: int) -> Iterator[Suspect]:
    """Addresses that one source alone names, each once: what fills every list."""
    dice, first = random.Random(SEED + 1), BASE + (300 * A_PROVIDER)  # noqa: S311
    for at in range(count):
        weakness = dice.choices((HTTP, SOCKS), (6, 4))[0]
        one = dice.choice((REPORT, TEAM, LIST, ZONE, OTHER_ZONE))
        yield Suspect(first + at, weakness, dice.choice(_PORTS[weakness]), (one,), False)


def dotted(ip: int) -> str:
    return f"{ip >> 24}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}"
