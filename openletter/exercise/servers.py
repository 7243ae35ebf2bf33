"""The servers of the made-up world: what is open where, who has seen it, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address

from openletter.exercise import dice
from openletter.exercise.land import (
    Address,
    Holding,
    Kind,
    expected_mailbox,
    holdings,
    narrowest,
)
from openletter.exercise.people import people
from openletter.words import Weakness

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""The exercise's first morning; its clock is set to this when the play begins."""

FEED_DAYS = (0, 7, 14, 28)
"""Days on which a full set of feeds lies in the world; later ones are what rechecks look at."""


class Sight(StrEnum):
    """A pair of eyes on the network; copies of each other are still two files."""

    SHADOWSERVER = "shadowserver"
    PROXYLIJST = "proxylijst"
    WIERHAVEN = "wierhaven"
    SPIEGEL = "spiegel"
    TOLHEK = "tolhek"
    CERTWACHT = "certwacht"


class Sort(StrEnum):
    """What kind of row-maker an address is."""

    OPEN = "open"  # two independent families, fresh
    SINGLE = "single"  # one family only
    COPIED = "copied"  # a list and its copy
    OLD = "old"  # nobody has seen it for two months
    REACHABLE = "reachable"  # asks for a password
    EXIT = "exit"  # traffic leaves here, nothing listens


@dataclass(frozen=True, kw_only=True)
class Server:
    """Something at one address; `since` and `until` in days of the exercise."""

    ip: Address
    weakness: Weakness
    port: int
    product: str
    sort: Sort
    seen_by: frozenset[Sight]
    since: int
    until: int | None
    back_at: int | None
    holding: Holding

    def __str__(self) -> str:
        return f"{self.ip} {self.weakness}"

    def is_seen(self, day: int) -> bool:
        if day < self.since:
            return False
        gone = self.until is not None and day > self.until
        return not gone or (self.back_at is not None and day >= self.back_at)


PORTS = {
    Weakness.OPEN_RELAY: (25, 25, 25, 25, 25, 587),
    Weakness.OPEN_HTTP_PROXY: (3128, 3128, 8080, 8080, 8888, 80, 8118),
    Weakness.OPEN_SOCKS: (1080, 1080, 1080, 4145, 10808, 9050),
}

PRODUCTS = {
    Weakness.OPEN_RELAY: ("Postfix", "Postfix", "Exim 4.96", "Sendmail", "", ""),
    Weakness.OPEN_HTTP_PROXY: ("squid/5.7", "squid/4.10", "squid/6.6", "tinyproxy", "", ""),
    Weakness.OPEN_SOCKS: ("",),
}

EYES = {
    Weakness.OPEN_RELAY: (
        (Sight.CERTWACHT, 0.9), (Sight.WIERHAVEN, 0.85), (Sight.TOLHEK, 0.35),
    ),
    Weakness.OPEN_HTTP_PROXY: (
        (Sight.SHADOWSERVER, 0.9), (Sight.PROXYLIJST, 0.75), (Sight.WIERHAVEN, 0.4),
        (Sight.TOLHEK, 0.4),
    ),
    Weakness.OPEN_SOCKS: (
        (Sight.SHADOWSERVER, 0.9), (Sight.PROXYLIJST, 0.8), (Sight.TOLHEK, 0.5),
    ),
}  # fmt: skip

EYES6 = {
    Weakness.OPEN_RELAY: ((Sight.CERTWACHT, 1.0),),
    Weakness.OPEN_HTTP_PROXY: ((Sight.SHADOWSERVER, 1.0), (Sight.PROXYLIJST, 0.95)),
    Weakness.OPEN_SOCKS: ((Sight.CERTWACHT, 0.95), (Sight.PROXYLIJST, 1.0)),
}


def _weakness(ip: Address) -> Weakness:
    chance = dice.throw("weakness", ip)
    if ip.version == 6:
        return Weakness.OPEN_HTTP_PROXY if chance < 0.65 else Weakness.OPEN_SOCKS
    if chance < 0.34:
        return Weakness.OPEN_RELAY
    return Weakness.OPEN_HTTP_PROXY if chance < 0.74 else Weakness.OPEN_SOCKS


def _sort(ip: Address) -> Sort | None:
    """What lives at an address; None: a quiet machine that no list knows."""
    chance = dice.throw("sort", ip)
    for limit, sort in (
        (0.60, Sort.OPEN), (0.68, Sort.SINGLE), (0.71, Sort.COPIED), (0.75, Sort.OLD),
        (0.84, Sort.REACHABLE), (0.87, Sort.EXIT),
    ):  # fmt: skip
        if chance < limit:
            return sort
    return None


def _seen_by(ip: Address, weakness: Weakness, sort: Sort) -> frozenset[Sight]:
    table = EYES if ip.version == 4 else EYES6
    eyes = table[weakness]
    seen = [eye for eye, chance in eyes if dice.throw("eye", ip, weakness, eye) < chance]
    if sort is Sort.SINGLE or (sort is not Sort.OPEN and ip.version == 6):
        seen = [eyes[0][0]]
    elif sort is Sort.COPIED:
        seen = [Sight.WIERHAVEN]
    elif len(seen) < 2:
        seen = [eye for eye, _ in eyes[:2]]
    if Sight.WIERHAVEN in seen and dice.throw("copied", ip, weakness) < 0.95:
        seen.append(Sight.SPIEGEL)
    return frozenset(seen)


def _until(ip: Address, weakness: Weakness) -> int | None:
    """The last day on which it is seen: closed by whoever reads the letter, or by itself."""
    character = people()[expected_mailbox(ip)].character
    if character.closes_servers:
        return dice.number(1, 3 if not character.passes_on else 6, "closed", ip)
    if character.passes_on and customer_closes(ip):
        return dice.number(2, 6, "closed", ip)
    if dice.throw("by itself", ip, weakness) < 0.32:
        return dice.number(3, 26, "gone", ip, weakness)
    return None


def customer_closes(ip: Address) -> bool:
    """Whether the customer who gets a passed-on row closes his server and says so."""
    return dice.throw("customer closes", ip) < 0.3


def _server(ip: Address, weakness: Weakness, sort: Sort) -> Server:
    until = _until(ip, weakness) if sort is Sort.OPEN else None
    comes_late = sort is Sort.OPEN and until is None and dice.throw("late", ip) < 0.09
    returns = until is not None and until < 7 and dice.throw("returns", ip, weakness) < 0.06
    return Server(
        ip=ip, weakness=weakness, sort=sort, holding=narrowest(ip), until=until,
        port=dice.pick(PORTS[weakness], "port", ip, weakness),
        product=dice.pick(PRODUCTS[weakness], "product", ip, weakness),
        seen_by=_seen_by(ip, weakness, sort),
        since=dice.number(2, 5, "late day", ip) if comes_late else -dice.number(3, 60, "since", ip),
        back_at=dice.number(9, 12, "back", ip) if returns else None,
    )  # fmt: skip


def _addresses() -> list[Address]:
    """Every IPv4 address of the world, and some IPv6 addresses in each IPv6 network."""
    found: list[Address] = []
    for holding in holdings():
        network = holding.network
        if holding.holder.kind is Kind.REGISTRY and network.version == 4:
            found += [IPv4Address(n) for n in range(int(network[1]), int(network[-1]))]
        elif network.version == 6 and holding.holder.kind is not Kind.REGISTRY:
            found += _addresses6(holding)
    return found


def _addresses6(holding: Holding) -> list[Address]:
    """Three machines in a customer's network, a few in a provider's, ninety at one hoster's."""
    kind, first = holding.holder.kind, int(holding.network[0])
    wanted = {Kind.CUSTOMER: 2, Kind.PROVIDER: 2, Kind.HOSTER: 5}.get(kind, 0)
    if holding.holder.name == CROWDED:
        wanted = 110
    step = 1 << (80 if kind is Kind.PROVIDER else 64)
    return [
        IPv6Address(first + (n + 1) * step + dice.number(2, 0xFFFF, "host", holding, n))
        for n in range(wanted)
    ]


CROWDED = "Copper Mesa Virtual"
"""A hoster whose letter has more rows than fit inline."""


@cache
def servers() -> tuple[Server, ...]:
    """Everything that leaves a row somewhere, in address order; some addresses hold two."""
    found: list[Server] = []
    for ip in _addresses():
        sort = _sort(ip)
        if sort is None:
            continue
        weakness = _weakness(ip)
        found.append(_server(ip, weakness, sort))
        second = Weakness.OPEN_SOCKS if weakness is Weakness.OPEN_HTTP_PROXY else None
        if sort is Sort.OPEN and second and dice.throw("second", ip) < 0.08:
            found.append(_server(ip, second, sort))
    return tuple(found)


def day(number: int) -> datetime:
    return START + timedelta(days=number)
