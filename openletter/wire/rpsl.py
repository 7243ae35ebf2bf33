"""RPSL text (RFC 2622 §2, the RIPE Database's dialect, LACNIC's and ARIN's bulk text): objects.

Owns: splitting a stream of bytes into objects of attributes, gzip taken off on the way. One
object is in memory at a time. Refuses: objects beyond `LARGEST_OBJECT` bytes and lines that are
no attribute; both are counted and the stream goes on. A gzip stream that ends early is
`UnreadableError`: half a dump is no dump.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openletter.wire.registry import UnreadableError

LARGEST_OBJECT = 1_000_000
LARGEST_TEXT = 40 * 1024**3
MOST_ATTRIBUTES = 5_000
_PIECE = 1 << 20

KEPT = frozenset({
    # what the object is
    "inetnum", "inet6num", "route", "route6", "aut-num", "organisation", "role", "person", "irt",
    "mntner", "nic-hdl", "nic-hdl-br", "netname", "as-name", "descr", "country", "status",
    "source", "org-name", "org-type", "owner", "ownerid", "address", "remarks", "origin",
    # where it points
    "org", "abuse-c", "admin-c", "tech-c", "owner-c", "mnt-by", "mnt-lower", "mnt-irt",
    # what it gives
    "abuse-mailbox", "e-mail", "notify", "changed", "upd-to", "mnt-nfy", "ref-nfy", "irt-nfy",
    "trouble",
    # ARIN's bulk text
    "nethandle", "v6nethandle", "ashandle", "netrange", "nettype", "asnumber", "asname", "orgid",
    "orgname", "pochandle", "isrole", "firstname", "lastname", "mailbox", "abusehandle",
    "techhandle", "nochandle", "adminhandle", "comment", "canallocate",
})  # fmt: skip
_FREE_TEXT = frozenset({"remarks", "descr", "comment", "address", "owner", "org-name", "trouble"})


@dataclass(frozen=True, slots=True)
class RpslObject:
    """One object: its class (first attribute's name, lower case) and its kept attributes."""

    kind: str
    attributes: tuple[tuple[str, str], ...]

    def first(self, *names: str) -> str:
        """The first value of the first of these attributes that has one."""
        for name in names:
            for attribute, value in self.attributes:
                if attribute == name and value:
                    return value
        return ""

    def all(self, *names: str) -> list[str]:
        """Every value of these attributes, in the object's order."""
        return [value for attribute, value in self.attributes if attribute in names and value]

    def lines(self, *names: str) -> list[str]:
        """Every line of these attributes, blank ones too: they part paragraphs."""
        return [
            line
            for attribute, value in self.attributes
            if attribute in names
            for line in value.split("\n")
        ]


def objects(
    pieces: Iterable[bytes], *, wanted: frozenset[str] | None = None, faults: Counter[str]
) -> Iterator[RpslObject]:
    """The stream's objects of the wanted classes (None: all)."""
    for text in _paragraphs(pieces, faults):
        found = _object(text, wanted, faults)
        if found:
            yield found


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Take gzip off where the stream begins with its mark; bounded, and complete or refused."""
    stream = iter(pieces)
    head = next(stream, b"")
    while 0 < len(head) < 2 and (more := next(stream, b"")):
        head += more
    if head[:2] != b"\x1f\x8b":
        yield head
        yield from stream
        return
    yield from _gunzip(head, stream)


def lines(pieces: Iterable[bytes], *, longest: int) -> Iterator[bytes]:
    """Lines of a stream; one without an end is cut, not collected."""
    rest = b""
    for piece in pieces:
        found = (rest + piece).split(b"\n")
        rest = found.pop()[:longest]
        yield from found
    yield rest


def _gunzip(head: bytes, stream: Iterator[bytes]) -> Iterator[bytes]:
    engine, piece, total = zlib.decompressobj(wbits=31), head, 0
    while piece:
        try:
            text = engine.decompress(piece, _PIECE)
        except zlib.error as problem:
            raise UnreadableError("bad-gzip") from problem
        total += len(text)
        if total > LARGEST_TEXT:
            raise UnreadableError("too-large")
        yield text
        piece = engine.unconsumed_tail
        if engine.eof and engine.unused_data:
            piece, engine = engine.unused_data, zlib.decompressobj(wbits=31)
        piece = piece or next(stream, b"")
    if not engine.eof:
        raise UnreadableError("truncated-gzip")


def _paragraphs(pieces: Iterable[bytes], faults: Counter[str]) -> Iterator[bytes]:
    """Blocks between blank lines; one that grows beyond the limit is dropped whole."""
    rest, dropping = b"", False
    for piece in pieces:
        blocks = (rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        rest = blocks.pop()
        if dropping and blocks:
            blocks, dropping = blocks[1:], False
        yield from blocks
        if len(rest) > LARGEST_OBJECT:
            if not dropping:
                faults["too-large"] += 1
            rest, dropping = rest[-1:], True
    if rest and not dropping:
        yield rest.replace(b"\r", b"\n")


def _object(block: bytes, wanted: frozenset[str] | None, faults: Counter[str]) -> RpslObject | None:
    block = block.strip(b"\n\0")
    while block[:1] in (b"%", b"#"):
        block = block.partition(b"\n")[2].lstrip(b"\n")
    kind = block[:24].partition(b":")[0].decode("ascii", "replace").strip().lower()
    if not block or (wanted is not None and kind not in wanted):
        return None
    if len(block) > LARGEST_OBJECT:
        faults["too-large"] += 1
        return None
    attributes = _attributes(_decoded(block), faults)
    return RpslObject(kind, tuple(attributes)) if attributes else None


def _decoded(block: bytes) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return block.decode("latin-1")


def _attributes(text: str, faults: Counter[str]) -> list[tuple[str, str]]:
    found: list[list[str]] = []
    is_kept = False
    for line in text.split("\n"):
        mark = line[:1]
        if mark in (" ", "\t", "+"):
            if is_kept and found:
                found[-1][1] += "\n" + line[1:].strip()
            continue
        if not mark or mark in "%#":
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon:
            faults["no-attribute"] += 1
        is_kept = bool(colon) and name in KEPT
        if is_kept and len(found) < MOST_ATTRIBUTES:
            found.append([name, value.strip()])
    return [(name, value if name in _FREE_TEXT else _plain(value)) for name, value in found]


def _plain(value: str) -> str:
    """A value without its end-of-line comment (RFC 2622: from # on)."""
    if "#" not in value:
        return value
    return "\n".join(line.partition("#")[0].rstrip() for line in value.split("\n"))
