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
    "orgabusehandle", "orgtechhandle", "orgnochandle", "orgadminhandle",
})  # fmt: skip
_FREE_TEXT = frozenset({"remarks", "descr", "comment", "address", "owner", "org-name", "trouble"})


class RpslObject:
    """One object: its class (first attribute's name, lower case) and its kept attributes."""

    __slots__ = ("_named", "attributes", "kind")

    def __init__(self, kind: str, attributes: tuple[tuple[str, str], ...]) -> None:
        self.kind = kind
        self.attributes = attributes
        self._named: dict[str, list[str]] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RpslObject) and self.attributes == other.attributes

    def __hash__(self) -> int:
        return hash(self.attributes)

    def __repr__(self) -> str:
        return f"RpslObject({self.kind!r}, {self.attributes!r})"

    @property
    def named(self) -> dict[str, list[str]]:
        """Values by attribute; empty ones too."""
        if self._named is None:
            self._named = {}
            for attribute, value in self.attributes:
                self._named.setdefault(attribute, []).append(value)
        return self._named

    def first(self, *names: str) -> str:
        """The first value of the first of these attributes that has one."""
        for name in names:
            for value in self.named.get(name, ()):
                if value:
                    return value
        return ""

    def all(self, *names: str) -> list[str]:
        """Every value of these attributes, in the object's order."""
        return [value for value in self._values(names) if value]

    def lines(self, *names: str) -> list[str]:
        """Every line of these attributes, blank ones too: they part paragraphs."""
        return [line for value in self._values(names) for line in value.split("\n")]

    def _values(self, names: tuple[str, ...]) -> list[str]:
        present = [name for name in names if name in self.named]
        if len(present) < 2:
            return self.named[present[0]] if present else []
        return [value for attribute, value in self.attributes if attribute in present]


class Faults(Counter[str]):
    """What was passed over, counted by reason; the first ones with file and line.

    Readers set `file` and `line` (of the object or record they are at) before they note.
    """

    MOST_EXAMPLES = 200

    def __init__(self) -> None:
        super().__init__()
        self.file, self.line = "", 0
        self.examples: list[tuple[str, int, str]] = []

    def note(self, reason: str) -> None:
        """One more, here."""
        self[reason] += 1
        if len(self.examples) < self.MOST_EXAMPLES:
            self.examples.append((self.file, self.line, reason))


def note(faults: Counter[str], reason: str) -> None:
    """Count it, and keep the place where the counter keeps places."""
    if isinstance(faults, Faults):
        faults.note(reason)
    else:
        faults[reason] += 1


def objects(
    pieces: Iterable[bytes], *, wanted: frozenset[str] | None = None, faults: Counter[str]
) -> Iterator[RpslObject]:
    """The stream's objects of the wanted classes (None: all)."""
    placed = faults if isinstance(faults, Faults) else Faults()
    line = 1
    for text in _paragraphs(pieces, faults):
        placed.line = line
        found = _object(text, wanted, faults)
        line += text.count(b"\n") + 2
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
        text = rest + piece if rest else piece
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        blocks = text.split(b"\n\n")
        rest = blocks.pop()
        if dropping and blocks:
            blocks, dropping = blocks[1:], False
        yield from blocks
        if len(rest) > LARGEST_OBJECT:
            if not dropping:
                note(faults, "too-large")
            rest, dropping = rest[-1:], True
    if rest and not dropping:
        yield rest.replace(b"\r", b"\n")


def _object(block: bytes, wanted: frozenset[str] | None, faults: Counter[str]) -> RpslObject | None:
    """The object of a block; of one that nobody asked for only the class is read."""
    if block[:1] in _NO_CLASS:
        block = _from_class(block)
    name = block[:24].partition(b":")[0]
    kind = _CLASSES.get(name) or name.decode("ascii", "replace").strip().lower()
    if not block or (wanted is not None and kind not in wanted):
        return None
    if len(block) > LARGEST_OBJECT:
        note(faults, "too-large")
        return None
    attributes = _attributes(_decoded(block.rstrip(b"\n\0")), faults)
    return RpslObject(kind, tuple(attributes)) if attributes else None


_CLASSES = {name.encode(): name for name in KEPT}
_NO_CLASS = (b"", b"%", b"#", b"\n", b"\0")


def _from_class(block: bytes) -> bytes:
    """Without the comments and blank lines before the first attribute."""
    block = block.strip(b"\n\0")
    while block[:1] in (b"%", b"#"):
        block = block.partition(b"\n")[2].lstrip(b"\n")
    return block


def _decoded(block: bytes) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return block.decode("latin-1")


def _attributes(text: str, faults: Counter[str]) -> list[tuple[str, str]]:
    """The kept ones; a name that stands as we keep it needs no second look."""
    found: list[list[str]] = []
    last: list[str] = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if not colon or name not in KEPT:
            name = _other(line, name, colon, faults)
        if name == _GOES_ON:
            last.append(line[1:].strip())
        elif name:
            last = [name, value.strip()]
            if name != _PASSED_OVER and len(found) < MOST_ATTRIBUTES:
                found.append(last)
    return [
        (each[0], _value(each[0], each[1] if len(each) == 2 else "\n".join(each[1:])))
        for each in found
    ]


_GOES_ON, _PASSED_OVER = "+", "-"


def _other(line: str, name: str, colon: str, faults: Counter[str]) -> str:
    """A kept attribute in another case, a line that goes on, one passed over, or none at all."""
    mark = line[:1]
    if mark in (" ", "\t", "+"):
        return _GOES_ON
    if not mark or mark in "%#":
        return ""
    if not colon:
        note(faults, "no-attribute")
        return _PASSED_OVER
    lower = name.strip().lower()
    return lower if lower in KEPT else _PASSED_OVER


def _value(name: str, value: str) -> str:
    return _plain(value) if "#" in value and name not in _FREE_TEXT else value


def _plain(value: str) -> str:
    """A value without its end-of-line comment (RFC 2622: from # on)."""
    return "\n".join(line.partition("#")[0].rstrip() for line in value.split("\n"))
