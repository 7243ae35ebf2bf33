"""WHOIS texts that are lists of labels: TWNIC's, and referral WHOIS (RFC 2167) of providers.

Owns: one such text in, its registrations out. A provider's rwhois names the customer as holder
and its own desk as contact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from openletter.wire.registry import (
    Holder,
    IPAddress,
    Party,
    Place,
    Registration,
    Source,
    Subject,
    Written,
    parse_country,
    parse_range,
    plain,
)

MOST_NETWORKS = 500
MOST_CONTACTS = 50

# -- TWNIC --------------------------------------------------------------------------------------

_BLOCK = re.compile(r"^[ \t]*Netblock:[ \t]*(\S{1,90}(?:[ \t]*-[ \t]*\S{1,50})?)", re.MULTILINE)
_NAME = re.compile(r"^[ \t]*Netname:[ \t]*(\S{1,100})", re.MULTILINE)
_HEADING = re.compile(r"(Administrator|Technical|Abuse|Spam)\b[^:\n]{0,40}contact:?", re.IGNORECASE)


def is_twnic(text: str) -> bool:
    """A `Netblock:` field, which only TWNIC's own answers have."""
    return bool(_BLOCK.search(text))


def twnic(text: str) -> Iterator[Registration]:
    """The block with the addresses below each heading."""
    for match in islice(_BLOCK.finditer(text), MOST_NETWORKS):
        ends = parse_range(match.group(1))
        named = _NAME.search(text)
        if ends is not None:
            yield Registration(
                source=Source.WHOIS, registry="twnic", subject=Subject.NETWORK,
                query=str(ends[0]), handle=plain(match.group(1)),
                name=named.group(1) if named else "", first=ends[0], last=ends[1],
                holder=Holder(name=_first_line(text[: match.start()])),
                written=tuple(islice(_below_headings(text), MOST_CONTACTS)),
            )  # fmt: skip


def _first_line(before: str) -> str:
    """The holder's name, where one stands above the network's own."""
    lines = [line.strip() for line in before.split("\n") if line.strip()]
    told = [line for line in lines if not line.startswith(("[", "%", "#")) and ":" not in line]
    return plain(told[0]) if told else ""


def _below_headings(text: str) -> Iterator[Written]:
    heading = ""
    for line in text.split("\n"):
        match = _HEADING.match(line.strip()[:100])
        if match:
            heading = match.group(1).lower()
            line = line.partition(":")[2]  # noqa: PLW2901 (what stands behind the heading)
        elif line.strip() and ":" in line and "@" not in line:
            heading = ""
        if heading and "@" in line:
            is_abuse = heading in ("abuse", "spam")
            yield Written(
                value=line.strip(), place=Place.ABUSE_BOX if is_abuse else Place.CONTACT,
                role=heading, object=heading, party=Party.GROUP if is_abuse else Party.UNKNOWN,
            )  # fmt: skip


# -- rwhois -------------------------------------------------------------------------------------

_LINE = re.compile(
    r"^(network|organization|contact):([^:;\n]{1,60})(?:;I)?:[ \t]*(.*)$", re.IGNORECASE
)
_ROLES = {
    "abuse-contact": (Place.ABUSE_BOX, "abuse"), "abuse-email": (Place.ABUSE_BOX, "abuse"),
    "tech-contact": (Place.CONTACT, "technical"), "tech-email": (Place.CONTACT, "technical"),
    "admin-contact": (Place.CONTACT, "administrative"),
    "admin-email": (Place.CONTACT, "administrative"), "poc-email": (Place.CONTACT, "contact"),
    "updated-by": (Place.NOTICE, "updated-by"),
}  # fmt: skip


def is_rwhois(text: str) -> bool:
    """The server's greeting, or a network's class line."""
    return bool(
        re.search(r"^(%rwhois |network:Class-Name:)", text[:100_000], re.MULTILINE | re.IGNORECASE)
    )


def rwhois(text: str) -> Iterator[Registration]:
    """Every network of the answer; contacts of its `contact:` lines belong to all of them."""
    networks: list[Fields] = []
    shared: Fields = {}
    for match in filter(None, map(_LINE.match, text.split("\n"))):
        kind, label, value = match.group(1).lower(), match.group(2).lower(), match.group(3).strip()
        if kind == "network" and (label == "class-name" or not networks):
            networks.append({})
        found = networks[-1] if kind == "network" else shared
        if kind != "organization" or label in _ROLES:
            found.setdefault(label.replace(" ", "-"), []).append(value)
    for fields in networks[:MOST_NETWORKS]:
        written = fields.get("ip-network-block", []) + fields.get("ip-network", [])
        ends = next(filter(None, map(parse_range, written)), None)
        if ends is not None:
            yield _network(fields, shared, ends)


Fields = dict[str, list[str]]


def _network(fields: Fields, shared: Fields, ends: tuple[IPAddress, IPAddress]) -> Registration:
    def first(*labels: str) -> str:
        told = (value for label in labels for value in fields.get(label, []))
        return plain(next(filter(None, told), ""))

    handle = first("id") or str(ends[0])
    return Registration(
        source=Source.WHOIS, registry="", subject=Subject.NETWORK, query=str(ends[0]),
        handle=handle, name=first("network-name"), first=ends[0],
        last=ends[1], country=parse_country(first("country-code", "customer-country-code")),
        holder=Holder(name=first("customer-organization", "org-name", "organization")),
        written=tuple(islice(_contacts(fields, shared, handle), MOST_CONTACTS)),
    )  # fmt: skip


def _contacts(fields: Fields, shared: Fields, handle: str) -> Iterator[Written]:
    told = (
        (value, depth, at)
        for source, depth in ((fields, 0), (shared, 1))
        for label, at in _ROLES.items()
        for value in source.get(label, [])
    )
    for value, depth, (place, role) in told:
        if "@" in value:
            party = Party.GROUP if place is Place.ABUSE_BOX else Party.UNKNOWN
            yield Written(
                value=value, place=place, role=role, object=handle, depth=depth, party=party
            )
