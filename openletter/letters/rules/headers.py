"""Header lines of our own making: folded by us, encoded words where needed, ASCII kept readable.

The standard library folds a long ASCII subject into an empty first line; ticket systems and
people look for the address and the reference in it, so every ASCII word stays as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from unicodedata import category

from openletter.letters.rules.facts import LetterError

LINE = 76
"""RFC 2047 section 2: what a line with an encoded word may hold; RFC 5322 recommends 78."""
_ENCODED_WORD = LINE - len("Subject: ")
"""RFC 2047 allows 75, which would not fit beside the longest name that is followed by one."""
_LEAD, _TAIL = "=?utf-8?b?", "?="
_CHUNK = (_ENCODED_WORD - len(_LEAD) - len(_TAIL)) // 4 * 3


_BREAKS = {"Cc", "Cs", "Zl", "Zp"}
"""Controls and line ends; what joins letters or sets their direction may stand in a subject."""


def header(name: str, value: str) -> bytes:
    """One header field with its CRLF; a value with a line break or control is refused."""
    if not value or _is_broken(value):
        raise LetterError("header-value", name)
    return _folded(name, _words(value))


def originator(name: str, display: str, address: str) -> bytes:
    """A field with one person: a name, encoded where it is not plain words, and an address."""
    if _is_broken(display) or _is_broken(address) or not address:
        raise LetterError("header-value", name)
    plain = display.replace(" ", "").replace("-", "").replace("'", "")
    words = display.split() if plain.isascii() and plain.isalnum() else _encoded(display)
    return _folded(name, [*words, f"<{address}>"])


def _is_broken(value: str) -> bool:
    return not value.isprintable() and any(category(c) in _BREAKS for c in value)


def _folded(name: str, words: Iterable[str]) -> bytes:
    """The words on lines of at most 76 octets, the first one beside the name."""
    line = f"{name}:"
    lines = []
    for word in words:
        if len(line) + 1 + len(word) > LINE and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


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
    """RFC 2047 words that fit on a line, none cutting a character in two."""
    chunk = b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > _CHUNK:
            yield f"{_LEAD}{base64.b64encode(chunk).decode()}{_TAIL}"
            chunk = b""
        chunk += octets
    if chunk:
        yield f"{_LEAD}{base64.b64encode(chunk).decode()}{_TAIL}"
