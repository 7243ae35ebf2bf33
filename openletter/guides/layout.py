"""Plain text in columns: filled paragraphs measured as a terminal shows them, never commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wcwidth import wcswidth

from openletter.guides.direction import apart

COLUMNS = 72
NO_BREAK = "\u00a0"
"""A space that no line is broken at; printed as a plain space."""
_KEPT_WHOLE = 24
_BREAKS = re.compile(r"[ \t\n]+")
_UNSPACED = r"\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
"""Chinese and Japanese: written without spaces, broken between any two signs."""
_NEVER_FIRST = (
    r"、。，．・：；？！）」』】〉》〕］｝〗〙〞｡､｣ー〜～゛゜々〻ゝゞヽヾ…‥—–‐％℃"
    r"ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ\u31f0-\u31ff\u3000\u3099\u309a\ufe00-\ufe0f"
    r"”’»›)\]},.:;!?%\"'/-"
)
_NEVER_LAST = r"（「『【〈《〔［｛〖〘〝｢＄￥“‘«‹(\[{\"'/"
"""UAX #14's closing, small and opening signs; a plain quotation mark stays with both its sides."""
_MAY_BREAK = re.compile(
    rf"(?<=[{_UNSPACED}])(?<![{_NEVER_LAST}])(?![{_NEVER_FIRST}]|$)"
    rf"|(?<!^)(?<![{_NEVER_LAST}])(?=[{_UNSPACED}])(?![{_NEVER_FIRST}])|\u200b"
)
"""A zero-width space (Thai, Khmer) is a place to break, and is not printed."""
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def width(text: str) -> int:
    """Columns on a screen: wide characters count two, combining ones none."""
    if text.isascii():
        return len(text)
    shown = wcswidth(text)
    return shown if shown >= 0 else len(text)


def unwrap(lines: Iterable[str]) -> str:
    """Lines of one paragraph as one; between Chinese or Japanese signs a line's end is no space."""
    text = ""
    for line in lines:
        touching = text and _IS_UNSPACED.match(text[-1]) and _IS_UNSPACED.match(line)
        text += line if touching or not text else f" {line}"
    return text


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What a line may be broken between, each with what stands before it on the same line."""
    for word in _BREAKS.split(text.strip(" \t\n")):
        first, *others = (word,) if word.isascii() else _MAY_BREAK.split(word)
        yield " ", first
        yield from (("", other) for other in others)


def fill(text: str, *, first: str = "", rest: str = "", columns: int = COLUMNS) -> str:
    """One paragraph broken between words; a word wider than the line stands alone.

    `first` and `rest` are put before the first and the other lines and count. Lines break at
    plain white space only (and between Chinese or Japanese signs), and a no-break space comes
    out as a plain one.
    """
    lines: list[str] = []
    line, taken, empty = first, width(first), True
    for before, word in _pieces(text):
        wide = width(word)
        if not empty and taken + len(before) + wide > columns:
            lines.append(line.rstrip())
            line, taken, empty = rest, width(rest), True
        line += word if empty else f"{before}{word}"
        taken += wide if empty else wide + len(before)
        empty = False
    lines.append(line.rstrip())
    return "\n".join(lines).replace(NO_BREAK, " ")


def indent(text: str, by: str) -> str:
    """Every line moved right, none broken: for commands."""
    return "\n".join(f"{by}{line}" if line else line for line in text.split("\n"))


def plain(markdown: str, *, rtl: bool = False) -> str:
    """Inline Markdown as it reads in a plain letter: no backticks, no stars, links as text.

    A short code span is kept on one line; in a right-to-left text every one stands apart.
    """
    stands = apart if rtl else str
    kept = re.sub(r"`([^`]+)`", lambda code: stands(_kept_whole(code[1])), markdown)
    bare = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", kept)
    return bare.replace("**", "")


def _kept_whole(code: str) -> str:
    return code.replace(" ", NO_BREAK) if len(code) <= _KEPT_WHOLE else code
