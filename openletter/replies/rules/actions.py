"""What the buttons of a letter's page say, and what a verdict does. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from openletter.replies.rules.kinds import SURE, Cause, Classified, Intent, Kind
from openletter.words import Reason, TokenPurpose, parse_reference


class PageAction(StrEnum):
    """A button, or what a person typed beside one."""

    FIXED = "fixed"
    NOT_FIXED = "not-fixed"
    NOT_MINE = "not-mine"
    MINE = "mine"
    STOP = "stop"
    GO_ON = "go-on"
    QUESTION = "question"
    PASS_ON = "pass-on"  # noqa: S105 - a button


TAKES_BACK = {
    PageAction.NOT_FIXED: PageAction.FIXED,
    PageAction.MINE: PageAction.NOT_MINE,
    PageAction.GO_ON: PageAction.STOP,
}
KIND_OF = {
    PageAction.FIXED: "fixed",
    PageAction.NOT_MINE: "not-ours",
    PageAction.STOP: "opt-out",
    PageAction.QUESTION: "question",
    PageAction.PASS_ON: "forwarded",
}
OF_HOLDERS = frozenset(
    {
        PageAction.FIXED, PageAction.NOT_FIXED, PageAction.NOT_MINE, PageAction.MINE,
        PageAction.QUESTION, PageAction.PASS_ON,
    }
)  # fmt: skip
"""What whoever holds one passed-on case may say; nothing of it touches the contact."""


@dataclass(frozen=True, kw_only=True)
class Filed:
    """How a mail is filed: its kind in the database, and who has to look."""

    kind: str
    needs_person: bool
    reasons: tuple[Reason, ...]


_OF_INTENT = {
    Intent.QUESTION: "question",
    Intent.FIXED: "fixed",
    Intent.NOT_OURS: "not-ours",
    Intent.FORWARDED: "forwarded",
    Intent.OPT_OUT: "opt-out",
}
_OF_KIND = {
    Kind.DELAYED: "delayed",
    Kind.FEEDBACK: "feedback",
    Kind.AUTOREPLY: "auto-reply",
    Kind.CHALLENGE: "challenge",
}


def file(verdict: Classified, purpose: TokenPurpose) -> Filed:
    """A hard bounce needs the letter's bounce token and a report; anything less is a hint."""
    if verdict.kind is Kind.BOUNCE:
        return _file_bounce(verdict, purpose)
    if purpose is TokenPurpose.STOP and verdict.kind in (Kind.HUMAN, Kind.AUTOREPLY):
        return Filed(kind="opt-out", needs_person=False, reasons=(Reason(code="stop-address"),))
    if verdict.kind is Kind.HUMAN:
        sure = verdict.confidence >= SURE and not verdict.is_automatic
        kind = _OF_INTENT.get(verdict.intent, "question") if sure else "question"
        kind = "unclear" if verdict.is_automatic else kind
        needs = kind in ("question", "unclear")
        return Filed(kind=kind, needs_person=needs, reasons=verdict.reasons)
    kind = _OF_KIND.get(verdict.kind, "unclear")
    return Filed(kind=kind, needs_person=verdict.needs_person, reasons=verdict.reasons)


def _file_bounce(verdict: Classified, purpose: TokenPurpose) -> Filed:
    proved = purpose is TokenPurpose.BOUNCE and verdict.has_report
    if verdict.hard and proved:
        return Filed(kind="bounce-hard", needs_person=False, reasons=verdict.reasons)
    hint = (Reason(code="bounce-is-a-hint"),) if verdict.hard else ()
    return Filed(kind="bounce-soft", needs_person=bool(hint), reasons=(*verdict.reasons, *hint))


def counts_against_mailbox(verdict: Classified, purpose: TokenPurpose) -> bool:
    """A soft bounce that is about the mailbox (full, shut), reported to the bounce address."""
    about = {one.cause for one in verdict.failed} & {Cause.MAILBOX_FULL, Cause.DISABLED}
    return bool(about) and verdict.has_report and purpose is TokenPurpose.BOUNCE


_LIKE_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{4,45}")
_LIKE_REFERENCE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{4}[-–. ]?[0-9A-Za-z]{4}(?![0-9A-Za-z])")


def references_in(text: str, known: Iterable[str]) -> frozenset[str]:
    """Which of the known references the writer's own words name."""
    wanted = frozenset(known)
    found = {parse_reference(one[0]) for one in _LIKE_REFERENCE.finditer(text[:20_000])}
    return frozenset(one for one in found if one) & wanted


def addresses_in(text: str, known: Iterable[str]) -> frozenset[str]:
    """Which of the known addresses (RFC 5952) the writer's own words name, however spelled."""
    wanted = frozenset(known)
    found = set()
    for one in _LIKE_ADDRESS.findall(text[:20_000]):
        try:
            found.add(str(ipaddress.ip_address(one.rstrip(".:"))))
        except ValueError:
            continue
    return wanted & found
