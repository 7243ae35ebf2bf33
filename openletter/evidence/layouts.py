"""Where a columnar file has its address, its time and all else that a row's judgement rests on.

Only forms are laid out whose plain rows SQL can take apart exactly as their parser does. Every row
that is not plain, and one row of each kind that is, goes through the parser itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from openletter.columns.straight import Entries, Shape, Table
from openletter.evidence.jsonlines import MARK, Objects, as_lines, names_of, odd, types_of
from openletter.evidence.jsonlines import row as json_row
from openletter.evidence.rules.feeds import Feed, Format
from openletter.evidence.rules.recognise import Recognised
from openletter.wire import mappedcsv, plainlist, shadowserver
from openletter.wire.feedrow import FeedRow
from openletter.wire.lines import Line, lines
from openletter.wire.table import Record, records
from openletter.wire.unpack import Part

_SCHEME = "([A-Za-z][A-Za-z0-9+.-]{0,15})"
_ENTRY4 = f"^(?:{_SCHEME}://)?([0-9.]+)(?::([0-9]{{1,5}}))?$"
_ENTRY6 = rf"^(?:{_SCHEME}://)?\[([0-9a-fA-F:]+)\](?::([0-9]{{1,5}}))?$"
_BARE6 = "^()([0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:]*)()$"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A form as the engine reads it. `address`, `time` and `rest` are SQL over `c0`, `c1`...

    `time` is empty where no column holds one. `wanted` are the columns from which `row` makes the
    parser's own row again.
    """

    shape: Shape
    cells: int
    delimiter: str
    address: str
    time: str
    rest: tuple[str, ...]
    wanted: tuple[int, ...]
    has_header: bool
    row: Callable[[Record], FeedRow]
    records: Callable[[Iterable[Line]], Iterator[Record]]
    kept: tuple[int, ...] = ()
    """Wanted columns that the engine keeps as they are; the others can be spelled again."""
    odd: Callable[[int, bytes], Record | None] | None = None
    """A line that isn't plain as its record, where lines are not read as a table's."""
    spelled: str = ""
    """SQL: the text of a plain time, from its moment `seen`."""

    def keeping(self, *, facts: bool) -> Layout:
        """The same, with all that is needed to make a row again; its facts only if asked."""
        told = {self.address, self.time, *self.rest}
        kept = tuple(at for at in self.wanted if f"c{at}" not in told)
        return replace(self, kept=kept if facts or not self.is_cellwise else ())

    @property
    def is_cellwise(self) -> bool:
        """Whether address and time are a cell each, and not made of several or of a part."""
        return {self.address, self.time} - {""} <= {f"c{at}" for at in range(self.cells)}

    def cells_of(self, wanted: Sequence[str]) -> list[str]:
        """All cells of a row of which only the wanted ones are known."""
        cells = [""] * self.cells
        for at, text in zip(self.wanted, wanted, strict=True):
            cells[at] = text
        return cells

    def wanted_of(self, record: Record) -> list[str]:
        """The wanted cells of a record, also of one that is too short."""
        have = len(record.cells)
        return [record.cells[at] if at < have else "" for at in self.wanted]

    def header_end(self, head: Iterable[Line]) -> int:
        """The last line of the header: its record may span lines."""
        record = next(self.records(head), None)
        if record is None:
            return 0
        return record.line + sum(cell.count("\n") for cell in record.cells)


def lines_of(number: int, window: Sequence[bytes]) -> list[Line]:
    """Lines of a window as the whole file has them; only the file's first may begin with a mark."""
    before = [] if number == 1 else [b""]
    found = lines([b"\n".join([*before, *window]) + b"\n"])
    skipped = len(before)
    return [
        line._replace(number=number + at - skipped)
        for at, line in enumerate(found)
        if at >= skipped
    ]


def layout_of(known: Recognised, *, types: Sequence[type] = ()) -> Layout | None:
    """The layout of a recognised file; None for forms that are read row by row.

    JSON has one when its header is known (`jsonlines.as_lines`).
    """
    if known.feed.lists_64s or known.feed.needs_transcript:
        return None  # a judgement that rests on the address's family, or on each row's proof
    if known.is_json:
        return _objects(known, types) if known.header else None
    make = _LAYOUTS.get(known.format)
    return make(known) if make else None


def laid_out(known: Recognised, part: Part) -> tuple[Recognised, Layout] | None:
    """A recognised part with its layout; None where it is to be read row by row."""
    told = as_lines(known, part)
    layout = layout_of(told, types=types_of(part) if told.is_json else ())
    return (told, layout) if layout else None


# -- tables --------------------------------------------------------------------------------------


def _report(known: Recognised) -> Layout | None:
    place = {name: at for at, name in enumerate(known.header)}
    telling = ["port", "protocol", "tag", "reason", *_downgrading(known.feed)]
    return _table(
        address=[place["ip"]],
        time=[place["timestamp"]],
        rest=sorted({place[name] for name in telling if name in place}),
        wanted=range(len(known.header)),
        delimiter=",",
        cells=len(known.header),
        row=lambda record: next(shadowserver.rows([record], known.header)),
    )


def _mapped(known: Recognised) -> Layout | None:
    mapping = known.mapping
    if mapping is None or not known.header:
        return None
    names = shadowserver.columns(known.header)
    return _by_mapping(
        known,
        mapping,
        names,
        delimiter=mapping.delimiter,
        row=lambda record: next(mappedcsv.rows([record], known.header, mapping)),
    )


def _objects(known: Recognised, types: Sequence[type]) -> Layout | None:
    mapping = known.mapping
    if mapping is None or known.format is not Format.MAPPED:
        return None
    names = names_of(known, mapping)
    made = _by_mapping(
        known,
        mapping,
        names,
        delimiter=MARK,
        row=lambda record: json_row(record, names, mapping),
    )
    return made and replace(
        made,
        shape=Objects(known.header, names, types),
        has_header=False,
        odd=lambda number, raw: odd(number, raw, names),
    )


def _by_mapping(
    known: Recognised,
    mapping: mappedcsv.CsvMapping,
    names: Sequence[str],
    *,
    delimiter: str,
    row: Callable[[Record], FeedRow],
) -> Layout | None:
    """Which of these columns the mapping takes for what; of JSON, the other cells are empty."""
    if {"address", "time"} & set(mapping.values):
        return None
    keys = (key.strip().lower() for key in known.header)
    named = set(keys) if known.is_json else set(names)
    place = {name: at for at, name in enumerate(names) if name in named}
    columns = {
        name: [place[one] for one in given if one in place]
        for name, given in mapping.columns.items()
    }
    facts = {name: place[column] for name, column in mapping.facts.items() if column in place}
    telling = [
        at for name, given in columns.items() if name not in {"address", "time"} for at in given
    ]
    telling += [facts[name] for name in _downgrading(known.feed) if name in facts]
    asked = {one for given in mapping.columns.values() for one in given} | {*mapping.facts.values()}
    if not columns["address"]:
        return None
    return _table(
        address=columns["address"],
        time=columns.get("time", []),
        rest=sorted(set(telling)),
        wanted=[at for at, name in enumerate(names) if name in asked],
        delimiter=delimiter,
        cells=len(names),
        row=row,
    )


def _table(
    *,
    address: Sequence[int],
    time: Sequence[int],
    rest: Sequence[int],
    wanted: Sequence[int],
    delimiter: str,
    cells: int,
    row: Callable[[Record], FeedRow],
) -> Layout | None:
    mark = delimiter.encode()
    if len(mark) != 1 or set(address) & {*time, *rest} or set(time) & set(rest):
        return None
    return Layout(
        shape=Table(cells, mark),
        cells=cells,
        delimiter=delimiter,
        address=_first(address),
        time=_first(time),
        rest=tuple(f"c{at}" for at in rest),
        wanted=tuple(wanted),
        has_header=True,
        row=row,
        records=lambda lines: records(lines, delimiter=delimiter),
    )


def _first(columns: Sequence[int]) -> str:
    """The first of several cells that isn't empty."""
    if len(columns) < 2:
        return "".join(f"c{at}" for at in columns)
    cells = ", ".join(f"nullif(c{at}, '')" for at in columns)
    return f"coalesce({cells}, '')"


def _downgrading(feed: Feed) -> list[str]:
    return [one.fact for one in feed.downgrades]


# -- lists ---------------------------------------------------------------------------------------


def _list(known: Recognised) -> Layout | None:
    def part(group: int) -> str:
        found = (f"nullif(regexp_extract(c0, '{one}', {group}), '')" for one in _FORMS)
        return f"coalesce({', '.join(found)}, '')"

    skip = known.feed.skip
    return Layout(
        shape=Entries(skips=bool(skip)),
        cells=1,
        delimiter="\x01",
        address=part(2),
        time="",
        rest=(part(1), part(3)),
        wanted=(0,),
        has_header=False,
        row=_entry,
        records=lambda lines: _entries(lines, skip=skip),
    )


_FORMS = (_ENTRY4, _ENTRY6, _BARE6)


def _entry(record: Record) -> FeedRow:
    """A record as the list's parser reads its line; the record brings its own row number."""
    if record.problem:
        return FeedRow(
            row=record.number, line=record.line, problem=record.problem, excerpt=record.excerpt
        )
    told = next(plainlist.rows([Line(record.line, record.cells[0])]))
    return replace(told, row=record.number)


def _entries(lines: Iterable[Line], *, skip: tuple[str, ...]) -> Iterator[Record]:
    """Lines that are entries; remarks are none."""
    number = 0
    for line in lines:
        told = next(plainlist.rows([line], skip=skip), None)
        if told is None:
            continue
        excerpt = line.text if line.problem else ""
        yield Record(number, line.number, [line.text], line.problem, excerpt)
        number += 1


_LAYOUTS = cast(
    "dict[Format, Callable[[Recognised], Layout | None]]",
    {Format.SHADOWSERVER: _report, Format.MAPPED: _mapped, Format.PLAIN: _list},
)
