"""The guides that exist, read from this package once and kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from openletter.guides.model import Guide, GuideError
from openletter.guides.parse import parse, parse_translation
from openletter.guides.recognise import UNKNOWN, Candidate, Facts, candidates, choose


def _content() -> Traversable:
    return files("openletter.guides") / "content"


@cache
def ids() -> tuple[str, ...]:
    """Every guide's id, the one for unknown products last."""
    found = sorted(folder.name for folder in _content().iterdir() if folder.is_dir())
    return tuple(sorted(found, key=lambda name: name == UNKNOWN))


@cache
def languages(guide_id: str) -> tuple[str, ...]:
    """The languages that a guide can be read in, English first."""
    folder = _content() / _known(guide_id)
    tags = sorted(file.name.removesuffix(".md") for file in folder.iterdir())
    return tuple(sorted(tags, key=lambda tag: tag != "en"))


@cache
def guide(guide_id: str, *, language: str = "en") -> Guide:
    """A guide in a language, in English where there is no translation (see `.language`)."""
    folder = _content() / _known(guide_id)
    source = parse((folder / "en.md").read_text(encoding="utf-8"))
    if source.id != guide_id:
        raise GuideError(f"{guide_id}: the file calls itself {source.id}")
    if language == "en" or language not in languages(guide_id):
        return source
    text = (folder / f"{language}.md").read_text(encoding="utf-8")
    return parse_translation(text, of=source, language=language)


def _known(guide_id: str) -> str:
    if guide_id not in ids():
        raise GuideError(f"there is no guide called {guide_id!r}")
    return guide_id


def all_guides(*, language: str = "en") -> Iterator[Guide]:
    for name in ids():
        yield guide(name, language=language)


def match(facts: Facts) -> tuple[Candidate, ...]:
    """Every product that the facts may speak of, with confidence and the raw cut."""
    return candidates(facts, guides=all_guides())


def recognised(facts: Facts) -> Candidate | None:
    """The one product a letter may name; None: take the guide `unknown`."""
    return choose(match(facts))
