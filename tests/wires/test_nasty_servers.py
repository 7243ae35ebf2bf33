"""Whatever a server does, no letter that it took is offered again, and every letter has one fate."""

from __future__ import annotations

import itertools
import ssl
from collections import Counter
from pathlib import Path

import pytest

from openletter.net.smtp_client import Door, DoorClosedError, Timeouts
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate, Outcome
from tests.wires.nasty import (
    ACTIONS,
    AGAIN,
    DATA,
    DOT,
    EHLO,
    GREETING,
    HANGS,
    MAIL,
    NO,
    PLACES,
    QUIT,
    RCPT,
    WORSE,
    Nasty,
    serving,
)
from tests.wires.test_starttls import contexts

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


def send(server: Nasty, *, connections: int = 3, client: ssl.SSLContext | None = None) -> Told:
    """Offer all letters once."""
    told, ready = Told(), letters()
    with serving(server) as port:
        limits = HASTY if server.action in HANGS else PATIENT
        door = Door(
            host="127.0.0.1", port=port, exercise=False, timeouts=limits, tls=client,
            at_once=client is not None,
        )  # fmt: skip
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


SAYS_IT_TOOK = ("drip", "extra", "early", "slow", "rubbish", "thrice")
"""After the dot; a lie would be a lie."""


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "action", "pipelines", "after", "times"),
    list(itertools.product(PLACES, (*ACTIONS, *WORSE), (True, False), (1, 3), (1, 99))),
)
def test_every_misdeed_at_every_place(
    place: str, action: str, *, pipelines: bool, after: int, times: int
) -> None:
    says_it_took = action in SAYS_IT_TOOK or action.endswith(("good", "451"))
    for takes in (True, False) if place == DOT and not says_it_took else (True,):
        server = Nasty(
            place=place, action=action, pipelines=pipelines, after=after, times=times, takes=takes
        )
        judge(server, send(server))


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "action", "pipelines", "verdict"),
    list(itertools.product((AGAIN, QUIT), (*ACTIONS, *WORSE), (True, False), (b"", NO["450"]))),
)
def test_every_misdeed_where_it_is_asked_whether_it_is_in_step(
    place: str, action: str, *, pipelines: bool, verdict: bytes
) -> None:
    server = Nasty(
        place=place, action=action, pipelines=pipelines, verdict=verdict, times=99,
        greets_once=place == QUIT,
    )  # fmt: skip
    judge(server, send(server))


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "action", "pipelines"),
    list(itertools.product((MAIL, RCPT, DATA, DOT), (*ACTIONS, *WORSE), (True, False))),
)
def test_every_misdeed_within_tls_that_is_never_ended(
    tmp_path: Path, place: str, action: str, *, pipelines: bool
) -> None:
    own, client = contexts(tmp_path)
    for takes in (True, False) if place == DOT and action not in SAYS_IT_TOOK else (True,):
        server = Nasty(place=place, action=action, pipelines=pipelines, takes=takes, tls=own)
        if not takes and action.endswith(("good", "451")):
            continue
        judge(server, send(server, client=client))


# -- a verdict is held until the server is seen to be in step ---------------------------------------


@pytest.mark.parametrize("pipelines", [True, False])
@pytest.mark.parametrize("after", [2, LETTERS])
@pytest.mark.parametrize("action", ["451-then-good", "451-later-good"])
def test_a_server_that_puts_off_and_then_takes_is_not_asked_again(
    action: str, after: int, *, pipelines: bool
) -> None:
    """451, and in a later packet 250 for the same letter: it has it."""
    server = Nasty(place=DOT, action=action, after=after, pipelines=pipelines)
    told = send(server, connections=1)
    judge(server, told)
    assert told.fates[after - 1].outcome is Outcome.UNKNOWN


def test_a_refusal_stands_once_what_follows_is_in_step() -> None:
    server = Nasty(place=DOT, action="450-lines", after=3, times=2)
    told = send(server, connections=1)
    judge(server, told)
    assert told.outcomes() == {"accepted": LETTERS - 2, "deferred": 2}
    assert server.connections == 1


@pytest.mark.parametrize("greets_once", [True, False])
@pytest.mark.parametrize("pipelines", [True, False])
def test_where_every_letter_is_refused_all_of_it_is_believed(
    *, pipelines: bool, greets_once: bool
) -> None:
    """Also of a server that wants no second EHLO: it is asked by QUIT."""
    server = Nasty(verdict=NO["450"], pipelines=pipelines, greets_once=greets_once)
    told = send(server)
    judge(server, told)
    assert told.outcomes() == {"deferred": LETTERS}


@pytest.mark.parametrize(("action", "outcome"), [("421", "deferred"), ("421-stays", "unknown")])
def test_421_is_believed_when_the_connection_ends_with_it(action: str, outcome: str) -> None:
    server = Nasty(place=DOT, action=action, after=LETTERS)
    told = send(server, connections=1) if action == "421" else _hastily(server)
    judge(server, told)
    assert str(told.fates[LETTERS - 1].outcome) == outcome


def _hastily(server: Nasty) -> Told:
    told = Told()
    with serving(server) as port:
        door = Door(host="127.0.0.1", port=port, exercise=False, timeouts=HASTY)
        with Fleet(door, connections=1) as fleet:
            told.left = list(fleet.hand_over(letters(), settled=told.settled, look=lambda: True))
    return told


def test_within_tls_an_end_that_tls_does_not_confirm_is_none(tmp_path: Path) -> None:
    """Anybody on the way may have cut off what came after the 421."""
    own, client = contexts(tmp_path)
    server = Nasty(place=DOT, action="421", after=LETTERS, tls=own)
    told = send(server, connections=1, client=client)
    judge(server, told)
    assert told.fates[LETTERS - 1].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("action", ["contrary", "two-codes"])
def test_an_answer_that_contradicts_itself_says_nothing(action: str) -> None:
    server = Nasty(place=DOT, action=action, after=LETTERS)
    told = send(server, connections=1)
    judge(server, told)
    assert told.fates[LETTERS - 1].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("place", "action"),
    [(DOT, "swallow"), (RCPT, "swallow"), (DATA, "again-good"), (DOT, "half-reset")],
)
def test_answers_too_few_and_too_many_are_seen(place: str, action: str) -> None:
    server = Nasty(place=place, action=action, after=3)
    judge(server, send(server, connections=1))


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
