"""Plain text in columns: filled paragraphs measured as a terminal shows them, never commands."""

from __future__ import annotations

import re

from wcwidth import wcswidth

COLUMNS = 72


def width(text: str) -> int:
    """Columns on a screen: wide characters count two, combining ones none."""
    shown = wcswidth(text)
    return shown if shown >= 0 else len(text)


def fill(text: str, *, first: str = "", rest: str = "", columns: int = COLUMNS) -> str:
    """One paragraph broken between words; a word wider than the line stands alone.

    `first` and `rest` are put before the first and the other lines and count.
    """
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        glued = word if empty else f" {word}"
        if not empty and width(line + glued) > columns:
            lines.append(line.rstrip())
            line, glued = rest, word
        line += glued
        empty = False
    lines.append(line.rstrip())
    return "\n".join(lines)


def indent(text: str, by: str) -> str:
    """Every line moved right, none broken: for commands."""
    return "\n".join(f"{by}{line}" if line else line for line in text.split("\n"))


def plain(markdown: str) -> str:
    """Inline Markdown as it reads in a plain letter: no backticks, no stars, links as text."""
    bare = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", markdown)
    return bare.replace("**", "").replace("`", "")
