"""Any other table, with a mapping that says which column is what. The mapping is data (TOML, JSON).

The table is CSV, or JSON objects (an array, or one a line, which is also how Parquet arrives);
keys of objects in objects are written with a dot (`geo.country`).

source = "certwacht"            # whose statement a row is
delimiter = ","
[columns]                       # field -> column; a list: the first that isn't empty
address = "ip"
port = ["local_port", "port"]
time = "lastseen"
[constants]                     # field -> text that holds for every row
protocol = "tcp"
role = "entry"
tags = "open-relay"
[values.tags]                   # a cell's text -> our tags; others stay as they stand
openrelay = ["open-relay"]
[facts]                         # what the row tells of the server -> column
hostname = "rdns"
[time]
format = "%d/%m/%Y %H:%M"       # strptime; left out: ISO 8601; "epoch": seconds since 1970
zone = "+01:00"                 # of times that name none; left out: UTC
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from openletter.wire.feedrow import FeedRow
from openletter.wire.jsonvalues import JsonValue
from openletter.wire.shadowserver import columns as column_names
from openletter.wire.table import Record
from openletter.wire.visible import visible

FIELDS = frozenset({"address", "port", "protocol", "time", "code", "tags", "says", "role"})
_KEYS = frozenset({"source", "delimiter", "columns", "constants", "values", "facts", "time"})
_TAG = re.compile(r"[;,|\s]+")


class BadMappingError(ValueError):
    """The mapping says something that cannot be followed; the message names it."""


@dataclass(frozen=True, kw_only=True)
class CsvMapping:
    """A checked mapping."""

    source: str = ""
    delimiter: str = ","
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    time_format: str = ""
    time_zone: str = ""


def read_mapping(raw: Mapping[str, object]) -> CsvMapping:
    """A mapping from TOML or JSON; raises BadMappingError at the first thing that isn't known."""
    if unknown := set(raw) - _KEYS:
        raise BadMappingError(f"unknown key: {min(unknown)}")
    fields = {name: _texts(given, name) for name, given in _table(raw, "columns").items()}
    constants = {name: _text(given, name) for name, given in _table(raw, "constants").items()}
    _check_fields([*fields, *constants])
    if "address" not in fields:
        raise BadMappingError("columns.address is missing")
    values = {
        name: {cell: _texts(given, name) for cell, given in _table({name: table}, name).items()}
        for name, table in _table(raw, "values").items()
    }
    _check_fields(values)
    time = _table(raw, "time")
    delimiter = _text(raw.get("delimiter", ","), "delimiter")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise BadMappingError("delimiter must be one character")
    return CsvMapping(
        source=_text(raw.get("source", ""), "source"),
        delimiter=delimiter,
        columns={name: tuple(map(_lower, names)) for name, names in fields.items()},
        constants=constants,
        values=values,
        facts={name: _lower(_text(col, name)) for name, col in _table(raw, "facts").items()},
        time_format=_text(time.get("format", ""), "time.format"),
        time_zone=_text(time.get("zone", ""), "time.zone"),
    )


def missing_columns(mapping: CsvMapping, header: Sequence[str]) -> list[str]:
    """Columns that the mapping needs and the header lacks; of a list, one is enough."""
    have = set(column_names(header))
    return sorted(names[0] for names in mapping.columns.values() if not have & set(names))


def rows(
    records: Iterable[Record], header: Sequence[str], mapping: CsvMapping
) -> Iterator[FeedRow]:
    """Data rows after the header."""
    place = {name: at for at, name in enumerate(column_names(header))}
    for record in records:
        problem = record.problem or ("" if len(record.cells) == len(header) else "wrong-columns")
        if problem:
            excerpt = record.excerpt or visible(mapping.delimiter.join(record.cells))
            yield FeedRow(row=record.number, line=record.line, problem=problem, excerpt=excerpt)
        else:
            yield row_of(record, place=place, mapping=mapping)


def rows_of_values(values: Iterable[JsonValue], mapping: CsvMapping) -> Iterator[FeedRow]:
    """A row for every JSON object; what is no object is a problem."""
    for told in values:
        problem = told.problem or ("" if isinstance(told.value, dict) else "json-no-row")
        if problem or not isinstance(told.value, dict):
            yield FeedRow(row=told.number, line=told.line, problem=problem, excerpt=told.excerpt)
            continue
        cells = flat(told.value)
        place = {name: at for at, name in enumerate(cells)}
        record = Record(told.number, told.line, list(cells.values()))
        yield row_of(record, place=place, mapping=mapping)


def flat(value: Mapping[object, object]) -> dict[str, str]:
    """The cells of an object by their names."""
    return dict(_flat(value))


def _flat(value: Mapping[object, object], *, before: str = "") -> Iterator[tuple[str, str]]:
    """Keys and texts of an object and of the objects in it; of lists, the texts joined."""
    for key, held in value.items():
        name = f"{before}{key}".strip().lower()
        if isinstance(held, dict):
            yield from _flat(held, before=f"{name}.")
        elif isinstance(held, list):
            yield name, ";".join(_plain(one) for one in held[:50])
        else:
            yield name, _plain(held)


def _plain(held: object) -> str:
    if isinstance(held, bool):
        return str(held).lower()
    if isinstance(held, float) and held.is_integer():
        return str(int(held))
    return str(held) if isinstance(held, str | int | float) else ""


def row_of(record: Record, *, place: Mapping[str, int], mapping: CsvMapping) -> FeedRow:
    """A record as the mapping reads it; `place` says which cell has which name."""
    found = {name: _cell(name, record.cells, place=place, mapping=mapping) for name in FIELDS}
    facts = {
        name: record.cells[place[column]]
        for name, column in mapping.facts.items()
        if column in place and record.cells[place[column]]
    }
    return FeedRow(
        row=record.number,
        line=record.line,
        address=found["address"],
        port=found["port"],
        protocol=found["protocol"],
        time=found["time"],
        code=found["code"],
        tags=_tags(found["tags"], mapping),
        says=found["says"],
        role=found["role"],
        facts=facts,
    )


def _cell(name: str, cells: Sequence[str], *, place: Mapping[str, int], mapping: CsvMapping) -> str:
    for column in mapping.columns.get(name, ()):
        if column in place and (text := cells[place[column]].strip()):
            return _translated(name, text, mapping)
    return mapping.constants.get(name, "")


def _translated(name: str, text: str, mapping: CsvMapping) -> str:
    if name == "tags":
        return text
    return ";".join(mapping.values.get(name, {}).get(text, (text,)))


def _tags(text: str, mapping: CsvMapping) -> tuple[str, ...]:
    """The whole cell as the mapping knows it, else its pieces, each as the mapping knows it."""
    known = mapping.values.get("tags", {})
    if text in known:
        return known[text]
    pieces = [piece for piece in _TAG.split(text) if piece]
    found = [tag.lower() for piece in pieces for tag in known.get(piece, (piece,))]
    return tuple(dict.fromkeys(found))


def _check_fields(names: Iterable[str]) -> None:
    if unknown := set(names) - FIELDS:
        raise BadMappingError(f"unknown field: {min(unknown)}")


def _table(raw: Mapping[str, object], name: str) -> Mapping[str, object]:
    given = raw.get(name, {})
    if not isinstance(given, Mapping):
        raise BadMappingError(f"{name} must be a table")
    return given


def _text(given: object, name: str) -> str:
    if not isinstance(given, str):
        raise BadMappingError(f"{name} must be a text")
    return given


def _texts(given: object, name: str) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
        return tuple(given)
    raise BadMappingError(f"{name} must be a text or a list of texts")


def _lower(name: str) -> str:
    return name.strip().lower()
