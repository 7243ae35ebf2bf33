"""The block that stands in a letter: numbered steps in plain text, 72 columns, commands whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from openletter.guides.direction import led
from openletter.guides.layout import fill, indent, plain
from openletter.guides.model import Command, Guide, Piece, Prose, Section, SectionKey
from openletter.guides.values import Values
from openletter.words import LANGUAGES, Weakness

_STEP = "   "
_COMMAND = "     "


def block(
    guide: Guide,
    *,
    values: Values,
    weakness: Weakness | None = None,
    pointer: str = "",
) -> str:
    """The guide's letter section as text.

    Commands stand once in a letter: a second language gives `pointer` (a sentence with `{step}`)
    that is printed where the first language has the command.
    """
    section = guide.section(SectionKey.LETTER)
    if section is None:
        raise ValueError(f"{guide.id} has no block for letters")
    steps = list(_steps(section.about(weakness)))
    rtl = LANGUAGES[guide.language].is_right_to_left
    return "\n\n".join(
        text
        for number, step in enumerate(steps, start=1)
        for text in _step(step, number=number, values=values, pointer=pointer, rtl=rtl)
    )


def _steps(section: Section) -> Iterator[list[Piece]]:
    """A step opens with a numbered item and holds what follows until the next one."""
    opens = [
        at
        for at, piece in enumerate(section.pieces)
        if isinstance(piece, Prose) and piece.marker.rstrip(".").isdigit()
    ]
    for start, end in pairwise([*opens, len(section.pieces)]):
        yield list(section.pieces[start:end])


def _step(
    pieces: Iterable[Piece], *, number: int, values: Values, pointer: str, rtl: bool
) -> Iterator[str]:
    lead, pointed = f"{number}. ", False
    for piece in pieces:
        if isinstance(piece, Command):
            if not pointer:
                yield indent(piece.filled(values), _COMMAND)
            elif not pointed:
                yield fill(pointer.format(step=number), first=_COMMAND, rest=_COMMAND)
                pointed = True
            continue
        mark = "- " if piece.marker == "-" else ""
        first = lead or f"{_STEP}{mark}"
        wrap = _fill if "{{" in piece.text else _fill_once
        yield wrap(piece.filled(values), first, _STEP + " " * len(mark), rtl)
        lead = ""


def _fill(text: str, first: str, rest: str, rtl: bool) -> str:  # noqa: FBT001 - keys of a cache
    text = fill(plain(text, rtl=rtl), first=first, rest=rest)
    return led(text) if rtl else text


_fill_once = lru_cache(maxsize=1024)(_fill)
"""For paragraphs without values: the same in every letter."""
