"""The compose step: few letters are written here, many by several processes side by side.

A round plans whom to write to, hands a hundred mailboxes at a time to the scribes, and clears what
they wrote. Each of them asks everything again under the composers' shared turn, so that a plan
that has aged costs nothing but time; nobody takes evidence back meanwhile, and nothing is cleared
while a scribe is at work. Where mailboxes are tied to one contact, one process writes them all.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime

from openletter.campaigns.models import Campaign
from openletter.letters import corrections, onecontact, scribe, steps
from openletter.letters.turn import planning

MANY = 400
"""So many mailboxes make it worth while to start other processes."""
A_BATCH = 100
"""Mailboxes in one transaction."""
SCRIBES = min(4, os.cpu_count() or 1)


def compose(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Write corrections, then drafts for at most `limit` mailboxes; clear what may leave."""
    if not _PLAN.is_worth_while(campaign):
        return _alone(campaign, now=now, limit=limit)
    with planning(campaign) as mine:
        plan = _PLAN.next(campaign, now=now, limit=limit) if mine else []
        if len(plan) < MANY:
            _SCRIBES.dismiss()
        elif moved := _by_many(campaign, plan, now=now, limit=limit):
            return moved
        return _alone(campaign, now=now, limit=limit)


def _by_many(campaign: Campaign, plan: list[str], *, now: datetime, limit: int) -> int:
    """How many rows moved on; none where nobody on the plan can be written to."""
    put_right = corrections.write(campaign, now=now, limit=limit)
    if not (written := _SCRIBES.write(campaign, plan, now=now)):
        return 0
    return put_right + written + steps.clear(campaign, now=now, limit=limit)


def _alone(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """A batch by this process; a full one lets the next call look how many wait."""
    settled = steps.compose(campaign, now=now, limit=min(limit, A_BATCH))
    _PLAN.note(campaign, is_full=settled >= A_BATCH)
    return settled


class _Plan:
    """Where the last round ended, by campaign: what was written is not looked through again."""

    def __init__(self) -> None:
        self._after: dict[int, int] = {}
        self._full: set[int] = set()

    def is_worth_while(self, campaign: Campaign) -> bool:
        """The last batch was full, so that many more may wait."""
        return campaign.pk in self._full

    def note(self, campaign: Campaign, *, is_full: bool) -> None:
        (self._full.add if is_full else self._full.discard)(campaign.pk)

    def next(self, campaign: Campaign, *, now: datetime, limit: int) -> list[str]:
        """Mailboxes to write to; few, once also those were looked for that came in behind."""
        if SCRIBES < 2 or onecontact.are_tied(campaign):
            return []
        after = self._after.get(campaign.pk, 0)
        found, last = steps.unwritten(campaign, now=now, limit=limit, after=after)
        if len(found) < MANY and after:
            found, last = steps.unwritten(campaign, now=now, limit=limit, after=0)
        self._after[campaign.pk] = last if len(found) >= MANY else 0
        return found


class _Scribes:
    """The other processes, while there is work for them; for one campaign at a time."""

    def __init__(self) -> None:
        self._pool: Executor | None = None
        self._turn = threading.Lock()

    def write(self, campaign: Campaign, plan: list[str], *, now: datetime) -> int:
        """When this ends, well or badly, no scribe is at work on the plan any more."""
        batches = [plan[at : at + A_BATCH] for at in range(0, len(plan), A_BATCH)]
        with self._turn:
            pool = self._pool = self._pool or ProcessPoolExecutor(
                SCRIBES, mp_context=multiprocessing.get_context("spawn"), initializer=scribe.begin
            )
            begun = [pool.submit(scribe.write, campaign.pk, batch, now) for batch in batches]
            try:
                return sum(one.result() for one in begun)
            except BrokenProcessPool:
                self._end()
                raise
            finally:
                for one in begun:
                    one.cancel()
                wait(begun)

    def dismiss(self) -> None:
        """They end, unless another campaign has work for them; what they have learnt goes, too."""
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


_PLAN, _SCRIBES = _Plan(), _Scribes()
