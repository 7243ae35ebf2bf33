"""Right-to-left texts: foreign pieces stand apart, and each line says which way it runs.

A letter is cut into lines, and most programs take each line's direction from its first strong
character. So a line that would begin with a foreign piece is led by a mark, and each piece
(address, reference, port, name) is isolated (UAX #9). Commands and links are lines of their own,
all ASCII: nothing invisible is ever put into what is copied into a shell or a browser.
"""

from __future__ import annotations

import unicodedata

APART, END = "\u2068", "\u2069"
"""First strong isolate, pop directional isolate: the piece takes its own direction."""
MARK = "\u200f"


def apart(value: str) -> str:
    return f"{APART}{value}{END}" if value else ""


def led(text: str) -> str:
    """Each line of a right-to-left text marked where its own first letter would not say so."""
    return "\n".join(map(_led, text.split("\n")))


def _led(line: str) -> str:
    if line.isascii() or _first_strong(line) in ("R", "AL"):
        return line
    return f"{MARK}{line}"


def _first_strong(line: str) -> str:
    """The direction of the first strong character outside isolates (UAX #9, P2)."""
    depth = 0
    for character in line:
        if character in "\u2066\u2067\u2068":
            depth += 1
        elif character == END:
            depth = max(0, depth - 1)
        elif depth == 0 and (strong := unicodedata.bidirectional(character)) in ("L", "R", "AL"):
            return strong
    return ""
