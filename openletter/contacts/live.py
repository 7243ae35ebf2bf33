"""Who asks registries and DNS, and a desk without database for one look-up from the command line.

Loads no Django. The only part of the room beside `jobs` that uses `net`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from openletter.contacts.rules import pace
from openletter.contacts.rules.course import Ask, Course, Method, begin
from openletter.contacts.walking import Pacer, walk
from openletter.net import rdap_client
from openletter.net.guess_client import GuessClient
from openletter.net.http_client import HttpClient
from openletter.net.whois_client import WhoisClient
from openletter.wire.bootstrap import Bootstrap
from openletter.wire.lookup import End, Reply
from openletter.wire.registry import IPAddress


def user_agent(version: str, contact: str) -> str:
    """Who asks, and where he can be reached: registries want to know before they block."""
    return f"openletter/{version} (abuse contact look-up; {contact})"


@dataclass(frozen=True, kw_only=True)
class Registries:
    """The clients; `guess` is None where guessing is off or no resolver is configured."""

    http: HttpClient
    whois: WhoisClient
    guess: GuessClient | None = None

    async def ask(self, ask: Ask, *, now: datetime) -> Reply:
        """One question by its method."""
        match ask.method:
            case Method.RDAP:
                return await rdap_client.ask(self.http, ask.target, about=ask.about, now=now)
            case Method.WHOIS:
                return await self.whois.ask(ask.server, ask.about)
        return await self._guess(ask, now=now)

    async def _guess(self, ask: Ask, *, now: datetime) -> Reply:
        if self.guess is None or isinstance(ask.about, int):
            return Reply(end=End.NOTHING, server=ask.server, asked="", code="no-guess")
        found = await self.guess.ask(ask.about, now=now)
        has_any = bool(found.second_opinion or found.zone or found.security_contacts)
        return Reply(
            end=End.FOUND if has_any else End.NOTHING, server=ask.server, asked=str(ask.about),
            code="" if has_any else "no-guess", body=found.as_bytes(),
        )  # fmt: skip


@dataclass(kw_only=True)
class MemoryDesk:
    """Keeps pace and answers for as long as the program runs."""

    servers: dict[str, pace.Server] = field(default_factory=dict)
    kept: list[tuple[Ask, Reply]] = field(default_factory=list)

    def known(self, ask: Ask, *, now: datetime) -> Reply | None:
        """The same question was answered a moment ago."""
        return next((reply for other, reply in self.kept if other == ask), None)

    def turn(self, server: str, *, now: datetime, patience: float) -> datetime | None:
        state = self.servers.get(server, pace.Server())
        self.servers[server], at = pace.take_turn(
            state, pace=pace.pace_of(server), now=now, patience=patience
        )
        return at

    def keep(self, ask: Ask, reply: Reply, *, now: datetime) -> Reply:
        state = self.servers.get(ask.server, pace.Server())
        self.servers[ask.server] = pace.after(state, reply, now=now)
        self.kept.append((ask, reply))
        return reply


def look_up(
    questions: Sequence[IPAddress | int],
    *,
    bootstrap: Bootstrap,
    registries: Registries,
    pacer: Pacer,
) -> list[Course]:
    """Every question's course, in order; at most so far as the time allows."""
    may_guess = registries.guess is not None
    courses = [begin(each, bootstrap, may_guess=may_guess) for each in questions]
    return walk(courses, desk=MemoryDesk(), asker=registries, pacer=pacer)
