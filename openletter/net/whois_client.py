"""One WHOIS question (RFC 3912) to a registry's server that stands in our table.

Owns: connecting to port 43 of the pinned address, the question in the registry's own manner, the
text within size and time, and what it means. A referral is "moved" only to another server of the
table; what a text says of any other host is not followed. Plain text over a plain connection:
what comes back ranks no higher than RDAP's and is asked for only where RDAP gave nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta

from openletter.net.rdap_client import unfit
from openletter.net.reach import PUBLIC, NoWayError, Reach
from openletter.wire import registries, whois
from openletter.wire.lookup import (
    End,
    Reply,
    fits,
    is_too_wide,
    referral,
    says_nothing_found,
    says_too_often,
)
from openletter.wire.registry import IPAddress, UnreadableError

PORT = 43
_LONG = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class WhoisClient:
    """How far we go, and the limits: seconds in all and to connect, bytes."""

    reach: Reach = PUBLIC
    total: float = 20.0
    connect: float = 8.0
    size: int = 512 * 1024

    async def ask(self, server: str, about: IPAddress | int) -> Reply:
        """Ask one known server once."""
        known = registries.of_host(server)
        asked = f"whois://{server}/{_named(about)}"
        if known is None or known.whois != server:
            return Reply(end=End.REFUSED, server=server, asked=asked, code="unknown-server")
        line = (known.ask_as if isinstance(about, int) else known.ask).format(about)
        try:
            async with asyncio.timeout(self.total):
                raw = await self._text(server, f"{line}\r\n".encode("ascii"))
        except TimeoutError:
            return Reply(end=End.FAILED, server=server, asked=asked, code="too-slow")
        except NoWayError as problem:
            end = End.REFUSED if problem.code == "not-public" else End.FAILED
            return Reply(end=end, server=server, asked=asked, code=problem.code)
        except OSError as problem:
            detail = type(problem).__name__
            return Reply(
                end=End.FAILED, server=server, asked=asked, code="unreachable", detail=detail
            )
        if len(raw) > self.size:
            return Reply(end=End.REFUSED, server=server, asked=asked, code="too-large")
        return read(raw, about=about, server=server, asked=asked)

    async def _text(self, server: str, line: bytes) -> bytes:
        """Everything until the server hangs up, and one byte beyond the limit at most."""
        reader, writer = await self._connected(server)
        try:
            writer.write(line)
            await writer.drain()
            text = bytearray()
            while len(text) <= self.size:
                piece = await reader.read(min(65_536, self.size + 1 - len(text)))
                if not piece:
                    break
                text += piece
            return bytes(text)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connected(self, server: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        problem: Exception = NoWayError("unresolved", server)
        for address, port in await self.reach.pinned(server, PORT):
            try:
                async with asyncio.timeout(self.connect):
                    return await asyncio.open_connection(address, port)
            except (OSError, TimeoutError) as failed:
                problem = failed
        raise problem


def read(raw: bytes, *, about: IPAddress | int, server: str, asked: str) -> Reply:
    """What a text means."""
    text = raw.decode("utf-8", "replace")
    try:
        found = whois.read(raw)
        code = unfit(found, about)
    except UnreadableError as problem:
        found, code = [], problem.reason
    onward = _onward(text, server)
    around = (each for each in found if fits(each, about) and not is_too_wide(each))
    fitting = tuple(around) if not code else ()
    if onward and not any(each.written for each in fitting):
        return Reply(end=End.MOVED, server=server, asked=asked, moved_to=onward, body=raw)
    if fitting:
        return Reply(end=End.FOUND, server=server, asked=asked, registrations=fitting, body=raw)
    if says_too_often(text):
        return Reply(end=End.BUSY, server=server, asked=asked, code="too-often", retry_after=_LONG)
    if says_nothing_found(text):
        return Reply(end=End.NOTHING, server=server, asked=asked, code="not-registered")
    return Reply(end=End.REFUSED, server=server, asked=asked, code=code, body=raw)


def _onward(text: str, server: str) -> str:
    """The server that a text refers to, where it is a registry's of our table."""
    named = referral(text)
    known = registries.of_host(named) if named else None
    return known.whois if known and known.whois not in ("", server) else ""


def _named(about: IPAddress | int) -> str:
    return f"AS{about}" if isinstance(about, int) else str(about)
