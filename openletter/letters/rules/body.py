"""Bodies that survive every relay: quoted-printable or base64, CRLF, no line that SMTP changes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

_LINE = 76
_MUCH = 0.3
"""From this share of non-ASCII octets on, base64 is shorter and scores no worse."""


def encode_text(text: str) -> tuple[str, bytes]:
    """(transfer encoding, octets ending in CRLF) of a text whose lines end in LF, CR or CRLF.

    Nothing else ends a line (U+2028 and its like stay characters); empty lines at the end go.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    octets = text.encode()
    other = sum(octet > 0x7E for octet in octets) if not octets.isascii() else 0
    if other > _MUCH * len(octets):
        return "base64", encode_base64("\r\n".join(lines).encode() + b"\r\n")
    quoted = (part for line in lines for part in _quoted(line))
    return "quoted-printable", ("\r\n".join(quoted) + "\r\n").encode("ascii")


def encode_base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


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
