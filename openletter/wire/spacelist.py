"""Lists of networks that an operator loads: one a line, or the Tor project's list of exits.

A network, an address or a range stands first in its line; `#` and `;` begin remarks. Of Tor's
`exit-addresses` the lines with `ExitAddress` count.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range

from openletter.wire.address import Address, NotAddress, parse_range
from openletter.wire.lines import Line

Network = IPv4Network | IPv6Network
MOST = 1_000_000
_OF_TOR = ("ExitNode ", "Published ", "LastStatus ")


class BadListError(ValueError):
    """The list has a line that cannot be read; the message says which."""


def networks(lines: Iterable[Line]) -> list[Network]:
    """All networks of a list; a line that names none refuses the whole of it."""
    found: list[Network] = []
    for line in lines:
        text = line.text.strip()
        if not line.problem and (not text or text[0] in "#;" or text.startswith(_OF_TOR)):
            continue
        words = text.removeprefix("ExitAddress ").replace(",", " ").replace(";", " ").split()
        ends = parse_range(words[0]) if words and not line.problem else NotAddress("bad-address")
        if isinstance(ends, NotAddress):
            raise BadListError(f"line {line.number} names no network")
        found.extend(_between(*ends))
        if len(found) > MOST:
            raise BadListError(f"more than {MOST:,} networks")
    return found


def _between(first: Address, last: Address) -> Iterable[Network]:
    if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
        return summarize_address_range(first, last)
    if isinstance(first, IPv6Address) and isinstance(last, IPv6Address):
        return summarize_address_range(first, last)
    return ()
