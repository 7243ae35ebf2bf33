"""Beginnings of answers, in the language of whoever wrote; a handler finishes and signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openletter.letters.skeletons import USUAL, said
from openletter.words import normalise_language

NAMES: Final[Mapping[str, Promise]] = {
    "closed-already": _("Already closed"),
    "which-program": _("How do I close it?"),
    "why-me": _("Why us?"),
    "not-right": _("Not right"),
    "too-often": _("Too many letters"),
    "no-checks": _("Don't check us"),
    "published": _("Do you publish?"),
    "who-are-you": _("Who are you?"),
}


def text(key: str, *, language: str, partner: str) -> str:
    """The beginning in the writer's language, English where we don't have it; empty for none."""
    if key not in USUAL:
        return ""
    return said(key, language=normalise_language(language), partner=partner) + "\n\n"
