"""Frames: a letter's text with slots for its own values and holes for its rows and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openletter.letters.rules.body import encode_base64, is_base64
from openletter.letters.rules.dkim import relaxed
from openletter.letters.rules.headers import header
from openletter.letters.rules.message import part_head, text_parts
from openletter.letters.rules.pieces import Piece, fixed, piece_of
from openletter.letters.rules.slots import Template, Values, proven
from openletter.letters.rules.text import Written
from openletter.letters.rules.windows import Windows, windowed

ROWS = -1
"""The hole of the rows; that of the steps has the number of its language."""
_QUOTED = (("Content-Transfer-Encoding", "quoted-printable"),)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`field` and its relaxed form where no value is encoded together with other words."""

    text: Template
    field: Template | None
    relaxed: Template | None


@dataclass(frozen=True, kw_only=True)
class Frame:
    subject: Subject
    pieces: tuple[Piece, ...]
    """Between them the holes, in their order; the last piece ends the body."""
    holes: tuple[int, ...]
    segments: tuple[int, ...]
    """In which part of the text each hole is."""
    weights: tuple[tuple[int, int], ...]
    """Of each part, without what comes into its holes."""
    is_cut: bool
    windows: Windows | None = None
    """The whole in base64, where it has no holes and weighs so much."""


def learn(
    written: Sequence[Written],
    values: Sequence[Values],
    *,
    holes: Sequence[Sequence[tuple[int, str]]],
    languages: Sequence[str],
) -> Frame | None:
    """From two letters that differ in their marks alone."""
    subject = _subject([one.subject for one in written], values)
    parts = [text_parts(one.body, languages) for one in written]
    if subject is None or any("\r" in one.body for one in written):
        return None
    cut = [
        _cut([text.rstrip("\n") for _, text in each], own)
        for each, own in zip(parts, holes, strict=True)
    ]
    if cut[0] is None or cut[1] is None or len(cut[0]) != len(cut[1]):
        return None
    heads = [part_head((*fields, *_QUOTED)) for fields, _ in parts[0]] if len(parts[0]) > 1 else []
    return _framed(subject, list(zip(cut[0], cut[1], strict=True)), values, heads)


_Cut = list[tuple[int | None, int, str]]
"""What comes before it (a hole, or the beginning of a part), the part's number, the lines."""


def _cut(texts: Sequence[str], holes: Sequence[tuple[int, str]]) -> _Cut | None:
    """The texts without what is in the holes, which have to be there in their order."""
    found: _Cut = []
    waiting = list(holes)
    for number, text in enumerate(texts):
        before: int | None = None
        rest = text
        while waiting and waiting[0][1] and f"\n\n{waiting[0][1]}\n\n" in rest:
            hole, inside = waiting.pop(0)
            above, _, below = rest.partition(f"\n\n{inside}\n\n")
            found.append((before, number, f"{above}\n\n"))
            before, rest = hole, f"\n\n{below}"
        found.append((before, number, rest))
    return None if waiting else found


def _framed(
    subject: Subject,
    cut: Sequence[tuple[tuple[int | None, int, str], tuple[int | None, int, str]]],
    values: Sequence[Values],
    heads: Sequence[bytes],
) -> Frame | None:
    pieces: list[Piece] = [fixed(heads[0])] if heads else []
    holes: list[tuple[int, int]] = []
    weights: dict[int, tuple[int, int]] = {}
    for (before, segment, first), (_, other, second) in cut:
        piece = piece_of([first, second], values)
        if piece is None or segment != other:
            return None
        octets, beyond = weights.get(segment, (0, 0))
        weights[segment] = octets + piece.octets, beyond + piece.beyond
        if before is not None:
            holes.append((before, segment))
            pieces.append(piece)
        elif not pieces:
            pieces.append(piece)
        elif segment == 0:
            pieces[-1] = pieces[-1].joined(piece)
        else:
            pieces[-1] = pieces[-1].joined(fixed(b"\r\n\r\n" + heads[segment]), piece)
    pieces[-1] = pieces[-1].joined(fixed(b"\r\n\r\n" if heads else b"\r\n"))
    whole = None if holes else _windows(pieces[0], values, weights[0])
    return Frame(
        subject=subject,
        pieces=tuple(pieces),
        holes=tuple(hole for hole, _ in holes),
        segments=tuple(segment for _, segment in holes),
        weights=tuple(weights.values()),
        is_cut=bool(heads),
        windows=whole,
    )


def _windows(piece: Piece, values: Sequence[Values], weight: tuple[int, int]) -> Windows | None:
    if not is_base64(*weight):
        return None
    found = windowed(piece.plain, like=values[0])
    expected = encode_base64(piece.plain.fill(values[1]))
    return found if found and found.fill(values[1]) == expected else None


def _subject(subjects: Sequence[str], values: Sequence[Values]) -> Subject | None:
    fields = [header("Subject", one) for one in subjects]
    text = proven([one.encode() for one in subjects], values)
    field = proven(fields, values)
    in_relaxed_form = proven([relaxed(one) for one in fields], values)
    return None if text is None else Subject(text=text, field=field, relaxed=in_relaxed_form)
