"""The letters' steps in other languages: one file a language, one entry a paragraph.

A paragraph that several guides share is translated once. An entry is known by the digest of its
English paragraph, so a changed English text makes exactly that entry stale. Numbers, marks and
commands are not in the file at all: they come from the English guide.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from openletter.guides.layout import unwrap
from openletter.guides.letter import block
from openletter.guides.model import Guide, GuideError, Prose, Section, SectionKey
from openletter.guides.values import BLANKS, VARIABLE, Values

LINES = 40
"""A block in another language; the English ones have 30."""

_ENTRY = re.compile(r"## (?P<digest>[0-9a-f]{12})")
_CODE = re.compile(r"`[^`]+`")
_BLANK = re.compile("|".join(sorted(map(re.escape, {*BLANKS.values(), "CONNECTOR"}))))
_NUMBER = re.compile(r"\d+(?:\.\d+)+(?:/\d+)?|::1?(?:/\d+)?")
_MARK = re.compile(r"(?:-|\d+[.)]) ")
_FRONT = {"status", "reviewed-by"}
_KEPT = {"placeholders": VARIABLE, "code": _CODE, "blanks": _BLANK, "numbers": _NUMBER}
_JOINERS = "\u200c\u200d\u200e\u200f"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong in a file of blocks, and in which line."""

    line: int
    says: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    line: int
    digest: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """One language's paragraphs by the digest of the English ones."""

    language: str
    entries: tuple[Entry, ...]
    status: str = ""
    reviewed_by: str = ""
    problems: tuple[Problem, ...] = ()
    """What kept the file from being read whole."""

    @property
    def prose(self) -> dict[str, str]:
        return {entry.digest: entry.text for entry in self.entries}


def digest_of(paragraph: str) -> str:
    """What ties an entry to its English paragraph: the beginning of its SHA-256."""
    return hashlib.sha256(paragraph.encode()).hexdigest()[:12]


def paragraphs(guides: Iterable[Guide]) -> dict[str, str]:
    """Every paragraph that a letter can have of these guides, by digest, in their order."""
    return {
        digest_of(piece.text): piece.text
        for guide in guides
        for piece in _letter(guide).pieces
        if isinstance(piece, Prose)
    }


def _letter(guide: Guide) -> Section:
    empty = Section(key=SectionKey.LETTER, heading="", pieces=())
    return guide.section(SectionKey.LETTER) or empty


@dataclass
class _Lines:
    """A file on its way from lines to entries."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    opened: tuple[int, str] | None = None
    kept: list[str] = field(default_factory=list)

    def take(self, number: int, line: str) -> None:
        if line.startswith("#"):
            self.close()
            found = _ENTRY.fullmatch(line)
            if found:
                self.opened = (number, found["digest"])
            elif not re.fullmatch(r"# [a-z][a-z0-9-]*", line):
                self._wrong(number, f"a heading reads '# guide' or '## digest': {line[:40]!r}")
        elif line.startswith("```"):
            self._wrong(number, "commands come from the English guide; there is prose only here")
        elif self.opened is not None:
            self.kept.append(line.strip())
        elif line.strip():
            self._wrong(number, "text that belongs to no paragraph")

    def close(self) -> None:
        if self.opened is not None:
            number, digest = self.opened
            text = unwrap(line for line in self.kept if line)
            self.entries.append(Entry(line=number, digest=digest, text=text))
        self.opened, self.kept = None, []

    def _wrong(self, number: int, says: str) -> None:
        self.problems.append(Problem(line=number, says=says))


def parse(text: str, *, language: str) -> Blocks:
    """A file of blocks; what is wrong with it is kept with its line, never raised."""
    lines, front = text.splitlines(), {}
    start, reading = 0, _Lines()
    if lines[:1] == ["+++"] and "+++" in lines[1:]:
        start = lines.index("+++", 1) + 1
        try:
            front = tomllib.loads("\n".join(lines[1 : start - 1]))
        except tomllib.TOMLDecodeError as error:
            reading.problems.append(Problem(line=1, says=f"front matter: {error}"))
    reading.problems += [
        Problem(line=1, says=f"unknown front matter {name!r}") for name in sorted({*front} - _FRONT)
    ]
    for number, line in enumerate(lines[start:], start=start + 1):
        reading.take(number, line)
    reading.close()
    return Blocks(
        language=language,
        entries=tuple(reading.entries),
        status=str(front.get("status", "")),
        reviewed_by=str(front.get("reviewed-by", "")),
        problems=tuple(reading.problems),
    )


def problems(blocks: Blocks, *, english: Mapping[str, str]) -> list[Problem]:
    """Everything that keeps this language from being complete, by line."""
    found, seen = list(blocks.problems), set[str]()
    for entry in blocks.entries:
        if entry.digest in seen:
            found.append(Problem(line=entry.line, says=f"{entry.digest} stands twice"))
        seen.add(entry.digest)
        found += [Problem(line=entry.line, says=says) for says in _wrong_in(entry, english)]
    last = max((entry.line for entry in blocks.entries), default=0) + 1
    found += [
        Problem(line=last, says=f"{digest} is missing: {english[digest]}")
        for digest in english
        if digest not in seen
    ]
    return sorted(found, key=lambda problem: problem.line)


def _wrong_in(entry: Entry, english: Mapping[str, str]) -> Iterator[str]:
    source = english.get(entry.digest)
    if source is None:
        yield f"{entry.digest} is stale: no English paragraph has this digest any more"
        return
    if not entry.text or entry.text == source:
        yield f"not translated: {source}"
        return
    if _MARK.match(entry.text):
        yield "no number or dash in front: it comes from the English guide"
    for (name, here), pattern in zip(_kept_of(source), _KEPT.values(), strict=True):
        there = set(pattern.findall(entry.text))
        if here - there:
            yield f"{name} of the English text are missing: {', '.join(sorted(here - there))}"
        if there - here:
            yield f"{name} that the English text has not: {', '.join(sorted(there - here))}"
    unseen = [] if entry.text.isprintable() else sorted(filter(_is_unseen, {*entry.text}))
    if unseen:
        yield f"characters that nobody sees: {', '.join(hex(ord(sign)) for sign in unseen)}"


@cache
def _kept_of(source: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """What a translation keeps of an English paragraph; asked once for all languages."""
    return tuple((name, frozenset(found.findall(source))) for name, found in _KEPT.items())


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cn"} and sign not in _JOINERS


def in_language(guide: Guide, blocks: Blocks) -> Guide:
    """The English guide with its letter's prose in this language; every paragraph must be there."""
    prose = blocks.prose
    try:
        pieces = tuple(
            replace(piece, text=prose[digest_of(piece.text)]) if isinstance(piece, Prose) else piece
            for piece in _letter(guide).pieces
        )
    except KeyError as missing:
        raise GuideError(f"{guide.id} ({blocks.language}): {missing.args[0]} is missing") from None
    sections = tuple(
        replace(section, pieces=pieces) if section.key is SectionKey.LETTER else section
        for section in guide.sections
    )
    return replace(guide, language=blocks.language, sections=sections)


def too_long(blocks: Blocks, *, guides: Iterable[Guide]) -> list[Problem]:
    """Guides whose block has more lines than a letter has room for."""
    values = Values(ip="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", port=65535)
    found = []
    for guide in guides:
        if guide.section(SectionKey.LETTER) is None:
            continue
        read = in_language(guide, blocks)
        texts = [block(read, values=values, weakness=weakness) for weakness in guide.weaknesses]
        if (most := max(len(text.splitlines()) for text in texts)) > LINES:
            found.append(Problem(line=1, says=f"{guide.id}: {most} lines, {LINES} at most"))
    return found


def skeleton(guides: Iterable[Guide], *, current: Blocks | None = None) -> str:
    """A language's file with what is translated already, and the English text for the rest."""
    prose = current.prose if current else {}
    written: set[str] = set()
    parts = [
        "+++",
        f'status = "{(current and current.status) or "draft"}"',
        f'reviewed-by = "{current.reviewed_by if current else ""}"',
        "+++",
    ]
    for guide in guides:
        new = {key: text for key, text in paragraphs([guide]).items() if key not in written}
        written.update(new)
        parts += ["", f"# {guide.id}"] if new else []
        for digest, text in new.items():
            parts += ["", f"## {digest}", prose.get(digest, text)]
    return "\n".join(parts) + "\n"
