"""Many look-ups at once, one question a server at a time.

Between the waits the desk (rows of the database, or a dictionary for the command line) says what
is known already and who may be asked when; nothing is held open while a server thinks. An answer
about a network settles every look-up inside its range.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from openletter.contacts.rules.course import Ask, Course, advance
from openletter.wire.lookup import STUMBLES, End, Reply, fits, unusable

AT_ONCE = 1.0
"""Seconds ahead that a turn is taken, and after which we look who else has one."""
PATIENCE = 8.0
"""Seconds ahead that a turn is taken where nobody else can be asked."""
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
    """Every course as far as it comes; those that still ask are to be gone on with later.

    The loop runs only while we wait; the desk is spoken to in between, so that rows and asyncio
    never meet. A slow server holds up its own questions and nobody else's.
    """
    now = pacer.clock()
    going = [_with_known(course, desk, now) for course in courses]
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        flying: dict[asyncio.Task[Reply], Ask] = {}
        while flying or not pacer.stop():
            for ask, at in [] if pacer.stop() else _turns(going, flying.values(), desk, pacer):
                flying[loop.create_task(_asked(ask, at, asker, pacer))] = ask
            if not flying:
                break
            for task in runner.run(_landed(flying)):
                ask, now = flying.pop(task), pacer.clock()
                kept = desk.keep(ask, task.result(), now=now)
                going = [_settled(course, ask, kept, desk, now) for course in going]
    return going


def _turns(
    going: Sequence[Course], flying: Iterable[Ask], desk: Desk, pacer: Pacer
) -> list[tuple[Ask, datetime]]:
    """A question for each idle server that may be asked soon; failing that, a little later."""
    busy = {ask.server for ask in flying}
    firsts: dict[str, Ask] = {}
    for course in going:
        if course.ask is not None and course.ask.server not in busy:
            firsts.setdefault(course.ask.server, course.ask)
    for patience in (AT_ONCE,) if busy else (AT_ONCE, PATIENCE):
        now = pacer.clock()
        found = [
            (ask, at)
            for server, ask in firsts.items()
            if (at := desk.turn(server, now=now, patience=patience)) is not None
        ]
        if found:
            return found
    return []


async def _landed(flying: Collection[asyncio.Task[Reply]]) -> set[asyncio.Task[Reply]]:
    """Those that are through, soon: meanwhile another server's turn may have come."""
    done, _ = await asyncio.wait(flying, timeout=AT_ONCE, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _asked(ask: Ask, at: datetime, asker: Asker, pacer: Pacer) -> Reply:
    await pacer.wait(max(0.0, (at - pacer.clock()).total_seconds()))
    try:
        return await asker.ask(ask, now=pacer.clock())
    except STUMBLES:
        log.exception("look-up-stumbled", server=ask.server, method=ask.method)
        return unusable(Reply(end=End.REFUSED, server=ask.server, asked=ask.target))


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
