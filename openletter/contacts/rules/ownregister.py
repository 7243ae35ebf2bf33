"""A partner's own register: which of its networks is written to where, by the partner's word.

Owns: reading its table strictly. One wrong line refuses the file, because a register that is half
loaded would send the other half of the letters to the registries' contacts without anybody
noticing. A person of the partner stands behind every line, so somebody's own box may be in it;
what can't be a holder's box (placeholders, no-reply boxes, registries) may not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.refuse import World, refusal_of_mailbox, registry_of_mailbox
from openletter.wire import mailaddress, table
from openletter.wire.lines import lines
from openletter.wire.registry import IPAddress, Registration, Source, Subject, parse_range, plain
from openletter.words import Reason, Scope, normalise_language

MOST_LINES = 200_000
MOST_BOXES = 20
"""Of one network."""
COLUMNS = ("network", "address", "scope", "language", "name")
NEEDED = frozenset({"network", "address"})
SCOPES = (Scope.END_USER, Scope.PROVIDER, Scope.UPSTREAM, Scope.UNKNOWN)
SHORTEST = {4: 8, 6: 16}
"""Prefix lengths; a network that is wider than these is a slip of the pen."""
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3}|-[A-Z]{2})?")
Row = tuple[Registration, Sequence[Candidate]]


class RegisterError(ValueError):
    """A line that is wrong: its number, a code (`register-...`) and what stands there."""

    def __init__(self, line: int, code: str, what: str = "") -> None:
        super().__init__(f"line {line}: {code} {what}".rstrip())
        self.line, self.code, self.what = line, code, plain(what, 120)


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    first: IPAddress
    last: IPAddress
    address: mailaddress.Address
    scope: Scope
    languages: tuple[str, ...]
    name: str


def read(chunks: Iterable[bytes], *, world: World) -> list[Row]:
    """Every network once with its addresses, those of earlier lines first."""
    by_network: dict[tuple[IPAddress, IPAddress], list[_Line]] = {}
    for line in _lines(chunks, world):
        beside = by_network.setdefault((line.first, line.last), [])
        if any(each.address.mailbox == line.address.mailbox for each in beside):
            raise RegisterError(line.number, "register-twice", line.address.text)
        if len(beside) == MOST_BOXES:
            raise RegisterError(line.number, "register-too-many", line.address.text)
        beside.append(line)
    return [_row(each) for each in by_network.values()]


def _lines(chunks: Iterable[bytes], world: World) -> Iterator[_Line]:
    header: list[str] = []
    for record in table.records(lines(chunks)):
        if record.problem:
            raise RegisterError(record.line, "register-not-csv", record.excerpt)
        if not header:
            header = _header(record)
            continue
        if record.number > MOST_LINES:
            raise RegisterError(record.line, "register-too-many")
        if len(record.cells) != len(header):
            raise RegisterError(record.line, "register-cells", str(len(record.cells)))
        cells = (each.strip() for each in record.cells)
        yield _line(record.line, dict(zip(header, cells, strict=True)), world)


def _header(record: table.Record) -> list[str]:
    names = [each.strip().lower() for each in record.cells]
    strange = next((each for each in names if each not in COLUMNS), None)
    if strange is not None:
        raise RegisterError(record.line, "register-column", strange)
    if len(set(names)) < len(names) or not set(names) >= NEEDED:
        raise RegisterError(record.line, "register-header", ", ".join(names))
    return names


def _line(number: int, cells: dict[str, str], world: World) -> _Line:
    first, last = _network(number, cells["network"])
    return _Line(
        number=number, first=first, last=last,
        address=_address(number, cells["address"], world),
        scope=_scope(number, cells.get("scope", "")),
        languages=_languages(number, cells.get("language", "")),
        name=plain(cells.get("name", "")),
    )  # fmt: skip


def _network(number: int, text: str) -> tuple[IPAddress, IPAddress]:
    found = _exact(text)
    if found is None:
        raise RegisterError(number, "register-network", text)
    first, last = found
    if int(last) - int(first) >= 1 << (first.max_prefixlen - SHORTEST[first.version]):
        raise RegisterError(number, "register-too-wide", text)
    return found


def _exact(text: str) -> tuple[IPAddress, IPAddress] | None:
    """Both ends; a prefix with bits set behind its length may be a slip, so it is none."""
    if "-" in text:
        return parse_range(text)
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    return network[0], network[-1]


def _address(number: int, text: str, world: World) -> mailaddress.Address:
    read = mailaddress.one(text)
    if isinstance(read, mailaddress.Refused):
        raise RegisterError(number, "register-address", read.shown)
    refused = refusal_of_mailbox(read.mailbox, world=world)
    if refused or registry_of_mailbox(read.mailbox):
        raise RegisterError(number, "register-refused", read.text)
    return read


def _scope(number: int, text: str) -> Scope:
    if not text:
        return Scope.UNKNOWN
    found = next((each for each in SCOPES if each == text.lower()), None)
    if found is None:
        raise RegisterError(number, "register-scope", text)
    return found


def _languages(number: int, text: str) -> tuple[str, ...]:
    tags = tuple(normalise_language(each) for each in text.replace(",", " ").split())
    if not all(_TAG.fullmatch(each) for each in tags):
        raise RegisterError(number, "register-language", text)
    return tags


def _row(beside: list[_Line]) -> Row:
    first, last = beside[0].first, beside[0].last
    name = next((each.name for each in beside if each.name), "")
    found = Registration(
        source=Source.RPSL, registry="", subject=Subject.NETWORK, first=first, last=last, name=name
    )
    return found, [_candidate(each, place) for place, each in enumerate(beside)]


def _candidate(line: _Line, place: int) -> Candidate:
    """Of a partner's networks the narrower is the nearer, whatever levels the registries have."""
    network = _shown(line.first, line.last)
    width = (int(line.last) - int(line.first)).bit_length()
    values = {"object": network, "languages": " ".join(line.languages)}
    return Candidate(
        address=line.address.text, mailbox=line.address.mailbox, source="partner", registry="",
        object=network, role="partner", depth=0, scope=line.scope, tier=Tier.PARTNER,
        weight=width * (MOST_BOXES + 1) + place,
        reason=Reason(code=Tier.PARTNER.code, values=values), for_abuse=True,
    )  # fmt: skip


def _shown(first: IPAddress, last: IPAddress) -> str:
    nets = list(ipaddress.summarize_address_range(first, last))
    return str(nets[0]) if len(nets) == 1 else f"{first} - {last}"


def languages_of(candidate: Candidate) -> tuple[str, ...]:
    """The languages that the partner's line names for this very network."""
    if candidate.tier is not Tier.PARTNER:
        return ()
    return tuple(str(candidate.reason.values.get("languages", "")).split())
