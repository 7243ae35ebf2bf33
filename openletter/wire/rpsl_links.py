"""Follows an RPSL network's references to the addresses it gives, as the RIPE Database does.

Owns: which objects a network points to (own abuse-c, its organisation's abuse-c, irt, the roles
and persons of admin-c and tech-c, maintainers) and in which place each address stands. Every
reference is followed a fixed number of steps, so objects that point at each other end too. The
walk up to the parent network is not here: it is a ladder over ranges (`contacts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

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
    Written,
    parse_as,
    parse_country,
    parse_range,
    plain,
)
from openletter.wire.rpsl import RpslObject, objects
from openletter.wire.rpsl_directory import (
    AUTNUMS,
    DIRECTORY,
    FEW_LINES,
    MOST_REMEMBERED,
    NETWORKS,
    ORGANISATIONS,
    ROUTES,
    WANTED,
    Directory,
    Linked,
    keys_of,
)

__all__ = [
    "AUTNUMS", "DIRECTORY", "NETWORKS", "ROUTES", "WANTED", "Directory", "gather", "keys_of",
    "references_of", "registration", "registry_of",
]  # fmt: skip

MOST_REFERENCES = 20
MOST_REMARKS = 1_000
_REGISTRIES = {
    "RIPE": "ripencc", "APNIC": "apnic", "AFRINIC": "afrinic", "LACNIC": "lacnic", "ARIN": "arin",
    "JPNIC": "jpnic", "KRNIC": "krnic", "RADB": "radb", "TEST": "test",
}  # fmt: skip
_NOTICES = ("notify", "changed", "upd-to", "mnt-nfy", "ref-nfy", "irt-nfy")
_ABUSE = ("abuse-c", "abusehandle", "orgabusehandle")
_TECHNICAL_OF_ORG = ("orgtechhandle", "orgnochandle", "orgadminhandle")
_OWN = frozenset({"abuse-mailbox", "e-mail", "mailbox", *_NOTICES})
_TECHNICAL = ("admin-c", "tech-c", "owner-c", "techhandle", "nochandle", "adminhandle")
_POINTERS = (*_ABUSE, "mnt-irt", "org", "orgid", *_TECHNICAL, "mnt-by", "mnt-lower")


def references_of(found: RpslObject) -> set[tuple[str, str]]:
    """What an object points at, for a reader that fetches only that."""
    contacts = found.all(*_ABUSE, *_TECHNICAL, *_TECHNICAL_OF_ORG)
    refers = {("contact", key.upper()) for key in _keys(contacts)}
    refers |= {("organisation", key.upper()) for key in _keys(found.all("org", "orgid"))}
    refers |= {("irt", key.upper()) for key in _keys(found.all("mnt-irt"))}
    return refers | {("mntner", key.upper()) for key in _keys(found.all("mnt-by", "mnt-lower"))}


def registration(found: RpslObject, directory: Directory) -> Registration | None:
    """What a network, route or AS object says with all that it points at; None if unreadable."""
    ends, autnum = _ends(found), None
    if found.kind in AUTNUMS:
        autnum = parse_as(found.first("aut-num", "asnumber"))
    if ends is None and autnum is None:
        return None
    organisation = directory.get("organisation", found.first("org", "orgid"))
    linked = _linked(found, organisation, directory)
    return Registration(
        source=Source.RPSL,
        registry=registry_of(found),
        subject=Subject.NETWORK if ends else Subject.AUTNUM,
        query=str(ends[0]) if ends else f"AS{autnum}",
        handle=plain(found.first("nethandle", "v6nethandle") or found.attributes[0][1]),
        name=plain(found.first("netname", "as-name", "asname")),
        status=plain(found.first("status", "nettype")),
        first=ends[0] if ends else None,
        last=ends[1] if ends else None,
        first_as=autnum,
        last_as=autnum,
        country=parse_country(found.first("country")),
        holder=_holder(found, organisation, directory),
        maintainers=linked.maintainers,
        written=_written(found, linked),
        remarks=(*_remarks(found, organisation), *linked.remarks),
    )


def registry_of(found: RpslObject) -> str:
    """Our name of the registry that an object's `source:` names."""
    named = found.first("source").partition("#")[0].strip().upper()
    return _REGISTRIES.get(named.partition("-")[0], plain(named, 20).lower())


def _ends(found: RpslObject) -> tuple[IPAddress, IPAddress] | None:
    names = ("inetnum", "inet6num", "netrange", "route", "route6")
    return parse_range(found.first(*names)) if found.kind in NETWORKS | ROUTES else None


def _keys(values: Iterable[str]) -> list[str]:
    """Keys of references; several may share a line; an irt may be followed by comments."""
    found = [key for value in values for key in value.replace(",", " ").split()]
    return list(dict.fromkeys(found))[:MOST_REFERENCES]


# -- addresses and where they stand -------------------------------------------------------------


def _written(found: RpslObject, linked: Linked) -> tuple[Written, ...]:
    """The block's own boxes between those of its abuse contact and those of all it points at."""
    if _OWN.isdisjoint(found.named):
        return (*linked.before, *linked.after)
    return (*linked.before, *_boxes(found, role=found.kind, depth=0), *linked.after)


def _linked(found: RpslObject, organisation: RpslObject | None, directory: Directory) -> Linked:
    """Worked out once for all networks that point at the same."""
    named = found.named
    points = tuple(tuple(named[name]) if name in named else () for name in _POINTERS)
    linked = directory.links.get(points)
    if linked is None:
        linked = Linked(
            before=tuple(_abuse(found, directory, depth=0)),
            after=tuple(_led_to(found, organisation, directory)),
            remarks=tuple(_remarks_of_contacts(found, directory)),
            maintainers=tuple(key.upper() for key in _keys(found.all("mnt-by"))),
        )
        if len(directory.links) >= MOST_REMEMBERED:
            directory.links.clear()
        if sum(len(each.lines) for each in linked.remarks) < FEW_LINES:
            directory.links[points] = linked
    return linked


def _led_to(
    found: RpslObject, organisation: RpslObject | None, directory: Directory
) -> Iterator[Written]:
    for key in _keys(found.all("mnt-irt")):
        yield from _irt(directory.get("irt", key))
    if organisation:
        yield from _abuse(organisation, directory, depth=1)
        yield from _boxes(organisation, role="org", depth=1)
        yield from _pointed(organisation, _TECHNICAL_OF_ORG, "contact", directory)
    yield from _pointed(found, _TECHNICAL, "contact", directory)
    yield from _pointed(found, ("mnt-by", "mnt-lower"), "mntner", directory)


def _pointed(
    pointing: RpslObject, attributes: Iterable[str], family: str, directory: Directory
) -> Iterator[Written]:
    for attribute in attributes:
        for key in _keys(pointing.all(attribute)):
            found, role = directory.get(family, key), attribute.removeprefix("org")
            yield from _boxes(found, role=role, depth=1 if family == "contact" else 2)


def _abuse(pointing: RpslObject, directory: Directory, *, depth: int) -> Iterator[Written]:
    """The boxes of abuse-c: abuse-mailbox where there is one, else the record's e-mail."""
    for key in _keys(pointing.all(*_ABUSE)):
        contact = directory.get("contact", key)
        if contact is None:
            continue
        party = _party(contact)
        boxes = contact.all("abuse-mailbox")
        for value in boxes:
            yield _one(value, Place.ABUSE_BOX, "abuse-c", contact, depth=depth, party=party)
        for value in contact.all("e-mail", "mailbox"):
            yield _one(value, Place.ABUSE_ROLE, "abuse-c", contact, depth=depth, party=party)


def _irt(irt: RpslObject | None) -> Iterator[Written]:
    for value in irt.all("abuse-mailbox") if irt else []:
        yield _one(value, Place.ABUSE_BOX, "irt", irt, depth=0, party=Party.GROUP)
    for value in irt.all("e-mail") if irt else []:
        yield _one(value, Place.ABUSE_ROLE, "irt", irt, depth=0, party=Party.GROUP)


def _boxes(holder: RpslObject | None, *, role: str, depth: int) -> Iterator[Written]:
    if holder is None:
        return
    party = _party(holder)
    for value in holder.all("abuse-mailbox"):
        yield _one(value, Place.ABUSE_BOX, role, holder, depth=depth, party=party)
    for value in holder.all("e-mail", "mailbox"):
        yield _one(value, Place.CONTACT, role, holder, depth=depth, party=party)
    for attribute in _NOTICES:
        for value in holder.all(attribute)[:MOST_REFERENCES]:
            address = value.split()[0]
            if "@" in address:
                yield _one(address, Place.NOTICE, attribute, holder, depth=depth, party=party)


def _one(
    value: str, place: Place, role: str, holder: RpslObject | None, *, depth: int, party: Party
) -> Written:
    name = key = ""
    if holder is not None:
        name = holder.first("role", "person", "org-name", "orgname", "lastname")
        name = f"{holder.first('firstname')} {name}".strip()
        keys = keys_of(holder)
        key = keys[0][1] if keys else holder.attributes[0][1]
    return Written(
        value=value, place=place, role=role, object=plain(key, 200),
        party=party, party_name=plain(name), depth=depth,
    )  # fmt: skip


def _party(found: RpslObject) -> Party:
    if found.kind in ORGANISATIONS:
        return Party.ORG
    if found.kind == "pochandle":
        return Party.GROUP if found.first("isrole").upper().startswith("Y") else Party.INDIVIDUAL
    if found.kind == "person" or found.kind.startswith("nic-hdl"):
        return Party.INDIVIDUAL
    return Party.GROUP


# -- the rest -----------------------------------------------------------------------------------


def _holder(found: RpslObject, organisation: RpslObject | None, directory: Directory) -> Holder:
    handle = found.first("org", "ownerid", "orgid")
    if organisation is None:
        name = found.first("owner", "descr") or handle or found.first("netname", "as-name")
        return Holder(handle=plain(handle, 200), name=plain(name.partition("\n")[0]))
    known = directory.holders.get(handle)
    if known is None:
        if len(directory.holders) >= MOST_REMEMBERED:
            directory.holders.clear()
        known = directory.holders[handle] = _holder_of(organisation, handle)
    return known


def _holder_of(organisation: RpslObject, handle: str) -> Holder:
    address = "\n".join(organisation.lines("address"))
    return Holder(
        handle=plain(handle, 200),
        name=plain(organisation.first("org-name", "orgname") or handle),
        country=parse_country(organisation.first("country")),
        address_country=countries.of_address(address),
        kind=plain(organisation.first("org-type") or organisation.first("canallocate"), 20),
    )


def _remarks(found: RpslObject, organisation: RpslObject | None) -> Iterator[Remark]:
    key = plain(found.attributes[0][1], 200)
    for attribute in ("descr", "remarks", "comment", "trouble"):
        lines = found.lines(attribute)[:MOST_REMARKS]
        if lines:
            yield Remark(lines=tuple(lines), object=key)
    lines = organisation.lines("remarks", "comment")[:MOST_REMARKS] if organisation else []
    if organisation and lines:
        yield Remark(lines=tuple(lines), object=keys_of(organisation)[0][1], depth=1)


def _remarks_of_contacts(found: RpslObject, directory: Directory) -> Iterator[Remark]:
    """What the records that the network points at say of their addresses."""
    pointed = [("irt", key) for key in _keys(found.all("mnt-irt"))]
    pointed += [("contact", key) for key in _keys(found.all(*_ABUSE, *_TECHNICAL))]
    for family, key in dict.fromkeys(pointed):
        contact = directory.get(family, key)
        lines = contact.lines("remarks", "comment", "trouble")[:MOST_REMARKS] if contact else []
        if lines:
            yield Remark(lines=tuple(lines), object=plain(key, 200), depth=2)


# -- a dump read for a few questions ------------------------------------------------------------

PASSES = 3


def gather(
    stream: Callable[[], Iterable[bytes]],
    is_asked: Callable[[Registration], bool],
    *,
    faults: Counter[str],
) -> list[Registration]:
    """Registrations of a dump that answer a question, in few passes and little memory.

    The first pass keeps the networks asked for, the next ones what those refer to. `stream`
    begins the dump anew each time it is called.
    """
    asked: list[RpslObject] = []
    empty = Directory()
    for each in objects(stream(), wanted=NETWORKS | ROUTES | AUTNUMS, faults=faults):
        found = registration(each, empty)
        if found and is_asked(found):
            asked.append(each)
    directory, missing = Directory(), {key for each in asked for key in references_of(each)}
    for _ in range(PASSES):
        if not missing:
            break
        new = _fetch(stream, missing, directory)
        referred = {key for each in new for key in references_of(each)} - missing
        missing = {key for key in referred if not directory.has(*key)}
    return [found for each in asked if (found := registration(each, directory))]


def _fetch(
    stream: Callable[[], Iterable[bytes]], keys: set[tuple[str, str]], directory: Directory
) -> list[RpslObject]:
    new = []
    for each in objects(stream(), wanted=DIRECTORY, faults=Counter()):
        if any(key in keys for key in keys_of(each)):
            directory.add(each)
            new.append(each)
    return new
