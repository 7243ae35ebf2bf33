"""Which addresses we ever connect to because of what a stranger wrote: public unicast, no other.

A redirect or a name from outside may point at our own machine, our own network or a cloud's
metadata service. Owns: the one decision, for every spelling of an address, also for IPv4 inside
IPv6 (mapped, 6to4, NAT64, Teredo), which the tables of the operating system would follow inside.
"""

from __future__ import annotations

import ipaddress

from openletter.wire.address import Address, address_class
from openletter.words import AddressClass

_UNICAST = ipaddress.IPv6Network("2000::/3")
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.0/24",  # the anycast relays of 6to4 (RFC 7526)
            "168.63.129.16/32",  # one cloud's inner services, behind a public address
            "2001::/23",  # IETF protocol assignments, Teredo among them
            "2002::/16",  # 6to4: an IPv4 address inside
        ),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_reachable(address: Address) -> bool:
    """Whether we may connect to an address that somebody else named."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_reachable(inner)
        if address not in _UNICAST or address.scope_id:
            return False
    if any(address.version == each.version and address in each for each in _NEVER):
        return False
    return address_class(address) is AddressClass.GLOBAL
