"""Base64 with slots: only what a value touches is encoded anew, the rest stands ready.

Values have the lengths that their marks had, so each falls into the same groups of three octets.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

from openletter.letters.rules.body import encode_base64
from openletter.letters.rules.slots import Template, Values

_LINE = 76


@dataclass(frozen=True, kw_only=True)
class Windows:
    """`raw` are the octets that are encoded anew, `cut` their signs, put between what is ready."""

    raw: Template
    cut: Struct
    ready: bytes

    def fill(self, values: Values) -> bytes:
        fresh = binascii.b2a_base64(self.raw.fill(values), newline=False)
        return self.ready % self.cut.unpack(fresh)


def windowed(template: Template, *, like: Values) -> Windows | None:
    """A text's template as what it is in base64; nothing where its very end is a value's."""
    octets = template.fill(like)
    spans = _spans(template, like)
    if not spans or spans[-1][1] > len(octets) or any(a is not None for _, a, _ in template.taken):
        return None
    whole = encode_base64(octets)
    pieces = [piece for start, stop in spans for piece in _by_line(start // 3 * 4, stop // 3 * 4)]
    ready, end = [], 0
    for start, stop in pieces:
        ready.append(whole[end : _at(start)])
        end = _at(start) + stop - start
    return Windows(
        raw=_narrowed(template, like, spans, octets),
        cut=Struct("".join(f"{stop - start}s" for start, stop in pieces)),
        ready=b"%b".join([*ready, whole[end:]]),
    )


def _places(template: Template, like: Values) -> list[tuple[int, int]]:
    """From where to where each value stands."""
    places, at = [], 0
    for literal, (number, _, _) in zip(template.literals, template.taken, strict=False):
        start = at + len(literal)
        at = start + len(like[number])
        places.append((start, at))
    return places


def _spans(template: Template, like: Values) -> list[tuple[int, int]]:
    """Whole groups of three octets that hold all values, those that touch as one."""
    spans: list[tuple[int, int]] = []
    for start, stop in _places(template, like):
        begin, end = start // 3 * 3, -(-stop // 3) * 3
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((begin, end))
    return spans


def _narrowed(
    template: Template, like: Values, spans: Sequence[tuple[int, int]], octets: bytes
) -> Template:
    """The template of the spans alone: between two values only what lies in a span."""
    places = _places(template, like)
    edges = [(0, 0), *places, (len(octets), len(octets))]
    literals = tuple(
        b"".join(
            octets[max(before, a) : min(after, b)] for a, b in spans if a < after and b > before
        )
        for (_, before), (after, _) in pairwise(edges)
    )
    return Template(literals, template.taken)


def _by_line(start: int, stop: int) -> list[tuple[int, int]]:
    """Signs from here to there, cut where a line of base64 ends."""
    cuts = range((start // _LINE + 1) * _LINE, stop, _LINE)
    return list(pairwise([start, *cuts, stop]))


def _at(sign: int) -> int:
    """Where a sign of the base64 stands once its lines are cut."""
    return sign + sign // _LINE * 2
