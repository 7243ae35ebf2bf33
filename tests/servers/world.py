"""The laboratory's outside world: names, a web site, and a mail exchanger that greets.

    198.51.100.53  answers DNS: example.com, elsewhere.test, shop.test and their mail exchangers
    198.51.100.80  a web site on ports 80 and 443 that says `Example Domain` and the run's nonce
    198.51.100.99  nothing: mail to slow.test waits where it is
    198.51.100.25  a mail exchanger that takes what it is given and keeps nothing

Standard library only; started with the nonce as its argument, ends with its namespace.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Callable, Coroutine

A = {
    "example.com": "198.51.100.80",
    "www.example.com": "198.51.100.80",
    "elsewhere.test": "198.51.100.25",
    "mail.elsewhere.test": "198.51.100.25",
    "shop.test": "203.0.113.10",
    "mail.shop.test": "203.0.113.10",
    "www.shop.test": "203.0.113.10",
    "www.blocked.test": "198.51.100.80",
    "slow.test": "198.51.100.99",
}
MX = {
    "elsewhere.test": "mail.elsewhere.test",
    "partner.test": "mail.elsewhere.test",
    "shop.test": "mail.shop.test",
}
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
KNOWN = set(A) | set(MX)


def name_at(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while size := data[at]:
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
        at += size + 1
    return ".".join(labels), at + 1


def packed(name: str) -> bytes:
    return b"".join(bytes([len(one)]) + one.encode() for one in name.split(".") if one) + b"\0"


def answer(query: bytes) -> bytes:
    """A or MX where there is one, an empty answer for other types, NXDOMAIN for other names."""
    name, end = name_at(query, 12)
    kind = struct.unpack("!H", query[end : end + 2])[0]
    data = b""
    if kind == 1 and name in A:
        data = bytes(int(part) for part in A[name].split("."))
    elif kind == 15 and name in MX:
        data = struct.pack("!H", 10) + packed(MX[name])
    code = 0 if name in KNOWN else 3
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, 1 if data else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data if data else b""
    return head + query[12 : end + 4] + record


class Names(asyncio.DatagramProtocol):
    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(answer(data), addr)


async def mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.elsewhere.test ESMTP\r\n")
    in_text = False
    while line := await reader.readline():
        if in_text:
            in_text = line.strip() != b"."
            if not in_text:
                writer.write(b"250 kept nowhere\r\n")
            continue
        word = line[:4].upper()
        if word == b"DATA":
            in_text = True
            writer.write(b"354 go on\r\n")
        elif word == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(
                b"250 mail.elsewhere.test\r\n" if word in {b"EHLO", b"HELO"} else b"250 fine\r\n"
            )
    writer.close()


def web(nonce: str) -> Serve:
    page = f"<h1>Example Domain</h1><p>nonce-{nonce}</p>\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(page), page)
            )
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    return serve


async def main(nonce: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Names, local_addr=("198.51.100.53", 53))
    await asyncio.start_server(mail, "198.51.100.25", 25)
    for port in (80, 443):
        await asyncio.start_server(web(nonce), "198.51.100.80", port)
    sys.stdout.write("the world is up\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
