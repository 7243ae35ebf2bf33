"""What the smarthost's log proves, and what it does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.letters import sending
from openletter.letters.models import Delivery
from openletter.letters.settle import Settled, from_log
from openletter.wire.postfixlog import read_log
from openletter.words import DeliveryState
from tests.builders import NOW
from tests.mail_builders import Ready, a_sending_campaign, an_installation, letters_ready

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    return a_sending_campaign("real", exercise=False)


@pytest.fixture
def letters(campaign: Campaign) -> list[Ready]:
    """Four letters: two accepted with a queue id, one before and one after; two unknown."""
    made = letters_ready(campaign, 4)
    times = (timedelta(), timedelta(minutes=5), timedelta(minutes=6), timedelta(minutes=10))
    kinds = ("accepted", "unknown", "unknown", "accepted")
    for number, (one, after, state) in enumerate(zip(made, times, kinds, strict=True)):
        queue = f"4QUEUE{number}x" if state == "accepted" else ""
        Delivery.objects.filter(pk=one.delivery.pk).update(
            state=state, handed_at=NOW + after, queue_id=queue
        )
    return made


def line(at: datetime, program: str, text: str) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00 mx postfix/{program}[1]: {text}"


def queued(one: Ready, queue: str, after: timedelta) -> list[str]:
    at = NOW + after
    return [
        line(at, "cleanup", f"{queue}: message-id={one.delivery.message_id}"),
        line(at, "qmgr", f"{queue}: from=<b@x>, size=900, nrcpt=1 (queue active)"),
    ]


def quiet(*, until: timedelta = timedelta(hours=3), skip: range = range(0)) -> list[str]:
    """A line every half hour, so that the log has no gap."""
    start, steps = (
        NOW - timedelta(hours=1),
        int((until + timedelta(hours=1)) / timedelta(minutes=30)),
    )
    return [
        line(start + number * timedelta(minutes=30), "anvil", "statistics: none")
        for number in range(steps + 1)
        if number not in skip
    ]


def settled(lines: Iterable[str]) -> Settled:
    return from_log(list(read_log(lines, now=LATER)), by="user:jo", now=LATER)


def known(letters: list[Ready]) -> list[str]:
    return queued(letters[0], "4QUEUE0x", timedelta()) + queued(
        letters[3], "4QUEUE3x", timedelta(minutes=10)
    )


def test_a_queued_message_was_accepted(letters: list[Ready]) -> None:
    told = settled(queued(letters[1], "4FOUND11", timedelta(minutes=5)))
    row = Delivery.objects.get(pk=letters[1].delivery.pk)
    assert (row.state, row.queue_id, row.settled_by) == ("accepted", "4FOUND11", "user:jo")
    assert told.still_unknown == 1
    assert TimelineEntry.objects.filter(subject=f"delivery:{row.pk}", action="accepted").exists()


def test_sent_and_bounced_are_told_on(letters: list[Ready]) -> None:
    said = "to=<a@b.nl>, relay=x, delay=1, dsn={}, status={} (said)"
    lines = [
        *known(letters),
        line(NOW + timedelta(minutes=1), "smtp", "4QUEUE0x: " + said.format("2.0.0", "sent")),
        line(NOW + timedelta(minutes=11), "smtp", "4QUEUE3x: " + said.format("5.1.1", "bounced")),
    ]
    told = settled(lines)
    assert dict(told.by_state) == {"delivered": 1, "bounced": 1}


def test_a_message_cut_off_before_its_end_stays_unknown(letters: list[Ready]) -> None:
    settled(queued(letters[1], "4FOUND11", timedelta(minutes=5))[:1])
    assert Delivery.objects.get(pk=letters[1].delivery.pk).state == DeliveryState.UNKNOWN


def test_a_whole_log_without_it_proves_not_sent_and_a_person_clears_it(
    letters: list[Ready],
) -> None:
    told = settled([*quiet(), *known(letters)])
    assert told.not_sent == 2
    row = Delivery.objects.get(pk=letters[1].delivery.pk)
    assert (row.state, row.not_sent_at) == (DeliveryState.UNKNOWN, LATER)
    assert sending.claim(letters[1].letter.campaign, worker="w", now=LATER, limit=9) == []
    sending.clear_again(row, user="jo", now=LATER)
    assert len(sending.claim(letters[1].letter.campaign, worker="w", now=LATER, limit=9)) == 1


def with_gap(letters: list[Ready]) -> list[str]:
    return [*quiet(skip=range(4, 7)), *known(letters)]


def rotated(letters: list[Ready]) -> list[str]:
    """It begins after the claim."""
    return [one for one in quiet() if one > line(NOW + timedelta(minutes=8), "", "")] + known(
        letters
    )[2:]


def ended_early(letters: list[Ready]) -> list[str]:
    return [*quiet(until=timedelta(hours=1)), *known(letters)]


def filtered(letters: list[Ready]) -> list[str]:
    """A letter that certainly was queued is missing: somebody cut lines out."""
    return [*quiet(), *known(letters)[:2]]


def another_host(letters: list[Ready]) -> list[str]:
    return quiet()


@pytest.mark.parametrize("log", [with_gap, rotated, ended_early, filtered, another_host])
def test_a_log_that_is_not_whole_settles_nothing(letters: list[Ready], log: object) -> None:
    assert callable(log)
    assert settled(log(letters)).not_sent == 0
    assert not Delivery.objects.exclude(not_sent_at=None).exists()
