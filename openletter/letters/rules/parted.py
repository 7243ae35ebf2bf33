"""A letter in two languages as parts that are read one after the other, where filters need that.

Languages that put accents on many Latin letters, set together with English in one text, look to
some filters like letters of several scripts mixed to deceive: they take the whole for English. So
such a letter leaves as three inline parts: the reader's own language, English, and what is his
alone. No line differs; whoever shows inline parts shows the same letter (docs/adr/0019).
"""

from __future__ import annotations

from collections.abc import Sequence

from openletter.letters.rules.typeset import RULE, THIN
from openletter.words import LANGUAGES

_GAP = "\n\n"


def texts(body: str, languages: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(languages for Content-Language, text) of each part; one part where nothing is cut.

    The texts joined by an empty line, with a line break at the end, are the body.
    """
    whole = ((", ".join(languages), body),)
    if len(languages) < 2 or not LANGUAGES[languages[0]].is_accented:
        return whole
    documents, gap, own = body.rpartition(f"{_GAP}{RULE}\n")
    cut = documents.split(f"{_GAP}{THIN}{_GAP}")
    if not gap or len(cut) != len(languages):
        return whole
    first, *others = cut
    english = (f"{THIN}{_GAP}{text}" for text in others)
    parts = (first, *english, f"{RULE}\n{own}".removesuffix("\n"))
    return tuple(zip((*languages, ", ".join(languages)), parts, strict=True))
