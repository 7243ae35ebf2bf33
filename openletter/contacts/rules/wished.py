"""Where a contact wants its letters instead: the other mailbox takes the place of its own.

It does so before anything is ranked. What speaks against the one speaks against the other: a stop
said by either, "not ours" said by either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from openletter.contacts.rules.candidates import Candidate
from openletter.contacts.rules.decide import Facts
from openletter.contacts.rules.rank import History
from openletter.words import Reason

REASON = "contact-asked-elsewhere"


@dataclass(frozen=True, kw_only=True)
class Instead:
    """The mailbox that a contact named, and who said so."""

    mailbox: str
    address: str
    said_by: str


def followed(each: Candidate, wished: Mapping[str, Instead]) -> Candidate:
    """The candidate where its contact wants to be written to; itself where it named nothing."""
    other = wished.get(each.mailbox)
    if other is None or each.refused is not None:
        return each
    said = {"instead_of": each.mailbox, "said_by": other.said_by}
    return replace(
        each, mailbox=other.mailbox, address=other.address, reason=Reason(code=REASON, values=said)
    )


def heeded(facts: Facts, wished: Mapping[str, Instead]) -> Facts:
    """The facts with every wish followed."""
    mailboxes = facts.mailboxes
    return replace(
        facts,
        rungs=[
            replace(rung, candidates=tuple(followed(each, wished) for each in rung.candidates))
            for rung in facts.rungs
        ],
        overrides=[followed(each, wished) for each in facts.overrides],
        csirts=[followed(each, wished) for each in facts.csirts],
        history=_shared(facts.history, wished),
        mailboxes=replace(
            mailboxes,
            stored_language=_inherited(mailboxes.stored_language, wished),
            language_of_reply=_inherited(mailboxes.language_of_reply, wished),
        ),
    )


def _shared(history: History, wished: Mapping[str, Instead]) -> History:
    """What is known of a mailbox holds for the one that it named, too."""
    refused = {other.mailbox for box, other in wished.items() if box in history.not_ours}
    return replace(
        history,
        suppressed=_inherited(history.suppressed, wished),
        not_ours=history.not_ours | refused,
    )


def _inherited(said: Mapping[str, str], wished: Mapping[str, Instead]) -> dict[str, str]:
    """By mailbox, with what the one that named it had, where it has nothing of its own."""
    return {
        **{other.mailbox: said[box] for box, other in wished.items() if box in said}, **said
    }  # fmt: skip


def among(wished: Mapping[str, Instead], boxes: Iterable[str]) -> dict[str, Instead]:
    """The wishes of these mailboxes."""
    return {box: wished[box] for box in boxes if box in wished}


def targets(wished: Mapping[str, Instead]) -> Iterator[str]:
    """The mailboxes that were named."""
    return (each.mailbox for each in wished.values())
