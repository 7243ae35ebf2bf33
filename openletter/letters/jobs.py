"""The send step: claim, journal, hand over, record. The only place where letters leave.

A run is several claims of at most a hundred letters over the same connections; each claim has its
journal line on disk before a word of it is said. What became of them is written down many at a
time, at the latest after a quarter of a second, and so often a stop is looked for, too. Every
claim asks the door with the time it is then, and holds for a few seconds: what a slow server has
not let begin by then is put back and asked of anew.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from openletter.campaigns import clock
from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign
from openletter.letters import routes, sending
from openletter.letters.claimed import Claimed
from openletter.letters.doorway import door_of, mailbox_folder, sealed
from openletter.letters.journal import LARGEST_BATCH, Journal
from openletter.letters.mark import at_start
from openletter.letters.recording import Told
from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.fates import is_about_us
from openletter.letters.trails import read_what_left
from openletter.letters.turn import is_ours
from openletter.net.dns_ports import Server
from openletter.net.mx_client import ask_mx
from openletter.net.smtp_door import DoorClosedError
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate

__all__ = ["hand_over", "mailbox_folder"]

log = structlog.get_logger()

_Result = TypeVar("_Result")

PATIENCE = 60.0
"""Seconds that a sender waits for its database before it lets letters become `unknown`."""
REFUSALS_IN_A_ROW = 5
"""So many refusals about us, one after the other, and the campaign pauses itself."""
LOOK_EVERY = 0.25
"""Seconds between two looks for a stop; also the longest that a fate stays unwritten."""
WRITE_AT = 50
FIRST_CLAIM = 25
"""A run begins small and doubles, so that a door that fails at once costs few unknown ones."""
A_CLAIM = 2.0
"""Seconds that the letters of one claim should take; claims grow and shrink to that."""
CLAIM_HOLDS = 5.0
"""Seconds after which no other letter of a claim begins."""
BUDGET = 20.0
"""Seconds after which a run claims nothing more."""
BACK_EVERY = 60.0
"""Seconds between two looks for what will never be right again, while letters leave."""
DOMAINS = 200
"""Domains whose mail servers are asked for in one run, before anything is claimed."""


def hand_over(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Settle at most `limit` waiting letters; zero while paused or while another one sends."""
    state = Path(settings.STATE)
    with sending.alone() as alone:
        if not alone:
            return 0
        trouble = at_start(state, now=now)
        if trouble is not None:
            log.warning("leaving-paused", because=trouble.code)
            return 0
        if not campaign.exercise:
            read_what_left(state, now=now)
            find_routes(campaign, now=now)
        run = _Run(campaign, state, now=now)
        settled, now = run.go(limit), run.now()
        if settled >= limit and not _is_time_to_look_back(campaign):
            return settled
        back = sending.send_back(campaign, now=now)
        elsewhere = sending.find_elsewhere(campaign, now=now)
    return settled + sum(back.values()) + elsewhere


_looked_back: dict[int, float] = {}


def _is_time_to_look_back(campaign: Campaign) -> bool:
    """Looking through all that waits costs time; while letters leave, once a minute is enough."""
    last, now = _looked_back.get(campaign.pk, 0.0), time.monotonic()
    if last and now - last < BACK_EVERY:
        return False
    _looked_back[campaign.pk] = now
    return True


def find_routes(campaign: Campaign, *, now: datetime) -> int:
    """Ask our own resolver who takes the mail of the next letters' domains; how many were asked."""
    resolver = settings.OUTSIDE.resolver
    if resolver is None:
        return 0
    domains = routes.unasked(campaign, now=now, limit=DOMAINS)
    if not domains:
        return 0
    answers = ask_mx(domains, resolver=Server(host=resolver.host, port=resolver.port))
    return routes.keep((routes.Told(**one._asdict()) for one in answers), now=now)


class _Run:
    """One sender's run over one door."""

    def __init__(self, campaign: Campaign, state: Path, *, now: datetime) -> None:
        self._campaign, self._state = campaign, state
        self._latest, self._ahead = now, now - clock.wall()
        self._journal = Journal(state)
        self._batch: Sequence[Claimed] = ()
        self._told: list[Told] = []
        self._refused = 0
        self._looked = self._claimed_at = 0.0
        self._begun = 0
        self._is_stopped = self._is_stale = False

    def now(self) -> datetime:
        """The time that this run was given, going on; never backwards."""
        self._latest = max(self._latest, clock.wall() + self._ahead)
        return self._latest

    def go(self, limit: int) -> int:
        """Claims until nothing more may leave; how many letters have a fate now."""
        if not sending.cleared_to_leave(self._campaign, now=self.now()).exists():
            return 0
        door = door_of(self._campaign, self._state)
        if door is None or sending.is_stopped(self._campaign):
            return 0
        try:
            with Fleet(door, connections=settings.LEAVING.connections) as fleet:
                return self._claims(fleet, limit)
        except DoorClosedError as closed:
            log.warning("door-closed", text=closed.fate.text, code=closed.fate.code)
            return 0

    def _claims(self, fleet: Fleet, limit: int) -> int:
        settled, until, size = 0, time.monotonic() + BUDGET, FIRST_CLAIM
        room, worker = sending.room_now(self._campaign, now=self.now()), _worker()
        while settled < limit and time.monotonic() < until and not self._has_to_stop():
            most = min(limit - settled, size)
            claimed = sending.claim(
                self._campaign, worker=worker, now=self.now(), limit=most, room=room
            )
            if not claimed:
                break
            self._claimed_at, self._begun, self._is_stale = time.monotonic(), 0, False
            self._write_journal(claimed)
            done = self._one_batch(fleet, claimed)
            settled, room = settled + len(done), room.without(_letters(done))
            if not room.letters:  # counted once a run as long as it lasts: some may have arrived
                room = sending.room_now(self._campaign, now=self.now())
            size = _next_size(size, time.monotonic() - self._claimed_at)
        return settled

    def _write_journal(self, claimed: Sequence[Claimed]) -> None:
        """On disk before the first byte; where it can't be, nothing of them is said."""
        try:
            self._journal.append([one.journal for one in claimed])
        except OSError:
            written, _ = self._journal.tail()
            _surely(partial(sending.put_back_unsaid, claimed, written=written, now=self.now()))
            raise

    def _one_batch(self, fleet: Fleet, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Hand over, write down, put back what was not begun; those that have a fate."""
        fit, unfit = self._seal(claimed)
        self._batch = [one for one, _ in fit]
        left = fleet.hand_over(
            [envelope for _, envelope in fit], settled=self._settled, look=self._look
        )
        self._write_down()
        if unfit or (left and not self._is_stale):
            self._is_stopped = True
        back = [*unfit, *(self._batch[position] for position in left)]
        if back:
            self._put_back(back)
        kept = {one.id for one in back}
        return [one for one in claimed if one.id not in kept]

    def _seal(
        self, claimed: Sequence[Claimed]
    ) -> tuple[list[tuple[Claimed, Envelope]], list[Claimed]]:
        """Letters are signed already; an answer is signed here, where the key is."""
        fit, unfit = [], []
        for one in claimed:
            try:
                fit.append((one, sealed(self._campaign, one, now=self.now())))
            except LetterError as error:
                log.error("not-signed", because=str(error))  # noqa: TRY400 - it says it all
                unfit.append(one)
        return fit, unfit

    def _settled(self, position: int, fate: Fate) -> None:
        self._told.append((self._batch[position], fate))
        self._begun += 1
        self._refused = self._refused + 1 if is_about_us(fate) else 0
        if self._refused >= REFUSALS_IN_A_ROW and not self._is_stopped:
            self._is_stopped = True
            because = f"the mail server refuses us: {fate.code} {fate.text}"[:300]
            _surely(partial(self._pause, because))
        if len(self._told) >= WRITE_AT:
            self._write_down()

    def _pause(self, because: str) -> None:
        campaigns.pause(self._campaign, actor="step:send", because=because, now=self.now())

    def _look(self) -> bool:
        """May another letter begin? Asks the database now and then, and writes down what is due."""
        now = time.monotonic()
        if not self._is_stopped and now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._write_down()
            self._is_stopped = _surely(self._has_to_stop)
        self._is_stale = self._begun > 0 and now - self._claimed_at > CLAIM_HOLDS
        return not self._is_stopped and not self._is_stale

    def _has_to_stop(self) -> bool:
        """Somebody said stop, or the turn went with a connection: another one may be at work."""
        return self._is_stopped or sending.is_stopped(self._campaign) or not is_ours()

    def _write_down(self) -> None:
        if self._told:
            told, self._told = self._told, []
            _surely(partial(sending.record_all, told, now=self.now()))

    def _put_back(self, claimed: Sequence[Claimed]) -> None:
        """First the database, then the journal: a crash in between leaves too much in it."""
        _surely(partial(sending.put_back, claimed, now=self.now()))
        self._journal.append([one.returned(now=self.now()) for one in claimed])


def _letters(claimed: Sequence[Claimed]) -> int:
    return sum(not one.is_answer for one in claimed)


def _next_size(size: int, seconds: float) -> int:
    """Twice as many while that is quick; where it was slow, what two seconds carry."""
    if seconds <= A_CLAIM:
        return min(size * 2, LARGEST_BATCH)
    return max(1, int(size * A_CLAIM / seconds))


def _surely(act: Callable[[], _Result]) -> _Result:
    """Wait for a database that went away: only this process knows what it has handed over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline or connection.in_atomic_block:
                raise
            log.warning("database-away")
            connection.close()
            time.sleep(0.5)


def _worker() -> str:
    """Names this run, so that only it may say what became of its letters."""
    return f"{platform.node()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
