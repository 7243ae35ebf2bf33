"""JSON from strangers as single values: one, an array's elements, or one after the other (NDJSON).

Owns: cutting a stream into values without reading it whole, and refusing what two readers would
understand differently: doubled keys, NaN, numbers beyond reason, lone surrogates. Time is linear,
memory is bounded by `Limits`. One bad line of NDJSON is one problem; elsewhere nobody can say where
a broken value ends, so reading stops at it, and the problem says so.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from openletter.wire.jsonstrict import BadJsonError, parsed
from openletter.wire.visible import visible_bytes

_BOM = b"\xef\xbb\xbf"
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
"""A whole string, a bracket, or a quote whose string goes on in the next piece."""
_QUOTE, _OPENING = 0x22, b"{["
_IN_STRING = re.compile(rb'["\\]')
_END_OF_SCALAR = re.compile(rb"[\s,\]}]")
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_SCALAR = 100
_KEPT = 1 << 20
_HEAD = 200
"""Pieces in which a first line of any allowed length shows its end."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one value: bytes, nesting, objects and arrays; of a stream: bytes passed over."""

    value: int = 8 << 20
    depth: int = 32
    containers: int = 50_000
    skipped: int = 8 << 20


class JsonValue(NamedTuple):
    """`number` counts values from 1, `line` is where it began. With `problem`, no `value`.

    `is_last`: nothing that may stand behind this problem can be read.
    """

    number: int
    line: int
    value: object = None
    problem: str = ""
    excerpt: str = ""
    is_last: bool = False


def values(chunks: Iterable[bytes], *, limits: Limits | None = None) -> Iterator[JsonValue]:
    """Values in order; every break of a rule is a value with a `problem`."""
    source = _Source(iter(chunks), limits or Limits())
    source.drop_mark()
    head = source.next_byte()
    if source.is_line_by_line():
        yield from _by_lines(source)
    elif head == b"[":
        source.drop(1)
        yield from _elements(source)
    else:
        yield from _in_sequence(source)


def first(chunks: Iterable[bytes], *, limits: Limits | None = None) -> JsonValue | None:
    """The first value, enough to see what a file is."""
    return next(values(chunks, limits=limits), None)


def break_in(chunks: Iterable[bytes], *, limits: Limits | None = None) -> JsonValue | None:
    """Where a file cannot be read any further, so that nothing of it should be taken.

    Line by line there is no such place.
    """
    source = iter(chunks)
    head = list(islice(source, _HEAD))
    if is_lines(head):
        return None
    told = values(chain(head, source), limits=limits)
    return next((one for one in told if one.is_last), None)


def is_lines(chunks: Iterable[bytes], *, limits: Limits | None = None) -> bool:
    """Whether each line is a value of its own."""
    source = _Source(iter(chunks), limits or Limits())
    source.drop_mark()
    source.next_byte()
    return source.is_line_by_line()


def in_line(raw: bytes, line: int, *, limits: Limits | None = None) -> JsonValue | None:
    """What `values` tells of one line of many; None of an empty one."""
    bounds = limits or Limits()
    text = (raw.removeprefix(_BOM) if line == 1 else raw).lstrip(b" \t\r\n")
    if not text:
        return None
    if len(text) > bounds.value:
        return _value(line, line, text[:400].rstrip(), "json-too-large")
    text = text.rstrip()
    return _value(line, line, text, _Scan(bounds).problem_of(text))


# -- the three looks -----------------------------------------------------------------------------


def _by_lines(source: _Source) -> Iterator[JsonValue]:
    """One text a line: a bad line is one problem."""
    number = 0
    while source.next_byte():
        number += 1
        line = source.line
        raw, problem = source.take_line()
        yield _value(number, line, raw, problem or _Scan(source.limits).problem_of(raw))


def _elements(source: _Source) -> Iterator[JsonValue]:
    number, mark = 0, source.next_byte()
    while mark and mark != b"]":
        number += 1
        if not (yield from _next_value(source, number)):
            return
        mark = source.next_byte()
        if mark == b",":
            source.drop(1)
            mark = source.next_byte()
            if mark == b"]":
                break
        elif mark != b"]":
            break
    else:
        if mark:
            source.drop(1)
            mark = source.next_byte()
            if not mark:
                return
    problem = "json-broken" if mark else "json-cut-off"
    yield JsonValue(number + 1, source.line, None, problem, source.excerpt(), is_last=True)


def _in_sequence(source: _Source) -> Iterator[JsonValue]:
    number = 0
    while source.next_byte():
        number += 1
        if not (yield from _next_value(source, number)):
            return


def _next_value(source: _Source, number: int) -> Generator[JsonValue, None, bool]:
    """One value; as its result, whether what stands behind it can be read."""
    line = source.line
    raw, problem = source.take_value()
    told = _value(number, line, raw, problem)
    is_last = source.is_lost or told.problem in {"json-cut-off", "json-broken"}
    yield told._replace(is_last=is_last)
    return not is_last


# -- cutting -------------------------------------------------------------------------------------


class _Scan:
    """Where a value ends: counts brackets outside strings, over as many pieces as it takes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.depth = self.containers = 0
        self.in_string = False
        self.problem = ""

    def end_in(self, buffer: bytes | bytearray, at: int) -> tuple[int, bool]:
        """Where to go on, and whether that is the value's end."""
        while True:
            if self.in_string:
                at = self._through_string(buffer, at)
                if self.in_string or not self.depth:
                    return at, not self.in_string
            mark = _MARKS.search(buffer, at)
            if mark is None:
                return max(at, len(buffer)), False
            at = mark.end()
            self._pass(buffer[mark.start()], is_alone=at - mark.start() == 1)
            if self.is_hopeless or not (self.depth or self.in_string):
                return at, not self.is_hopeless

    def _through_string(self, buffer: bytes | bytearray, at: int) -> int:
        """Behind the string that an earlier piece began, or the end of this piece."""
        while mark := _IN_STRING.search(buffer, at):
            at = mark.end()
            if mark.group() == b'"':
                self.in_string = False
                return at
            at += 1
        return max(at, len(buffer))

    def _pass(self, mark: int, *, is_alone: bool) -> None:
        """Take a bracket in, or a string; a quote alone begins one that goes on."""
        if mark == _QUOTE:
            self.in_string = is_alone
        elif mark in _OPENING:
            self.depth += 1
            self.containers += 1
            if self.depth > self.limits.depth:
                self.problem = self.problem or "json-too-deep"
            elif self.containers > self.limits.containers:
                self.problem = self.problem or "json-too-large"
        else:
            self.depth -= 1

    @property
    def is_hopeless(self) -> bool:
        """Too deep or too many: to find its end would cost more than it can be worth."""
        return bool(self.problem) and (
            self.depth > self.limits.depth or self.containers > self.limits.containers
        )

    def problem_of(self, raw: bytes) -> str:
        """What forbids to parse a value that is already cut out."""
        at, size = 0, len(raw)
        while at < size and not self.problem:
            at, _ = self.end_in(raw, at)
        return self.problem


class _Source:
    """Bytes as they come, with a place in them and the number of its line."""

    def __init__(self, chunks: Iterator[bytes], limits: Limits) -> None:
        self._chunks = chunks
        self._held = bytearray()
        self._at = 0
        self._passed_over = 0
        self.limits = limits
        self.line = 1
        self.is_lost = False

    def drop_mark(self) -> None:
        """The mark that some editors put before UTF-8."""
        while len(self._held) < len(_BOM) and self._fill():
            pass
        if self._held.startswith(_BOM):
            self._at = len(_BOM)

    def next_byte(self) -> bytes:
        """The next byte that is no white space, without taking it; empty at the end."""
        while True:
            found = _NOT_SPACE.search(self._held, self._at)
            self.drop((found.start() if found else len(self._held)) - self._at)
            if found:
                return bytes(found.group())
            if not self._fill():
                return b""

    def drop(self, count: int) -> None:
        self.line += self._held.count(b"\n", self._at, self._at + count)
        self._at += count
        if self._at > _KEPT:
            del self._held[: self._at]
            self._at = 0

    def excerpt(self) -> str:
        return visible_bytes(bytes(self._held[self._at : self._at + 400]))

    def is_line_by_line(self) -> bool:
        """Whether the first line is a whole object and another follows (NDJSON)."""
        if not self._held.startswith(b"{", self._at):
            return False
        end = self._end_of_line()
        if end - self._at < 3:
            return False
        following = _NOT_SPACE.search(self._held, end)
        while following is None and self._fill():
            following = _NOT_SPACE.search(self._held, end)
        if following is None or following.group() != b"{":
            return False
        return self._held[following.start() - 1] in b"\n"

    def take_line(self) -> tuple[bytes, str]:
        """The rest of the line; one that is too long is passed over but for its beginning."""
        end = self._end_of_line()
        is_short = 0 <= end - self._at <= self.limits.value
        problem = "" if is_short else "json-too-large"
        if end < 0 and len(self._held) - self._at <= self.limits.value:
            end, problem = len(self._held), ""
        raw = bytes(self._held[self._at : self._at + 400 if problem else end])
        while end < 0:
            self.drop(len(self._held) - self._at)
            more = self._fill()
            end = self._held.find(b"\n", self._at) if more else len(self._held)
        self.drop(end - self._at)
        return raw.rstrip(), problem

    def take_value(self) -> tuple[bytes, str]:
        """The value that begins here, or its beginning and what is wrong with it."""
        if not self._held.startswith((b"{", b"[", b'"'), self._at):
            return self._take_scalar()
        scan, at, ended = _Scan(self.limits), self._at, False
        head = b""
        while not ended:
            at, ended = scan.end_in(self._held, at)
            if at - self._at > self.limits.value:
                scan.problem = scan.problem or "json-too-large"
            if scan.problem and not ended:
                head = head or bytes(self._held[self._at : self._at + 400])
                at -= self._pass_over(at)
            if self.is_lost or scan.is_hopeless:
                self.is_lost = True
                return head, scan.problem
            if not ended and not self._fill():
                return head or bytes(self._held[self._at : self._at + 400]), "json-cut-off"
        raw = head if scan.problem else bytes(self._held[self._at : at])
        self.drop(at - self._at)
        return raw, scan.problem

    def _pass_over(self, upto: int) -> int:
        """Let go of what is not kept; how far the rest has moved to the front."""
        known = min(upto, len(self._held))
        self.line += self._held.count(b"\n", self._at, known)
        self._passed_over += known - self._at
        self.is_lost = self._passed_over > self.limits.skipped
        del self._held[:known]
        self._at = 0
        return known

    def _take_scalar(self) -> tuple[bytes, str]:
        found = _END_OF_SCALAR.search(self._held, self._at)
        while found is None and len(self._held) - self._at < _SCALAR and self._fill():
            found = _END_OF_SCALAR.search(self._held, self._at)
        end = found.start() if found else len(self._held)
        raw = bytes(self._held[self._at : min(end, self._at + _SCALAR)])
        self.drop(end - self._at)
        return raw, ""

    def _end_of_line(self) -> int:
        """Where this line ends within what a value may have; -1 where it does not."""
        end = self._held.find(b"\n", self._at)
        while end < 0 and len(self._held) - self._at <= self.limits.value and self._fill():
            end = self._held.find(b"\n", max(self._at, len(self._held) - (1 << 17)))
        return end

    def _fill(self) -> bool:
        """Hold one more piece; false at the end."""
        piece = next(self._chunks, b"")
        self._held += piece
        return bool(piece)


# -- parsing -------------------------------------------------------------------------------------


def _value(number: int, line: int, raw: bytes, problem: str) -> JsonValue:
    if not problem:
        try:
            return JsonValue(number, line, parsed(raw))
        except BadJsonError as bad:
            problem = bad.code
        except UnicodeError:
            problem = "wrong-encoding"
        except ValueError:
            problem = "json-broken"
    return JsonValue(number, line, None, problem, visible_bytes(raw))
