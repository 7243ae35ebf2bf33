"""CSV (RFC 4180 and its looser kin) as records with the line they began on.

The quote that never closes is the trap: read on to the end and one bad row swallows the file. Here
a record may span a bounded number of lines; beyond that its first line is a problem and reading
goes on with the second.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from openletter.wire.lines import LINE_LIMIT, Line
from openletter.wire.visible import visible

SPAN_LIMIT = 100
csv.field_size_limit(LINE_LIMIT * 2)


class Record(NamedTuple):
    """`number` counts records from 0 (the header), `line` is where it began."""

    number: int
    line: int
    cells: list[str]
    problem: str = ""
    excerpt: str = ""


def records(lines: Iterable[Line], *, delimiter: str = ",") -> Iterator[Record]:
    """Records in order; empty lines are no records."""
    source = _Pushback(iter(lines))
    number = 0
    for line in source:
        if line.problem:
            yield Record(number, line.number, [], line.problem, line.text)
        elif not line.text.strip():
            continue
        else:
            yield _record(number, line, source, delimiter=delimiter)
        number += 1


class _Pushback:
    """Lines that can be given back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._back: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        while True:
            if self._back:
                yield self._back.popleft()
                continue
            try:
                line = next(self._lines)
            except StopIteration:
                return
            yield line

    def take(self) -> Line | None:
        return self._back.popleft() if self._back else next(self._lines, None)

    def give_back(self, lines: list[Line]) -> None:
        self._back.extendleft(reversed(lines))


def _record(number: int, line: Line, source: _Pushback, *, delimiter: str) -> Record:
    text = line.text
    if '"' in text and text.count('"') % 2 and _is_open(text, delimiter):
        whole = _close(text, source, delimiter=delimiter)
        if whole is None:
            return Record(number, line.number, [], "unclosed-quote", visible(text))
        text = whole
    try:
        cells = next(csv.reader((text,), delimiter=delimiter))
    except (csv.Error, StopIteration):
        return Record(number, line.number, [], "not-csv", visible(text))
    return Record(number, line.number, cells)


def _close(text: str, source: _Pushback, *, delimiter: str) -> str | None:
    """The record with the lines that its open quote reaches into; None where it never closes."""
    taken: list[Line] = []
    whole = text
    while len(taken) < SPAN_LIMIT and len(whole) < LINE_LIMIT:
        line = source.take()
        if line is None:
            break
        taken.append(line)
        if line.problem:
            break
        whole = f"{whole}\n{line.text}"
        if line.text.count('"') % 2 and not _is_open(whole, delimiter):
            return whole
    source.give_back(taken)
    return None


def _is_open(text: str, delimiter: str) -> bool:
    """Whether the text ends inside a quoted field (a quote amid an unquoted field is a letter)."""
    at = 0
    while at <= len(text):
        if text.startswith('"', at):
            end = _closing(text, at + 1)
            if end < 0:
                return True
            at = end + 1
        comma = text.find(delimiter, at)
        if comma < 0:
            return False
        at = comma + 1
    return False


def _closing(text: str, at: int) -> int:
    """Where the quote that closes a field stands; doubled quotes are letters."""
    while True:
        quote = text.find('"', at)
        if quote < 0:
            return -1
        if not text.startswith('"', quote + 1):
            return quote
        at = quote + 2
