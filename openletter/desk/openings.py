"""Beginnings of answers, in the language of whoever wrote; a handler finishes and signs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

NAMES: Final[Mapping[str, Promise]] = {
    "which": _("Which server?"),
    "how": _("How do I close it?"),
    "not-yours": _("Not theirs"),
    "thanks": _("Thank you"),
}

_TEXTS: Final[Mapping[str, Promise]] = {
    "which": _(
        "Thank you for your answer.\n\n"
        "The letter is about the addresses in its table. The sources and times in the same row "
        "say where and when each was seen open.\n\n"
    ),
    "how": _(
        "Thank you for your question.\n\n"
        "The steps for your product stand in the letter under “How to close it”. If it runs "
        "something else, tell us the name and version, and we send you the right steps.\n\n"
    ),
    "not-yours": _(
        "Thank you for telling us.\n\n"
        "We write no more to you about this address. If you know who runs it, please pass on "
        "the row of the letter that is about it; it holds nothing about other addresses.\n\n"
    ),
    "thanks": _("Thank you for closing it.\n\nWe look again in a while and tell you.\n\n"),
}


def text(key: str, *, language: str) -> str:
    """The beginning in the writer's language, English where we don't have it; empty for none."""
    if key not in _TEXTS:
        return ""
    spoken = {code for code, _name in settings.LANGUAGES}
    with override(language if language in spoken else "en"):
        return str(_TEXTS[key])
