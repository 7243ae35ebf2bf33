"""XML as a stream of small elements: no tree, no entities, no DTD, texts cut to a length.

Owns: reading a document of any size in bounded memory. What is deeper than `DEEPEST` or longer
than `LONGEST_TEXT` is cut; what is no XML, or brings a DTD or entities, is `UnreadableError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from xml.sax import SAXException, handler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from openletter.wire.registry import UnreadableError

DEEPEST = 30
LONGEST_TEXT = 10_000
MOST_ATTRIBUTES = 20
LONGEST_MARK = 1 << 20
"""One tag, with all its attributes, or one comment: the parser holds it until it ends."""
_PIECE = 1 << 16


class Start(NamedTuple):
    """An element begins; names without namespace."""

    name: str
    attributes: Mapping[str, str]
    line: int


class End(NamedTuple):
    """An element ends; the text that stood directly in it."""

    name: str
    text: str


class _Collector(handler.ContentHandler):
    """Events since they were last taken."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Start | End] = []
        self.texts: list[list[str]] = []
        self.lengths: list[int] = []
        self.told = False
        self.locator: Locator | None = None

    def startElement(self, name: str, attrs: AttributesImpl[str]) -> None:  # noqa: N802 (SAX's)
        self.told = True
        if len(self.texts) >= DEEPEST:
            raise UnreadableError("too-deep")
        kept = {
            each.rpartition(":")[2]: attrs[each][:LONGEST_TEXT]
            for each in list(attrs.keys())[:MOST_ATTRIBUTES]
        }
        line = self.locator.getLineNumber() if self.locator else None
        self.events.append(Start(name.rpartition(":")[2], kept, line or 0))
        self.texts.append([])
        self.lengths.append(0)

    def characters(self, content: str) -> None:
        self.told = True
        if self.texts and self.lengths[-1] < LONGEST_TEXT:
            self.texts[-1].append(content[: LONGEST_TEXT - self.lengths[-1]])
            self.lengths[-1] += len(content)

    def endElement(self, name: str) -> None:  # noqa: N802 (as above)
        self.told = True
        self.lengths.pop()
        self.events.append(End(name.rpartition(":")[2], "".join(self.texts.pop()).strip()))


def events(pieces: Iterable[bytes]) -> Iterator[Start | End]:
    """Every element's beginning and end, in order; a mark without end is `too-large`."""
    collector = _Collector()
    parser = DefusedExpatParser(forbid_dtd=True)
    parser.setContentHandler(collector)
    collector.locator = parser
    silent = 0
    try:
        for piece in _small(pieces):
            parser.feed(piece)
            silent = 0 if collector.told else silent + len(piece)
            collector.told = False
            if silent > LONGEST_MARK:
                raise UnreadableError("too-large")
            yield from collector.events
            collector.events.clear()
        parser.close()
    except DefusedXmlException as problem:
        raise UnreadableError("xml-with-dtd") from problem
    except (SAXException, ValueError, AttributeError) as problem:
        if isinstance(problem, UnreadableError):
            raise
        raise UnreadableError("bad-xml") from problem
    yield from collector.events


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _PIECE):
            yield piece[at : at + _PIECE]
