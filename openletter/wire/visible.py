"""Foreign text made harmless: shown in full view, cut, and never a formula in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LIMIT = 200
_HARMLESS = re.compile(r"[ -\[\]-~]*", re.ASCII)  # printable ASCII without the backslash
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset({0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800})  # letters and signs without ink
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@lru_cache(maxsize=8_192)
def visible(text: str, *, limit: int = LIMIT) -> str:
    r"""The text with everything unseen written out (`\u202e`), cut at `limit` characters.

    Controls, bidi marks, zero-width, odd spaces and unassigned characters can turn a host name or
    banner around in a letter or on a page; here they stand there as what they are.
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
    category = unicodedata.category(character)
    point = ord(character)
    is_seen = category not in _HIDDEN and category != "Zs" and point not in _BLANK
    if is_seen or character == " ":
        return character
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def visible_bytes(raw: bytes, *, limit: int = LIMIT) -> str:
    """Bytes of unknown encoding: UTF-8 as such, each other byte as the surrogate it becomes."""
    return visible(raw[: limit * 4].decode("utf-8", "surrogateescape"), limit=limit)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe stands before `=`, `+`, `-`, `@`, tab, CR."""
    return f"'{text}" if text.startswith(_FORMULA) else text
