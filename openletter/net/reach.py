"""Where a stranger's name may lead us: every host is resolved once, judged, and pinned.

The address that was judged is the address that is connected to: a name that answers otherwise a
moment later changes nothing. One forbidden address among a name's answers refuses the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openletter.wire.address import Address
from openletter.wire.reachable import is_reachable

MOST_ADDRESSES = 8
TRIED = 3
Resolve = Callable[[str], Awaitable[list[Address]]]


class NoWayError(Exception):
    """A host that is not connected to: {code}, {detail}."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


async def system_resolver(host: str) -> list[Address]:
    """What the operating system's resolver says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


async def nobody(host: str) -> list[Address]:
    """No name leads anywhere: for those who may reach their own servers only."""
    raise OSError(host)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The policy of one client. `own_servers` are a test's, on loopback: (host, port) -> port.

    No setting of an installation fills `own_servers`; the step never has any.
    """

    resolve: Resolve = system_resolver
    own_servers: dict[tuple[str, int], int] = field(default_factory=dict)

    def is_own(self, host: str, port: int) -> bool:
        """Whether a test's own server stands for this host."""
        return (host, port) in self.own_servers

    async def pinned(self, host: str, port: int) -> list[tuple[str, int]]:
        """Addresses to try in turn, judged; raises NoWayError."""
        if self.is_own(host, port):
            return [("127.0.0.1", self.own_servers[host, port])]
        addresses = await self._addresses(host)
        for address in addresses:
            if not is_reachable(address):
                raise NoWayError("not-public", f"{host} is {address}")
        return [(str(each), port) for each in addresses[:TRIED]]

    async def _addresses(self, host: str) -> list[Address]:
        literal = _literal(host)
        if literal is not None:
            return [literal]
        try:
            found = await self.resolve(host)
        except (OSError, UnicodeError, ValueError) as problem:
            raise NoWayError("unresolved", f"{host}: {type(problem).__name__}") from problem
        if not found:
            raise NoWayError("unresolved", host)
        return list(dict.fromkeys(found))[:MOST_ADDRESSES]


def _literal(host: str) -> Address | None:
    """An address that stands for itself; odd spellings (`127.1`, `0x7f.1`) go to the resolver."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


PUBLIC = Reach()
"""What every installation has."""
