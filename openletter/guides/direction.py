"""Right-to-left texts: foreign pieces stand apart, and each line says which way it runs.

A letter is cut into lines, and most programs take each line's direction from its first strong
character. So a line that would begin with a foreign piece is led by a mark, and each piece
(address, reference, port, name, code) is isolated (UAX #9), in each line by itself. Commands and
links are lines of their own, all ASCII: nothing invisible is ever put into what is copied into a
shell or a browser.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

APART, END = "\u2068", "\u2069"
"""First strong isolate, pop directional isolate: the piece takes its own direction."""
MARK = "\u200f"
"""A character without a shape that runs from right to left."""


def apart(value: str) -> str:
    return f"{APART}{value}{END}" if value else ""


def led(text: str) -> str:
    """A right-to-left text with each line marked, and each isolate closed, in its own line."""
    return "\n".join(map(_led, _closed(text.split("\n"))))


def _closed(lines: list[str]) -> Iterator[str]:
    """An isolate that a line's end cuts is closed there and opened again after the indent."""
    still_open = False
    for line in lines:
        bare = line.lstrip(" ")
        whole = f"{line[: len(line) - len(bare)]}{APART}{bare}" if still_open else line
        still_open = whole.count(APART) > whole.count(END)
        yield f"{whole}{END}" if still_open else whole


def _led(line: str) -> str:
    if line.isascii() or line.startswith(MARK) or _first_strong(line) in ("R", "AL"):
        return line
    return f"{MARK}{line}"


def _first_strong(line: str) -> str:
    """The direction of the first strong character outside isolates (UAX #9, P2)."""
    depth = 0
    for character in line:
        if character == APART:
            depth += 1
        elif character == END:
            depth = max(0, depth - 1)
        elif depth == 0 and (strong := unicodedata.bidirectional(character)) in ("L", "R", "AL"):
            return strong
    return ""
