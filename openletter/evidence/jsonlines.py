"""JSON objects, one a line, made straight: flat ones that all have the first one's keys, in order.

Parquet of strangers arrives like this too (`jail`). A line of that form is turned into cells by one
pattern; any other line is read by the form's own parser (`wire.jsonvalues`) and judged by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from openletter.evidence.rules.recognise import Recognised
from openletter.wire import mappedcsv
from openletter.wire.feedrow import FeedRow
from openletter.wire.jsonvalues import JsonValue, Limits, first, in_line, is_lines
from openletter.wire.table import Record
from openletter.wire.unpack import Part

MARK = "\x1f"
"""Between cells: JSON has no such letter in a text, unless it is escaped."""
_KEYS = 200
_TEXT = rb'(?:"([^"\\\x00-\x1f]*+)"|null)'
_WANTED = {
    int: rb"(?:(-?[1-9][0-9]{0,17}|0)|null)",
    bool: rb"(?:(true|false)|null)",
}
_LEFT = (
    rb'(?:"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*+"|-?(?:[1-9][0-9]{0,17}|0)(?:\.[0-9]{1,15})?'
    rb"|true|false|null)"
)


def as_lines(known: Recognised, part: Part) -> Recognised:
    """The same with the first object's keys as its header, where the file is of that form."""
    if not known.is_json or known.mapping is None or not is_lines(part.open()):
        return known
    head = first(part.open())
    keys = flat_keys(head)
    return replace(known, header=keys) if keys else known


def flat_keys(told: JsonValue | None) -> tuple[str, ...]:
    """The keys of an object without objects or lists in it; none where two look the same."""
    value = told.value if told else None
    if not isinstance(value, dict) or len(value) > _KEYS:
        return ()
    if any(isinstance(held, dict | list) for held in value.values()):
        return ()
    names = {key.strip().lower() for key in value}
    return tuple(value) if len(names) == len(value) else ()


def types_of(part: Part) -> tuple[type, ...]:
    """The types of the first object's values."""
    head = first(part.open())
    return tuple(map(type, head.value.values())) if head and isinstance(head.value, dict) else ()


def names_of(known: Recognised, mapping: mappedcsv.CsvMapping) -> tuple[str, ...]:
    """The cells of a straight line: what the mapping names, and one that is always empty."""
    asked = {one for given in mapping.columns.values() for one in given} | {*mapping.facts.values()}
    have = [key.strip().lower() for key in known.header]
    return (*(name for name in have if name in asked), *sorted(asked - {*have}), "")


@dataclass(frozen=True)
class Objects:
    """Objects with these keys; `types` are those of the first one's values."""

    keys: Sequence[str]
    names: Sequence[str]
    types: Sequence[type] = ()
    longest: int = Limits().value
    window: int = 1
    filler: bytes = field(init=False)
    _line: re.Pattern[bytes] = field(init=False)
    _tail: bytes = field(init=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        types = dict(zip(self.keys, self.types, strict=False))
        pairs = [self._pair(key, types.get(key, str)) for key in self.keys]
        found = sum(1 for key in self.keys if key.strip().lower() in self.names)
        mark = MARK.encode()
        set_(self, "filler", mark * (len(self.names) - 1))
        set_(self, "_tail", mark * (len(self.names) - found) + b"\n")
        set_(self, "_line", re.compile(rb"(?m)^ *\{ *" + rb" *, *".join(pairs) + rb" *\} *$"))

    def _pair(self, key: str, kind: type) -> bytes:
        is_wanted = key.strip().lower() in self.names
        value = _WANTED.get(kind, _TEXT) if is_wanted else _LEFT
        return re.escape(json.dumps(key, ensure_ascii=False).encode()) + rb" *: *" + value

    def block(self, block: bytes) -> bytes | None:
        found = self._line.findall(block)
        return self._straight(found) if len(found) == block.count(b"\n") else None

    def line(self, line: bytes) -> bytes | None:
        found = self._line.findall(line)
        return self._straight(found)[:-1] if found else None

    def _straight(self, found: list[tuple[bytes, ...]] | list[bytes]) -> bytes:
        mark = MARK.encode()
        lines = (one if isinstance(one, bytes) else mark.join(one) for one in found)
        return self._tail.join(lines) + self._tail


def row(record: Record, names: Sequence[str], mapping: mappedcsv.CsvMapping) -> FeedRow:
    """The parser's own row of a record."""
    if record.problem:
        return FeedRow(
            row=record.number, line=record.line, problem=record.problem, excerpt=record.excerpt
        )
    place = {name: at for at, name in enumerate(names)}
    return mappedcsv.row_of(record, place=place, mapping=mapping)


def odd(number: int, raw: bytes, names: Sequence[str]) -> Record | None:
    """What a line that isn't straight says; None of an empty one."""
    told = in_line(raw, number)
    if told is None:
        return None
    problem = told.problem or ("" if isinstance(told.value, dict) else "json-no-row")
    if problem or not isinstance(told.value, dict):
        return Record(number, number, [], problem, told.excerpt)
    cells = mappedcsv.flat(told.value)
    return Record(number, number, [cells.get(name, "") for name in names])
