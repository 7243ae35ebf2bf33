"""Bytes in chunks of any size as numbered lines of text; a bad line is a value, not an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from openletter.wire.visible import visible_bytes

LINE_LIMIT = 1 << 20
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A physical line, counted from 1, without its end. With `problem`, `text` is an excerpt."""

    number: int
    text: str
    problem: str = ""


def is_utf16(head: bytes) -> bool:
    """Every second byte zero, or its mark: not the encoding that feeds are written in."""
    return head.startswith(_UTF16) or (len(head) > 3 and head[:512].count(0) * 3 > len(head[:512]))


def lines(chunks: Iterable[bytes], *, limit: int = LINE_LIMIT) -> Iterator[Line]:
    """UTF-8 lines ending in LF or CRLF; longer than `limit`, not UTF-8 or with NUL: a problem."""
    number = 0
    for number, raw in enumerate(_split(chunks, limit=limit), start=1):
        yield _decoded(number, raw.removeprefix(_BOM) if number == 1 else raw, limit=limit)


def _decoded(number: int, raw: bytes, *, limit: int) -> Line:
    if raw.endswith(b"\r"):
        raw = raw[:-1]
    if len(raw) > limit:
        return Line(number, visible_bytes(raw), "line-too-long")
    if b"\0" in raw:
        return Line(number, visible_bytes(raw), "nul-byte")
    try:
        return Line(number, raw.decode("utf-8"))
    except UnicodeDecodeError:
        return Line(number, visible_bytes(raw), "wrong-encoding")


def _split(chunks: Iterable[bytes], *, limit: int) -> Iterator[bytes]:
    """Lines as bytes; of one that is too long, only its beginning is kept while skipping on."""
    held = bytearray()
    room = limit + 2  # one more than allowed, and a CR
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            if held:
                held += piece[: room - len(held)]
                yield bytes(held)
                held.clear()
            else:
                yield piece[:room]
        held += rest[: max(0, room - len(held))]
    if held:
        yield bytes(held)
