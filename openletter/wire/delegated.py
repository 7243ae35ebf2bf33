"""delegated-extended statistics of the five registries: who holds how much, in which country.

Owns: one line in, one `Delegation` out. For IPv4 the value is a count of addresses and need not
be a power of two; for IPv6 it is a prefix length; for AS numbers a count. Refuses: lines with
impossible values (counted by the caller); summary, version and comment lines are passed over.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openletter.wire.registry import IPAddress, parse_address, parse_country, plain
from openletter.wire.rpsl import Faults, note

LONGEST_LINE = 1_000
_HELD = frozenset({"allocated", "assigned"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """A range or a run of AS numbers that a registry gave out, or still has."""

    registry: str
    country: str | None
    first: IPAddress | None
    last: IPAddress | None
    first_as: int | None
    last_as: int | None
    status: str
    holder: str
    """The registry's opaque id: the same for all that one holder has."""

    @property
    def is_held(self) -> bool:
        """Given to somebody; what is available or reserved has no country of its own."""
        return self.status in _HELD

    def covers(self, query: IPAddress | int) -> bool:
        """Whether an address, or an AS number, is in it."""
        if isinstance(query, int):
            return self.first_as is not None and self.first_as <= query <= (self.last_as or -1)
        if self.first is None or self.last is None or self.first.version != query.version:
            return False
        return int(self.first) <= int(query) <= int(self.last)


def is_delegated(head: bytes) -> bool:
    """Whether a file begins as delegated statistics do: the version line, or a first record."""
    for line in head[:4_096].split(b"\n")[:50]:
        parts = line.strip().split(b"|")
        if len(parts) >= 6:
            return parts[2] in (b"asn", b"ipv4", b"ipv6") or parts[0].replace(b".", b"").isdigit()
        if line.strip() and not line.startswith(b"#"):
            return False
    return False


def read(lines: Iterable[bytes], *, faults: Counter[str]) -> Iterator[Delegation]:
    """The file's delegations; what can't be one is noted with its line and passed over."""
    placed = faults if isinstance(faults, Faults) else Faults()
    for placed.line, raw in enumerate(lines, start=1):
        line = raw[:LONGEST_LINE].decode("ascii", "replace").strip()
        parts = [part.strip() for part in line.split("|")]
        if not line or line.startswith("#") or len(parts) < 6 or parts[5] == "summary":
            continue
        if parts[0].replace(".", "").isdigit():
            continue  # the version line: 2|ripencc|...
        found = _delegation(parts)
        if found:
            yield found
        else:
            note(faults, "bad-line")


def _delegation(parts: list[str]) -> Delegation | None:
    kind, start, value = parts[2], parts[3], parts[4]
    if len(parts) < 7 or not (value.isascii() and value.isdigit() and len(value) < 12):
        return None
    first, last = _ends(kind, start, int(value))
    number = int(start) if kind == "asn" and start.isascii() and start.isdigit() else None
    last_as = number + int(value) - 1 if number is not None else None
    if (first is None or last is None) and (last_as is None or last_as >= 2**32):
        return None
    return Delegation(
        registry=plain(parts[0], 20),
        country=parse_country(parts[1]),
        first=first,
        last=last,
        first_as=number,
        last_as=last_as,
        status=parts[6],
        holder=plain(parts[7], 100) if len(parts) > 7 else "",
    )


def _ends(kind: str, start: str, value: int) -> tuple[IPAddress | None, IPAddress | None]:
    first = parse_address(start) if kind in ("ipv4", "ipv6") else None
    if isinstance(first, ipaddress.IPv4Address) and kind == "ipv4":
        last = int(first) + value - 1
        is_range = value > 0 and last < 2**32
        return (first, ipaddress.IPv4Address(last)) if is_range else (None, None)
    if isinstance(first, ipaddress.IPv6Address) and kind == "ipv6" and value <= 128:
        network = ipaddress.IPv6Network((first, value), strict=False)
        return network.network_address, network.broadcast_address
    return None, None
