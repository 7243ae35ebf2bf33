"""The source definitions that come with openletter, and further ones from a folder."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from openletter.evidence.rules.definitions import BadDefinitionError, read_definition
from openletter.evidence.rules.feeds import Feed, SourceBook

SAMPLES = "samples.toml"
"""How a folder's samples are judged; no definition."""


@cache
def packaged() -> SourceBook:
    """Every `sources/<name>/source.toml`."""
    folder = files("openletter.evidence") / "sources"
    feeds: list[Feed] = []
    others: list[str] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        source = entry / "source.toml"
        if entry.is_dir() and source.is_file():
            raw = parse(source)
            more = raw.pop("other_reports", [])
            others.extend(map(str, more if isinstance(more, list) else []))
            feeds.extend(read_definition(raw))
    return SourceBook(feeds, other_reports=others)


def parse(source: Traversable | Path) -> dict[str, object]:
    """A TOML file; BadDefinitionError where it is none."""
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadDefinitionError(f"{source.name}: {problem}") from None


def with_folder(book: SourceBook, folder: Path) -> SourceBook:
    """The book and the definitions in `folder`."""
    paths = definitions_in(folder)
    return book.with_feeds(feed for path in paths for feed in read_definition(parse(path)))


def definitions_in(folder: Path) -> list[Path]:
    """The folder's own definitions (`*.toml`), and those of the source folders in it."""
    own = [path for path in folder.glob("*.toml") if path.name != SAMPLES]
    return sorted([*own, *folder.glob("*/source.toml")])
