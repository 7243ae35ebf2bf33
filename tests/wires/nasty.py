"""A mail server that misbehaves once told where and how, and remembers what it took.

It counts a letter as taken before it answers the dot, so that whatever the sender then hears, what
it took is known. The judge: no letter that was taken may be deferred, refused or given back.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

GREETING, EHLO, MAIL, RCPT, DATA, DOT = "greeting", "ehlo", "mail", "rcpt", "data", "dot"
AGAIN, QUIT = "again", "quit"
"""An EHLO that is not the first, and QUIT: how a sender asks whether the server is in step."""
PLACES = (GREETING, EHLO, MAIL, RCPT, DATA, DOT)
ACTIONS = (
    "421", "450", "554", "close", "hang", "drip", "nonsense", "extra", "early", "slow", "reset",
)  # fmt: skip
"""What may also be done at random."""
WORSE = (
    "421-stays", "450-lines", "554-lines", "530", "535", "552", "two-codes", "contrary",
    "half-close", "half-reset", "swallow", "rubbish", "thrice", "451-then-good", "451-later-good",
    "good-then-451", "good-later-451", "again-good",
)  # fmt: skip
NO = {
    "421": b"421 4.3.2 going down\r\n", "421-stays": b"421 4.3.2 going down\r\n",
    "450": b"450 4.2.0 no\r\n", "554": b"554 5.2.0 no\r\n",
    "450-lines": b"450-4.2.1 not now,\r\n450-4.2.1 but\r\n450 4.2.1 later\r\n",
    "554-lines": b"554-5.7.1 never\r\n554-\r\n554 5.7.1 see our pages\r\n",
    "530": b"530 5.7.0 Authentication required\r\n", "535": b"535 5.7.8 who are you?\r\n",
    "552": b"552 5.3.4 message size exceeds fixed limit\r\n",
}  # fmt: skip
"""Said, and meant: nothing was taken."""
HANGS = ("hang", "drip", "swallow")
"""Servers that do not answer must not be waited for as long as others."""
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
    verdict: bytes = b""
    """Given: what is said after every dot instead of 250; nothing is taken then."""
    greets_once: bool = False
    tls: ssl.SSLContext | None = None
    """Given: TLS from the first byte, and never an end that TLS confirms."""
    chance: random.Random | None = None
    """Given: anything goes wrong anywhere, now and then; or this action at this place."""
    share: float = 0.02
    taken: Counter[bytes] = field(default_factory=Counter)
    connections: int = 0
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def misdeed(self, place: str) -> str:
        """What goes wrong here now; empty: nothing."""
        with self._lock:
            if self.chance is not None:
                if self.place not in ("", place) or self.chance.random() >= self.share:
                    return ""
                return self.action or self.chance.choice(ACTIONS)
            self._seen[place] += 1
            first = self.after if place in (MAIL, RCPT, DATA, DOT) else 1
            wrong = place == self.place and first <= self._seen[place] < first + self.times
            return self.action if wrong else ""

    def takes_with(self, action: str) -> bool:
        """Whether a letter at whose dot this goes wrong is taken; no server lies about it."""
        if action in NO or self.verdict:
            return False
        if not action:
            return True
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
        self.greeted = False
        self.later = b""
        """An answer that comes late: after the next DATA's, or before any other next answer."""

    def run(self) -> None:
        with contextlib.suppress(_Over, OSError), self.connection:
            if self.nasty.tls is not None:
                self.connection = self.nasty.tls.wrap_socket(self.connection, server_side=True)
            with self.connection:
                self._say(GREETING, _GOOD[GREETING])
                while True:
                    self._command(self._until(b"\r\n"))

    def _command(self, line: bytes) -> None:
        word = line[:4].upper()
        if self.later and word in (b"EHLO", b"QUIT", b"RSET"):
            self._late()
        if word == b"EHLO":
            self._greet()
        elif word in (b"MAIL", b"RCPT"):
            self._say(word.decode().lower(), _GOOD[word.decode().lower()])
        elif word == b"DATA":
            if self._say(DATA, _GOOD[DATA]):
                self._late()
                self._content()
        elif word == b"QUIT":
            self._say(QUIT, b"221 2.0.0 bye\r\n")
            raise _Over
        else:
            self.connection.sendall(b"250 ok\r\n")

    def _greet(self) -> None:
        place, self.greeted = AGAIN if self.greeted else EHLO, True
        if place == AGAIN and self.nasty.greets_once:
            self.connection.sendall(b"503 5.5.1 already identified\r\n")
            return
        words = [b"PIPELINING"] if self.nasty.pipelines else []
        lines = [b"nasty", *words, b"8BITMIME"]
        reply = b"".join(b"250-%s\r\n" % one for one in lines[:-1]) + b"250 8BITMIME\r\n"
        self._say(place, reply)

    def _late(self) -> None:
        if self.later:
            time.sleep(0.03)
            late, self.later = self.later, b""
            self.connection.sendall(late)

    def _content(self) -> None:
        self.buffer = b"\r\n" + self.buffer
        content = self._until(b"\r\n.\r\n")
        if b"Message-ID" not in content:
            self.connection.sendall(b"554 5.5.1 no valid recipients\r\n")
            return
        action = self.nasty.misdeed(DOT)
        if self.nasty.takes_with(action):
            self.nasty.take(content)
        good = b"250 2.0.0 Ok: queued as 4Nasty%05d\r\n" % sum(self.nasty.taken.values())
        good = self.nasty.verdict or good
        self._go_wrong(action, good) if action else self.connection.sendall(good)

    def _say(self, place: str, good: bytes) -> bool:
        """True where the good answer was given, whatever else was."""
        if action := self.nasty.misdeed(place):
            self._go_wrong(action, good)
            return action not in NO and action != "nonsense"
        self.connection.sendall(good)
        return True

    def _go_wrong(self, action: str, good: bytes) -> None:
        if action in NO:
            self.connection.sendall(NO[action])
            if action == "421":
                raise _Over
        elif action in ("close", "reset", "hang", "half-close", "half-reset"):
            self._break_off(action, good)
        elif action in ("drip", "slow", "swallow"):
            self._dawdle(action, good)
        elif action.endswith(("good", "451")):
            self._change_its_mind(action, good)
        else:
            self.connection.sendall(_answers(action, good))

    def _break_off(self, action: str, good: bytes) -> None:
        if action.startswith("half"):
            self.connection.sendall(good[: len(good) // 2])
            time.sleep(0.02)
        if action == "hang":
            time.sleep(0.7)
        if action.endswith("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raise _Over

    def _dawdle(self, action: str, good: bytes) -> None:
        if action == "slow":
            time.sleep(0.3)
            self.connection.sendall(good)
        for byte in good if action == "drip" else b"":
            self.connection.sendall(bytes([byte]))
            time.sleep(0.15)

    def _change_its_mind(self, action: str, good: bytes) -> None:
        """Two answers to one word, the second in a packet of its own, soon or late."""
        busy = b"451 4.3.0 busy\r\n"
        first, second = (busy, good) if action.startswith("451") else (good, busy)
        self.connection.sendall(first)
        self.later = good if action == "again-good" else second
        if "-then-" in action:
            self._late()

    def _until(self, ending: bytes) -> bytes:
        while ending not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise _Over
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(ending)
        return found + b"\r\n"


def _answers(action: str, good: bytes) -> bytes:
    """What is said in one piece where the good answer was due."""
    code = good[:3]
    return {
        "nonsense": b"\x00\xff hello?\r\n",
        "extra": good + b"250 2.0.0 Ok: queued as 4Twice12345\r\n",
        "early": b"250 2.0.0 Ok: queued as 4Early12345\r\n" + good,
        "two-codes": b"%s-2.0.0 yes\r\n451 4.0.0 or no\r\n" % code,
        "contrary": b"%s 5.7.1 refused\r\n" % code,
        "rubbish": code + b" \xff\xfe\x00\x1b[2J \xe2\x80\xae" + b"\xc3" * 400 + b"\r\n",
        "thrice": good + b"250 2.0.0 ok\r\n" * 2,
    }[action]


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
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
