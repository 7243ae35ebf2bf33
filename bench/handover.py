"""What handing over a ready letter costs the sender, beside smtplib and our own older client.

    .venv/bin/python bench/handover.py [LETTERS]

A sink in a process of its own takes everything and keeps nothing. The same letters leave by each
client in turn, five rounds; CPU time is this process's own, so the sink's pace does not count.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import smtplib
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from openletter.net.smtp_client import Door, Session
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate, Outcome

ROUNDS = 5
SIZE = 6_000
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n", b"DATA": b"354 go\r\n",
    b"QUIT": b"221 bye\r\n",
}  # fmt: skip
_LINE, _DOT = b"\r\n", b"\r\n.\r\n"


def serve(connection: socket.socket) -> None:
    """One connection: every command has its answer, every content is counted and dropped."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"220 sink\r\n")
    buffer, in_content, taken = bytearray(), False, 0
    while data := received(connection):
        buffer += data
        answer = bytearray()
        while (end := buffer.find(_DOT if in_content else _LINE)) >= 0:
            word = bytes(buffer[:4]).upper()
            del buffer[: end + len(_DOT if in_content else _LINE)]
            if in_content:
                taken, in_content = taken + 1, False
                answer += b"250 2.0.0 Ok: queued as 4S%010d\r\n" % taken
            else:
                in_content = word == b"DATA"
                answer += _ANSWERS.get(word, b"250 2.1.0 Ok\r\n")
        connection.sendall(answer)


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(262_144)
    except ConnectionResetError:
        return b""


def sink(told: multiprocessing.connection.Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        told.send(listening.getsockname()[1])
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def letters(count: int) -> list[Envelope]:
    body = (b"Subject: =?utf-8?q?Open_server?=\r\n\r\n" + b"x" * 70 + b"\r\n") * (SIZE // 100)
    return [
        Envelope(
            sender=f"b+token{number}@bounce.example.net",
            recipient=f"abuse@net{number}.example.org",
            raw=b"Message-ID: <%d@example.net>\r\n" % number + body,
        )
        for number in range(count)
    ]


def by_smtplib(port: int, ready: Sequence[Envelope]) -> int:
    with smtplib.SMTP("127.0.0.1", port) as client:
        return sum(not client.sendmail(one.sender, [one.recipient], one.raw) for one in ready)


def by_session(port: int, ready: Sequence[Envelope]) -> int:
    with Session(Door(host="127.0.0.1", port=port, exercise=False)) as session:
        return sum(session.hand_over(one).outcome is Outcome.ACCEPTED for one in ready)


def by_fleet(connections: int) -> Callable[[int, Sequence[Envelope]], int]:
    def run(port: int, ready: Sequence[Envelope]) -> int:
        fates: list[Fate] = []
        door = Door(host="127.0.0.1", port=port, exercise=False)
        with Fleet(door, connections=connections) as fleet:
            for start in range(0, len(ready), 100):
                batch = ready[start : start + 100]
                fleet.hand_over(batch, settled=lambda _, fate: fates.append(fate), look=bool_true)
        return sum(fate.outcome is Outcome.ACCEPTED for fate in fates)

    return run


def by_bare_socket(port: int, ready: Sequence[Envelope]) -> int:
    """What no client can pass: the same bytes ready-made, one write and one read a letter."""
    words = [
        (
            one.raw,
            b".\r\n",
            f"MAIL FROM:<{one.sender}>\r\nRCPT TO:<{one.recipient}>\r\n".encode(),
            b"DATA\r\n",
        )
        for one in ready
    ]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.recv(100)
        connection.sendall(b"".join(words[0][2:]))
        connection.recv(1000)
        for one in words:
            connection.sendmsg(one)
            connection.recv(1000)
    return len(ready)


def bool_true() -> bool:
    return True


CLIENTS: dict[str, Callable[[int, Sequence[Envelope]], int]] = {
    "limit: a bare socket": by_bare_socket,
    "smtplib, one connection kept": by_smtplib,
    "word by word (`Session`)": by_session,
    "pipelined, 1 connection": by_fleet(1),
    "pipelined, 4 connections": by_fleet(4),
}


def main(count: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=sink, args=(theirs,), daemon=True)
    process.start()
    port, ready = ours.recv(), letters(count)
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name, client in CLIENTS.items():
            cpu, wall = time.process_time(), time.monotonic()
            if client(port, ready) != count:
                raise SystemExit(f"{name}: not all were accepted")
            costs[name].append((time.process_time() - cpu, time.monotonic() - wall))
    process.terminate()
    print(f"{count} letters of {len(ready[0].raw)} bytes, {ROUNDS} rounds, medians")  # noqa: T201
    for name, rounds in costs.items():
        cpu = statistics.median(one[0] for one in rounds) / count * 1e6
        rate = count / statistics.median(one[1] for one in rounds)
        print(f"{name:32}{cpu:8.1f} us CPU a letter{rate:9,.0f} /s wall")  # noqa: T201


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
