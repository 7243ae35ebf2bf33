"""Foreign text made harmless: shown in full view, cut, and never a formula in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 200
_HARMLESS = re.compile(r"[ -\[\]-~]*", re.ASCII)  # printable ASCII without the backslash
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def visible(text: str, *, limit: int = LIMIT) -> str:
    r"""The text with everything unseen written out (`\u202e`), cut at `limit` characters.

    Controls, bidi marks, zero-width and unassigned characters can turn a host name or banner
    around in a letter or on a page; here they stand there as what they are.
    """
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    shown: list[str] = []
    length = 0
    for character in text:
        piece = _shown(character)
        length += len(piece)
        if length > limit:
            return "".join(shown)[: limit - 1] + "…"
        shown.append(piece)
    return "".join(shown)


def _shown(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in _HIDDEN:
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def visible_bytes(raw: bytes, *, limit: int = LIMIT) -> str:
    """Bytes of unknown encoding: UTF-8 as such, each other byte as the surrogate it becomes."""
    return visible(raw[: limit * 4].decode("utf-8", "surrogateescape"), limit=limit)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe stands before `=`, `+`, `-`, `@`, tab, CR."""
    return f"'{text}" if text.startswith(_FORMULA) else text
