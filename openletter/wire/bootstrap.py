"""Which RDAP server answers for an address or an AS: IANA's bootstrap files (RFC 9224).

Owns: reading one file of `data.iana.org/rdap/` (ipv4.json, ipv6.json, asn.json) as its operator
gives it, and finding the entry of an address: the longest prefix, https first. Refuses: what is
no such file; entries that are no range are counted, not guessed.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from openletter.wire.registry import (
    IPAddress,
    UnreadableError,
    parse_address,
    parse_as,
    parse_range,
)

LARGEST = 8 * 1024 * 1024
MOST_ENTRIES = 200_000
MOST_URLS = 10

Key = tuple[int, int]
"""Family (4, 6, or 0 for AS numbers) and the number itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One range and its servers' base addresses, each ending in a slash."""

    family: int
    first: int
    last: int
    urls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """All entries, sorted; `faults` counts what was passed over."""

    publication: str
    services: tuple[Service, ...]
    faults: int = 0

    def urls_for(self, asked: IPAddress | int) -> tuple[str, ...]:
        """Base addresses of who answers, https first; none where nobody is named."""
        family, number = (0, asked) if isinstance(asked, int) else (asked.version, int(asked))
        place = bisect_right(self.services, (family, number), key=_start)
        found = [
            each
            for each in self.services[max(0, place - _DEEPEST) : place]
            if each.family == family and each.first <= number <= each.last
        ]
        if not found:
            return ()
        narrowest = min(found, key=lambda each: each.last - each.first)
        return tuple(sorted(narrowest.urls, key=lambda url: not url.startswith("https:")))

    def merged(self, other: Bootstrap) -> Bootstrap:
        """Both files as one (IPv4 and IPv6 come apart)."""
        return _bootstrap(
            "; ".join(filter(None, (self.publication, other.publication))),
            (*self.services, *other.services),
            self.faults + other.faults,
        )


_DEEPEST = 64
"""So many entries before the nearest start are looked at; real files do not nest at all."""
NOTHING = Bootstrap(publication="", services=())


def read(document: bytes) -> Bootstrap:
    """One bootstrap file."""
    if len(document) > LARGEST:
        raise UnreadableError("too-large")
    try:
        table = json.loads(document)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError("not-json") from problem
    services = table.get("services") if isinstance(table, dict) else None
    if not isinstance(services, list):
        raise UnreadableError("no-bootstrap")
    found, faults = [], 0
    for entry in services[:MOST_ENTRIES]:
        ranges, urls = _entry(entry)
        good = [each for each in map(_range, ranges) if each] if urls else []
        faults += len(ranges) - len(good) or (not ranges)
        found += [_service(*each, urls=urls) for each in good]
    if not found:
        raise UnreadableError("no-bootstrap")
    return _bootstrap(str(table.get("publication", ""))[:40], found, faults)


def _bootstrap(publication: str, services: Iterable[Service], faults: int) -> Bootstrap:
    ordered = sorted(services, key=lambda each: (each.family, each.first, -each.last))
    return Bootstrap(publication=publication, services=tuple(ordered), faults=faults)


def _start(service: Service) -> Key:
    return service.family, service.first


def _service(family: int, first: int, last: int, *, urls: tuple[str, ...]) -> Service:
    return Service(family=family, first=first, last=last, urls=urls)


def _entry(entry: object) -> tuple[list[str], tuple[str, ...]]:
    """RFC 9224: [[ranges], [addresses]]; object tags have a third list in front."""
    if not isinstance(entry, list) or len(entry) != 2:
        return [], ()
    ranges, urls = (
        [each for each in cast("list[object]", part) if isinstance(each, str)]
        if isinstance(part, list)
        else []
        for part in entry
    )
    return ranges, tuple(filter(None, map(base_address, urls[:MOST_URLS])))


def base_address(url: str) -> str | None:
    """A server's base address with its slash at the end; None for anything else."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("https", "http") and parts.hostname and not parts.query
    except ValueError:
        return None
    if not usable or parts.username or len(url) > 300:
        return None
    return url.strip().rstrip("/") + "/"


def _range(text: str) -> tuple[int, int, int] | None:
    """`192.0.2.0/24`, `2001:db8::/32`, `64496-64511` or `64496`."""
    if "." in text or ":" in text:
        if "-" in text or parse_address(text) is None:
            return None
        ends = parse_range(text)
        return (ends[0].version, int(ends[0]), int(ends[1])) if ends else None
    low, dash, high = text.partition("-")
    first, last = parse_as(low), parse_as(high if dash else low)
    return (0, first, last) if first is not None and last is not None and first <= last else None
