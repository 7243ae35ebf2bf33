"""Made-up DNS servers on loopback that answer as badly as a test wants."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Address = tuple[str, int]
Behave = Callable[["FakeServer", bytes, Address], None]


def answer(asked: bytes, *, rcode: int = 0, code: str = "", flags: int = 0x8180) -> bytes:
    """A plain answer: one A record, or none."""
    end = 12
    while asked[end]:
        end += asked[end] + 1
    section = asked[12 : end + 5]
    record = b""
    if code:
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(code)
    head = struct.pack(
        "!HHHHHH", *struct.unpack("!H", asked[:2]), flags | rcode, 1, bool(code), 0, 0
    )
    return head + section + record


class FakeServer(asyncio.DatagramProtocol):
    """Hands each question to `behave`, which may send what and when it likes."""

    def __init__(self, behave: Behave) -> None:
        self.behave = behave
        self.asked: Counter[bytes] = Counter()
        self.senders: Counter[Address] = Counter()
        self.numbers: list[int] = []
        self.by_tcp = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.asked[data[12:]] += 1
        self.senders[addr] += 1
        self.numbers.append(int.from_bytes(data[:2]))
        self.behave(self, data, addr)

    def send(self, message: bytes, to: Address, *, after: float = 0.0) -> None:
        if after:
            asyncio.get_running_loop().call_later(after, self.transport.sendto, message, to)
        else:
            self.transport.sendto(message, to)


@asynccontextmanager
async def serving(
    behave: Behave, *, tcp: Callable[[bytes], bytes] | None = None
) -> AsyncIterator[tuple[FakeServer, int]]:
    """Run a server on a free port; `tcp` gives the whole answer to a question that came by TCP."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: FakeServer(behave), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.by_tcp += 1
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        told = tcp(await reader.readexactly(size)) if tcp else b""
        writer.write(told)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(speak, "127.0.0.1", port) if tcp else None
    try:
        yield server, port
    finally:
        transport.close()
        if listener is not None:
            listener.close()
            await listener.wait_closed()
