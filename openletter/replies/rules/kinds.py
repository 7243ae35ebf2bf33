"""The closed sets of replies and the value that a classification is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openletter.words import Reason


class Kind(StrEnum):
    """What sort of mail it is."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    FEEDBACK = "feedback"
    AUTOREPLY = "autoreply"
    CHALLENGE = "challenge"
    HUMAN = "human"


class Intent(StrEnum):
    """What the writer wants, or what sort of automatic answer it is."""

    NONE = ""
    VACATION = "vacation"
    TICKET = "ticket"
    QUESTION = "question"
    FIXED = "fixed"
    NOT_OURS = "not-ours"
    FORWARDED = "forwarded"
    OPT_OUT = "opt-out"


class Cause(StrEnum):
    """Why a mail did not arrive; only the first four mean that the mailbox is dead."""

    USER_UNKNOWN = "user-unknown"
    HOST_UNKNOWN = "host-unknown"
    MOVED = "moved"
    ACCEPTS_NO_MAIL = "accepts-no-mail"
    MAILBOX_FULL = "mailbox-full"
    DISABLED = "disabled"
    TOO_BIG = "too-big"
    POLICY = "policy"
    NETWORK = "network"
    EXPIRED = "expired"
    SYSTEM = "system"
    UNCLEAR = "unclear"

    @property
    def is_dead(self) -> bool:
        """Hard: the next contact is tried. Policy and filters are about us, never about him."""
        return self in (
            Cause.USER_UNKNOWN, Cause.HOST_UNKNOWN, Cause.MOVED, Cause.ACCEPTS_NO_MAIL,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Failed:
    """One recipient of a report, and why it failed."""

    address: str
    status: str = ""
    cause: Cause = Cause.UNCLEAR
    diagnostic: str = ""

    @property
    def hard(self) -> bool:
        return self.cause.is_dead and not self.status.startswith("4")


@dataclass(frozen=True, kw_only=True)
class Classified:
    """The verdict on one mail."""

    kind: Kind
    intent: Intent = Intent.NONE
    failed: tuple[Failed, ...] = ()
    confidence: float = 0.5
    reasons: tuple[Reason, ...] = ()
    sender: str = ""
    subject: str = ""
    text: str = ""
    tickets: tuple[str, ...] = ()
    is_automatic: bool = False
    has_report: bool = False

    @property
    def hard(self) -> bool:
        """True where every recipient is dead: one that may live keeps the mailbox."""
        return bool(self.failed) and all(one.hard for one in self.failed)

    @property
    def needs_person(self) -> bool:
        """Persons get a person; so does everything the rules are not sure of."""
        if self.kind is Kind.HUMAN:
            return self.intent is Intent.QUESTION or self.confidence < SURE
        return self.kind is Kind.CHALLENGE or self.confidence < DOUBT


SURE = 0.75
DOUBT = 0.5
