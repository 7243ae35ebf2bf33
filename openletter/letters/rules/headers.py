"""Header lines of our own making: folded by us, encoded words where needed, ASCII kept readable.

The standard library folds a long ASCII subject into an empty first line; ticket systems and
people look for the address and the reference in it, so every ASCII word stays as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from openletter.letters.rules.facts import LetterError

LINE = 78
_ENCODED_WORD = 75
_LEAD, _TAIL = "=?utf-8?b?", "?="
_CHUNK = (_ENCODED_WORD - len(_LEAD) - len(_TAIL)) // 4 * 3


def header(name: str, value: str) -> bytes:
    """One header field with its CRLF; a value with a line break or control is refused."""
    if not value or not value.isprintable():
        raise LetterError("header-value", name)
    line = f"{name}:"
    lines = []
    for word in _words(value):
        if len(line) + 1 + len(word) > LINE and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def phrase(name: str) -> str:
    """A display name that needs no quotes: encoded where it is not plain words."""
    plain = name.replace(" ", "").replace("-", "").replace("'", "")
    return name if plain.isascii() and plain.isalnum() else " ".join(_encoded(name))


def _words(value: str) -> Iterator[str]:
    """ASCII words as they are; a run of others as encoded words that decode with its spaces."""
    run: list[str] = []
    for word in value.split(" "):
        if word.isascii() and "=?" not in word:
            yield from _encoded(" ".join(run))
            run = []
            yield word
        else:
            run.append(word)
    yield from _encoded(" ".join(run))


def _encoded(text: str) -> Iterator[str]:
    """RFC 2047 words of at most 75 characters, none cutting a character in two."""
    chunk = b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > _CHUNK:
            yield f"{_LEAD}{base64.b64encode(chunk).decode()}{_TAIL}"
            chunk = b""
        chunk += octets
    if chunk:
        yield f"{_LEAD}{base64.b64encode(chunk).decode()}{_TAIL}"
