"""A wording: one kind of letter in one language, as a document of passages with conditions.

    ## opening (owner, one, open-relay)
    The mail server at {ip} passes on ...

The first passage of a name whose conditions all hold is the one that is printed. Placeholders
are a closed set, filled once: a brace in a value is a brace. A translation has the same
passages, conditions and placeholders as its English source and is tied to it by digest.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openletter.letters.rules.facts import LetterError

CONDITIONS = frozenset(
    {
        *("owner", "provider", "csirt"),
        *("one", "more", "inline", "attached"),
        *("open-relay", "open-http-proxy", "open-socks", "several", "exit-only"),
        *("named", "nameless", "alone", "together", "exercise"),
        *("authority", "responder", "no-authority"),
        *("some-closed", "some-taken-back", "some-announced", "some-remaining", "some-new"),
    }
)
PLACEHOLDERS = frozenset(
    {
        *("ip", "number", "reference", "link", "genuine", "partner", "partners", "email"),
        *("campaign", "authority", "responder", "domain", "introduced", "product", "legal"),
        *("file", "step"),
        *("earlier_date", "earlier_reference"),
        *("closed", "taken_back", "announced", "remaining", "new"),
        *("closed_rows", "taken_back_rows", "announced_rows", "remaining_rows", "new_rows"),
    }
)
_PASSAGE = re.compile(r"## (?P<name>[a-z-]+)(?: \((?P<conditions>[a-z, -]+)\))?")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_FRONT = {"source", "status", "reviewed-by"}


@dataclass(frozen=True, kw_only=True)
class Passage:
    name: str
    conditions: frozenset[str]
    text: str

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset(_PLACEHOLDER.findall(self.text))


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One document; `digest` is of this text and goes into the letter's wording version."""

    kind: str
    language: str
    passages: tuple[Passage, ...]
    digest: str
    source: str = ""
    status: str = ""
    reviewed_by: str = ""

    def passage(self, name: str, holds: frozenset[str]) -> str:
        """The text of the first passage of that name whose conditions all hold; else nothing."""
        for passage in self.passages:
            if passage.name == name and passage.conditions <= holds:
                return passage.text
        return ""


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, *, kind: str, language: str) -> Wording:
    """A wording from its file; unknown conditions and placeholders are refused."""
    where = f"{kind}/{language}"
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise LetterError("wording-broken", f"{where}: no front matter")
    front = tomllib.loads(parts[1])
    if unknown := set(front) - _FRONT:
        raise LetterError("wording-broken", f"{where}: {min(unknown)}")
    return Wording(
        kind=kind,
        language=language,
        passages=tuple(_passages(parts[2], where)),
        digest=digest_of(text),
        source=str(front.get("source", "")),
        status=str(front.get("status", "")),
        reviewed_by=str(front.get("reviewed-by", "")),
    )


def _passages(body: str, where: str) -> Iterator[Passage]:
    for chunk in re.split(r"^(?=## )", body, flags=re.MULTILINE):
        head, _, text = chunk.partition("\n")
        if not chunk.strip():
            continue
        found = _PASSAGE.fullmatch(head)
        if found is None:
            raise LetterError("wording-broken", f"{where}: {head!r}")
        conditions = frozenset(re.split(r", *", found["conditions"] or "")) - {""}
        passage = Passage(name=found["name"], conditions=conditions, text=text.strip("\n"))
        if unknown := (conditions - CONDITIONS) | (passage.placeholders - PLACEHOLDERS):
            raise LetterError("wording-broken", f"{where}: {head}: unknown {min(unknown)}")
        if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
            raise LetterError("wording-broken", f"{where}: {head}: a stray brace")
        yield passage


def check_translation(translation: Wording, source: Wording) -> None:
    """Current, and built like the English: same passages, conditions and placeholders."""
    where = f"{translation.kind}/{translation.language}"
    if translation.source != source.digest:
        raise LetterError("wording-stale", f"{where}: the English is now {source.digest}")
    here = [(p.name, p.conditions, p.placeholders) for p in translation.passages]
    there = [(p.name, p.conditions, p.placeholders) for p in source.passages]
    if here != there:
        differ = next((a for a, b in zip(there, here, strict=False) if a != b), there[-1])
        raise LetterError("wording-differs", f"{where}: {differ[0]} {sorted(differ[1])}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Every placeholder replaced, once; a missing value is an error, never a blank."""

    def of(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise LetterError("value-missing", found[1])
        return values[found[1]]

    return _PLACEHOLDER.sub(of, text)
