"""The wordings that exist, read from this package once: what is offered is what is here.

A translation that is stale, unfinished or built differently is not offered; `faults` says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from openletter.guides import library as guides
from openletter.letters.rules.author import Author
from openletter.letters.rules.checking import Problem, check
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.letters.rules.splice import Splicer
from openletter.letters.rules.text import REPLIES, Written
from openletter.letters.rules.wording import Texts, Wording, parse
from openletter.words import LANGUAGES, WaveKind

FRAME = "frame"
ANSWERS = "answers"


@cache
def sources(doc: str) -> Mapping[str, str]:
    folder = files("openletter.letters") / "wordings" / doc
    if not folder.is_dir():
        return {}
    found = (file for file in folder.iterdir() if file.name.endswith(".md"))
    texts = {file.name.removesuffix(".md"): file.read_text(encoding="utf-8") for file in found}
    return {tag: texts[tag] for tag in LANGUAGES if tag in texts}


@cache
def kinds() -> tuple[WaveKind, ...]:
    """The kinds of letters that can be written."""
    return tuple(kind for kind in WaveKind if sources(kind))


@cache
def documents() -> tuple[str, ...]:
    """Every document that a complete language has."""
    return (FRAME, *kinds(), ANSWERS)


@cache
def english(doc: str) -> Wording:
    return parse(sources(doc)["en"], kind=doc, language="en")


@cache
def faults(doc: str, language: str) -> tuple[Problem, ...]:
    """Why a language's document is not offered; a missing one is one fault."""
    if language == "en":
        return ()
    text = sources(doc).get(language)
    if text is None:
        return (Problem(line=0, passage="", what="not there"),)
    return tuple(check(text, kind=doc, language=language, source=english(doc)))


@cache
def wordings(doc: str) -> Mapping[str, Wording]:
    """Every language's document of one kind that is current and whole."""
    return {
        tag: parse(text, kind=doc, language=tag)
        for tag, text in sources(doc).items()
        if not faults(doc, tag)
    }


@cache
def languages() -> tuple[str, ...]:
    """Languages in which every document and the guides' letter blocks are whole, English first."""
    blocks = set(guides.block_languages())
    return tuple(
        tag for tag in LANGUAGES
        if tag in blocks and all(tag in wordings(doc) for doc in documents())
    )  # fmt: skip


@cache
def texts(kind: WaveKind, language: str) -> Texts:
    """The documents of one kind in one language."""
    if kind not in kinds() or language not in languages():
        raise LetterError("no-wording", f"{kind}/{language}")
    return Texts(kind=wordings(kind)[language], frame=wordings(FRAME)[language])


AUTHOR = Author(texts=texts, guide=guides.for_letter)
"""Writes with the wordings and guides of today."""


def splicer(*, eager: bool = False) -> Splicer:
    """Writes and signs the short way; keeps what it learns, for one process."""
    return Splicer(AUTHOR, eager=eager)


def written(facts: LetterFacts) -> Written:
    """The letter as the wordings and guides of today say it, with what is attached."""
    return AUTHOR.write(facts)


@cache
def version(kind: WaveKind, chosen: tuple[str, ...]) -> str:
    """What a letter's wording is known by: changes with any document that it was made from."""
    digests = [
        part.digest for tag in chosen for part in (texts(kind, tag).kind, texts(kind, tag).frame)
    ]
    return f"{kind}-{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:16]}"


@cache
def reply_words() -> Mapping[str, frozenset[str]]:
    """`closed`, `passed-on`, `not-ours`, `stop`: what letters ask for, in every language."""
    frames = [frame.labels for frame in wordings(FRAME).values()]
    keys = (name.replace("_", "-") for name in REPLIES)
    return {key: frozenset(labels[f"reply-{key}"] for labels in frames) for key in keys}
