"""Bodies that survive every relay: quoted-printable or base64, CRLF, no line that SMTP changes."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import Struct

_LINE = 76
_MUCH = 0.3
"""From this share of non-ASCII octets on, base64 is shorter and scores no worse."""


def encode_text(text: str) -> tuple[str, bytes]:
    """(transfer encoding, octets ending in CRLF) of a text whose lines end in LF, CR or CRLF.

    Nothing else ends a line (U+2028 and its like stay characters); empty lines at the end go.
    """
    lines = lines_of(text)
    if is_base64(*weighed("\n".join(lines))):
        return "base64", encode_base64("\r\n".join(lines).encode() + b"\r\n")
    return "quoted-printable", quoted(lines)


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


def weighed(text: str) -> tuple[int, int]:
    """How many octets a text has, and how many of them are beyond ASCII."""
    octets = text.encode()
    return len(octets), 0 if octets.isascii() else sum(octet > 0x7E for octet in octets)


def is_base64(octets: int, beyond: int) -> bool:
    return beyond > _MUCH * octets


def quoted(lines: Iterable[str]) -> bytes:
    """Quoted-printable, line by line; ends in CRLF."""
    return ("\r\n".join(part for line in lines for part in _quoted(line)) + "\r\n").encode("ascii")


def encode_base64(octets: bytes) -> bytes:
    """Lines of 76 characters, cut in one go: a letter has a hundred of them."""
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join(_cut(len(text)).unpack(text)) + b"\r\n" if text else b""


@lru_cache(maxsize=4096)
def _cut(size: int) -> Struct:
    whole, rest = divmod(size, _LINE)
    return Struct(f"{_LINE}s" * whole + (f"{rest}s" if rest else ""))


def _quoted(line: str) -> Iterator[str]:
    """One line as quoted-printable lines of at most 76 characters.

    A leading dot and a leading `From ` are encoded too: some relays change them.
    """
    is_plain = line.isascii() and line.isprintable() and "=" not in line and len(line) <= _LINE
    if is_plain and not line.startswith((".", "From ")) and not line.endswith(" "):
        yield line
        return
    pieces = [_piece(character) for character in line]
    if line.startswith((".", "From ")):
        pieces[0] = f"={ord(line[0]):02X}"
    if pieces and pieces[-1] in {" ", "\t"}:
        pieces[-1] = f"={ord(line[-1]):02X}"
    out = ""
    for piece in pieces:
        if len(out) + len(piece) >= _LINE:
            yield f"{out}="
            out = "=2E" if piece == "." else piece
        else:
            out += piece
    yield out


def _piece(character: str) -> str:
    if character == "\t" or (" " <= character <= "~" and character != "="):
        return character
    return "".join(f"={octet:02X}" for octet in character.encode())
