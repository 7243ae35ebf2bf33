"""Bytes with slots: what many letters share, encoded once, and where each letter's own goes.

A template is learnt, not written: the same text is made twice, with two sets of marks in the
places of the values. The first shows where they stand, the second proves it. Values have the
length that the marks had, so that every line is broken where it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from openletter.letters.rules.kept import UnlearntError

_SOFT = b"=\r\n"
"""Quoted-printable may break a line inside of a value."""

Values = Sequence[bytes]
_Taken = tuple[int, int | None, int | None]


@dataclass(frozen=True)
class Template:
    """Octets with the places of values between them; each a value's number, or a piece of it."""

    literals: tuple[bytes, ...]
    taken: tuple[_Taken, ...]

    def fill(self, values: Values) -> bytes:
        return self._octets % self._take(values)

    @cached_property
    def least(self) -> int:
        """How many octets it has without its values."""
        return sum(map(len, self.literals))

    @cached_property
    def _octets(self) -> bytes:
        return b"%b".join([literal.replace(b"%", b"%%") for literal in self.literals])

    @cached_property
    def _take(self) -> Callable[[Values], object]:
        if not self.taken:
            return _nothing
        if all(start is stop is None for _, start, stop in self.taken):
            return itemgetter(*(number for number, _, _ in self.taken))
        return self._cut

    def _cut(self, values: Values) -> tuple[bytes, ...]:
        """Values and pieces of values; a dot that begins a line would have to be encoded."""
        pieces = tuple([values[number][start:stop] for number, start, stop in self.taken])
        if any(
            start and piece.startswith(b".")
            for piece, (_, start, _) in zip(pieces, self.taken, strict=True)
        ):
            raise UnlearntError
        return pieces


def _nothing(_values: Values) -> tuple[()]:
    return ()


def learn(octets: bytes, marks: Values) -> Template:
    """Where the marks stand in these octets; an empty mark stands nowhere."""
    named = [(number, mark) for number, mark in enumerate(marks) if mark]
    if not named:
        return Template((octets,), ())
    pattern = re.compile(b"|".join(b"(%b)" % _cut_anywhere(mark) for _, mark in named))
    said: list[bytes] = []
    taken: list[_Taken] = []
    end = 0
    for found in pattern.finditer(octets):
        number = named[found.lastindex - 1][0] if found.lastindex else 0
        pieces = list(_pieces(number, found[0]))
        said += [octets[end : found.start()], *[_SOFT] * (len(pieces) - 1)]
        taken.extend(pieces)
        end = found.end()
    return Template((*said, octets[end:]), tuple(taken))


def _cut_anywhere(mark: bytes) -> bytes:
    return b"(?:=\r\n)?".join(re.escape(mark[at : at + 1]) for at in range(len(mark)))


def _pieces(number: int, found: bytes) -> list[_Taken]:
    if _SOFT not in found:
        return [(number, None, None)]
    pieces: list[_Taken] = []
    start = 0
    for piece in found.split(_SOFT):
        pieces.append((number, start, start + len(piece)))
        start += len(piece)
    return pieces


def joined(templates: Sequence[Template]) -> Template:
    """Templates one after the other as one."""
    literals = list(templates[0].literals)
    for one in templates[1:]:
        first, *others = one.literals
        literals[-1] += first
        literals += others
    return Template(tuple(literals), tuple([taken for one in templates for taken in one.taken]))


def proven(octets: Sequence[bytes], marks: Sequence[Values]) -> Template | None:
    """A template learnt from the first octets, if it makes the second ones of their marks."""
    template = learn(octets[0], marks[0])
    return template if template.fill(marks[1]) == octets[1] else None
