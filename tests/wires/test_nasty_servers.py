"""Whatever a server does, no letter that it took is offered again, and every letter has one fate."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from openletter.net.smtp_client import Door, DoorClosedError, Timeouts
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate, Outcome
from tests.wires.nasty import ACTIONS, DATA, DOT, EHLO, GREETING, MAIL, PLACES, RCPT, Nasty, serving

HASTY = Timeouts(connect=2, opening=0.4, reply=0.4, dot=0.4)
PATIENT = Timeouts(connect=5, opening=10, reply=10, dot=10)
"""For servers that do answer: a busy machine must not look like a server that hangs."""
LETTERS = 12


def letters(count: int = LETTERS) -> list[Envelope]:
    return [
        Envelope(
            sender=f"b+t{number}@bounce.example.net",
            recipient=f"abuse@net{number}.example",
            raw=b"Message-ID: <%d@x>\r\nSubject: x\r\n\r\n.dot\r\n" % number,
        )
        for number in range(count)
    ]


class Told:
    """What the sender heard of each letter; twice is an error."""

    def __init__(self) -> None:
        self.fates: dict[int, Fate] = {}
        self.left: list[int] = []

    def settled(self, position: int, fate: Fate) -> None:
        assert position not in self.fates
        self.fates[position] = fate

    def outcomes(self) -> Counter[str]:
        return Counter(str(fate.outcome) for fate in self.fates.values())


def send(server: Nasty, *, connections: int = 3) -> Told:
    """Offer all letters once."""
    told, ready = Told(), letters()
    with serving(server) as port:
        limits = HASTY if server.action in ("hang", "drip") else PATIENT
        door = Door(host="127.0.0.1", port=port, exercise=False, timeouts=limits)
        try:
            with Fleet(door, connections=connections) as fleet:
                told.left = list(fleet.hand_over(ready, settled=told.settled, look=lambda: True))
        except DoorClosedError:
            told.left = list(range(LETTERS))
    return told


def judge(server: Nasty, told: Told) -> None:
    """The one rule, whatever went wrong."""
    assert sorted([*told.fates, *told.left]) == list(range(LETTERS))
    taken = {int(one[1:-3]) for one in server.taken}
    assert max(server.taken.values(), default=1) == 1
    may_go_again = {
        position
        for position, fate in told.fates.items()
        if fate.outcome in (Outcome.DEFERRED, Outcome.REFUSED)
    } | set(told.left)
    assert not taken & may_go_again, (told.fates, told.left)
    sure = {at for at, fate in told.fates.items() if fate.outcome is Outcome.ACCEPTED}
    assert sure <= taken, (told.fates, taken)


@pytest.mark.parametrize(
    ("place", "action"),
    [
        (DOT, "close"), (DOT, "hang"), (DOT, "reset"), (DOT, "421"), (DOT, "nonsense"),
        (DOT, "extra"), (DATA, "early"), (DATA, "close"), (RCPT, "554"), (RCPT, "extra"),
        (MAIL, "421"), (MAIL, "reset"),
    ],
)  # fmt: skip
def test_what_was_taken_is_never_offered_again(place: str, action: str) -> None:
    server = Nasty(place=place, action=action)
    judge(server, send(server))


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "action", "pipelines", "after", "times"),
    list(itertools.product(PLACES, ACTIONS, (True, False), (1, 3), (1, 99))),
)
def test_every_misdeed_at_every_place(
    place: str, action: str, *, pipelines: bool, after: int, times: int
) -> None:
    says_it_took = action in ("drip", "extra", "early", "slow")  # then a lie would be a lie
    for takes in (True, False) if place == DOT and not says_it_took else (True,):
        server = Nasty(
            place=place, action=action, pipelines=pipelines, after=after, times=times, takes=takes
        )
        judge(server, send(server))


def test_a_good_server_takes_each_letter_once() -> None:
    server = Nasty()
    told = send(server)
    judge(server, told)
    assert told.outcomes() == {"accepted": LETTERS}
    assert server.connections > 1
    assert told.fates[0].queue_id.startswith("4Nasty")


def test_a_lost_connection_makes_unknown_what_was_begun_and_the_rest_goes_word_by_word() -> None:
    """The third letter's content and the fourth one's envelope were on the way."""
    server = Nasty(place=DOT, action="close", after=3)
    told = send(server, connections=1)
    judge(server, told)
    assert [at for at, fate in told.fates.items() if fate.outcome is Outcome.UNKNOWN] == [2, 3]
    assert told.outcomes() == {"accepted": LETTERS - 2, "unknown": 2}
    assert (2, 3) not in server.taken
    assert server.taken[b"<3@x>"] == 0  # nothing of its content was said


def test_without_pipelining_only_the_letter_at_the_dot_is_unknown() -> None:
    server = Nasty(place=DOT, action="close", after=3, pipelines=False)
    told = send(server, connections=1)
    judge(server, told)
    assert told.outcomes() == {"accepted": LETTERS - 1, "unknown": 1}


def test_after_three_losses_nobody_goes_on() -> None:
    server = Nasty(place=DOT, action="close", after=1, times=99)
    told = send(server, connections=1)
    judge(server, told)
    assert told.outcomes()["unknown"] <= 2 + 1 + 1
    assert len(told.left) >= LETTERS - 4


def test_one_connection_until_the_first_letter_is_accepted() -> None:
    server = Nasty(place=RCPT, action="554", after=1, times=99)
    told = send(server)
    assert told.outcomes() == {"refused": LETTERS}
    assert server.connections == 1


def test_a_refused_recipient_leaves_the_rest_of_the_connection_as_it_was() -> None:
    server = Nasty(place=RCPT, action="450", after=2, times=2)
    told = send(server, connections=1)
    judge(server, told)
    assert told.outcomes() == {"accepted": LETTERS - 2, "deferred": 2}
    assert server.connections == 1


@pytest.mark.parametrize(("place", "action"), [(GREETING, "drip"), (EHLO, "hang")])
def test_a_door_that_never_opens_takes_no_letter(place: str, action: str) -> None:
    """Bytes that drip are no answer: the limit is for a whole one."""
    server = Nasty(place=place, action=action, times=99)
    told = send(server)
    assert told.left == list(range(LETTERS))
    assert not told.fates


def test_a_stop_takes_back_what_has_only_an_envelope() -> None:
    server, told, asked = Nasty(place=DATA, action="slow", after=3), Told(), itertools.count()
    with serving(server) as port:
        door = Door(host="127.0.0.1", port=port, exercise=False, timeouts=PATIENT)
        with Fleet(door, connections=1) as fleet:
            left = fleet.hand_over(
                letters(),
                settled=told.settled,
                look=lambda: len(server.taken) < 2 or not next(asked),
            )
    told.left = list(left)
    judge(server, told)
    assert "unknown" not in told.outcomes()
    assert 2 <= len(server.taken) <= 3
