"""Addresses as sources spell them, read into the one address they mean.

`::ffff:192.0.2.1`, `64:ff9b::c000:201` and ` 192.0.2.1 ` are one target, so are the spellings of
`2001:db8::1`. A spelling that two programs read differently (`192.0.2.010`: 10 or 8) is refused: a
letter to the wrong person is worse than none; `192.000.002.001` has one reading. A tunnelled
address (6to4, Teredo) names a machine behind the IPv4 address in it, so it stays what it is, of
special class.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from openletter.words import AddressClass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_QUAD = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)
_RANGE = re.compile(r"[0-9a-fA-F:.]+\s*(/[0-9]{1,3}|-\s*[0-9a-fA-F:.]+)", re.ASCII)
_SIX = re.compile(r"[0-9a-fA-F:.]{2,45}", re.ASCII)

_DOCUMENTATION = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    )
)
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_TUNNELS = tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16")))
_TRANSLATED = int(ipaddress.IPv6Address("64:ff9b::")) >> 32
_FOR_DEMONSTRATION = frozenset(range(192, 204))  # first octets of the three IPv4 blocks and 192.168


@dataclass(frozen=True, slots=True)
class NotAddress:
    """Why a text is not one address; `code` is a reason of judging."""

    code: str


def parse_address(text: str) -> Address | NotAddress:
    """The one address that a text means, or why there is none."""
    plain = text.strip()
    if match := _QUAD.fullmatch(plain):
        return _quad(match.groups())
    if not plain:
        return NotAddress("missing-address")
    if plain[0] == "[" and plain[-1] == "]":
        plain = plain[1:-1]
    if _RANGE.fullmatch(plain):
        return _one_of_range(plain)
    if "%" in plain:
        return NotAddress("scoped-address")
    return _six(plain)


def _quad(octets: tuple[str, ...]) -> Address | NotAddress:
    value = 0
    for octet in octets:
        number = int(octet)
        if number > 255:
            return NotAddress("bad-address")
        if octet[0] == "0" and len(octet) > 1 and _octal(octet) != number:
            return NotAddress("ambiguous-address")
        value = value << 8 | number
    return ipaddress.IPv4Address(value)


def _octal(octet: str) -> int:
    """The value as C's inet_aton reads a leading zero; -1 where that has none."""
    return -1 if set(octet) & {"8", "9"} else int(octet, 8)


def _six(plain: str) -> Address | NotAddress:
    if not _SIX.fullmatch(plain) or ":" not in plain:
        return NotAddress("bad-address")
    try:
        address = ipaddress.IPv6Address(plain)
    except ValueError:
        return NotAddress("bad-address")
    return address.ipv4_mapped or _translated(address) or address


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """`64:ff9b::192.0.2.1` is how an IPv6-only network reaches 192.0.2.1 (RFC 6052 §2.1)."""
    if int(address) >> 32 != _TRANSLATED:
        return None
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def parse_range(text: str) -> tuple[Address, Address] | NotAddress:
    """First and last address of a network or range; host bits in front of a prefix don't matter."""
    plain = text.strip()
    head, slash, width = plain.partition("/")
    first_text, dash, last_text = (head, "", "") if slash else plain.partition("-")
    first = parse_address(first_text)
    if isinstance(first, NotAddress):
        return first
    if dash:
        return _in_order(first, parse_address(last_text))
    whole = 128 if ":" in head else 32
    bits = int(width) if width.isascii() and width.isdigit() and len(width) < 4 else whole
    if bits > whole or (whole == 128 and first.version == 4 and bits < 96):
        return NotAddress("bad-address")
    if whole == 128 and first.version == 4:
        bits -= 96
    family = ipaddress.IPv4Network if first.version == 4 else ipaddress.IPv6Network
    network = family((int(first), bits), strict=False)
    return network[0], network[-1]


def _in_order(first: Address, last: Address | NotAddress) -> tuple[Address, Address] | NotAddress:
    if isinstance(last, NotAddress):
        return last
    if first.version != last.version or int(last) < int(first):
        return NotAddress("bad-address")
    return first, last


def _one_of_range(plain: str) -> Address | NotAddress:
    """`192.0.2.1/32` and `192.0.2.1-192.0.2.1` are one address; wider ranges name nobody."""
    head, slash, width = plain.partition("/")
    first = parse_address(head if slash else plain.partition("-")[0])
    if isinstance(first, NotAddress):
        return first
    if slash:
        whole = 128 if ":" in head else 32
        return first if int(width) == whole else NotAddress("range")
    return first if parse_address(plain.partition("-")[2]) == first else NotAddress("range")


def address_class(address: Address) -> AddressClass:
    """Which world an address belongs to; recorded with a row, judged when a case is opened."""
    if isinstance(address, ipaddress.IPv6Address):
        return _class_by_tables(address)
    first = int(address) >> 24
    if first in {10, 127}:
        return AddressClass.PRIVATE if first == 10 else AddressClass.LOOPBACK
    if 10 < first < 100 or (_fits_no_table(first) and first < 224):
        return AddressClass.GLOBAL
    return _class_by_tables(address)


def _fits_no_table(first: int) -> bool:
    """First octets without any special registration (RFC 6890), so the tables need no look."""
    return first > 100 and first not in _FOR_DEMONSTRATION and first not in {127, 169, 172}


def _class_by_tables(address: Address) -> AddressClass:
    if address.is_loopback:
        return AddressClass.LOOPBACK
    if _within(address, _DOCUMENTATION):
        return AddressClass.DOCUMENTATION
    if _within(address, _PRIVATE):
        return AddressClass.PRIVATE
    if address.is_multicast or not address.is_global or _within(address, _TUNNELS):
        return AddressClass.SPECIAL
    return AddressClass.GLOBAL


def _within(
    address: Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> bool:
    return any(address.version == net.version and address in net for net in networks)


def parse_port(text: str) -> int | None:
    """A port from 1 to 65535; None where the text is none."""
    plain = text.strip()
    if not plain.isascii() or not plain.isdigit() or len(plain) > 5:
        return None
    port = int(plain)
    return port if 0 < port < 65536 else None
