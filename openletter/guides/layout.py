"""Plain text in columns: filled paragraphs measured as a terminal shows them, never commands."""

from __future__ import annotations

import re

from wcwidth import wcswidth

COLUMNS = 72
NO_BREAK = "\u00a0"
"""A space that no line is broken at; printed as a plain space."""
_KEPT_WHOLE = 24
_BREAKS = re.compile(r"[ \t\n]+")


def width(text: str) -> int:
    """Columns on a screen: wide characters count two, combining ones none."""
    if text.isascii():
        return len(text)
    shown = wcswidth(text)
    return shown if shown >= 0 else len(text)


def fill(text: str, *, first: str = "", rest: str = "", columns: int = COLUMNS) -> str:
    """One paragraph broken between words; a word wider than the line stands alone.

    `first` and `rest` are put before the first and the other lines and count. Lines break at
    plain white space only, and a no-break space comes out as a plain one.
    """
    lines: list[str] = []
    line, taken, empty = first, width(first), True
    for word in _BREAKS.split(text.strip(" \t\n")):
        wide = width(word)
        if not empty and taken + 1 + wide > columns:
            lines.append(line.rstrip())
            line, taken, empty = rest, width(rest), True
        line += word if empty else f" {word}"
        taken += wide if empty else wide + 1
        empty = False
    lines.append(line.rstrip())
    return "\n".join(lines).replace(NO_BREAK, " ")


def indent(text: str, by: str) -> str:
    """Every line moved right, none broken: for commands."""
    return "\n".join(f"{by}{line}" if line else line for line in text.split("\n"))


def plain(markdown: str) -> str:
    """Inline Markdown as it reads in a plain letter: no backticks, no stars, links as text.

    A short code span is kept on one line.
    """
    kept = re.sub(r"`([^`]+)`", lambda code: _kept_whole(code[1]), markdown)
    bare = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", kept)
    return bare.replace("**", "")


def _kept_whole(code: str) -> str:
    return code.replace(" ", NO_BREAK) if len(code) <= _KEPT_WHOLE else code
