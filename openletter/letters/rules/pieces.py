"""Pieces of a text with slots, in both transfer encodings, and what they weigh for that choice.

A piece begins and ends where a line does, so that pieces put together are encoded as their texts
put together would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openletter.letters.rules.body import encode_base64, is_base64, lines_of, quoted, weighed
from openletter.letters.rules.slots import Template, Values, joined, proven
from openletter.letters.rules.windows import Windows, windowed


@dataclass(frozen=True)
class Piece:
    """Some lines without the last one's end."""

    quoted: Template
    plain: Template
    octets: int
    beyond: int

    def fill(self, values: Values, *, in_base64: bool) -> bytes:
        return (self.plain if in_base64 else self.quoted).fill(values)

    def joined(self, *others: Piece) -> Piece:
        """All of them as one, nothing between them."""
        every = (self, *others)
        return Piece(
            joined([one.quoted for one in every]),
            joined([one.plain for one in every]),
            sum(one.octets for one in every),
            sum(one.beyond for one in every),
        )

    def led_by_value(self, number: int) -> Piece:
        """The same behind a value."""
        slot = Template((b"", b""), ((number, None, None),))
        return Piece(slot, slot, 0, 0).joined(self)


def fixed(octets: bytes) -> Piece:
    """Octets that are encoded already, and no part of the text."""
    same = Template((octets,), ())
    return Piece(same, same, 0, 0)


def piece_of(texts: Sequence[str], values: Sequence[Values], *, cut: int = 0) -> Piece | None:
    """Learnt from the same lines with two sets of marks; the first characters may be cut off."""
    weights = {weighed(one) for one in texts}
    if len(weights) != 1 or any("\r" in one for one in texts):
        return None
    in_quoted = proven([quoted(one.split("\n"))[cut:-2] for one in texts], values)
    plain = proven([one.replace("\n", "\r\n").encode()[cut:] for one in texts], values)
    if in_quoted is None or plain is None:
        return None
    ((octets, beyond),) = weights
    return Piece(in_quoted, plain, octets, beyond)


@dataclass(frozen=True)
class Whole:
    """A whole text whose every value has its place: encoded but for them."""

    encoding: str
    body: Template | Windows

    def fill(self, values: Values) -> bytes:
        return self.body.fill(values)


def whole_of(texts: Sequence[str], values: Sequence[Values]) -> Whole | None:
    """Learnt from the same text with two sets of marks."""
    lines = [lines_of(one) for one in texts]
    weights = {weighed("\n".join(one)) for one in lines}
    if len(weights) != 1:
        return None
    if not is_base64(*weights.pop()):
        body = proven([quoted(one) for one in lines], values)
        return None if body is None else Whole("quoted-printable", body)
    plain = ["\r\n".join(one).encode() + b"\r\n" for one in lines]
    template = proven(plain, values)
    windows = windowed(template, like=values[0]) if template else None
    if windows is None or windows.fill(values[1]) != encode_base64(plain[1]):
        return None
    return Whole("base64", windows)
