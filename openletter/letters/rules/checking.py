"""What is wrong with a translation: built like its English source, current, and set to be read.

Everything is found at once and said with its line, so that a translator mends it in one go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

from openletter.guides.layout import width
from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.plurals import categories
from openletter.letters.rules.wording import (
    LABELS,
    PLURALS,
    Passage,
    Wording,
    labels_of,
    parse,
)

KEPT = ("DKIM", "UTC", "STOP", "VPN", "HTTP", "SOCKS")
"""Names that stay as they are in every language."""
WIDEST_LABEL = 26
WIDEST_WORD = 40
_ITEM = re.compile(r"- |\d+\. |# |\{link\}$|\[")
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff\t]")
_OPEN_TEXT = re.compile(r"\{[a-z_]+\}|[\W\d_]+")
_SHORT = {"only-you", "reply-closed", "reply-passed-on", "reply-not-ours", "reply-stop"}


@dataclass(frozen=True, kw_only=True)
class Problem:
    line: int
    passage: str
    what: str

    def __str__(self) -> str:
        place = f"passage {self.passage}: " if self.passage else ""
        return f"{self.line}: {place}{self.what}"


def check(text: str, *, kind: str, language: str, source: Wording) -> list[Problem]:
    """Everything that keeps this file from being offered; nothing where it is right."""
    try:
        found = parse(text, kind=kind, language=language)
    except LetterError as error:
        return [Problem(line=1, passage="", what=str(error))]
    return sorted(problems(found, source), key=lambda one: one.line)


def problems(translation: Wording, source: Wording) -> Iterator[Problem]:
    if translation.source != source.digest:
        yield Problem(line=2, passage="", what=f'stale: the English is now "{source.digest}"')
    here = [list(group) for _, group in groupby(translation.passages, key=lambda p: p.key)]
    for english, said in zip_longest(source.passages, here):
        if english is None or said is None or said[0].key != english.key:
            yield _misplaced(english, said)
            return
        yield from _plurals(said, translation.language)
        for one in said:
            yield from _passage(one, english)


def _misplaced(english: Passage | None, said: Sequence[Passage] | None) -> Problem:
    """The first passage out of order; what follows it can't be compared."""
    if said is None:
        return Problem(line=0, passage=str(english), what="missing at the end of the file")
    wanted = f"here stands {english} in the English" if english else "not in the English"
    return Problem(line=said[0].line, passage=str(said[0]), what=wanted)


def _plurals(said: Sequence[Passage], language: str) -> Iterator[Problem]:
    """Variants first, each for a category that the language has; the plain one last."""
    if said[-1].conditions & PLURALS:
        yield _at(said[-1], "the last variant of a passage has no plural category")
    for one in said[:-1]:
        if len(one.conditions & PLURALS) != 1:
            yield _at(one, "stands twice")
    for one in said:
        for unknown in sorted((one.conditions & PLURALS) - categories(language)):
            yield _at(one, f"{language} has no plural category {unknown}")


def _at(passage: Passage, what: str) -> Problem:
    return Problem(line=passage.line, passage=str(passage), what=what)


def _passage(said: Passage, english: Passage) -> Iterator[Problem]:
    if found := _INVISIBLE.search(said.text):
        yield _at(said, f"a control character U+{ord(found[0]):04X}; we set direction ourselves")
    if said.name == LABELS:
        yield from _labels(said, english)
        return
    for name in sorted(english.placeholders - said.placeholders):
        yield _at(said, f"{{{name}}} is missing")
    for name in sorted(said.placeholders - english.placeholders):
        yield _at(said, f"{{{name}}} is not in the English")
    here, there = _shape(said.text), _shape(english.text)
    if here != there:
        yield _at(said, f"lines are built as {here}, in the English as {there}")
    for word in KEPT:
        if word in english.text and word not in said.text:
            yield _at(said, f"{word} stays as it is")
    yield from _words(said, english)


def _words(said: Passage, english: Passage) -> Iterator[Problem]:
    plain, was = (_OPEN_TEXT.sub("", text) for text in (said.text, english.text))
    if was and not plain:
        yield _at(said, "empty")
    if len(plain) > 12 and plain == was:
        yield _at(said, "still in English")


def _shape(text: str) -> list[str]:
    """What each line is: heading, item, link, blank or text."""
    found = (_ITEM.match(line) for line in text.split("\n"))
    return [one[0].strip() if one else "" if not line else "text"
            for one, line in zip(found, text.split("\n"), strict=True)]  # fmt: skip


def _labels(said: Passage, english: Passage) -> Iterator[Problem]:
    here, there = labels_of(said.text), labels_of(english.text)
    if list(here) != list(there):
        differs = next((a, b) for a, b in zip_longest(there, here) if a != b)
        yield _at(said, f"label {differs[0]} is expected, found {differs[1]}")
        return
    for number, (key, label) in enumerate(here.items(), start=1):
        line = said.line + number
        most = WIDEST_WORD if key in _SHORT else WIDEST_LABEL + 8 * (key in _WEAKNESSES)
        if not label or width(label) > most:
            yield Problem(line=line, passage=key, what=f"1 to {most} columns, not {width(label)}")
    words = [_plain(label) for key, label in here.items() if key.startswith("reply-")]
    if len(set(words)) != len(words):
        yield _at(said, "two reply words are the same")


_WEAKNESSES = {"open-relay", "open-http-proxy", "open-socks", "exit-only"}


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", " ", word.casefold()).strip()
