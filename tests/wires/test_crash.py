"""kill -9, restore, copy, a clock set back: never twice, and none lost without a visible `unknown`.

The short scenarios run in `make test`; the full ones (ten kills each) in `make test-full`. With
Debian's Postfix as smarthost where it is unpacked, else with a server process of our own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from tests.wires.crash_plant import Figures, Plant, a_moment, copy_folder, plant
from tests.wires.nasty import Nasty

ABOUT_TO_LEAVE = {"cleared", "handing", "deferred"}


@pytest.fixture(autouse=True)
def figures(request: pytest.FixtureRequest) -> Iterator[list[Figures]]:
    """Each scenario's row is printed (`-s`, or in the report of a failure)."""
    rows: list[Figures] = []
    yield rows
    for row in rows:
        print(f"\n{row.row()}")  # noqa: T201


def hold(row: Figures) -> None:
    assert row.duplicates == 0, row
    assert row.lost == 0, row
    assert not ABOUT_TO_LEAVE & set(row.states), row
    assert row.states["accepted"] + row.states["unknown"] == row.letters, row


def hold_nasty(site: Plant, row: Figures) -> None:
    """What the server took is `accepted` or `unknown`, and every letter has a fate."""
    assert (row.duplicates, row.lost) == (0, 0), row
    assert not ABOUT_TO_LEAVE & set(row.states), row
    taken = {message for message, count in site.arrivals().items() if count}
    states = site.counted()["states"]
    assert isinstance(states, dict)
    visible = {one for one, state in states.items() if state in ("accepted", "unknown")}
    assert taken <= visible
    assert len(visible) + row.states["bounced"] == row.letters


def settle(site: Plant) -> None:
    """The smarthost's log knows every letter that it has: none that arrived stays unknown."""
    if not site.smarthost.is_postfix:
        return
    site.verb("settle", str(site.smarthost.log))
    states = site.counted()["states"]
    assert isinstance(states, dict)
    unknown = {one for one, state in states.items() if state == "unknown"}
    assert not unknown & set(site.arrivals())


def kill_senders(site: Plant, *, times: int, chance: random.Random) -> None:
    for _ in range(times):
        with site.sender() as process:
            a_moment(chance, 0.6)
            process.kill()
    site.send_all()


def kill_servers(site: Plant, *, times: int, chance: random.Random) -> None:
    with site.sender() as process:
        for _ in range(times):
            a_moment(chance, 0.6)
            site.smarthost.kill()
            site.smarthost.start()
        process.wait(900)


def kill_databases(site: Plant, *, times: int, chance: random.Random) -> None:
    with site.sender() as process:
        for _ in range(times):
            a_moment(chance, 0.6)
            site.kill_database()
            site.start_database()
        process.wait(900)


SCENARIOS = {
    "kill -9 of the sender": kill_senders,
    "kill -9 of the mail server": kill_servers,
    "kill -9 of PostgreSQL": kill_databases,
}


@pytest.mark.full
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ten_kills_at_random_moments(scenario: str, figures: list[Figures]) -> None:
    chance, started = random.Random(f"2004 {scenario}"), time.monotonic()
    with plant(letters=600) as site:
        SCENARIOS[scenario](site, times=10, chance=chance)
        figures.append(site.judge(scenario, kills=10, started=started))
        hold(figures[-1])
        settle(site)


@pytest.mark.full
@pytest.mark.parametrize("kills", [0, 10])
def test_a_server_that_misbehaves_at_random(kills: int, figures: list[Figures]) -> None:
    """Anywhere, in any of eleven ways, while the sender and the database are killed, too."""
    chance, started = random.Random(f"1982 {kills}"), time.monotonic()
    nasty = Nasty(chance=random.Random(f"821 {kills}"), share=0.02)
    with plant(letters=300, nasty=nasty) as site:
        for number in range(kills):
            with site.sender() as process:
                a_moment(chance, 1.5)
                process.kill()
            if number % 5 == 4:
                site.kill_database()
                site.start_database()
        site.send_all()
        scenario = "a server that misbehaves at random" + (", and kills" if kills else "")
        row = site.judge(scenario, kills=kills + kills // 5, started=started)
        figures.append(row)
        hold_nasty(site, row)


AFTER_THE_DOT = ("hang", "close", "reset", "450-lines", "554-lines", "451-then-good", "421")


@pytest.mark.full
@pytest.mark.parametrize("action", AFTER_THE_DOT)
def test_kills_while_a_server_misbehaves_after_the_dot(action: str, figures: list[Figures]) -> None:
    """One letter in twelve; the sender is killed six times, PostgreSQL twice."""
    chance, started = random.Random(f"5321 {action}"), time.monotonic()
    nasty = Nasty(place="dot", action=action, chance=random.Random(action), share=1 / 12)
    with plant(letters=200, nasty=nasty) as site:
        for number in range(6):
            with site.sender() as process:
                a_moment(chance, 0.7)
                process.kill()
            if number % 3 == 2:
                site.kill_database()
                site.start_database()
        site.send_all()
        row = site.judge(f"after the dot: {action}", kills=8, started=started)
        figures.append(row)
        hold_nasty(site, row)


@pytest.mark.full
def test_five_thousand_letters_while_everything_is_killed(figures: list[Figures]) -> None:
    """Through a real Postfix: the sender, the mail server and PostgreSQL, six times each."""
    chance, started = random.Random("5000"), time.monotonic()
    with plant(letters=5_000) as site:
        for _ in range(6):
            with site.sender() as process:
                a_moment(chance, 4)
                site.smarthost.kill()
                site.smarthost.start()
                a_moment(chance, 3)
                site.kill_database()
                site.start_database()
                a_moment(chance, 3)
                process.kill()
        site.send_all()
        figures.append(site.judge("five thousand letters", kills=18, started=started))
        hold(figures[-1])
        settle(site)


def test_a_few_kills_of_each(figures: list[Figures]) -> None:
    chance, started = random.Random(2004), time.monotonic()
    with plant(letters=90) as site:
        with site.sender() as process:
            a_moment(chance, 0.2)
            process.kill()
        with site.sender() as process:
            a_moment(chance, 0.2)
            site.smarthost.kill()
            site.smarthost.start()
            a_moment(chance, 0.2)
            site.kill_database()
            site.start_database()
            process.wait(300)
        figures.append(site.judge("a few kills of each", kills=3, started=started))
        hold(figures[-1])
        settle(site)


@pytest.mark.full
def test_a_backup_taken_two_hundred_letters_ago(figures: list[Figures]) -> None:
    """The data folder of a stopped server is put aside and put back: same place, older rows."""
    started = time.monotonic()
    with plant(letters=400) as site:
        data = next(site.state.rglob("PG_VERSION")).parent
        site.stop_database()
        copy_folder(data, site.home / "backup")
        site.start_database()
        with site.sender() as process:
            while len(site.arrivals()) < 200:
                time.sleep(0.1)
            process.kill()
        site.stop_database()
        copy_folder(site.home / "backup", data)
        site.start_database()
        site.send_all()
        told = site.counted()
        assert told["paused"] == "database-behind-journal"
        row = site.judge("restore from a backup", kills=1, started=started)
        assert row.states == {"unknown": 400}, row
        site.verb("resume")
        site.send_all()
        figures.append(site.judge("restore from a backup", kills=1, started=started))
        assert (figures[-1].duplicates, figures[-1].lost) == (0, 0)
        assert figures[-1].states == {"unknown": 400}


@pytest.mark.full
def test_a_copy_started_on_the_side(figures: list[Figures]) -> None:
    started = time.monotonic()
    with plant(letters=200) as site:
        site.stop_database()
        copy = site.home / "copy"
        copy_folder(site.state, copy)
        site.start_database()
        with site.sender() as process:
            site.send_all(state=copy)
            process.wait(900)
        told = site.counted(state=copy)
        assert told["paused"] == "place-differs"
        assert set(told["states"].values()) == {"unknown"}  # type: ignore[attr-defined]
        figures.append(site.judge("a copy on the side", kills=0, started=started))
        hold(figures[-1])
        assert figures[-1].states == {"accepted": 200}


@pytest.mark.full
def test_a_clock_set_back(figures: list[Figures]) -> None:
    started = time.monotonic()
    with plant(letters=120) as site:
        with site.sender("-2880") as process:  # two days ahead
            while len(site.arrivals()) < 40:
                time.sleep(0.1)
            process.kill()
        site.send_all()
        figures.append(site.judge("a clock set back two days", kills=1, started=started))
        hold(figures[-1])
