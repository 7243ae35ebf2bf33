"""Made-up DNS zones in a thread of their own, for whatever asks them from a running step."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from openletter.wire.dns import Rcode, Type

Address = IPv4Address | IPv6Address
Says = Callable[[Address], "list[str] | Rcode | None"]
"""Codes for a listed address, an error, or None for silence; an empty list is not listed."""
POINTS = {IPv4Address("127.0.0.2"): ["127.0.0.2"], IPv6Address("::ffff:7f00:2"): ["127.0.0.2"]}


@dataclass
class ZoneServer:
    """Answers for every zone name alike; remembers what was asked, without the zone."""

    says: Says
    text: str = "Open HTTP proxy"
    delay: float = 0.0
    asked: list[tuple[Address, Type]] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)
    port: int = 0

    def about(self, kind: Type = Type.A) -> list[Address]:
        return [address for address, asked in self.asked if asked is kind]

    def answer(self, message: bytes) -> bytes | None:
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1 : at + 1 + message[at]].decode())
            at += message[at] + 1
        kind = Type(struct.unpack("!H", message[at + 1 : at + 3])[0])
        address, zone = _address(labels)
        self.asked.append((address, kind))
        self.names[zone] += 1
        told = self.says(address)
        if told is None:
            return None
        rcode = told if isinstance(told, Rcode) else Rcode.NOERROR if told else Rcode.NXDOMAIN
        codes = told if isinstance(told, list) else []
        records = [_record(kind, code, self.text) for code in codes]
        head = message[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(records), 0, 0)
        return head + message[12 : at + 5] + b"".join(records)


def _address(labels: list[str]) -> tuple[Address, str]:
    nibbles = labels[:32]
    if len(labels) > 32 and all(len(one) == 1 for one in nibbles):
        return IPv6Address(int("".join(reversed(nibbles)), 16)), ".".join(labels[32:])
    return IPv4Address(".".join(reversed(labels[:4]))), ".".join(labels[4:])


def _record(kind: Type, code: str, text: str) -> bytes:
    says = text.encode("utf-8", "surrogateescape")
    raw = socket.inet_aton(code) if kind is Type.A else bytes([len(says), *says])
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(raw)) + raw


@contextmanager
def zone_server(says: Says, **more: object) -> Iterator[ZoneServer]:
    """Serve on a free loopback port until the block ends."""
    server = ZoneServer(says, **more)  # type: ignore[arg-type]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(0.1)
        server.port = own.getsockname()[1]
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(own, server, stop))
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            thread.join()


def _serve(own: socket.socket, server: ZoneServer, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            message, whom = own.recvfrom(4096)
        except TimeoutError:
            continue
        if server.delay:
            time.sleep(server.delay)
        told = server.answer(message)
        if told is not None:
            own.sendto(told, whom)


def lists(*addresses: str, code: str = "127.0.0.3") -> Says:
    """A healthy zone that lists these."""
    known = {**POINTS, **{_one(text): [code] for text in addresses}}
    return lambda address: known.get(address, [])


def _one(text: str) -> Address:
    return IPv6Address(text) if ":" in text else IPv4Address(text)
