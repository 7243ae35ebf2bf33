"""A mail server that misbehaves once told where and how, and remembers what it took.

It counts a letter as taken before it answers the dot, so that whatever the sender then hears, what
it took is known. The judge: no letter that was taken may be deferred, refused or given back.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

GREETING, EHLO, MAIL, RCPT, DATA, DOT = "greeting", "ehlo", "mail", "rcpt", "data", "dot"
PLACES = (GREETING, EHLO, MAIL, RCPT, DATA, DOT)
ACTIONS = (
    "421", "450", "554", "close", "hang", "drip", "nonsense", "extra", "early", "slow", "reset",
)  # fmt: skip
_GOOD = {
    GREETING: b"220 nasty\r\n", MAIL: b"250 2.1.0 ok\r\n", RCPT: b"250 2.1.5 ok\r\n",
    DATA: b"354 go\r\n",
}  # fmt: skip


@dataclass
class Nasty:
    """What goes wrong: `action` at `place`, from the `after`-th time that place is reached on."""

    place: str = ""
    action: str = ""
    after: int = 2
    times: int = 1
    takes: bool = True
    """At the dot: the letter is taken, and then it goes wrong."""
    pipelines: bool = True
    chance: random.Random | None = None
    """Given: anything goes wrong anywhere, now and then."""
    share: float = 0.02
    taken: Counter[bytes] = field(default_factory=Counter)
    connections: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def misdeed(self, place: str) -> str:
        """What goes wrong here now; empty: nothing."""
        with self._lock:
            if self.chance is not None:
                return self.chance.choice(ACTIONS) if self.chance.random() < self.share else ""
            self._seen[place] += 1
            first = self.after if place not in (GREETING, EHLO) else 1
            wrong = place == self.place and first <= self._seen[place] < first + self.times
            return self.action if wrong else ""

    def takes_with(self, action: str) -> bool:
        """Whether a letter at whose dot this goes wrong is taken; no server lies about it."""
        if action in ("421", "450", "554"):
            return False
        if self.chance is not None and action in ("close", "reset", "hang", "nonsense"):
            return self.chance.random() < 0.5
        return self.takes

    def take(self, content: bytes) -> None:
        with self._lock:
            self.taken[content.split(b"Message-ID: ")[1].split(b"\r\n")[0]] += 1


class _Over(Exception):  # noqa: N818 - the conversation is over
    pass


class _Talk:
    def __init__(self, nasty: Nasty, connection: socket.socket) -> None:
        self.nasty, self.connection = nasty, connection
        self.buffer = b""

    def run(self) -> None:
        with contextlib.suppress(_Over, OSError), self.connection:
            self._say(GREETING, _GOOD[GREETING])
            while True:
                self._command(self._until(b"\r\n"))

    def _command(self, line: bytes) -> None:
        word = line[:4].upper()
        if word == b"EHLO":
            words = [b"PIPELINING"] if self.nasty.pipelines else []
            lines = [b"nasty", *words, b"8BITMIME"]
            reply = b"".join(b"250-%s\r\n" % one for one in lines[:-1]) + b"250 8BITMIME\r\n"
            self._say(EHLO, reply)
        elif word in (b"MAIL", b"RCPT"):
            self._say(word.decode().lower(), _GOOD[word.decode().lower()])
        elif word == b"DATA":
            if self._say(DATA, _GOOD[DATA]):
                self._content()
        elif word == b"QUIT":
            raise _Over
        else:
            self.connection.sendall(b"250 ok\r\n")

    def _content(self) -> None:
        self.buffer = b"\r\n" + self.buffer
        content = self._until(b"\r\n.\r\n")
        if b"Message-ID" not in content:
            self.connection.sendall(b"554 5.5.1 no valid recipients\r\n")
            return
        action = self.nasty.misdeed(DOT)
        if not action or self.nasty.takes_with(action):
            self.nasty.take(content)
        good = b"250 2.0.0 Ok: queued as 4Nasty%05d\r\n" % sum(self.nasty.taken.values())
        self._go_wrong(action, good) if action else self.connection.sendall(good)

    def _say(self, place: str, good: bytes) -> bool:
        """True where the good answer was given."""
        if action := self.nasty.misdeed(place):
            self._go_wrong(action, good)
            return action in ("drip", "extra", "early", "slow")
        self.connection.sendall(good)
        return True

    def _go_wrong(self, action: str, good: bytes) -> None:
        match action:
            case "421":
                self.connection.sendall(b"421 4.3.2 going down\r\n")
                raise _Over
            case "450" | "554":
                code = action.encode()
                self.connection.sendall(code + b" %s.2.0 no\r\n" % code[:1])
            case "close":
                raise _Over
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                raise _Over
            case "hang":
                time.sleep(0.7)
                raise _Over
            case "drip":
                for byte in good:
                    self.connection.sendall(bytes([byte]))
                    time.sleep(0.15)
            case "slow":
                time.sleep(0.3)
                self.connection.sendall(good)
            case "nonsense":
                self.connection.sendall(b"\x00\xff hello?\r\n")
            case "extra":
                self.connection.sendall(good + b"250 2.0.0 Ok: queued as 4Twice12345\r\n")
            case "early":
                self.connection.sendall(b"250 2.0.0 Ok: queued as 4Early12345\r\n" + good)

    def _until(self, ending: bytes) -> bytes:
        while ending not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise _Over
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(ending)
        return found + b"\r\n"


@contextmanager
def serving(nasty: Nasty) -> Iterator[int]:
    """On loopback, a thread a connection, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        threads: list[threading.Thread] = []
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = listening.accept()
                    connection.settimeout(5)
                    nasty.connections += 1
                    threads.append(threading.Thread(target=_Talk(nasty, connection).run))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            accepting.join()
            for thread in threads:
                thread.join()
