"""Many look-ups at once, one question a server at a time, in rounds.

Between the rounds the desk (rows of the database, or a dictionary for the command line) says what
is known already and who may be asked when; nothing is held open while a server thinks. An answer
about a network settles every look-up inside its range.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from openletter.contacts.rules.course import Ask, Course, advance
from openletter.wire.lookup import STUMBLES, End, Reply, fits, unusable

AT_ONCE = 1.0
"""Seconds that a round waits for a server's turn while others could be asked."""
PATIENCE = 8.0
"""Seconds that a round waits where nobody can be asked at once."""
log = structlog.get_logger()


class Desk(Protocol):
    """What is known, and whose turn it is."""

    def known(self, ask: Ask, *, now: datetime) -> Reply | None:
        """A kept answer to this very question, or about a network around the address."""

    def turn(self, server: str, *, now: datetime, patience: float) -> datetime | None:
        """When the server may be asked; its turn is taken then."""

    def keep(self, ask: Ask, reply: Reply, *, now: datetime) -> Reply:
        """Write an answer down; gives what was written, which counts."""


class Asker(Protocol):
    """Who asks; never raises for what a server does."""

    async def ask(self, ask: Ask, *, now: datetime) -> Reply: ...


@dataclass(frozen=True, kw_only=True)
class Pacer:
    """Time from outside: the clock, when to stop, and how to wait for a turn."""

    clock: Callable[[], datetime]
    stop: Callable[[], bool]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


def walk(courses: Sequence[Course], *, desk: Desk, asker: Asker, pacer: Pacer) -> list[Course]:
    """Every course as far as it comes; those that still ask are to be gone on with later."""
    now = pacer.clock()
    going = [_with_known(course, desk, now) for course in courses]
    while not pacer.stop():
        turns = _turns(going, desk, pacer)
        if not turns:
            break
        replies = asyncio.run(_all(turns, asker, pacer))
        now = pacer.clock()
        for ask, reply in replies:
            kept = desk.keep(ask, reply, now=now)
            going = [_settled(course, ask, kept, desk, now) for course in going]
    return going


def _turns(going: Sequence[Course], desk: Desk, pacer: Pacer) -> list[tuple[Ask, datetime]]:
    """One question for each server that may be asked soon; failing that, one a little later."""
    firsts: dict[str, Ask] = {}
    for course in going:
        if course.ask is not None:
            firsts.setdefault(course.ask.server, course.ask)
    for patience in (AT_ONCE, PATIENCE):
        now = pacer.clock()
        found = [
            (ask, at)
            for server, ask in firsts.items()
            if (at := desk.turn(server, now=now, patience=patience)) is not None
        ]
        if found:
            return found
    return []


async def _all(
    turns: Sequence[tuple[Ask, datetime]], asker: Asker, pacer: Pacer
) -> list[tuple[Ask, Reply]]:
    async def one(ask: Ask, at: datetime) -> tuple[Ask, Reply]:
        await pacer.wait(max(0.0, (at - pacer.clock()).total_seconds()))
        try:
            return ask, await asker.ask(ask, now=pacer.clock())
        except STUMBLES:
            log.exception("look-up-stumbled", server=ask.server, method=ask.method)
            return ask, unusable(Reply(end=End.REFUSED, server=ask.server, asked=ask.target))

    return list(await asyncio.gather(*(one(ask, at) for ask, at in turns)))


def _settled(course: Course, ask: Ask, reply: Reply, desk: Desk, now: datetime) -> Course:
    """A course after somebody's answer: its own, or one about a network around its address."""
    if course.ask is None or not _answers(ask, reply, course.ask):
        return course
    return _with_known(_advanced(course, reply), desk, now)


def _answers(ask: Ask, reply: Reply, other: Ask) -> bool:
    if ask == other:
        return True
    same_server = (ask.method, ask.server) == (other.method, other.server)
    if not same_server or ask.method == "guess":
        return False
    if reply.end in (End.NOTHING, End.REFUSED):
        return ask.within is not None and ask.within == other.within
    if reply.end is not End.FOUND:
        return False
    nearest = reply.nearest
    return nearest is not None and fits(nearest, other.about)


def _with_known(course: Course, desk: Desk, now: datetime) -> Course:
    while course.ask is not None and (reply := desk.known(course.ask, now=now)) is not None:
        course = _advanced(course, reply)
    return course


def _advanced(course: Course, reply: Reply) -> Course:
    """The next question; an answer that the rules stumble over counts as none."""
    try:
        return advance(course, reply)
    except STUMBLES:
        log.exception("look-up-stumbled", server=reply.server, end=reply.end)
        return advance(course, unusable(reply))
