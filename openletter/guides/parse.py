"""Reads a guide file: TOML front matter, Markdown sections, fenced blocks with roles.

The English file holds the commands; a translation holds prose only and names each command by
`[[id]]`, so that a command cannot differ between languages. `check` refuses what a guide may
not be.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from openletter.guides.check import check, check_same_build
from openletter.guides.model import (
    BlockRole,
    Command,
    Fingerprint,
    Guide,
    GuideError,
    Kind,
    Piece,
    Prose,
    Reference,
    Section,
    SectionKey,
    Weaknesses,
)
from openletter.words import Weakness

_HEADING = re.compile(r"## (?P<text>.+?) \{#(?P<key>[a-z-]+)\}")
_UNPRINTED = re.compile(r"^## .+ \{#(?:letter|lab)\}$", re.MULTILINE)
_REFERENCE = re.compile(r"\[\[(?P<id>[a-z0-9-]+)\]\]")
_ITEM = re.compile(r"(?P<marker>-|\d+\.) +(?P<text>.*)", re.DOTALL)
_FOR = re.compile(r"\{(?P<which>[a-z -]+)\} ")
_ATTRIBUTES = {
    "id": "id", "case": "case", "lived": "lived", "file": "file", "open": "opened",
    "closed": "closed", "expect": "expect", "from": "where", "for": "weaknesses",
    "defect": "defect",
}  # fmt: skip
_FRONT = {
    "id", "title", "kind", "product", "weaknesses", "ports", "docs", "fingerprint", "reference",
}  # fmt: skip
_FRONT_TRANSLATION = {"title", "source", "status", "reviewed-by"}


def digest_of(text: str) -> str:
    """What ties translations and test records to what they were made from: SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str) -> Guide:
    """The English guide; raises `GuideError` naming the rule that it breaks."""
    front, body = _split(text, allowed=_FRONT)
    reading = _Reading(name=str(front.get("id", "?")), defines=True)
    guide = Guide(
        id=reading.name,
        language="en",
        title=str(front["title"]),
        product=str(front.get("product", "")),
        weaknesses=_weaknesses(_texts(front, "weaknesses"), reading.name),
        ports=tuple(int(port) for port in _texts(front, "ports")),
        fingerprints=tuple(_fingerprints(front.get("fingerprint", []), reading.name)),
        docs=_texts(front, "docs"),
        kind=_kind(front, reading.name),
        references=tuple(_references(front.get("reference", []), reading.name)),
        sections=tuple(reading.sections(body)),
        digest=digest_of(f"{front['title']}\n{_UNPRINTED.split(body, maxsplit=1)[0].rstrip()}"),
    )
    check(guide)
    return replace(guide, followed=_followed(guide))


def _followed(guide: Guide) -> str:
    """Digest of what is typed and looked for; the prose around it may become shorter or clearer."""
    commands = [
        {
            name: sorted(value) if name == "weaknesses" else value
            for name, value in said.items()
            if value
        }
        for said in map(asdict, guide.commands.values())
    ]
    return digest_of(json.dumps([guide.id, guide.ports, commands], sort_keys=True))


def parse_translation(text: str, *, of: Guide, language: str) -> Guide:
    """The guide's page in another language; refused when stale or not of the same build.

    The letter's steps come from the language's blocks: see `blocks`.
    """
    front, body = _split(text, allowed=_FRONT_TRANSLATION)
    reading = _Reading(name=f"{of.id} ({language})", defines=False, commands=dict(of.commands))
    if front.get("source") != of.digest:
        raise GuideError(
            f"{reading.name}: made from another English text; its digest is now {of.digest}"
        )
    guide = replace(
        of,
        language=language,
        title=str(front["title"]),
        sections=tuple(reading.sections(body)),
        status=str(front.get("status", "")),
        reviewed_by=str(front.get("reviewed-by", "")),
    )
    check_same_build(of, guide)
    return guide


def _split(text: str, *, allowed: set[str]) -> tuple[Mapping[str, object], str]:
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise GuideError("a guide opens with front matter between two lines of +++")
    front: Mapping[str, object] = tomllib.loads(parts[1])
    if unknown := set(front) - allowed:
        raise GuideError(f"unknown front matter: {', '.join(sorted(unknown))}")
    if "title" not in front:
        raise GuideError("a guide has a title")
    return front, parts[2]


def _texts(front: Mapping[str, object], name: str) -> tuple[str, ...]:
    stored = front.get(name, [])
    return tuple(str(item) for item in stored) if isinstance(stored, list) else ()


def _weaknesses(words: Iterable[str], name: str) -> Weaknesses:
    try:
        return frozenset(Weakness(word) for word in words)
    except ValueError as error:
        raise GuideError(f"{name}: {error}") from None


def _kind(front: Mapping[str, object], name: str) -> Kind:
    try:
        return Kind(str(front.get("kind", Kind.EXECUTED)))
    except ValueError as error:
        raise GuideError(f"{name}: {error}") from None


def _references(stored: object, name: str) -> Iterator[Reference]:
    for number, entry in enumerate(stored if isinstance(stored, list) else [], start=1):
        seen = entry.get("seen")
        if not isinstance(seen, date) or not str(entry.get("page", "")).startswith("https://"):
            raise GuideError(f"{name}: reference {number} has a page (https) and the date seen")
        yield Reference(title=str(entry.get("title", "")), page=str(entry["page"]), seen=seen)


def _fingerprints(stored: object, name: str) -> Iterator[Fingerprint]:
    for number, entry in enumerate(stored if isinstance(stored, list) else [], start=1):
        try:
            yield Fingerprint(
                id=f"{name}-{number}",
                on=str(entry["on"]),
                pattern=re.compile(str(entry["pattern"])),
                confidence=int(entry["confidence"]),
            )
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise GuideError(f"{name}: fingerprint {number}: {error!r}") from None


@dataclass
class _Reading:
    """One file on its way from lines to sections."""

    name: str
    defines: bool
    commands: dict[str, Command] = field(default_factory=dict)

    def sections(self, body: str) -> Iterator[Section]:
        heading: re.Match[str] | None = None
        lines: list[str] = []
        for line in body.splitlines():
            if not line.startswith("## "):
                lines.append(line)
                continue
            yield from self._section(heading, lines)
            heading, lines = _HEADING.fullmatch(line), []
            if heading is None:
                raise GuideError(f"{self.name}: a heading reads '## Text {{#key}}': {line!r}")
        yield from self._section(heading, lines)

    def _section(self, heading: re.Match[str] | None, lines: list[str]) -> Iterator[Section]:
        if heading is None:
            if any(line.strip() for line in lines):
                raise GuideError(f"{self.name}: text before the first heading")
            return
        try:
            key = SectionKey(heading["key"])
        except ValueError:
            raise GuideError(f"{self.name}: unknown section {heading['key']!r}") from None
        yield Section(key=key, heading=heading["text"], pieces=tuple(self._pieces(lines)))

    def _pieces(self, lines: list[str]) -> Iterator[Piece]:
        rest = iter(lines)
        paragraph: list[str] = []
        for line in rest:
            starts_item = _ITEM.match(line) is not None
            if line.startswith("```") or not line.strip() or starts_item:
                yield from self._paragraph(paragraph)
                paragraph = []
            if line.startswith("```"):
                yield self._fence(line[3:], rest)
            elif line.strip():
                paragraph.append(line.strip())
        yield from self._paragraph(paragraph)

    def _paragraph(self, lines: list[str]) -> Iterator[Piece]:
        if not lines:
            return
        text = " ".join(lines)
        if reference := _REFERENCE.fullmatch(text):
            yield self._command(reference["id"])
            return
        item = _ITEM.fullmatch(text)
        text, marker = (item["text"], item["marker"]) if item else (text, "")
        spoken_of = _FOR.match(text)
        yield Prose(
            text=text[spoken_of.end() :] if spoken_of else text,
            marker=marker,
            weaknesses=_weaknesses(spoken_of["which"].split() if spoken_of else (), self.name),
        )

    def _command(self, wanted: str) -> Command:
        if wanted not in self.commands:
            raise GuideError(f"{self.name}: no command is called {wanted!r}")
        return self.commands[wanted]

    def _fence(self, info: str, rest: Iterator[str]) -> Command:
        if not self.defines:
            raise GuideError(f"{self.name}: a translation names commands, it holds none")
        text = []
        for line in rest:
            if line == "```":
                break
            text.append(line)
        else:
            raise GuideError(f"{self.name}: a block of commands has no end")
        command = self._parse_fence(info, "\n".join(text))
        if command.id in self.commands:
            raise GuideError(f"{self.name}: two commands are called {command.id!r}")
        self.commands[command.id] = command
        return command

    def _parse_fence(self, info: str, text: str) -> Command:
        shell, _, rest = info.partition(" ")
        words = shlex.split(rest)
        plain = [word for word in words if "=" not in word]
        given = dict(word.split("=", 1) for word in words if "=" in word)
        if unknown := set(given) - set(_ATTRIBUTES):
            raise GuideError(f"{self.name}: unknown attribute {min(unknown)!r}")
        if len(plain) != 1 or plain[0] not in set(BlockRole):
            raise GuideError(f"{self.name}: a block has one known role: {info!r}")
        named = {_ATTRIBUTES[key]: value for key, value in given.items()}
        spoken_of = _weaknesses(named.pop("weaknesses", "").replace(",", " ").split(), self.name)
        role = BlockRole(plain[0])
        named.setdefault("id", f"{role}-{named.get('case') or len(self.commands) + 1}")
        return Command(role=role, text=text, shell=shell, weaknesses=spoken_of, **named)
