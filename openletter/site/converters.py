"""What may stand in a path: a link's secret, a printed reference, an answer."""

from __future__ import annotations

from openletter.replies.rules.actions import PageAction
from openletter.site.actions import PAGES
from openletter.words import parse_reference


class SecretInPath:
    """20 characters of base32; in capitals too, because a QR code prints them so."""

    regex = "[A-Za-z2-7]{20}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: str) -> str:
        return value


class ReferenceInPath:
    """A reference with a fitting check character, as stored; with or without the hyphen."""

    regex = "[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}"

    def to_python(self, value: str) -> str:
        stored = parse_reference(value)
        if stored is None:
            raise ValueError(value)
        return stored

    def to_url(self, value: str) -> str:
        return value


class PressInPath:
    """One of the answers that a button can give."""

    regex = "|".join(press.value for press in PAGES)

    def to_python(self, value: str) -> PageAction:
        return PageAction(value)

    def to_url(self, value: str | PageAction) -> str:
        return str(value)
