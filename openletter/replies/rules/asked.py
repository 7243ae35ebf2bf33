"""The words that our letters ask for, on a line of their own, in every language they speak.

They are read from the letters' own labels, so that what a letter asks for is what is understood.
Accents, capitals, quotes and references beside them don't matter; any other word does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from openletter.letters import library
from openletter.replies.rules.kinds import Intent

INTENTS = {
    "closed": Intent.FIXED,
    "passed-on": Intent.FORWARDED,
    "not-ours": Intent.NOT_OURS,
    "stop": Intent.OPT_OUT,
}
LINES = 8
"""Where a person answers in a word, it stands at the top."""
_REFERENCE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}-[0-9A-Za-z]{4}(?![0-9A-Za-z])")
_ADDRESS = re.compile(r"(?<![0-9A-Za-z])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]+)")
_SAME = str.maketrans({"ı": "i", "ي": "ی", "ى": "ی", "ك": "ک", "ł": "l", "ø": "o", "đ": "d"})


def asked_for(words: str) -> frozenset[Intent]:
    """What the lines say that consist of nothing but a word we asked for."""
    lines = [line for line in words.split("\n") if line.strip()][:LINES]
    known = _known()
    return frozenset(known[said] for said in map(_bare, lines) if said in known)


@cache
def _known() -> Mapping[str, Intent]:
    return {_plain(word): INTENTS[key] for key, said in library.reply_words().items()
            for word in said}  # fmt: skip


def _bare(line: str) -> str:
    return _plain(_ADDRESS.sub(" ", _REFERENCE.sub(" ", line[:400])))


def _plain(text: str) -> str:
    """Letters and figures alone, without case and marks, words one space apart."""
    low = unicodedata.normalize("NFKD", text.casefold()).translate(_SAME)
    kept = (c for c in low if unicodedata.category(c) not in ("Mn", "Cf", "Lm"))
    return " ".join("".join(c if c.isalnum() else " " for c in kept).split())
