"""A wording: one kind of letter in one language, as a document of passages with conditions.

    ## opening (one, open-relay)
    The mail server at {ip} seems to ...

The first passage of a name whose conditions all hold is the one that is printed. Placeholders
are a closed set, filled once: a brace in a value is a brace. A translation has the same
passages, conditions and placeholders as its English source and is tied to it by digest; where
its numbers need it, it may say a passage several times, for CLDR's plural categories (`n-few`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from openletter.letters.rules.facts import LetterError

PLURALS = frozenset({"n-zero", "n-one", "n-two", "n-few", "n-many"})
CONDITIONS = PLURALS | {
    *("owner", "provider", "csirt"),
    *("one", "more", "inline", "attached"),
    *("open-relay", "open-http-proxy", "open-socks", "several", "exit-only"),
    *("named", "nameless", "alone", "together", "exercise"),
    *("authority", "responder", "no-authority"),
    *("some-closed", "some-taken-back", "some-announced", "some-remaining", "some-new"),
}
PLACEHOLDERS = frozenset(
    {
        *("ip", "what", "number", "reference", "link", "partner", "partners", "email"),
        *("campaign", "authority", "responder", "domain", "introduced", "legal", "step"),
        *("earlier_date", "earlier_reference", "mailbox"),
        *("only_you", "not_yours"),
        *("reply_closed", "reply_passed_on", "reply_not_ours", "reply_stop"),
    }
)
LABELS = "labels"
_PASSAGE = re.compile(r"## (?P<name>[a-z-]+)(?: \((?P<conditions>[a-z, -]+)\))?")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_FRONT = {"source", "status", "reviewed-by"}


@dataclass(frozen=True, kw_only=True)
class Passage:
    name: str
    conditions: frozenset[str]
    text: str
    line: int = 0
    """Where its heading stands in the file."""

    @cached_property
    def placeholders(self) -> frozenset[str]:
        return frozenset(placeholders(self.text))

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """What ties it to its English source: name and conditions, plural categories apart."""
        return self.name, self.conditions - PLURALS

    def __str__(self) -> str:
        said = ", ".join(sorted(self.conditions))
        return f"{self.name} ({said})" if said else self.name


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
        for passage in self._by_name.get(name, ()):
            if passage.conditions <= holds:
                return passage.text
        return ""

    @cached_property
    def _by_name(self) -> dict[str, list[Passage]]:
        found: dict[str, list[Passage]] = {}
        for passage in self.passages:
            found.setdefault(passage.name, []).append(passage)
        return found

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Short texts by key: the lines of the passage `labels`."""
        return labels_of(self.passage(LABELS, frozenset()))


def labels_of(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, *, kind: str, language: str) -> Wording:
    """A wording from its file; unknown conditions and placeholders are refused."""
    where = f"{kind}/{language}"
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise LetterError("wording-broken", f"{where}: no front matter")
    front = _front(parts[1], where)
    above = text.count("\n") - parts[2].count("\n")
    return Wording(
        kind=kind,
        language=language,
        passages=tuple(_passages(parts[2], where, above=above)),
        digest=digest_of(text),
        source=str(front.get("source", "")),
        status=str(front.get("status", "")),
        reviewed_by=str(front.get("reviewed-by", "")),
    )


def _front(text: str, where: str) -> dict[str, object]:
    try:
        front = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LetterError("wording-broken", f"{where}: front matter: {error}") from error
    if unknown := set(front) - _FRONT:
        raise LetterError("wording-broken", f"{where}: front matter: unknown {min(unknown)}")
    return front


def _passages(body: str, where: str, *, above: int) -> Iterator[Passage]:
    line = above + 1
    for chunk in re.split(r"^(?=## )", body, flags=re.MULTILINE):
        if chunk.strip():
            yield _passage(chunk, f"{where}:{line}", line=line)
        line += chunk.count("\n")


def _passage(chunk: str, where: str, *, line: int) -> Passage:
    head, _, text = chunk.partition("\n")
    found = _PASSAGE.fullmatch(head)
    if found is None:
        raise LetterError("wording-broken", f"{where}: not a passage's heading: {head!r}")
    conditions = frozenset(re.split(r", *", found["conditions"] or "")) - {""}
    passage = Passage(
        name=found["name"], conditions=conditions, text=text.strip("\n"), line=line
    )  # fmt: skip
    if unknown := (conditions - CONDITIONS) | (passage.placeholders - PLACEHOLDERS):
        raise LetterError("wording-broken", f"{where}: {head}: unknown {min(unknown)}")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        raise LetterError("wording-broken", f"{where}: {head}: a stray brace")
    return passage


def placeholders(text: str) -> list[str]:
    return _PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Every placeholder replaced, once; a missing value is an error, never a blank."""

    def of(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise LetterError("value-missing", found[1])
        return values[found[1]]

    return _PLACEHOLDER.sub(of, text)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The two documents that a language's letter is made from; the kind's own goes first."""

    kind: Wording
    frame: Wording

    def passage(self, name: str, holds: frozenset[str]) -> str:
        return self.kind.passage(name, holds) or self.frame.passage(name, holds)
