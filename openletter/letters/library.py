"""The wordings that exist, read from this package once: what is offered is what is here."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.text import Texts
from openletter.letters.rules.wording import Wording, check_translation, parse
from openletter.words import WaveKind

FRAME = "frame"


def _folder(kind: str) -> dict[str, str]:
    folder = files("openletter.letters") / "wordings" / kind
    if not folder.is_dir():
        return {}
    return {
        file.name.removesuffix(".md"): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".md")
    }


@cache
def wordings(kind: str) -> dict[str, Wording]:
    """Every language's document of one kind; a stale or different translation is refused."""
    found = {tag: parse(text, kind=kind, language=tag) for tag, text in _folder(kind).items()}
    for tag, wording in found.items():
        if tag != "en":
            check_translation(wording, found["en"])
    return found


@cache
def languages() -> tuple[str, ...]:
    """Languages in which every kind and the frame are complete, English first."""
    complete = set(wordings(FRAME)).intersection(*(wordings(kind) for kind in kinds()))
    return tuple(sorted(complete, key=lambda tag: (tag != "en", tag)))


@cache
def kinds() -> tuple[WaveKind, ...]:
    """The kinds of letters that can be written."""
    return tuple(kind for kind in WaveKind if _folder(kind))


@cache
def texts(kind: WaveKind, language: str) -> Texts:
    """The documents of one kind in one language."""
    if kind not in kinds() or language not in languages():
        raise LetterError("no-wording", f"{kind}/{language}")
    return Texts(kind=wordings(kind)[language], frame=wordings(FRAME)[language])


@cache
def version(kind: WaveKind, chosen: tuple[str, ...]) -> str:
    """What a letter's wording is known by: changes with any document that it was made from."""
    digests = [
        part.digest for tag in chosen for part in (texts(kind, tag).kind, texts(kind, tag).frame)
    ]
    return f"{kind}-{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:16]}"
