"""What a guide is made of. Frozen; `parse` makes it, `letter` and the pages read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from openletter.guides.values import Values
from openletter.words import Weakness


class GuideError(ValueError):
    """A guide file breaks a rule; the message names the file, the place and the rule."""


class BlockRole(StrEnum):
    """What a block of commands is for. The first eight belong to the test lab alone.

    `lived` lays out a configuration as somebody lives with it, still closed; `open` makes the
    mistake in it. `lab-use` is what that somebody does with the server, and `lab-check` looks
    from outside in ways that no reader needs to.
    """

    LAB_SETUP = "lab-setup"
    LAB_START = "lab-start"
    LAB_STOP = "lab-stop"
    LIVED = "lived"
    OPEN = "open"
    LAB_USE = "lab-use"
    LAB_BOOT = "lab-boot"
    LAB_CHECK = "lab-check"
    CHECK_INSIDE = "check-inside"
    CHECK_OUTSIDE = "check-outside"
    FIX = "fix"
    LEGIT = "legit"
    ABUSE = "abuse"
    UNDO = "undo"


LAB_ROLES = frozenset(
    {
        BlockRole.LAB_SETUP,
        BlockRole.LAB_START,
        BlockRole.LAB_STOP,
        BlockRole.LIVED,
        BlockRole.OPEN,
        BlockRole.LAB_USE,
        BlockRole.LAB_BOOT,
        BlockRole.LAB_CHECK,
    }
)


class Kind(StrEnum):
    """How a guide came to be trusted.

    `executed` is followed on the real server; `vendor` rests on the maker's own page, seen on a
    date; `advice` fixes no one product; a `page` stands on the site only, never in a letter.
    What is `outside` any product (a firewall, a router in front, a container) is followed like
    one and stands on the site only.
    """

    EXECUTED = "executed"
    OUTSIDE = "outside"
    VENDOR = "vendor"
    ADVICE = "advice"
    PAGE = "page"


FOLLOWED = frozenset({Kind.EXECUTED, Kind.OUTSIDE})
SITE_ONLY = frozenset({Kind.OUTSIDE, Kind.PAGE})


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The maker's own words on the matter: where they stand and when they were seen there."""

    title: str
    page: str
    seen: date


class SectionKey(StrEnum):
    """The parts of a guide, in the order of its page; `letter` and `lab` are not on the page."""

    ABOUT = "about"
    IS_IT_YOU = "is-it-you"
    CHECK_OUTSIDE = "check-outside"
    FIX = "fix"
    STILL_WORKS = "still-works"
    KNOWN_DEFECT = "known-defect"
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
    lived: str = ""
    file: str = ""
    defect: str = ""
    """Of a use: the report on the packaged server's own defect that makes it fail."""
    opened: str = ""
    closed: str = ""
    expect: str = ""
    where: str = ""
    weaknesses: Weaknesses = frozenset()

    def speaks_of(self, *, case: str = "", lived: str = "") -> bool:
        """Whether it belongs to a bad state and a configuration; it may name several of each."""
        for named, asked in ((self.case, case), (self.lived, lived)):
            if named and asked and asked not in named.split(","):
                return False
        return True

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
    kind: Kind
    references: tuple[Reference, ...]
    sections: tuple[Section, ...]
    digest: str
    """SHA-256 of the English page's source; a translation of the page is tied to it."""
    followed: str = ""
    """SHA-256 of all commands; the record of following them is tied to it."""
    status: str = ""
    reviewed_by: str = ""

    def section(self, key: SectionKey) -> Section | None:
        return next((section for section in self.sections if section.key is key), None)

    @property
    def is_followed(self) -> bool:
        """Whether its commands are typed on a real server."""
        return self.kind in FOLLOWED

    @property
    def is_for_letters(self) -> bool:
        """Whether a letter may carry its steps; the others stand on the site only."""
        return self.kind not in SITE_ONLY

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
