"""ARIN's bulk WHOIS in XML (`arin_db.xml`) as the objects that its text form has.

Elements `net`, `org`, `poc` and `asn` below the root; a net names its organisation by
`orgHandle`, and nets and organisations name contacts by `pocLink` with a function (AB abuse,
T tech, N NOC, AD admin). The result has the attribute names of ARIN's bulk text, so that the same
links serve both. The file has tens of gigabytes: one record is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from openletter.wire.registry import plain
from openletter.wire.rpsl import Faults, RpslObject, note
from openletter.wire.xmlevents import End, Start, events

MOST_VALUES = 2_000
_RECORDS = {"net": "nethandle", "org": "orgid", "poc": "pochandle", "asn": "ashandle"}
_FUNCTIONS = {"AB": "abusehandle", "T": "techhandle", "N": "nochandle", "AD": "adminhandle"}
_TYPES = {
    "A": "reallocation", "S": "reassignment", "DA": "direct allocation", "DS": "direct assignment",
    "AF": "allocated to AFRINIC", "AP": "allocated to APNIC", "AR": "allocated to ARIN",
    "AV": "early registration, maintained by ARIN", "FX": "transferred to AFRINIC",
    "IR": "IANA reserved", "IU": "IANA special use", "LN": "allocated to LACNIC",
    "LX": "transferred to LACNIC", "PV": "early registration, maintained by APNIC",
    "PX": "early registration, transferred to APNIC", "RN": "allocated to RIPE NCC",
    "RV": "early registration, maintained by RIPE NCC",
    "RX": "early registration, transferred to RIPE NCC",
}  # fmt: skip
_SIMPLE = {
    "net": {"handle": "nethandle", "name": "netname", "orgHandle": "orgid"},
    "org": {"handle": "orgid", "name": "orgname"},
    "poc": {"handle": "pochandle", "isRoleAccount": "isrole", "lastName": "lastname",
            "firstName": "firstname", "companyName": "orgname", "email": "mailbox"},
    "asn": {"handle": "ashandle", "name": "asname", "orgHandle": "orgid"},
}  # fmt: skip
_RENAMED = {"endAddress", "startAddress", "startAsNumber", "endAsNumber", "type"}


class _Record:
    """One record as its elements come."""

    def __init__(self, kind: str, line: int) -> None:
        self.kind, self.line = kind, line
        self.values: list[tuple[str, str]] = []
        self.raw: dict[str, str] = {}
        self.path: list[str] = []

    def start(self, event: Start) -> None:
        self.path.append(event.name)
        if event.name == "pocLink":
            given = event.attributes
            self.link(given.get("handle", ""), given.get("function", ""))

    def link(self, handle: str, function: str) -> None:
        """A contact by its function; a net's own and an organisation's are told apart."""
        attribute = _FUNCTIONS.get(function.strip().upper())
        if attribute and handle:
            self.add(attribute if self.kind != "org" else f"org{attribute}", handle)

    def end(self, event: End) -> None:
        inside = self.path[-2] if len(self.path) > 1 else ""
        self.path.pop()
        if event.name == "pocLink":
            self.link(self.raw.pop("pocHandle", ""), self.raw.pop("function", ""))
        elif inside == "pocLink":
            self.raw["pocHandle" if event.name == "handle" else event.name] = event.text
        elif inside == "comment" or (event.name == "comment" and event.text):
            self.add("comment", event.text)
        elif inside in ("", "netBlock", "iso3166-1", "streetAddress", "emails"):
            self._simple(event.name, event.text, inside)

    def _simple(self, name: str, text: str, inside: str) -> None:
        if inside == "streetAddress" and name == "line":
            self.add("address", text)
        elif inside == "iso3166-1" or name in _RENAMED:
            if text:
                self.raw.setdefault(f"{inside} {name}".strip(), text)
        elif name in _SIMPLE[self.kind] and inside in ("", "emails"):
            self.add(_SIMPLE[self.kind][name], text)

    def add(self, name: str, value: str) -> None:
        if len(self.values) < MOST_VALUES and (value or name == "comment"):
            self.values.append((name, value))

    def done(self) -> RpslObject | None:
        """The object, its key first; none without a key."""
        kind, raw = _RECORDS[self.kind], self.raw
        if self.kind == "net":
            first = raw.get("startAddress") or raw.get("netBlock startAddress", "")
            last = raw.get("endAddress") or raw.get("netBlock endAddress", "")
            self.add("netrange", f"{first} - {last}" if first and last else "")
            type_ = raw.get("netBlock type") or raw.get("type", "")
            self.add("nettype", _TYPES.get(type_.upper(), plain(type_, 60)))
        elif self.kind == "asn":
            self.add("asnumber", raw.get("startAsNumber", ""))
        self.add("country", raw.get("iso3166-1 code2", ""))
        self.add("source", "ARIN")
        keys = [each for each in self.values if each[0] == kind]
        if not keys:
            return None
        rest = [each for each in self.values if each[0] != kind]
        return RpslObject(kind, (keys[0], *rest))


def objects(
    pieces: Iterable[bytes], *, wanted: frozenset[str] | None = None, faults: Counter[str]
) -> Iterator[RpslObject]:
    """The document's records of the wanted kinds (named as ARIN's text names them)."""
    placed = faults if isinstance(faults, Faults) else Faults()
    for record in _records(pieces):
        placed.line = record.line
        found = record.done()
        if found is None:
            note(faults, "no-handle")
        elif wanted is None or found.kind in wanted:
            yield found


def _records(pieces: Iterable[bytes]) -> Iterator[_Record]:
    record: _Record | None = None
    for event in events(pieces):
        if record is None:
            if isinstance(event, Start) and event.name in _RECORDS:
                record = _Record(event.name, event.line)
        elif isinstance(event, Start):
            record.start(event)
        elif record.path:
            record.end(event)
        else:
            yield record
            record = None
