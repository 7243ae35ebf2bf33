"""The named questions of this room, put together: what is asked in several places stands once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_PARTS = {
    "{door}": "door.sql", "{why}": "later.sql", "{stands}": "stands.sql", "{told}": "told.sql",
}  # fmt: skip
"""What a query may hold of the others; the order in which they are put in."""


@cache
def question(name: str, **expressions: str) -> str:
    """A query with its parts in their places, about these expressions: ours, never a value."""
    folder = files("openletter.letters")
    text = folder.joinpath(name).read_text()
    for mark, part in _PARTS.items():
        if mark in text:
            text = text.replace(mark, folder.joinpath(part).read_text())
    for mark, expression in expressions.items():
        text = text.replace(f"{{{mark}}}", expression)
    return text
