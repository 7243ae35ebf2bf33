"""Who answers the mail in the made-up world: each mailbox has a character, for good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from openletter.exercise import dice
from openletter.exercise.land import Kind, organisations


class Character(StrEnum):
    """How the person (or machine) behind a mailbox takes a letter."""

    DEAD = "dead"  # refused at RCPT TO, 550 5.1.1
    GONE_LATER = "gone-later"  # accepted, and a delivery report comes the day after
    GREYLISTS = "greylists"  # 451 at the first try, accepted later
    AWAY = "away"  # out-of-office message, nothing else
    TICKET = "ticket"  # the desk's machine acknowledges, nobody acts
    TICKET_PASSES_ON = "ticket-passes-on"  # acknowledges, then sends each row to its customer
    PASSES_ON = "passes-on"  # sends each row to its customer
    ASKS = "asks"  # asks a question, closes the servers some days later
    FIXES = "fixes"  # closes the servers and says so with the button
    FIXES_BY_MAIL = "fixes-by-mail"  # closes the servers and says so in a mail
    NOT_OURS = "not-ours"  # says that the addresses are not his
    STOPS_BY_CLICK = "stops-by-click"  # one-click unsubscribe of the mail program
    STOPS_BY_MAIL = "stops-by-mail"  # asks in a mail for no more letters
    SILENT = "silent"

    @property
    def closes_servers(self) -> bool:
        return self in {Character.FIXES, Character.FIXES_BY_MAIL, Character.ASKS}

    @property
    def passes_on(self) -> bool:
        return self in {Character.PASSES_ON, Character.TICKET_PASSES_ON}


DESKS = {
    Character.TICKET_PASSES_ON: 9, Character.PASSES_ON: 5, Character.TICKET: 4,
    Character.FIXES: 1, Character.ASKS: 1, Character.GREYLISTS: 1, Character.SILENT: 0,
}  # fmt: skip

OWNERS = {
    Character.DEAD: 7, Character.GONE_LATER: 4, Character.GREYLISTS: 1, Character.AWAY: 9,
    Character.ASKS: 8, Character.FIXES: 16, Character.FIXES_BY_MAIL: 9, Character.NOT_OURS: 3,
    Character.STOPS_BY_CLICK: 4, Character.STOPS_BY_MAIL: 3, Character.SILENT: 0,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a mailbox; `speaks` is the language he answers in."""

    mailbox: str
    organisation: str
    country: str
    speaks: str
    character: Character


@cache
def people() -> dict[str, Person]:
    """Everybody that a registry leads to, by mailbox."""
    first = {org.mail: org for org in reversed(organisations()) if org.says.is_usable}
    desks = [box for box, org in first.items() if org.kind is not Kind.CUSTOMER]
    owners = [box for box, org in first.items() if org.kind is Kind.CUSTOMER]
    characters = dice.dealt(desks, DESKS, "desks") | dice.dealt(owners, OWNERS, "owners")
    return {
        box: Person(
            mailbox=box, organisation=org.name, country=org.country,
            speaks="nl" if org.country in {"NL", "BE"} else "en", character=characters[box],
        )
        for box, org in first.items()
    }  # fmt: skip
