"""Whatever happens in whatever order: never two letters of one wave, never a groundless reminder.

A small model beside the database remembers what was handed over, said and seen; each hand-over is
judged by it alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.cases.models import Case
from openletter.contacts import graces
from openletter.contacts.models import Suppression
from openletter.letters import sending
from openletter.letters.models import Delivery, Letter
from openletter.letters.rules.facts import LetterError
from openletter.words import CaseState, DeliveryState, WaveKind
from tests.builders import NOW
from tests.letter_builders import chosen_cases
from tests.wave_builders import a_told_campaign, compose, opened, what_if

pytestmark = pytest.mark.django_db
MAILBOXES = ("a@network.example", "b@network.example")
DISTANCE = timedelta(days=30)


@dataclass
class World:
    """The campaign, its time, and what the model remembers of each mailbox and case."""

    now: datetime = NOW
    cases: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in MAILBOXES})
    left: dict[str, list[tuple[datetime, str, int]]] = field(default_factory=dict)
    seen: dict[int, datetime] = field(default_factory=dict)
    quiet: dict[str, datetime] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.campaign = a_told_campaign(door_fresh_days=90)

    def new_case(self, mailbox: str) -> None:
        number = sum(map(len, self.cases.values())) + 1
        at = max(self.now - timedelta(hours=1), NOW)
        (choice,) = chosen_cases(self.campaign, [f"192.0.2.{number}"], mailbox, at=at)
        self.cases[mailbox].append(choice.case_id)
        self.seen[choice.case_id] = at

    def see_again(self, mailbox: str) -> None:
        for case in self.cases[mailbox][:2]:
            Case.objects.filter(pk=case).update(last_evidence_at=self.now)
            self.seen[case] = self.now

    def close(self, mailbox: str) -> None:
        Case.objects.filter(pk__in=self.cases[mailbox][-1:]).update(state=CaseState.CLOSED)

    def announce(self, mailbox: str) -> None:
        until = self.now + timedelta(days=7)
        told = Case.objects.filter(pk__in=self.cases[mailbox][:1], state=CaseState.OPEN)
        if mailbox in self.left and told.update(
            state=CaseState.ANNOUNCED_FIXED, announced_until=until
        ):
            self.quiet[mailbox] = max(until, self.quiet.get(mailbox, until))

    def give_time(self, mailbox: str) -> None:
        until = self.now + timedelta(days=10)
        graces.give(mailbox, campaign=self.campaign, until=until, actor="user:x", now=self.now)
        self.quiet[mailbox] = max(until, self.quiet.get(mailbox, until))

    def stop(self, mailbox: str) -> None:
        Suppression.objects.get_or_create(
            mailbox=mailbox, campaign=self.campaign, undone_at=None,
            defaults={"who": "x", "how": "x", "at": self.now},
        )  # fmt: skip
        self.stopped.add(mailbox)

    def doubt(self, mailbox: str) -> None:
        """The sender broke off: nobody knows whether the mailbox's last letter left."""
        last = Delivery.objects.filter(mailbox=mailbox, state=DeliveryState.DELIVERED).last()
        if last is not None:
            Delivery.objects.filter(pk=last.pk).update(state=DeliveryState.UNKNOWN)
            self.doubtful.add(mailbox)

    def open(self, kind: WaveKind) -> None:
        try:
            opened(self.campaign, kind, now=self.now)
        except LetterError as refused:
            assert refused.code == "campaign-closing"  # noqa: PT017 - the only refusal there is

    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    def write(self) -> None:
        compose(self.campaign, now=self.now)

    def hand_over(self) -> None:
        sending.send_back(self.campaign, now=self.now)
        for one in sending.claim(self.campaign, worker="w", now=self.now, limit=100):
            Delivery.objects.filter(pk=one.id).update(state=DeliveryState.DELIVERED)
            self.judge(Letter.objects.select_related("wave").get(delivery=one.id))

    def judge(self, letter: Letter) -> None:
        before = self.left.setdefault(letter.mailbox, [])
        assert letter.mailbox not in self.stopped
        assert letter.wave_id not in [wave for _, _, wave in before], "two letters of one wave"
        assert "closing" not in [kind for _, kind, _ in before], "a letter after the last one"
        if letter.kind != WaveKind.FIRST:
            last = max(at for at, _, _ in before)
            assert last <= self.now - DISTANCE, "too soon"
            assert self.quiet.get(letter.mailbox, NOW) <= self.now, "before the day they named"
            assert letter.mailbox not in self.doubtful, "the last letter's fate is unknown"
        if letter.kind == WaveKind.REMINDER:
            assert "reminder" not in [kind for _, kind, _ in before], "a second reminder"
            told = {int(row.split(":")[0]) for row in letter.told}
            again = [row.case_id for row in letter.rows.all() if row.case_id in told]
            assert again, "nothing to remind of"
            assert all(self.seen[case] > last for case in again), "no newer evidence"
        before.append((self.now, letter.kind, letter.wave_id))


def step(verb: Callable[..., None], *choices: object) -> st.SearchStrategy:
    return st.tuples(st.just(verb), st.sampled_from(choices)) if choices else st.just((verb,))


EVENTS = st.one_of(
    *(
        step(verb, *MAILBOXES)
        for verb in (
            World.new_case, World.see_again, World.see_again, World.close, World.announce,
            World.give_time, World.stop, World.doubt,
        )
    ),
    step(World.open, WaveKind.UPDATE, WaveKind.REMINDER, WaveKind.REMINDER, WaveKind.CLOSING),
    step(World.wait, 1, 8, 31),
    step(World.write),
    step(World.hand_over),
)  # fmt: skip


def walk(events: list[tuple[object, ...]]) -> None:
    with what_if():
        world = World()
        for mailbox in MAILBOXES:
            world.new_case(mailbox)
        world.write()
        world.hand_over()
        for verb, *given_to in events:
            verb(world, *given_to)  # type: ignore[operator]
        for _ in "ab":
            world.wait(31)
            world.see_again(MAILBOXES[0])
            world.write()
            world.hand_over()


def test_a_reminder_does_leave_when_all_is_well() -> None:
    """Or the walk below would prove nothing."""
    walk([(World.open, WaveKind.REMINDER)])
    with what_if():
        world = World()
        world.new_case(MAILBOXES[0])
        world.write()
        world.hand_over()
        world.open(WaveKind.REMINDER)
        world.wait(31)
        world.see_again(MAILBOXES[0])
        world.write()
        world.hand_over()
        assert [kind for _, kind, _ in world.left[MAILBOXES[0]]] == ["first", "reminder"]


@settings(max_examples=3, deadline=None, derandomize=True)
@given(st.lists(EVENTS, min_size=6, max_size=14))
def test_no_order_of_events_writes_twice_or_without_ground(
    events: list[tuple[object, ...]],
) -> None:
    walk(events)


@pytest.mark.full
@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, min_size=8, max_size=30))
def test_no_long_order_of_events_does_either(events: list[tuple[object, ...]]) -> None:
    walk(events)
