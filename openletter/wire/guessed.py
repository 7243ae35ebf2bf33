"""What DNS and a web server say of an address beside the registries, as facts that can be kept.

The client fills it, the rules judge it; the JSON form is what lies in the spool for a replay.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from openletter.wire.registry import UnreadableError

MOST = 50


@dataclass(frozen=True, kw_only=True)
class Guessed:
    """Facts about one address. `mail`: domains that take mail (an MX that is not null)."""

    about: str
    second_opinion: tuple[str, ...] = ()
    """Values of the TXT records of a contact zone."""
    second_opinion_zone: str = ""
    name: str = ""
    """The host name, confirmed forwards."""
    zone: str = ""
    """The zone that the name lies in and that takes mail."""
    rname: str = ""
    """The mailbox of that zone's SOA record."""
    mail: tuple[str, ...] = ()
    security_contacts: tuple[str, ...] = ()
    security_url: str = ""
    asked: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def as_bytes(self) -> bytes:
        """For the spool."""
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True).encode()


def read(document: bytes) -> Guessed:
    """What `as_bytes` wrote."""
    try:
        table = json.loads(document)
    except (ValueError, RecursionError) as problem:
        raise UnreadableError("not-json") from problem
    if not isinstance(table, dict) or not isinstance(table.get("about"), str):
        raise UnreadableError("not-a-guess")
    known = {each.name: table[each.name] for each in fields(Guessed) if each.name in table}
    return Guessed(**{name: _plain(value) for name, value in known.items()})  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, list):
        return tuple(str(each) for each in value[:MOST])
    return str(value)
