"""Ready sentences in every language of the letters: for usual questions, and the one we ask."""

from __future__ import annotations

from collections.abc import Mapping

from openletter.guides.direction import apart, led
from openletter.letters import library
from openletter.letters.rules.text import REPLIES
from openletter.letters.rules.typeset import typeset
from openletter.letters.rules.wording import fill
from openletter.words import LANGUAGES

USUAL = (
    "why-me", "closed-already", "which-program", "not-right", "too-often", "no-checks",
    "published", "who-are-you",
)  # fmt: skip
"""Questions that are asked again and again; a person finishes and signs each answer."""


def said(key: str, *, language: str, **values: str) -> str:
    """A passage of the answers in this language, in English where it is not whole there."""
    spoken = library.wordings(library.ANSWERS)
    tag = language if language in spoken and language in library.wordings(library.FRAME) else "en"
    text = spoken[tag].passage(key, frozenset())
    if not LANGUAGES[tag].is_right_to_left:
        return typeset(fill(text, {**values, **_replies(tag)}))
    isolated = {name: apart(value) for name, value in values.items()}
    return led(typeset(fill(text, {**isolated, **_replies(tag)})))


def _replies(tag: str) -> Mapping[str, str]:
    labels = library.wordings(library.FRAME)[tag].labels
    return {f"reply_{name}": labels[f"reply-{name.replace('_', '-')}"] for name in REPLIES}
