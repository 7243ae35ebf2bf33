"""Who holds which network in the made-up world, and what its registries say of them.

Two registries: one answers as an RPSL dump, one as RDAP JSON. Networks are nested up to four
deep (registry, provider, hoster or customer, a customer's part), on documentation addresses.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from openletter.exercise import dice
from openletter.exercise.names import PERSONS, PROVIDERS, TOWNS, TRADES

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Kind(StrEnum):
    REGISTRY = "registry"
    PROVIDER = "provider"
    HOSTER = "hoster"
    CUSTOMER = "customer"


class Says(StrEnum):
    """What a registry gives as the way to reach an organisation about abuse."""

    OWN = "own"
    SHARED = "shared"
    NOTHING = "nothing"
    PERSON = "person"
    OTHER_ROLE = "other-role"
    REDACTED = "redacted"
    PLACEHOLDER = "placeholder"
    NO_REPLY = "no-reply"

    @property
    def is_usable(self) -> bool:
        return self in {Says.OWN, Says.SHARED}


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """An organisation as the registries know it; `mail` is what stands there, good or not."""

    handle: str
    name: str
    kind: Kind
    country: str
    town: str
    domain: str
    says: Says
    mail: str

    def __str__(self) -> str:
        return self.handle


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A registered network. `above` is the handle of the organisation it was given by."""

    network: Network
    name: str
    holder: Organisation
    above: Organisation | None
    status: str
    rdap: bool

    def __str__(self) -> str:
        return str(self.network)


SAYS_OF_CUSTOMERS = {
    Says.SHARED: 10, Says.NOTHING: 26, Says.PERSON: 10, Says.OTHER_ROLE: 6,
    Says.REDACTED: 4, Says.PLACEHOLDER: 4, Says.NO_REPLY: 4, Says.OWN: 0,
}  # fmt: skip

# small firms that look after their customers' computers: one mailbox for several holders
CARETAKERS = (
    "abuse@beheer-op-maat.example",
    "meldingen@ict-de-steiger.example",
    "abuse@northgate-it-care.example",
)

ROOTS = ("192.0.2.0/24", "203.0.113.0/24", "198.51.100.0/24")
ROOTS6 = ("2001:db8::/33", "2001:db8:8000::/33")


def slug(text: str) -> str:
    """`Mühlenrade am Deich` -> `muehlenrade-am-deich`, fit for a domain name."""
    plain = text.lower()
    for letter, pair in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}.items():
        plain = plain.replace(letter, pair)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _handle(name: str, order: int) -> str:
    letters = "".join(word[0] for word in slug(name).split("-") if word)[:4].upper()
    return f"ORG-{letters}{order}-EXAMPLE"


def _provider(order: int, name: str, *, country: str, kind: Kind) -> Organisation:
    domain = f"{slug(name)}.example"
    town = dice.pick(TOWNS[country], "town", name)
    return Organisation(
        handle=_handle(name, order), name=name, kind=kind, country=country, town=town,
        domain=domain, says=Says.OWN, mail=f"abuse@{domain}",
    )  # fmt: skip


def _mail(says: Says, domain: str) -> str:
    local = dice.pick(("abuse", "abuse", "abuse", "security", "postmaster", "it", "info"), domain)
    person = slug(dice.pick(PERSONS, domain)).replace("-", ".", 1)
    return {
        Says.OWN: f"{local}@{domain}",
        Says.SHARED: dice.pick(CARETAKERS, "caretaker", domain),
        Says.NOTHING: "",
        Says.PERSON: f"{person}@{domain}",
        Says.OTHER_ROLE: f"noc@{domain}",
        Says.REDACTED: "DATA REDACTED",
        Says.PLACEHOLDER: dice.pick(("abuse@example.com", "unread@ripe.net"), domain),
        Says.NO_REPLY: f"no-reply@{domain}",
    }[says]


@cache
def customers() -> tuple[tuple[Organisation, ...], ...]:
    """Fourteen customers for each provider, each of another trade."""
    keys = [(order, trade) for order in range(len(PROVIDERS)) for trade in range(14)]
    says_of = dice.dealt(keys, SAYS_OF_CUSTOMERS, "says")
    rows: list[tuple[Organisation, ...]] = []
    for order, (country, _, _) in enumerate(PROVIDERS):
        rows.append(tuple(_customer(order, n, country, says_of[order, n]) for n in range(14)))
    return tuple(rows)


def _customer(order: int, trade: int, country: str, says: Says) -> Organisation:
    town = TOWNS[country][(trade + 3 * order) % 14]
    short, called = TRADES[country][trade]
    domain = f"{short}-{slug(town)}.example"
    name = called.format(town)
    return Organisation(
        handle=_handle(name, 100 + 14 * order + trade), name=name, kind=Kind.CUSTOMER,
        country=country, town=town, domain=domain, says=says, mail=_mail(says, domain),
    )  # fmt: skip


REGISTRIES = tuple(
    Organisation(
        handle=handle, name=name, kind=Kind.REGISTRY, country=country, town=town,
        domain="example.org", says=Says.NOTHING, mail="",
    )
    for handle, name, country, town in (
        ("ORG-OIR1-EXAMPLE", "Old Continent Registry of Examples", "NL", "Wierhaven"),
        ("NCRE", "New Continent Registry of Examples", "US", "Cedar Hollow"),
    )
)  # fmt: skip


@cache
def holdings() -> tuple[Holding, ...]:
    """Every registered network, the wide ones before the narrow ones inside them."""
    found: list[Holding] = []
    for text in (*ROOTS, *ROOTS6):
        rdap = text in {ROOTS[2], ROOTS6[1]}
        found.append(
            Holding(
                network=ip_network(text), name="EXAMPLE-SPACE", holder=REGISTRIES[rdap],
                above=None, status="ALLOCATED UNSPECIFIED", rdap=rdap,
            )
        )  # fmt: skip
    for order, (country, name, hoster) in enumerate(PROVIDERS):
        provider = _provider(order + 1, name, country=country, kind=Kind.PROVIDER)
        rented = _provider(order + 31, hoster, country=country, kind=Kind.HOSTER)
        found += _space4(order, provider, rented)
        found += _space6(order, provider, rented)
    return tuple(found)


def _space4(order: int, provider: Organisation, hoster: Organisation) -> list[Holding]:
    """A /26: the provider's own /28, the hoster's /28 with two customers inside, twelve more."""
    wide = list(IPv4Network(ROOTS[order // 4]).subnets(new_prefix=26))[order % 4]
    own, rented, low, high = wide.subnets(new_prefix=28)
    guests = customers()[order]
    parts = [
        *low.subnets(new_prefix=30),
        *list(high.subnets(new_prefix=31))[:4],
        *list(high.subnets(new_prefix=32))[8:12],
    ]
    registry, rdap = REGISTRIES[order >= 8], order >= 8
    found = [
        _holding(wide, provider, registry, rdap=rdap),
        _holding(own, provider, provider, rdap=rdap, name="SERVERS"),
        _holding(rented, hoster, provider, rdap=rdap),
    ]
    for guest, part in zip(guests[:2], list(rented.subnets(new_prefix=30))[2:], strict=True):
        found.append(_holding(part, guest, hoster, rdap=rdap))
    for guest, part in zip(guests[2:], parts, strict=True):
        found.append(_holding(part, guest, provider, rdap=rdap))
    return found


def _space6(order: int, provider: Organisation, hoster: Organisation) -> list[Holding]:
    """A /40: the hoster's /44, seven customers' /48, and one part of a customer's own."""
    rdap = order >= 8
    wide = IPv6Network((int(IPv6Network(ROOTS6[rdap]).network_address) + (order << 88), 40))
    first = int(wide.network_address)
    guests = customers()[order]
    found = [
        _holding(wide, provider, REGISTRIES[rdap], rdap=rdap),
        _holding(IPv6Network((first + (0x80 << 80), 44)), hoster, provider, rdap=rdap),
    ]
    for n, guest in enumerate(guests[::2]):
        part = IPv6Network((first + ((0x10 + n) << 80), 48))
        found.append(_holding(part, guest, provider, rdap=rdap))
    inner = IPv6Network((first + (0x10 << 80) + (0xA0 << 72), 56))
    found.append(_holding(inner, guests[13], guests[0], rdap=rdap))
    return found


def _holding(
    network: Network, holder: Organisation, above: Organisation, *, rdap: bool, name: str = ""
) -> Holding:
    wide = holder.kind is Kind.PROVIDER and above.kind is Kind.REGISTRY
    label = name or slug(holder.name).upper()[:24].strip("-")
    status = "ALLOCATED PA" if wide else "ASSIGNED PA"
    if holder.kind is Kind.HOSTER:
        status = "SUB-ALLOCATED PA"
    if isinstance(network, IPv6Network):
        status = "ALLOCATED-BY-RIR" if wide else "ASSIGNED"
    return Holding(
        network=network, name=label, holder=holder, above=above, status=status, rdap=rdap
    )


@cache
def organisations() -> tuple[Organisation, ...]:
    seen = {holding.holder.handle: holding.holder for holding in holdings()}
    return tuple(seen.values())


def _over(address: Address) -> list[Holding]:
    """The registered networks over an address, the most specific one last."""
    over = [
        holding
        for holding in holdings()
        if holding.network.version == address.version and address in holding.network
    ]
    return sorted(over, key=lambda holding: holding.network.prefixlen)


@cache
def narrowest(address: Address) -> Holding:
    """The most specific registered network over an address of this world."""
    return _over(address)[-1]


@cache
def expected_mailbox(address: Address) -> str:
    """Whom a careful reader of the registries writes to first about this address."""
    return [holding.holder for holding in _over(address) if holding.holder.says.is_usable][-1].mail


def mailboxes() -> tuple[str, ...]:
    """Every mailbox that a letter may go to, each once."""
    return tuple(dict.fromkeys(org.mail for org in organisations() if org.says.is_usable))
