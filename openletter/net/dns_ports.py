"""The sockets of the DNS client: connected, changing, each with the questions on the way on it."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

LARGEST = 4096
"""More than any answer that we offered to take; longer datagrams are cut and garbled."""
_NUMBERS = 4096

Flight = TypeVar("Flight")


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where questions go: an address, never a name that would have to be looked up first."""

    host: str
    port: int = 53

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.host)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`waits`: seconds after each sending; `renew`: questions after which a port is given up.

    `on_the_way`: a default socket buffer holds some 270 small datagrams; more are lost there.
    """

    ports: int = 4
    on_the_way: int = 200
    waits: tuple[float, ...] = (0.5, 1.0, 2.0)
    renew: int = 20_000
    udp_size: int = 0
    tcp_patience: float = 5.0
    tcp_at_once: int = 8


class Port(Generic[Flight]):
    """A connected socket (the kernel drops other senders) and what is on the way on it.

    `seat` finds a random number that is not on the way; what sits there is found by it again.
    """

    __slots__ = ("flights", "socket", "used")

    def __init__(self, server: Server) -> None:
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.socket.connect((server.host, server.port))
        except OSError:
            self.socket.close()
            raise
        self.flights: dict[int, Flight] = {}
        self.used = 0

    def send(self, message: bytes) -> bool:
        """Let a message leave; false where the network says that nobody can be reached.

        A full buffer counts as sent and lost: it is sent again when its time comes.
        """
        for _ in range(2):  # the first send after a refusal only reports that refusal
            try:
                self.socket.send(message)
                return True
            except BlockingIOError:
                return True
            except OSError:
                continue
        return False

    def receive(self) -> bytes | None:
        """The next datagram, None where there is none; OSError where the network complains."""
        try:
            return self.socket.recv(LARGEST + 1)
        except BlockingIOError:
            return None


class Ports(Generic[Flight]):
    """A few ports in turn; one that has carried `renew` questions is given up for a fresh one."""

    def __init__(
        self,
        server: Server,
        *,
        count: int,
        renew: int,
        readable: Callable[[Port[Flight]], None],
    ) -> None:
        self._server, self._count, self._renew, self._readable = server, count, renew, readable
        self._open: list[Port[Flight]] = []
        self._retired: list[Port[Flight]] = []
        self._numbers: Iterator[int] = iter(())

    def seat(self, flight: Flight) -> tuple[Port[Flight], int]:
        """A port and a random number for a question; OSError where no socket can be had."""
        port = self._next()
        number = self._free_number(port)
        port.flights[number] = flight
        port.used += 1
        return port, number

    def leave(self, port: Port[Flight], number: int) -> None:
        """The question is no longer on the way there."""
        port.flights.pop(number, None)
        if self._retired and not port.flights and port in self._retired:
            self._retired.remove(port)
            self._close(port)

    def close(self) -> list[Flight]:
        """Close everything; what was still on the way."""
        ports = [*self._open, *self._retired]
        self._open, self._retired = [], []
        for port in ports:
            self._close(port)
        return [flight for port in ports for flight in port.flights.values()]

    def _next(self) -> Port[Flight]:
        if len(self._open) >= self._count:
            port = self._open.pop(0)
            if port.used < self._renew:
                self._open.append(port)
                return port
            if port.flights:
                self._retired.append(port)
            else:
                self._close(port)
        port = Port(self._server)
        asyncio.get_running_loop().add_reader(port.socket, self._readable, port)
        self._open.append(port)
        return port

    def _close(self, port: Port[Flight]) -> None:
        asyncio.get_running_loop().remove_reader(port.socket)
        port.socket.close()

    def _free_number(self, port: Port[Flight]) -> int:
        while True:
            for number in self._numbers:
                if number not in port.flights:
                    return number
            self._numbers = iter(array("H", os.urandom(2 * _NUMBERS)))
