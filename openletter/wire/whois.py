"""WHOIS texts (RFC 3912 carries them; each registry has its own form) as registrations.

RIPE, APNIC, AFRINIC and LACNIC write in RPSL's manner, ARIN and KRNIC lists of fields, JPNIC a
lettered list; TWNIC's and rwhois texts are read by `whoislists`.

Owns: one text in, its registrations out, most specific first. Refuses: texts in which no network
and no AS can be found (`UnreadableError`): "no match" is said by the registry, not by us.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from textwrap import dedent

from openletter.wire import rpsl, rpsl_links, whoislists
from openletter.wire.registry import (
    Holder,
    IPAddress,
    Party,
    Place,
    Registration,
    Remark,
    Source,
    Subject,
    UnreadableError,
    Written,
    parse_as,
    parse_country,
    parse_range,
    plain,
)

LARGEST = 8 * 1024 * 1024
MOST_NETWORKS = 500
_BANNERS = (
    ("whois.apnic.net", "apnic"), ("RIPE Database", "ripencc"), ("AfriNIC", "afrinic"),
    ("whois.lacnic.net", "lacnic"), ("LACNIC", "lacnic"), ("ARIN WHOIS", "arin"),
    ("JPNIC", "jpnic"), ("nic.br", "registro.br"), ("KRNIC", "krnic"), ("TWNIC", "twnic"),
)  # fmt: skip
_ABUSE_LINE = re.compile(
    r"^%+\s*Abuse contact for '([^'\n]{1,120})' is '([^'\n]{1,320})'", re.MULTILINE
)
_FAILED_LINE = re.compile(r"[^\n]*\n%+\s*Abuse-mailbox validation failed", re.IGNORECASE)
_NONE_LINE = re.compile(r"^%+\s*No abuse contact registered for ([^\n]{1,120})", re.MULTILINE)
_TAG = re.compile(r"<[^<>]{0,400}>")


def read(document: bytes | str) -> list[Registration]:
    """The text's networks and ASes, the smallest first."""
    if len(document) > LARGEST:
        raise UnreadableError("too-large")
    text = _decoded(document) if isinstance(document, bytes) else document
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    text = dedent(text) if text.lstrip("\n")[:1] in (" ", "\t") else text
    if re.search(r"<pre\b", text[:20_000], re.IGNORECASE):
        text = html.unescape(_TAG.sub("", text))
    found = _read(text)
    if not found:
        raise UnreadableError("no-network")
    return sorted(found, key=lambda each: each.size)


def _read(text: str) -> list[Registration]:
    """By the form of the text, which tells the registry."""
    if re.search(r"^(NetRange|ASNumber):", text, re.MULTILINE):
        return list(islice(_arin(text), MOST_NETWORKS))
    if "[Network Number]" in text or "[AS Number]" in text:
        return _jpnic(text)
    if re.search(r"^IPv[46] Address\s*:", text, re.MULTILINE):
        return list(_krnic(text))
    if whoislists.is_rwhois(text):
        return list(whoislists.rwhois(text))
    return list(whoislists.twnic(text)) if whoislists.is_twnic(text) else _rpsl(text)


def _decoded(document: bytes) -> str:
    try:
        return document.decode("utf-8")
    except UnicodeDecodeError:
        return document.decode("latin-1")


def _registry(text: str) -> str:
    head = text[:4_000]
    places = [(head.find(banner), name) for banner, name in _BANNERS if banner in head]
    return min(places)[1] if places else ""


# -- RIPE, APNIC, AFRINIC, LACNIC ---------------------------------------------------------------


def _rpsl(text: str) -> list[Registration]:
    directory, subjects = rpsl_links.Directory(), []
    for each in rpsl.objects(
        [text.encode("utf-8", "backslashreplace")], wanted=rpsl_links.WANTED, faults=Counter()
    ):
        directory.add(each)
        if each.kind in rpsl_links.NETWORKS | rpsl_links.AUTNUMS:
            subjects.append(each)
    found = [rpsl_links.registration(each, directory) for each in subjects[:MOST_NETWORKS]]
    registry, said = _registry(text), _said(text)
    return [
        _with_said(replace(each, source=Source.WHOIS, registry=each.registry or registry), said)
        for each in found
        if each
    ]


Subjected = tuple[IPAddress, IPAddress] | int | None
"""What a comment line is about: a range or an AS number."""


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the registry says in comments: abuse contacts it worked out, and that there is none."""

    boxes: Mapping[Subjected, tuple[Written, ...]]
    none: frozenset[Subjected]


def _said(text: str) -> _Said:
    lines = "\n".join(line for line in text.split("\n") if line.startswith("%"))[:200_000]
    boxes: dict[Subjected, tuple[Written, ...]] = {}
    for match in islice(_ABUSE_LINE.finditer(lines), MOST_NETWORKS):
        named, value = match.groups()
        suspect = bool(_FAILED_LINE.match(lines, match.end()))
        box = Written(
            value=value, place=Place.ABUSE_BOX, role="abuse-contact", object=plain(named, 200),
            party=Party.GROUP, suspect=suspect,
        )  # fmt: skip
        boxes[_about(named)] = (*boxes.get(_about(named), ()), box)
    none = islice(_NONE_LINE.finditer(lines), MOST_NETWORKS)
    return _Said(boxes=boxes, none=frozenset(_about(match.group(1)) for match in none))


def _with_said(found: Registration, said: _Said) -> Registration:
    subject: Subjected = found.first_as
    if found.first is not None and found.last is not None:
        subject = (found.first, found.last)
    written = (*said.boxes.get(subject, ()), *found.written)
    return replace(found, written=written, no_abuse_contact=subject in said.none)


def _about(named: str) -> Subjected:
    return parse_range(named) or parse_as(named)


# -- ARIN ---------------------------------------------------------------------------------------

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9]{1,30}):[ \t]*(.*)$")
_POC = re.compile(r"(org|r)(abuse|tech|noc|routing|dns|admin)(handle|name|email)")


@dataclass(kw_only=True)
class _Section:
    """ARIN's lines from one NetRange (or ASNumber) to the next."""

    fields: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    pocs: list[tuple[str, str, str, str]] = field(default_factory=list)
    """side (org, r), role, name, e-mail"""
    contact: str = ""


def _arin(text: str) -> Iterator[Registration]:
    for section in _sections(text):
        fields = section.fields
        ends = parse_range(fields.get("netrange", ""))
        numbers = [parse_as(each) for each in fields.get("asnumber", "").split("-")]
        if ends is None and None in numbers:
            continue
        handle = fields.get("nethandle") or fields.get("ashandle", "")
        yield Registration(
            source=Source.WHOIS,
            registry="arin",
            subject=Subject.NETWORK if ends else Subject.AUTNUM,
            query=str(ends[0]) if ends else f"AS{numbers[0]}",
            handle=handle,
            name=fields.get("netname") or fields.get("asname", ""),
            status=fields.get("nettype", ""),
            parent=fields.get("parent", ""),
            first=ends[0] if ends else None,
            last=ends[1] if ends else None,
            first_as=None if ends else numbers[0],
            last_as=None if ends else numbers[-1],
            holder=_arin_holder(fields),
            written=tuple(_arin_written(section, handle)),
            remarks=(Remark(lines=tuple(section.comments[:1_000]), object=handle),),
        )


def _sections(text: str) -> list[_Section]:
    sections: list[_Section] = []
    for match in map(_FIELD.match, text.split("\n")):
        if not match:
            continue
        key, raw = match.group(1).lower(), match.group(2)
        if key in ("netrange", "asnumber"):
            sections.append(_Section())
        if sections:
            _take(sections[-1], key, raw)
    return sections


def _take(here: _Section, key: str, raw: str) -> None:
    """One field of a section; a contact's e-mail belongs to the name above it."""
    value, poc = plain(raw, 1_000), _POC.fullmatch(key)
    if key == "comment":
        here.comments.append(value)
    elif poc is None:
        here.fields.setdefault(key, value)
    elif poc.group(3) == "email":
        here.pocs.append((poc.group(1), poc.group(2), here.contact, raw))
    else:
        here.contact = value


def _arin_written(section: _Section, handle: str) -> Iterator[Written]:
    for side, role, name, value in section.pocs[:200]:
        is_abuse = role == "abuse"
        yield Written(
            value=value,
            place=Place.ABUSE_BOX if is_abuse else Place.CONTACT,
            role="abuse" if is_abuse else role,
            object=handle if side == "r" else section.fields.get("orgid", handle),
            party=Party.GROUP if is_abuse else Party.UNKNOWN,
            party_name=name,
            depth=0 if side == "r" else 1,
        )


def _arin_holder(fields: dict[str, str]) -> Holder:
    named = re.fullmatch(r"(.*?)\s*\(([A-Za-z0-9-]+)\)", fields.get("customer", ""))
    named = named or re.fullmatch(r"(.*?)\s*\(([A-Za-z0-9-]+)\)", fields.get("organization", ""))
    return Holder(
        handle=fields.get("orgid") or (named.group(2) if named else ""),
        name=fields.get("custname") or fields.get("orgname") or (named.group(1) if named else ""),
        address_country=parse_country(fields.get("country", "")),
    )


# -- JPNIC --------------------------------------------------------------------------------------

_LETTERED = re.compile(r"^(?:[a-z]\.\s*)?\[([^\]]{1,40})\][ \t]*(.*)$")
_EMAIL_LABELS = frozenset({"e-mail", "電子メイル", "電子メール"})
_ABUSE_LABELS = frozenset({"abuse", "abuse contact"})


def _jpnic(text: str) -> list[Registration]:
    fields: dict[str, str] = {}
    written: list[Written] = []
    party, handle = Party.UNKNOWN, ""
    for line in text.split("\n"):
        if line.strip().endswith("Information:"):
            party = Party.GROUP if "Group" in line else Party.INDIVIDUAL
            party = Party.UNKNOWN if "Network" in line else party
        match = _LETTERED.match(line.strip())
        if not match:
            continue
        label, value = match.group(1).strip().lower(), match.group(2).strip()
        if label in ("jpnic handle", "group handle"):
            handle = plain(value, 200)
        if label in _ABUSE_LABELS | _EMAIL_LABELS and value:
            is_abuse = label in _ABUSE_LABELS
            place = Place.ABUSE_BOX if is_abuse else Place.CONTACT
            role = "abuse" if is_abuse else "contact"
            written.append(Written(value=value, place=place, role=role, object=handle, party=party))
        fields.setdefault(label, plain(value))
    return _jpnic_registration(fields, tuple(written))


def _jpnic_registration(fields: dict[str, str], written: tuple[Written, ...]) -> list[Registration]:
    ends = parse_range(fields.get("network number", ""))
    number = parse_as(fields.get("as number", ""))
    if ends is None and number is None:
        return []
    return [
        Registration(
            source=Source.WHOIS,
            registry="jpnic",
            subject=Subject.NETWORK if ends else Subject.AUTNUM,
            query=str(ends[0]) if ends else f"AS{number}",
            handle=fields.get("network number") or f"AS{number}",
            name=fields.get("network name") or fields.get("as name", ""),
            first=ends[0] if ends else None,
            last=ends[1] if ends else None,
            first_as=number,
            last_as=number,
            holder=Holder(name=fields.get("organization", "")),
            written=written,
        )
    ]


# -- KRNIC --------------------------------------------------------------------------------------

_KRNIC_FIELD = re.compile(
    r"^(?:(IPv[46] Address|Organization Name|Service Name|Network Type|Name|E-Mail)\s*:[ \t]*(.*)"
    r"|\[ ([A-Za-z ]{1,80}) \]\s*)$",
    re.MULTILINE | re.IGNORECASE,
)


def _krnic(text: str) -> Iterator[Registration]:
    """The English half: a provider's network, then more specific ones, each with contacts."""
    sections: list[dict[str, str]] = []
    heading = ""
    for match in _KRNIC_FIELD.finditer(text):
        heading = (match.group(3) or heading).lower()
        label, value = (match.group(1) or "").lower(), (match.group(2) or "").strip()
        if label.endswith("address"):
            sections.append({"range": value.partition("(")[0].strip()})
        elif label and sections:
            label = f"abuse {label}" if "abuse" in heading else label
            sections[-1].setdefault(label, value)
    for section in sections[:MOST_NETWORKS]:
        ends = parse_range(section["range"])
        if ends is None:
            continue
        yield Registration(
            source=Source.WHOIS,
            registry="krnic",
            subject=Subject.NETWORK,
            query=str(ends[0]),
            handle=section["range"],
            name=plain(section.get("service name", "")),
            status="assigned" if "network type" in section else "allocated",
            first=ends[0],
            last=ends[1],
            holder=Holder(name=plain(section.get("organization name", ""))),
            written=tuple(_krnic_written(section)),
        )  # fmt: skip


def _krnic_written(section: dict[str, str]) -> Iterator[Written]:
    for kind, place in (("abuse ", Place.ABUSE_BOX), ("", Place.CONTACT)):
        value, name = section.get(f"{kind}e-mail", ""), plain(section.get(f"{kind}name", ""))
        if value:
            yield Written(
                value=value, place=place, role=kind.strip() or "contact", object=name,
                party_name=name,
            )  # fmt: skip
