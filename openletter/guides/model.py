"""What a guide is made of. Frozen; `parse` makes it, `letter` and the site's pages read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from openletter.guides.values import Values
from openletter.words import Weakness


class GuideError(ValueError):
    """A guide file breaks a rule; the message names the file, the place and the rule."""


class BlockRole(StrEnum):
    """What a block of commands is for. The first four belong to the test lab alone."""

    LAB_SETUP = "lab-setup"
    LAB_START = "lab-start"
    LAB_STOP = "lab-stop"
    OPEN = "open"
    CHECK_INSIDE = "check-inside"
    CHECK_OUTSIDE = "check-outside"
    FIX = "fix"
    LEGIT = "legit"
    ABUSE = "abuse"
    UNDO = "undo"


LAB_ROLES = frozenset(
    {BlockRole.LAB_SETUP, BlockRole.LAB_START, BlockRole.LAB_STOP, BlockRole.OPEN}
)


class SectionKey(StrEnum):
    """The parts of a guide, in the order of its page; `letter` and `lab` are not on the page."""

    ABOUT = "about"
    IS_IT_YOU = "is-it-you"
    CHECK_OUTSIDE = "check-outside"
    FIX = "fix"
    STILL_WORKS = "still-works"
    STILL_OPEN = "still-open"
    ABUSED = "abused"
    UNDO = "undo"
    LETTER = "letter"
    LAB = "lab"


UNPRINTED = frozenset({SectionKey.LETTER, SectionKey.LAB})

Weaknesses = frozenset[Weakness]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A fenced block, exactly as the reader types it; `weaknesses` empty = always shown."""

    id: str
    role: BlockRole
    text: str
    shell: str = "sh"
    case: str = ""
    file: str = ""
    opened: str = ""
    closed: str = ""
    expect: str = ""
    where: str = ""
    weaknesses: Weaknesses = frozenset()

    def filled(self, values: Values) -> str:
        """The command with its typed values; what we do not know stays a blank in capitals."""
        return values.fill_command(self.text)


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A paragraph or one list item, in inline Markdown (code spans, strong, links)."""

    text: str
    marker: str = ""
    weaknesses: Weaknesses = frozenset()

    def filled(self, values: Values) -> str:
        return values.fill_command(self.text)


Piece = Prose | Command


@dataclass(frozen=True, kw_only=True)
class Section:
    key: SectionKey
    heading: str
    pieces: tuple[Piece, ...]

    def about(self, weakness: Weakness | None) -> Section:
        """The section without what speaks of another weakness; None keeps everything."""
        if weakness is None:
            return self
        return replace(
            self,
            pieces=tuple(p for p in self.pieces if not p.weaknesses or weakness in p.weaknesses),
        )


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """How a product introduces itself: a pattern on one of the things a server said."""

    id: str
    on: str
    pattern: re.Pattern[str]
    confidence: int


@dataclass(frozen=True, kw_only=True)
class Guide:
    """One product's instructions in one language."""

    id: str
    language: str
    title: str
    product: str
    weaknesses: Weaknesses
    ports: tuple[int, ...]
    fingerprints: tuple[Fingerprint, ...]
    docs: tuple[str, ...]
    sections: tuple[Section, ...]
    digest: str
    """SHA-256 of the English source; a tested record and a translation are tied to it."""
    status: str = ""
    reviewed_by: str = ""

    def section(self, key: SectionKey) -> Section | None:
        return next((section for section in self.sections if section.key is key), None)

    @property
    def page(self) -> tuple[Section, ...]:
        """The sections a reader of the site sees."""
        return tuple(section for section in self.sections if section.key not in UNPRINTED)

    @property
    def commands(self) -> dict[str, Command]:
        """Every command by its id, the lab's included, in the order of the file."""
        return {
            piece.id: piece
            for section in self.sections
            for piece in section.pieces
            if isinstance(piece, Command)
        }
