"""What a registry says about a range or an AS, in one form for RDAP, RPSL and WHOIS text.

The readers beside this module fill it; `contacts.rules` judges it. Nothing here decides: an
address stands as it was written, with the place where it stood.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class UnreadableError(ValueError):
    """A whole document that can't be read: {reason}."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source(StrEnum):
    """The form in which a registry's answer came."""

    RDAP = "rdap"
    RPSL = "rpsl"
    WHOIS = "whois"


class Subject(StrEnum):
    """What an answer is about."""

    NETWORK = "network"
    AUTNUM = "autnum"
    ENTITY = "entity"
    DOMAIN = "domain"
    NOTHING = "nothing"


class Party(StrEnum):
    """What kind of party a record describes (jCard kind, RPSL class)."""

    INDIVIDUAL = "individual"
    GROUP = "group"
    ORG = "org"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """Where in an answer an address stands, from the plainest abuse box downwards."""

    ABUSE_BOX = "abuse-box"  # declared for abuse: abuse-mailbox, jCard type abuse, OrgAbuseEmail
    ABUSE_ROLE = "abuse-role"  # a box of a party with the abuse role
    CONTACT = "contact"  # a box of a party with another role or none
    NOTICE = "notice"  # notify, changed, upd-to: where the database reports its changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """One value that should be an address, and where it stood."""

    value: str
    place: Place
    role: str
    object: str
    party: Party = Party.UNKNOWN
    party_name: str = ""
    depth: int = 0
    preference: int = 50
    validated: bool = False
    suspect: bool = False
    """The registry itself tried the address or the record and had no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Free text beside an object, line by line."""

    lines: tuple[str, ...]
    object: str
    depth: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds it; `country` from the record itself, `address_country` from its postal address."""

    handle: str = ""
    name: str = ""
    country: str | None = None
    address_country: str | None = None
    kind: str = ""
    """The registry's own word: LIR, OTHER, END-USER."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One answer. `first`/`last` inclusive, of one family; both None for what is no network."""

    source: Source
    registry: str
    subject: Subject
    query: str | None = None
    handle: str = ""
    name: str = ""
    status: str = ""
    parent: str = ""
    first: IPAddress | None = None
    last: IPAddress | None = None
    first_as: int | None = None
    last_as: int | None = None
    country: str | None = None
    holder: Holder = field(default_factory=Holder)
    maintainers: tuple[str, ...] = ()
    written: tuple[Written, ...] = ()
    remarks: tuple[Remark, ...] = ()
    no_abuse_contact: bool = False
    """The registry itself says that none is registered."""

    def covers(self, address: IPAddress) -> bool:
        """Whether the address lies in the range."""
        return (
            self.first is not None
            and self.last is not None
            and self.first.version == address.version
            and int(self.first) <= int(address) <= int(self.last)
        )

    def covers_as(self, number: int) -> bool:
        """Whether the AS number lies in the range."""
        return self.first_as is not None and self.first_as <= number <= (self.last_as or -1)

    @property
    def size(self) -> int:
        """How many addresses, for "most specific first"."""
        if self.first is None or self.last is None:
            return (self.last_as or 0) - (self.first_as or 0) + 1
        return int(self.last) - int(self.first) + 1


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


def plain(text: str, longest: int = 300) -> str:
    """A name or handle fit to be kept: no control or direction characters, no half surrogates."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return _UNSEEN.sub(" ", text).strip()[:longest]


_OCTETS = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}")
_AS = re.compile(r"(?:AS)?\s*(\d{1,10})", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Za-z]{2}")
NOT_COUNTRIES = frozenset({"EU", "AP", "ZZ", "XX"})
"""Codes registries use for "several" or "unknown"."""


def parse_address(text: str) -> IPAddress | None:
    """An address as registries print it: zero-padded octets and a stray "/32" are let pass."""
    bare = text.strip().partition("/")[0].strip()
    if _OCTETS.fullmatch(bare) and bare.count(".") == 3:
        bare = ".".join(octet.lstrip("0") or "0" for octet in bare.split("."))
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return None if isinstance(found, ipaddress.IPv6Address) and found.scope_id else found


_PLAIN_RANGE = re.compile(r"\s*-\s*".join([r"([0-9]{1,3})" + r"\.([0-9]{1,3})" * 3] * 2))


def _whole(octets: Sequence[str]) -> ipaddress.IPv4Address | None:
    """Four decimal octets, also zero-padded ones."""
    value = 0
    for octet in octets:
        number = int(octet)
        if number > 255:
            return None
        value = value << 8 | number
    return ipaddress.IPv4Address(value)


def parse_range(text: str) -> tuple[IPAddress, IPAddress] | None:
    """`a - b`, `a/len` (also LACNIC's `24.232.16/24`) or one address; first and last."""
    plainly = _PLAIN_RANGE.fullmatch(text)
    if plainly:
        start, end = (_whole(plainly.groups()[at : at + 4]) for at in (0, 4))
        return (start, end) if start is not None and end is not None and start <= end else None
    low, dash, high = text.partition("-")
    if dash:
        first, last = parse_address(low), parse_address(high)
        if first is None or last is None or first.version != last.version:
            return None
        return (first, last) if int(first) <= int(last) else None
    return _parse_prefix(text.strip())


def _parse_prefix(text: str) -> tuple[IPAddress, IPAddress] | None:
    base, slash, length = text.partition("/")
    if _OCTETS.fullmatch(base) and slash:
        octets = [octet.lstrip("0") or "0" for octet in base.split(".")]
        base = ".".join(octets + ["0"] * (4 - len(octets)))
    if slash and not (length.isascii() and length.isdigit()):
        return None
    try:
        network = ipaddress.ip_network(f"{base}{slash}{length}", strict=False)
    except ValueError:
        return None
    return network.network_address, network.broadcast_address


def parse_as(text: str) -> int | None:
    """`AS64496`, `as 64496` or `64496`; None beyond 32 bits."""
    match = _AS.fullmatch(text.strip())
    number = int(match.group(1)) if match else -1
    return number if 0 <= number < 2**32 else None


def parse_country(text: str) -> str | None:
    """ISO 3166-1 alpha-2 in capitals; `EU # Country is really world wide` is no country."""
    bare = text.partition("#")[0].strip()
    code = bare.upper()
    return code if _COUNTRY.fullmatch(bare) and code not in NOT_COUNTRIES else None
