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
from itertools import islice

from openletter.wire.jcard import (
    MOST_ADDRESSES,
    Card,
    number,
    read_card,
    read_jscontact,
    text,
    texts,
)
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
MOST_NETWORKS = 200
MOST_LINES = 2_000
MOST_REMARKS = 100

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
    first_as = number(answer.get("startAutnum")) if subject is Subject.AUTNUM else None
    remarks = _remarks(answer, object_=text(answer.get("handle")), depth=0)
    if subject is not Subject.ENTITY:
        remarks += tuple(remark for entity in entities for remark in entity.remarks)
    return Registration(
        source=Source.RDAP,
        registry=_registry(answer, entities),
        subject=subject,
        query=_query(answer, subject, ends),
        handle=text(answer.get("handle")),
        name=text(answer.get("name")),
        status=text(answer.get("type")),
        parent=text(answer.get("parentHandle")),
        first=ends[0] if ends else None,
        last=ends[1] if ends else None,
        first_as=first_as,
        last_as=number(answer.get("endAutnum")) or first_as,
        country=parse_country(text(answer.get("country"))),
        holder=_holder(answer, entities, subject),
        maintainers=tuple(entity.handle for entity in entities if _is_maintainer(entity)),
        written=tuple(
            islice((each for entity in entities for each in _written(entity)), MOST_ADDRESSES)
        ),
        remarks=remarks[:MOST_REMARKS],
    )


def _of_entity(whole: Registration, network: Json) -> Registration:
    """A network listed inside its holder's answer: the holder's contacts are its contacts."""
    ends = _range(network)
    return replace(
        whole,
        subject=Subject.NETWORK,
        handle=text(network.get("handle")),
        name=text(network.get("name")),
        status=text(network.get("type")),
        parent=text(network.get("parentHandle")),
        first=ends[0] if ends else None,
        last=ends[1] if ends else None,
        country=parse_country(text(network.get("country"))),
        remarks=whole.remarks + _remarks(network, object_=text(network.get("handle")), depth=0),
    )


# -- what the answer is about -------------------------------------------------------------------

_CLASSES = {
    "ip network": Subject.NETWORK, "autnum": Subject.AUTNUM, "entity": Subject.ENTITY,
    "domain": Subject.DOMAIN,
}  # fmt: skip


def _subject(answer: Json) -> Subject:
    named = _CLASSES.get(text(answer.get("objectClassName")).lower())
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
    first = parse_address(text(network.get("startAddress")))
    last = parse_address(text(network.get("endAddress")))
    if first and last and first.version == last.version and int(first) <= int(last):
        return first, last
    return parse_range(text(network.get("handle"))) or _cidr0(network)


def _cidr0(network: Json) -> tuple[IPAddress, IPAddress] | None:
    """First and last of the cidr0 extension, where the two plain fields are missing."""
    ends = [
        parse_range(f"{text(each.get('v4prefix') or each.get('v6prefix'))}/{each.get('length')}")
        for each in _objects(network.get("cidr0_cidrs"))
    ]
    found = [each for each in ends if each]
    if not found or len({each[0].version for each in found}) > 1:
        return None
    return min((e[0] for e in found), key=int), max((e[1] for e in found), key=int)


def _query(answer: Json, subject: Subject, ends: tuple[IPAddress, IPAddress] | None) -> str | None:
    if ends:
        return str(ends[0])
    autnum = number(answer.get("startAutnum"))
    if subject is Subject.AUTNUM and autnum is not None:
        return f"AS{autnum}"
    return text(answer.get("ldhName") or answer.get("handle")) or None


def _registry(answer: Json, entities: list[Entity]) -> str:
    links = " ".join(text(link.get("href")) for link in _objects(answer.get("links"))[:5])
    named = f"{text(answer.get('port43'))} {links}".lower()
    for part, registry in _SERVERS.items():
        if part in named:
            return registry
    for handle in (text(answer.get("handle")), *(entity.handle for entity in entities)):
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
    handle, remarks = text(entity.get("handle")), _objects(entity.get("remarks"))
    return Entity(
        handle=handle,
        roles=tuple(plain(role, 40).lower() for role in texts(entity.get("roles"))[:20]),
        card=_card(entity),
        validated="validated" in [status.lower() for status in texts(entity.get("status"))],
        suspect=any("unvalidated" in text(r.get("title")).lower() for r in remarks),
        depth=depth,
        remarks=_remarks(entity, object_=handle, depth=depth + 1),
    )


def _card(entity: Json) -> Card:
    if "vcardArray" in entity:
        return read_card(entity["vcardArray"])
    return read_jscontact(entity.get("jscard") or entity.get("jscontact_card"))


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
    organisations = [each for each in entities if _is_organisation(each)]
    organisations.sort(key=lambda each: ("registrant" not in each.roles, each.depth))
    best = organisations[0] if organisations else None
    if best and best.card.name:
        return Holder(handle=best.handle, name=best.card.name, address_country=best.card.country)
    described = [
        line
        for remark in _objects(answer.get("remarks"))
        if text(remark.get("title")).lower() in ("description", "")
        for line in texts(remark.get("description"))
    ]
    own = entities[0].card.country if subject is Subject.ENTITY and entities else None
    name = described[0].strip() if described and subject is not Subject.ENTITY else ""
    return Holder(
        handle=best.handle if best else "",
        name=name or text(answer.get("name")),
        address_country=own or _only(entities),
    )


def _is_organisation(entity: Entity) -> bool:
    """By its kind; RIPE's handles tell it too where the card is left out."""
    if entity.card.party is Party.UNKNOWN and not entity.card.emails:
        return entity.handle.upper().startswith("ORG-") and "registrant" in entity.roles
    return entity.card.party is Party.ORG


def _only(entities: list[Entity]) -> str | None:
    """The country of the groups' addresses, where they all agree."""
    found = {each.card.country for each in entities if each.card.country}
    return found.pop() if len(found) == 1 else None


def _is_maintainer(entity: Entity) -> bool:
    return "MNT" in entity.handle.upper().replace("_", "-").split("-")


# -- JSON as it comes ---------------------------------------------------------------------------


def _remarks(holder: Json, *, object_: str, depth: int) -> tuple[Remark, ...]:
    found = []
    for remark in _objects(holder.get("remarks"))[:50]:
        lines = [
            line
            for block in texts(remark.get("description"))[:MOST_LINES]
            for line in block.replace("\\r", "").replace("\\n", "\n").splitlines() or [""]
        ]
        lines = [line.encode("utf-8", "backslashreplace").decode() for line in lines[:MOST_LINES]]
        found.append(Remark(lines=tuple(lines), object=object_, depth=depth))
    return tuple(found)


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
