"""A passage as plain text: underlined headings, hanging items, 72 columns on a screen."""

from __future__ import annotations

import re
from collections.abc import Iterable

from openletter.guides.direction import apart
from openletter.guides.layout import COLUMNS, fill, unwrap, width

_ITEM = re.compile(r"(?P<marker>- |\d+\. )")


def typeset(passage: str) -> str:
    """Paragraphs, `# headings`, `- ` and `1. ` items; a link stands on a line of its own."""
    blocks: list[str] = []
    paragraph: list[str] = []
    for line in passage.split("\n"):
        if starts_anew(line) and paragraph:
            blocks.append(_paragraph(paragraph))
            paragraph = []
        if line.startswith("# "):
            blocks.append(f"{line[2:]}\n{'-' * width(line[2:])}")
        elif line.strip():
            paragraph.append(line)
        else:
            blocks.append("")
    blocks.append(_paragraph(paragraph))
    return "\n".join(blocks).strip("\n")


def starts_anew(line: str) -> bool:
    return (
        not line.strip()
        or line.startswith(("# ", "- ", "https://", "http://"))
        or bool(_ITEM.match(line))
    )


def _paragraph(lines: list[str]) -> str:
    text = unwrap(lines)
    item = _ITEM.match(text)
    if item is None:
        return fill(text)
    marker = item["marker"]
    return fill(text[len(marker) :], first=marker, rest=" " * len(marker))


def columns(rows: Iterable[tuple[str, str]], *, indent: str = "  ", rtl: bool = False) -> str:
    """Labels and values side by side; an empty label continues the one above.

    A value that does not fit is broken between words; one long word stands alone. In a
    right-to-left language each line's value stands apart, except a link, which is copied.
    """
    listed = list(rows)
    wide = max((width(label) for label, _ in listed), default=0) + 2
    lines = []
    for label, value in listed:
        first = f"{indent}{label}{' ' * (wide - width(label))}"
        rest = " " * width(first)
        text = fill(value, first=first, rest=rest)
        if rtl and not value.startswith("https://"):
            before = (first, *[rest] * text.count("\n"))
            cut = zip(before, text.split("\n"), strict=True)
            text = "\n".join(f"{lead}{apart(line[len(lead) :])}" for lead, line in cut)
        lines.append(text)
    return "\n".join(lines)


RULE = "=" * COLUMNS
THIN = "-" * COLUMNS
