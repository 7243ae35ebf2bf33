"""What a mailbox owner does with a letter, and when: decided by character, never by chance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from openletter.exercise.land import Kind, narrowest
from openletter.exercise.letterbox import ReadLetter, Row
from openletter.exercise.people import Character, Person
from openletter.exercise.servers import customer_closes


class Deed(StrEnum):
    """Something an owner does; mails go to the intake, presses to the site."""

    AWAY_MESSAGE = "away-message"
    TICKET_MESSAGE = "ticket-message"
    DELIVERY_REPORT = "delivery-report"
    QUESTION = "question"
    FIXED_MAIL = "fixed-mail"
    NOT_OURS_MAIL = "not-ours-mail"
    STOP_MAIL = "stop-mail"
    PASSED_ON_MAIL = "passed-on-mail"
    FIXED_PRESS = "fixed-press"
    NOT_MINE_PRESS = "not-mine-press"
    ONE_CLICK = "one-click"
    CUSTOMER_PRESS = "customer-press"

    @property
    def is_mail(self) -> bool:
        return self.value.endswith(("message", "report", "question", "mail"))


@dataclass(frozen=True, kw_only=True)
class Act:
    """One deed about one letter (or one passed-on row), so many days after it arrived."""

    deed: Deed
    letter: ReadLetter
    person: Person
    after: int
    row: Row | None = None

    @property
    def key(self) -> str:
        """Names the act for good, so that nobody does it twice."""
        row = self.row.reference if self.row else ""
        return f"{self.letter.message_id} {self.deed} {row}".rstrip()


AT_ONCE = {
    Character.AWAY: ((Deed.AWAY_MESSAGE, 0),),
    Character.TICKET: ((Deed.TICKET_MESSAGE, 0),),
    Character.TICKET_PASSES_ON: ((Deed.TICKET_MESSAGE, 0),),
    Character.PASSES_ON: ((Deed.PASSED_ON_MAIL, 1),),
    Character.GONE_LATER: ((Deed.DELIVERY_REPORT, 1),),
    Character.ASKS: ((Deed.QUESTION, 0), (Deed.FIXED_PRESS, 2)),
    Character.FIXES: ((Deed.FIXED_PRESS, 2),),
    Character.FIXES_BY_MAIL: ((Deed.FIXED_MAIL, 1),),
    Character.STOPS_BY_CLICK: ((Deed.ONE_CLICK, 0),),
    Character.STOPS_BY_MAIL: ((Deed.STOP_MAIL, 1),),
}


def acts(letter: ReadLetter, person: Person) -> list[Act]:
    """Everything that this letter will make its reader do, in the order of days."""
    character = person.character
    found = [
        Act(deed=deed, letter=letter, person=person, after=after)
        for deed, after in AT_ONCE.get(character, ())
    ]
    if character is Character.NOT_OURS:
        deed = Deed.NOT_MINE_PRESS if len(letter.rows) > 1 else Deed.NOT_OURS_MAIL
        found.append(Act(deed=deed, letter=letter, person=person, after=1))
    if character.passes_on:
        found += [
            Act(deed=Deed.CUSTOMER_PRESS, letter=letter, person=person, after=2, row=row)
            for row in letter.rows
            if answers_for(row)
        ]
    return sorted(found, key=lambda act: act.after)


def answers_for(row: Row) -> bool:
    """A row passed on reaches a customer, and that customer closes his server."""
    ip = ip_address(row.ip)
    return narrowest(ip).holder.kind is not Kind.PROVIDER and customer_closes(ip)
