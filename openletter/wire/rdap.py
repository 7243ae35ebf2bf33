"""RDAP answers (RFC 9083) read whole: entities at every depth, positional jCards, remarks.

Owns: turning one JSON document into `Registration`s. Roles contain "abuse", they need not equal
it; one entity may hold several addresses, sorted by `type=abuse`, `pref` and order; answers
without objectClassName are recognised by what they carry. Refuses: documents that are no JSON
object, and more than `MOST_ENTITIES` entities or `DEEPEST` levels (the rest is not read).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from openletter.wire import countries
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
    parse_address,
    parse_country,
    parse_range,
    plain,
)

LARGEST = 64 * 1024 * 1024
MOST_ENTITIES = 2_000
DEEPEST = 8
MOST_ADDRESSES = 500
MOST_NETWORKS = 200
MOST_LINES = 2_000

Json = Mapping[str, object]

_SERVERS = {
    "ripe": "ripencc", "arin": "arin", "apnic": "apnic", "lacnic": "lacnic",
    "afrinic": "afrinic", "nic.br": "registro.br", "nic.ad.jp": "jpnic",
    "krnic": "krnic", "kisa": "krnic", "twnic": "twnic", "cnnic": "cnnic",
    "vnnic": "vnnic", "idnic": "idnic", "nic.mx": "nic.mx",
}  # fmt: skip
_HANDLE_ENDS = {
    "-RIPE": "ripencc", "-ARIN": "arin", "-AP": "apnic", "-AFRINIC": "afrinic",
    "-LACNIC": "lacnic", "-TEST": "test",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Card:
    """The parts of a jCard (RFC 7095) that say whom one writes to."""

    name: str = ""
    organisation: str = ""
    party: Party = Party.UNKNOWN
    emails: tuple[tuple[str, bool, int], ...] = ()
    """value, typed abuse, preference (1 best, 50 where none is given)"""
    country: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One entity with the depth at which it stands."""

    handle: str
    roles: tuple[str, ...]
    card: Card
    validated: bool
    suspect: bool
    depth: int
    remarks: tuple[Remark, ...]


def read(document: bytes | str) -> list[Registration]:
    """What the answer says: one registration, or one for each network of an entity's answer."""
    answer = _parse(document)
    entities = list(_entities(answer))
    whole = _registration(answer, entities)
    if whole.subject is not Subject.ENTITY:
        return [whole]
    networks = [each for each in _objects(answer.get("networks")) if _range(each)]
    found = [_of_entity(whole, each) for each in networks[:MOST_NETWORKS]]
    return sorted(found, key=lambda each: each.first.version if each.first else 9) or [whole]


def _parse(document: bytes | str) -> Json:
    if len(document) > LARGEST:
        raise UnreadableError("too-large")
    try:
        answer = json.loads(document)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError("not-json") from problem
    if not isinstance(answer, dict):
        raise UnreadableError("not-an-object")
    return answer


def _registration(answer: Json, entities: list[Entity]) -> Registration:
    subject = _subject(answer)
    ends = _range(answer) if subject is Subject.NETWORK else None
    first_as = _number(answer.get("startAutnum")) if subject is Subject.AUTNUM else None
    remarks = _remarks(answer, object_=_text(answer.get("handle")), depth=0)
    if subject is not Subject.ENTITY:
        remarks += tuple(remark for entity in entities for remark in entity.remarks)
    return Registration(
        source=Source.RDAP,
        registry=_registry(answer, entities),
        subject=subject,
        query=_query(answer, subject, ends),
        handle=_text(answer.get("handle")),
        name=_text(answer.get("name")),
        status=_text(answer.get("type")),
        parent=_text(answer.get("parentHandle")),
        first=ends[0] if ends else None,
        last=ends[1] if ends else None,
        first_as=first_as,
        last_as=_number(answer.get("endAutnum")) or first_as,
        country=parse_country(_text(answer.get("country"))),
        holder=_holder(answer, entities, subject),
        maintainers=tuple(entity.handle for entity in entities if _is_maintainer(entity)),
        written=tuple(each for entity in entities for each in _written(entity))[:MOST_ADDRESSES],
        remarks=remarks,
    )


def _of_entity(whole: Registration, network: Json) -> Registration:
    """A network listed inside its holder's answer: the holder's contacts are its contacts."""
    ends = _range(network)
    return replace(
        whole,
        subject=Subject.NETWORK,
        handle=_text(network.get("handle")),
        name=_text(network.get("name")),
        status=_text(network.get("type")),
        parent=_text(network.get("parentHandle")),
        first=ends[0] if ends else None,
        last=ends[1] if ends else None,
        country=parse_country(_text(network.get("country"))),
        remarks=whole.remarks + _remarks(network, object_=_text(network.get("handle")), depth=0),
    )


# -- what the answer is about -------------------------------------------------------------------

_CLASSES = {
    "ip network": Subject.NETWORK, "autnum": Subject.AUTNUM, "entity": Subject.ENTITY,
    "domain": Subject.DOMAIN,
}  # fmt: skip


def _subject(answer: Json) -> Subject:
    named = _CLASSES.get(_text(answer.get("objectClassName")).lower())
    if named:
        return named
    if "errorCode" in answer:
        return Subject.NOTHING
    if "startAddress" in answer or "cidr0_cidrs" in answer:
        return Subject.NETWORK
    if "startAutnum" in answer:
        return Subject.AUTNUM
    if "ldhName" in answer:
        return Subject.DOMAIN
    return Subject.ENTITY if "vcardArray" in answer or "handle" in answer else Subject.NOTHING


def _range(network: Json) -> tuple[IPAddress, IPAddress] | None:
    first = parse_address(_text(network.get("startAddress")))
    last = parse_address(_text(network.get("endAddress")))
    if first and last and first.version == last.version and int(first) <= int(last):
        return first, last
    return parse_range(_text(network.get("handle"))) or _cidr0(network)


def _cidr0(network: Json) -> tuple[IPAddress, IPAddress] | None:
    """First and last of the cidr0 extension, where the two plain fields are missing."""
    ends = [
        parse_range(f"{_text(each.get('v4prefix') or each.get('v6prefix'))}/{each.get('length')}")
        for each in _objects(network.get("cidr0_cidrs"))
    ]
    found = [each for each in ends if each]
    if not found or len({each[0].version for each in found}) > 1:
        return None
    return min((e[0] for e in found), key=int), max((e[1] for e in found), key=int)


def _query(answer: Json, subject: Subject, ends: tuple[IPAddress, IPAddress] | None) -> str | None:
    if ends:
        return str(ends[0])
    number = _number(answer.get("startAutnum"))
    if subject is Subject.AUTNUM and number is not None:
        return f"AS{number}"
    return _text(answer.get("ldhName") or answer.get("handle")) or None


def _registry(answer: Json, entities: list[Entity]) -> str:
    links = " ".join(_text(link.get("href")) for link in _objects(answer.get("links"))[:5])
    named = f"{_text(answer.get('port43'))} {links}".lower()
    for part, registry in _SERVERS.items():
        if part in named:
            return registry
    for handle in (_text(answer.get("handle")), *(entity.handle for entity in entities)):
        for end, registry in _HANDLE_ENDS.items():
            if handle.upper().endswith(end):
                return registry
    return ""


# -- entities -----------------------------------------------------------------------------------


def _entities(answer: Json) -> Iterator[Entity]:
    """Every entity, outermost first (breadth first); the answer itself where it is an entity."""
    level: list[tuple[Json, int]] = [(each, 0) for each in _objects(answer.get("entities"))]
    if _subject(answer) is Subject.ENTITY:
        yield _entity(answer, 0)
    count = 0
    while level and count < MOST_ENTITIES:
        below: list[tuple[Json, int]] = []
        for entity, depth in level[: MOST_ENTITIES - count]:
            yield _entity(entity, depth)
            count += 1
            if depth < DEEPEST:
                below += [(each, depth + 1) for each in _objects(entity.get("entities"))]
        level = below


def _entity(entity: Json, depth: int) -> Entity:
    handle, remarks = _text(entity.get("handle")), _objects(entity.get("remarks"))
    return Entity(
        handle=handle,
        roles=tuple(role.lower() for role in _texts(entity.get("roles"))),
        card=read_card(entity.get("vcardArray")),
        validated="validated" in [status.lower() for status in _texts(entity.get("status"))],
        suspect=any("unvalidated" in _text(r.get("title")).lower() for r in remarks),
        depth=depth,
        remarks=_remarks(entity, object_=handle, depth=depth + 1),
    )


def _written(entity: Entity) -> Iterator[Written]:
    is_abuse = any("abuse" in role for role in entity.roles)
    ordered = sorted(entity.card.emails, key=lambda email: (not email[1], email[2]))
    for value, typed, preference in ordered:
        declared = typed or (is_abuse and preference < 50)
        inside = Place.ABUSE_ROLE if is_abuse else Place.CONTACT
        yield Written(
            value=value,
            place=Place.ABUSE_BOX if declared else inside,
            role="abuse" if is_abuse or typed else ",".join(entity.roles),
            object=entity.handle,
            party=entity.card.party,
            party_name=entity.card.name,
            depth=entity.depth,
            preference=preference,
            validated=entity.validated,
            suspect=entity.suspect,
        )


def _holder(answer: Json, entities: list[Entity], subject: Subject) -> Holder:
    """The registrant organisation; failing that any organisation; failing that the description."""
    organisations = [each for each in entities if each.card.party is Party.ORG]
    organisations.sort(key=lambda each: ("registrant" not in each.roles, each.depth))
    if organisations:
        best = organisations[0]
        return Holder(
            handle=best.handle, name=best.card.name or best.handle,
            address_country=best.card.country,
        )  # fmt: skip
    described = [
        line
        for remark in _objects(answer.get("remarks"))
        if _text(remark.get("title")).lower() in ("description", "")
        for line in _texts(remark.get("description"))
    ]
    own = entities[0].card.country if subject is Subject.ENTITY and entities else None
    name = described[0].strip() if described and subject is not Subject.ENTITY else ""
    return Holder(name=name or _text(answer.get("name")), address_country=own or _only(entities))


def _only(entities: list[Entity]) -> str | None:
    """The country of the groups' addresses, where they all agree."""
    found = {each.card.country for each in entities if each.card.country}
    return found.pop() if len(found) == 1 else None


def _is_maintainer(entity: Entity) -> bool:
    return "MNT" in entity.handle.upper().replace("_", "-").split("-")


# -- jCard --------------------------------------------------------------------------------------


def read_card(array: object) -> Card:
    """A jCard by position: [name, parameters, type, value, ...]; anything odd is passed over."""
    properties = array[1] if isinstance(array, list) and len(array) > 1 else []
    name = organisation = ""
    party, country = Party.UNKNOWN, None
    emails: list[tuple[str, bool, int]] = []
    for item in properties[:500] if isinstance(properties, list) else []:
        if not isinstance(item, list) or len(item) < 4 or not isinstance(item[0], str):
            continue
        parameters = item[1] if isinstance(item[1], dict) else {}
        match item[0].lower():
            case "fn":
                name = name or plain(_flat(item[3]))
            case "org":
                organisation = organisation or plain(_flat(item[3]))
            case "kind":
                party = _party(_flat(item[3]))
            case "email":
                emails += [(_flat(value), *_weight(parameters)) for value in item[3:]]
            case "adr":
                country = country or _country(parameters, item[3])
    return Card(
        name=name, organisation=organisation, party=party, country=country,
        emails=tuple(email for email in emails if email[0])[:MOST_ADDRESSES],
    )  # fmt: skip


def _party(kind: str) -> Party:
    named = kind.strip().lower()
    named = "org" if named == "organization" else named
    return Party(named) if named in set(Party) else Party.UNKNOWN


def _weight(parameters: Mapping[str, object]) -> tuple[bool, int]:
    """Typed abuse, and `pref` (RFC 6350: 1 to 100, 1 best)."""
    types = [kind.lower() for kind in _texts(parameters.get("type"))]
    number = _number(parameters.get("pref"))
    return any("abuse" in kind for kind in types), number if number and 1 <= number <= 100 else 50


def _country(parameters: Mapping[str, object], value: object) -> str | None:
    """RFC 8605's `cc`, else the seventh component, else the end of the label."""
    code = parse_country(_text(parameters.get("cc")))
    if code:
        return code
    parts = [_flat(part) for part in value] if isinstance(value, list) else []
    structured = countries.of_field(parts[6]) if len(parts) > 6 and parts[6] else None
    return structured or countries.of_address(_flat(parameters.get("label")))


# -- JSON as it comes ---------------------------------------------------------------------------


def _remarks(holder: Json, *, object_: str, depth: int) -> tuple[Remark, ...]:
    found = []
    for remark in _objects(holder.get("remarks"))[:50]:
        lines = [
            line
            for text in _texts(remark.get("description"))[:MOST_LINES]
            for line in text.replace("\\r", "").replace("\\n", "\n").splitlines() or [""]
        ]
        lines = [line.encode("utf-8", "replace").decode() for line in lines[:MOST_LINES]]
        found.append(Remark(lines=tuple(lines), object=object_, depth=depth))
    return tuple(found)


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return plain(value, 2_000) if isinstance(value, str) else ""


def _flat(value: object) -> str:
    """A jCard value that may be text or a list of texts; kept whole, also with line breaks."""
    text = " ".join(each for each in _texts(value)[:20])[:4_000]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 2**32 else None
