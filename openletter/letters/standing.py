"""How the cases of a mailbox stand that earlier letters told it of, and their numbers.

A case has one number in every letter of the campaign to that mailbox: what a later letter says
of "number 4" is what an earlier one said. Numbers are given once and never again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.db import connection

from openletter.campaigns.models import Campaign
from openletter.letters.models import LetterCase
from openletter.letters.questions import question
from openletter.letters.rules.facts import RowState
from openletter.words import DeliveryState, WaveKind


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One mailbox: the number of each case that a letter named, and how those it was told stand.

    A letter that bounced, or of which nobody knows, gave numbers and told nothing.
    """

    numbers: Mapping[int, int] = field(default_factory=dict)
    states: Mapping[int, RowState] = field(default_factory=dict)

    def numbered(self, cases: Iterable[int]) -> Iterator[int]:
        """The number of each case; new ones go on after the highest."""
        following = max(self.numbers.values(), default=0) + 1
        for case in cases:
            if case in self.numbers:
                yield self.numbers[case]
            else:
                yield following
                following += 1

    @property
    def told(self) -> list[str]:
        """What a letter that tells this rests on; the door compares it with what holds then."""
        return [f"{case}:{self.states[case]}" for case in sorted(self.states)]


UNTOLD = Standing()


def standings(campaign: Campaign, mailboxes: Iterable[str]) -> dict[str, Standing]:
    """Of each mailbox that got a letter in this campaign; two queries."""
    wanted = sorted(set(mailboxes))
    if not wanted:
        return {}
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    rows = (
        LetterCase.objects.filter(
            letter__campaign=campaign, letter__mailbox__in=wanted, letter__delivery__isnull=False
        )
        .exclude(letter__delivery__state=DeliveryState.CANCELLED)
        .exclude(letter__wave__kind=WaveKind.CORRECTION)
        .order_by("letter__composed_at", "letter_id", "number")
        .values_list("letter__mailbox", "case_id", "number")
    )
    for mailbox, case, number in rows:
        numbers[mailbox].setdefault(case, number)
    states = _states(campaign, wanted) if numbers else {}
    return {
        mailbox: Standing(numbers=found, states=states.get(mailbox, {}))
        for mailbox, found in numbers.items()
    }


def _states(campaign: Campaign, mailboxes: list[str]) -> dict[str, dict[int, RowState]]:
    found: dict[str, dict[int, RowState]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            question("told.sql", campaign="%(campaign)s", mailbox="ANY(%(mailboxes)s)"),
            {"campaign": campaign.pk, "mailboxes": mailboxes},
        )
        for mailbox, case, state in cursor.fetchall():
            found[mailbox][case] = RowState(state)
    return found
