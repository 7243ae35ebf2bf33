"""jCards (RFC 7095) by position, and JSON values as registries really send them.

Owns: the parts of a card that say whom one writes to. Anything of another shape is passed over;
nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openletter.wire import countries
from openletter.wire.registry import Party, parse_country, plain

MOST_ADDRESSES = 500
MOST_PROPERTIES = 500


@dataclass(frozen=True, kw_only=True)
class Card:
    """The parts of a jCard (RFC 7095) that say whom one writes to."""

    name: str = ""
    organisation: str = ""
    party: Party = Party.UNKNOWN
    emails: tuple[tuple[str, bool, int], ...] = ()
    """value, typed abuse, preference (1 best, 50 where none is given)"""
    country: str | None = None


def read_card(array: object) -> Card:
    """A jCard by position: [name, parameters, type, value, ...]; anything odd is passed over."""
    properties = array[1] if isinstance(array, list) and len(array) > 1 else []
    name = organisation = ""
    party, country = Party.UNKNOWN, None
    emails: list[tuple[str, bool, int]] = []
    for item in properties[:MOST_PROPERTIES] if isinstance(properties, list) else []:
        if not isinstance(item, list) or len(item) < 4 or not isinstance(item[0], str):
            continue
        parameters = item[1] if isinstance(item[1], dict) else {}
        match item[0].lower():
            case "fn":
                name = name or plain(flat(item[3]))
            case "org":
                organisation = organisation or plain(flat(item[3]))
            case "kind":
                party = _party(flat(item[3]))
            case "email":
                emails += [(flat(value), *_weight(parameters)) for value in item[3:]]
            case "adr":
                country = country or _country(parameters, item[3])
    return Card(
        name=name, organisation=organisation, party=party, country=country,
        emails=tuple(email for email in emails if email[0])[:MOST_ADDRESSES],
    )  # fmt: skip


def read_jscontact(found: object) -> Card:
    """A JSContact card (RFC 9553), which some registries send in the jCard's place."""
    if not isinstance(found, Mapping):
        return Card()
    emails = [
        (flat(each.get("address")), *_weight({"type": _contexts(each), "pref": each.get("pref")}))
        for each in _members(found.get("emails"))
    ]
    places = (each.get("countryCode") for each in _members(found.get("addresses")))
    name, organisations = found.get("name"), _members(found.get("organizations"))
    return Card(
        name=plain(flat(name.get("full"))) if isinstance(name, Mapping) else "",
        organisation=plain(flat(organisations[0].get("name"))) if organisations else "",
        party=_party(flat(found.get("kind"))),
        country=next(filter(None, (parse_country(text(each)) for each in places)), None),
        emails=tuple(email for email in emails if email[0])[:MOST_ADDRESSES],
    )


def _contexts(email: Mapping[str, object]) -> list[str]:
    """Contexts and label: where "abuse" would be said."""
    contexts = email.get("contexts")
    return [*(contexts if isinstance(contexts, Mapping) else ()), text(email.get("label"))]


def _members(value: object) -> list[Mapping[str, object]]:
    """The objects of a JSContact map, in its order."""
    found = list(value.values())[:MOST_PROPERTIES] if isinstance(value, Mapping) else []
    return [each for each in found if isinstance(each, Mapping)]


def _party(kind: str) -> Party:
    named = kind.strip().lower()
    named = "org" if named == "organization" else named
    return Party(named) if named in set(Party) else Party.UNKNOWN


def _weight(parameters: Mapping[str, object]) -> tuple[bool, int]:
    """Typed abuse, and `pref` (RFC 6350: 1 to 100, 1 best)."""
    types = [kind.lower() for kind in texts(parameters.get("type"))]
    given = number(parameters.get("pref"))
    return any("abuse" in kind for kind in types), given if given and 1 <= given <= 100 else 50


def _country(parameters: Mapping[str, object], value: object) -> str | None:
    """RFC 8605's `cc`, else the seventh component, else the end of the label."""
    code = parse_country(text(parameters.get("cc")))
    if code:
        return code
    parts = [flat(part) for part in value] if isinstance(value, list) else []
    structured = countries.of_field(parts[6]) if len(parts) > 6 and parts[6] else None
    return structured or countries.of_address(flat(parameters.get("label")))


# -- JSON as it comes ---------------------------------------------------------------------------


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def text(value: object) -> str:
    return plain(value, 2_000) if isinstance(value, str) else ""


def flat(value: object) -> str:
    """A jCard value that may be text or a list of texts; kept whole, also with line breaks."""
    text = " ".join(each for each in texts(value)[:20])[:4_000]
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 2**32 else None
