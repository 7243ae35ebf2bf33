"""The made-up registries as files: one RPSL dump, and one RDAP answer for each network.

The RPSL side keeps abuse mailboxes as the European registries do (`abuse-c` of the organisation
names a role with an `abuse-mailbox`), the RDAP side nests the abuse entity below the registrant
as the North American one does. Both carry the dirt of the real ones: personal addresses,
redactions, placeholders, technical roles, a mailbox written twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from openletter.exercise import dice
from openletter.exercise.land import Holding, Kind, Organisation, Says, holdings, organisations
from openletter.exercise.names import PERSONS

Attributes = list[tuple[str, str]]

CHANGED = "2026-09-14T08:00:00Z"

BANNER = """\
% Old Continent Registry of Examples: full dump, made for openletter's exercise.
% Every network is a documentation range (RFC 5737, RFC 3849); nothing here exists.

"""


def _object(attributes: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key + ':':<16}{value}\n" for key, value in attributes) + "\n"


def _nic(organisation: Organisation, suffix: str) -> str:
    return organisation.handle.replace("ORG-", "").replace("-EXAMPLE", f"{suffix}-EXAMPLE")


def _address(organisation: Organisation) -> Attributes:
    street = f"{dice.number(1, 140, 'street', organisation)} {organisation.town}"
    return [("address", street), ("address", organisation.country)]


def _contact_objects(organisation: Organisation) -> list[Attributes]:
    """The role or person objects that an organisation's record points at."""
    handle, says = _nic(organisation, "A"), organisation.says
    tail: Attributes = [("mnt-by", "OCRE-MNT"), ("last-modified", CHANGED), ("source", "EXAMPLE")]
    if says in {Says.NOTHING, Says.PERSON}:
        person = dice.pick(PERSONS, organisation.domain)
        mail = [("e-mail", organisation.mail)] if organisation.mail else []
        return [[("person", person), *_address(organisation), *mail, ("nic-hdl", handle), *tail]]
    if says is Says.OTHER_ROLE:
        name = f"{organisation.name} Network Operations"
        return [[("role", name), *_address(organisation), ("e-mail", organisation.mail),
                 ("nic-hdl", handle), *tail]]  # fmt: skip
    name = f"{organisation.name} Abuse Desk"
    mail = [("abuse-mailbox", organisation.mail)]
    return [[("role", name), *_address(organisation), *mail, ("nic-hdl", handle), *tail]]


def _organisation_object(organisation: Organisation) -> Attributes:
    handle = _nic(organisation, "A")
    kinds = {Kind.REGISTRY: "RIR", Kind.PROVIDER: "LIR"}
    abuse = organisation.says not in {Says.NOTHING, Says.PERSON, Says.OTHER_ROLE}
    return [
        ("organisation", organisation.handle),
        ("org-name", organisation.name),
        ("country", organisation.country),
        ("org-type", kinds.get(organisation.kind, "OTHER")),
        *_address(organisation),
        *([("abuse-c", handle)] if abuse else []),
        ("admin-c", handle),
        ("mnt-by", "OCRE-MNT"),
        ("last-modified", CHANGED),
        ("source", "EXAMPLE"),
    ]


def _network_object(holding: Holding) -> Attributes:
    network, holder = holding.network, holding.holder
    name = (
        ("inetnum", f"{network[0]} - {network[-1]}")
        if network.version == 4
        else ("inet6num", str(network))
    )
    keeper = "OCRE-MNT" if holder.kind is Kind.REGISTRY else f"{_nic(holder, '')}-MNT"
    descr = dice.pick(("", holder.name, f"{holder.name} # see also the provider"), "descr", holding)
    return [
        name,
        ("netname", holding.name),
        *([("descr", descr)] if descr else []),
        ("country", holder.country),
        ("org", holder.handle),
        ("admin-c", _nic(holder, "A")),
        ("tech-c", _nic(holder, "A")),
        ("status", holding.status),
        ("mnt-by", keeper),
        ("created", "2019-03-01T10:00:00Z"),
        ("last-modified", CHANGED),
        ("source", "EXAMPLE"),
    ]


def rpsl_dump() -> bytes:
    """Organisations, their contacts and every network of the RPSL registry."""
    ours = [holding for holding in holdings() if not holding.rdap]
    held = {holding.holder.handle for holding in ours}
    parts = [BANNER]
    for organisation in organisations():
        if organisation.handle in held:
            parts.append(_object(_organisation_object(organisation)))
            parts += [_object(one) for one in _contact_objects(organisation)]
    parts += [_object(_network_object(holding)) for holding in ours]
    return "".join(parts).encode()


# -- RDAP ---------------------------------------------------------------------------------------


def _vcard(organisation: Organisation, *, name: str, kind: str, mail: str) -> list[object]:
    label = f"{organisation.town}\n{organisation.country}"
    rows: list[object] = [
        ["version", {}, "text", "4.0"],
        ["fn", {}, "text", name],
        ["adr", {"label": label}, "text", ["", "", "", "", "", "", ""]],
        ["kind", {}, "text", kind],
    ]
    times = 2 if mail and dice.throw("twice", organisation) < 0.2 else 1
    rows += [["email", {}, "text", mail]] * (times if mail else 0)
    return ["vcard", rows]


def _entity(organisation: Organisation) -> dict[str, object] | None:
    """The contact that stands below the registrant; None where the record has none."""
    says, mail = organisation.says, organisation.mail
    if says is Says.NOTHING:
        return None
    role, kind, name = "abuse", "group", f"{organisation.name} Abuse"
    if says is Says.PERSON:
        role, kind, name = "administrative", "individual", dice.pick(PERSONS, organisation.domain)
    elif says is Says.OTHER_ROLE:
        role, name = "technical", f"{organisation.name} NOC"
    remarks = [{"title": "Unvalidated POC", "description": ["has not been validated this year"]}]
    return {
        "objectClassName": "entity",
        "handle": _nic(organisation, "A"),
        "roles": [role],
        "vcardArray": _vcard(organisation, name=name, kind=kind, mail=mail),
        **({"remarks": remarks} if dice.throw("unvalidated", organisation) < 0.1 else {}),
    }


def _registrant(organisation: Organisation) -> dict[str, object]:
    contact = _entity(organisation)
    return {
        "objectClassName": "entity",
        "handle": organisation.handle,
        "roles": ["registrant"],
        "vcardArray": _vcard(organisation, name=organisation.name, kind="org", mail=""),
        "entities": [contact] if contact else [],
    }


def rdap_answer(holding: Holding) -> bytes:
    """What the new continent's registry answers about one network."""
    network, holder = holding.network, holding.holder
    version = f"v{network.version}"
    answer: dict[str, object] = {
        "rdapConformance": ["rdap_level_0", "cidr0"],
        "notices": [{"title": "Example", "description": ["Made for openletter's exercise."]}],
        "objectClassName": "ip network",
        "handle": f"NET-{str(network[0]).replace('.', '-').replace(':', '-').strip('-')}-"
        f"{network.prefixlen}",
        "startAddress": str(network[0]),
        "endAddress": str(network[-1]),
        "ipVersion": version,
        "name": holding.name,
        "type": holding.status,
        "country": holder.country,
        "cidr0_cidrs": [
            {f"{version}prefix": str(network[0]), "length": network.prefixlen},
        ],
        "port43": "whois.example.org",
        "events": [{"eventAction": "last changed", "eventDate": CHANGED}],
        "entities": [_registrant(holder)],
    }
    return json.dumps(answer, ensure_ascii=False, indent=1).encode() + b"\n"


def registry_files() -> Iterator[tuple[str, bytes]]:
    """Paths below `registry/` and what stands in them."""
    yield "old-continent.db.txt", rpsl_dump()
    for holding in holdings():
        if holding.rdap:
            network = str(holding.network).replace("/", "_").replace(":", "-")
            yield f"rdap/{network}.json", rdap_answer(holding)
