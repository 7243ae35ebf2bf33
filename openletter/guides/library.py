"""The guides that exist, read from this package once and kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from openletter.guides.blocks import Blocks, in_language, paragraphs, problems
from openletter.guides.blocks import parse as parse_blocks
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


def _blocks() -> Traversable:
    return files("openletter.guides") / "blocks"


def block_files() -> tuple[str, ...]:
    """The languages whose steps are under way, whole or not."""
    names = (file.name for file in _blocks().iterdir() if file.name.endswith(".md"))
    return tuple(sorted(name.removesuffix(".md") for name in names))


@cache
def blocks(language: str) -> Blocks | None:
    """The letters' steps in a language, as far as its file goes."""
    if language not in block_files():
        return None
    text = (_blocks() / f"{language}.md").read_text(encoding="utf-8")
    return parse_blocks(text, language=language)


@cache
def block_languages() -> tuple[str, ...]:
    """The languages in which a letter can give every guide's steps, English first."""
    english = paragraphs(all_guides())
    found = [(tag, blocks(tag)) for tag in block_files()]
    return ("en", *(tag for tag, read in found if read and not problems(read, english=english)))


@cache
def for_letter(guide_id: str, language: str) -> Guide:
    """The guide with its steps in a language, in English where that language is not whole."""
    source = guide(guide_id)
    if language == "en" or language not in block_languages():
        return source
    found = blocks(language)
    return in_language(source, found) if found else source


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


@lru_cache(maxsize=1024)
def recognised(facts: Facts) -> Candidate | None:
    """The one product a letter may name; None: take the guide `unknown`."""
    return choose(match(facts))
