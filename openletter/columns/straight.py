"""A text made straight for the engine: one row a physical line, nothing it could read otherwise.

Most of a big file is plain, and plain blocks are told by one pass at the speed of memory: what is
left of a block without its harmless bytes must be the marks of so many rows and nothing else.
Whatever else stands in a file (quotes that stay open, bytes that are no text, missing cells) is
handed to the caller line by line and leaves an empty row behind, so that row and line agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from openletter.wire.lines import LINE_LIMIT

BLOCK = 1 << 19
"""Smaller than the longest line allowed, so a plain block has none that is too long."""
WINDOW = 128
SAMPLE, SAMPLES = 1 << 12, 1 << 25
"""Bytes of each block, and of all, that are shown beforehand as a sample."""


class Shape(Protocol):
    """What is plain in a file of one kind."""

    @property
    def filler(self) -> bytes:
        """What stands for a line that is not plain, without its end."""

    @property
    def longest(self) -> int:
        """Bytes that a line may have; of a longer one only its beginning is kept."""

    @property
    def window(self) -> int:
        """So many lines the caller sees of what follows an odd one."""

    def block(self, block: bytes) -> bytes | None:
        """What the engine is to read of a block in which every line is plain; else None."""

    def line(self, line: bytes) -> bytes | None:
        """The same of one line, known to be text."""


@dataclass(frozen=True)
class Table:
    """Rows of `cells` cells; quotes only around whole cells."""

    cells: int
    delimiter: bytes
    longest: int = LINE_LIMIT
    window: int = WINDOW
    filler: bytes = field(init=False)
    _marks: bytes = field(init=False)
    _harmless: bytes = field(init=False)
    _quoted: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        mark = re.escape(self.delimiter)
        cell = b'(?:"(?:[^"]|"")*"|[^"' + mark + b"]*)"
        rest = b"(?:" + mark + cell + b"){%d}" % (self.cells - 1)
        kept = self.delimiter + b'\n\r\0"'
        set_ = object.__setattr__
        set_(self, "filler", self.delimiter * (self.cells - 1) or b'""')
        set_(self, "_marks", self.delimiter * (self.cells - 1) + b"\n")
        set_(self, "_harmless", bytes(one for one in range(256) if one not in kept))
        set_(self, "_quoted", re.compile(cell + rest, re.DOTALL))

    @property
    def _is_told_by_marks(self) -> bool:
        return self.cells > 1 and not self.delimiter.isspace()

    def block(self, block: bytes) -> bytes | None:
        if not self._is_told_by_marks:
            return None
        marks = block.translate(None, self._harmless)
        return block if marks == self._marks * (len(marks) // self.cells) else None

    def line(self, line: bytes) -> bytes | None:
        if b"\0" in line or b"\r" in line:
            return None
        if b'"' in line:
            return line if self._quoted.fullmatch(line) else None
        return line if line.count(self.delimiter) == self.cells - 1 else None


_LIST = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:/[]-+"


@dataclass(frozen=True)
class Entries:
    """A list: one entry a line, of letters, digits and `.:/[]+-` only."""

    filler: bytes = b"-"
    longest: int = LINE_LIMIT
    window: int = WINDOW
    skips: bool = False
    """Whether the list has lines of its own to leave out, so that each line must be looked at."""

    def block(self, block: bytes) -> bytes | None:
        if self.skips or block.translate(None, _LIST + b"\n"):
            return None
        if b"\n\n" in block or b"\n//" in block or block.startswith((b"\n", b"//")):
            return None
        return block

    def line(self, line: bytes) -> bytes | None:
        is_odd = self.skips or not line or line.startswith(b"//")
        return None if is_odd or line.translate(None, _LIST) else line


Odd = Callable[[int, Sequence[bytes]], int]
"""Called with a line's number and that line and those behind it; returns how many it took."""


@dataclass(kw_only=True)
class Straight:
    """What came of a file: where the engine reads it, its lines, and those that start no row."""

    path: Path
    lines: int = 0
    size: int = 0
    odd: set[int] = field(default_factory=set)
    copied: bool = False
    sample: bytearray = field(default_factory=bytearray)
    """Whole lines from all over the file."""


def straighten(
    chunks: Iterable[bytes], *, copy: Path, original: Path | None, shape: Shape, odd: Odd
) -> Straight:
    """Read a file once. `original` is used as it stands where all of it is plain, else `copy`.

    `odd` is told of each line that isn't plain; what it took is left out of the table.
    """
    made = Straight(path=original or copy)
    with copy.open("wb") as out:
        work = _Work(made, out, shape=shape, odd=odd, is_copied=original is None)
        for block in _blocks(chunks, shape.longest):
            work.take(block)
        work.end()
        made.copied = work.is_copied
    if made.copied:
        made.path = copy
    return made


def _blocks(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Whole lines, about half a megabyte of them; of a line too long, only its beginning."""
    held = bytearray()
    is_passing = False
    for chunk in chunks:
        piece = chunk
        if is_passing:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            piece, is_passing = chunk[end:], False
        held += piece
        while len(held) >= BLOCK:
            cut = held.rfind(b"\n", 0, BLOCK) + 1 or held.find(b"\n") + 1
            if not cut:
                break
            yield bytes(held[:cut])
            del held[:cut]
        if len(held) > longest + 2 and b"\n" not in held:
            del held[longest + 2 :]
            is_passing = True
    if held:
        yield bytes(held)


class _Work:
    """Lines on their way; keeps back what an odd line may reach into."""

    def __init__(
        self, made: Straight, out: BinaryIO, *, shape: Shape, odd: Odd, is_copied: bool
    ) -> None:
        self.made, self.out, self.shape, self.odd = made, out, shape, odd
        self.is_copied = is_copied
        self._waiting: list[bytes] = []

    def take(self, block: bytes) -> None:
        if not self._waiting and len(block) <= BLOCK and self._is_plain(block):
            return
        self._begin_copy()
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        self._waiting.extend(lines)
        self._work_off(is_end=False)

    def end(self) -> None:
        if self._waiting:
            self._work_off(is_end=True)

    def _is_plain(self, block: bytes) -> bool:
        plain = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        whole = plain if plain.endswith(b"\n") else plain + b"\n"
        told = self.shape.block(whole)
        if told is None or not _is_text(whole):
            return False
        if plain is not block:
            self._begin_copy()
        self._write(told)
        self.made.lines += told.count(b"\n")
        return True

    def _work_off(self, *, is_end: bool) -> None:
        lines, at = self._waiting, 0
        are_text = _is_text(b"\n".join(lines))
        out: list[bytes] = []
        while at < len(lines):
            line = lines[at].removesuffix(b"\r")
            is_short = len(line) < BLOCK and (are_text or _is_text(line))
            if is_short and (told := self.shape.line(line)) is not None:
                out.append(told)
                at += 1
                continue
            if not is_end and len(lines) - at < self.shape.window:
                break
            number = self.made.lines + at + 1
            taken = self.odd(number, lines[at : at + self.shape.window])
            self.made.odd.update(range(number, number + taken))
            out.extend([self.shape.filler] * taken)
            at += taken
        if out:
            self._write(b"\n".join(out) + b"\n")
        self.made.lines += at
        self._waiting = lines[at:]

    def _begin_copy(self) -> None:
        """From here on the file differs from the original: what was plain so far comes along."""
        if self.is_copied:
            return
        self.is_copied = True
        with self.made.path.open("rb") as original:
            left = self.made.size
            while left and (piece := original.read(min(left, 1 << 20))):
                self.out.write(piece)
                left -= len(piece)

    def _write(self, block: bytes) -> None:
        self.made.size += len(block)
        if len(self.made.sample) < SAMPLES:
            end = block.rfind(b"\n", 0, SAMPLE) + 1 or block.find(b"\n") + 1
            self.made.sample += block[:end]
        if self.is_copied:
            self.out.write(block)


def _is_text(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
