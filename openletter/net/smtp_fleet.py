"""Handing over many letters by several connections at once: one thread, one write a letter.

What is begun on a connection is the flow's business (`wire.smtp_flow`); this module moves bytes,
keeps time, and decides how many connections there are. One until the first letter is accepted.
A connection that breaks is not replaced by another that pipelines: from then on every letter is
said word by word, so that a bad server costs few unknown ones; after three losses nobody goes on.
"""

from __future__ import annotations

import contextlib
import selectors
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from openletter.net.smtp_door import Door, DoorClosedError, Open, hang_up, open_door
from openletter.wire.smtp import Envelope, Fate, Outcome
from openletter.wire.smtp_auth import Login, withheld
from openletter.wire.smtp_flow import Flow

CONNECTIONS = 4
A_SHARE = 5
"""Another connection is opened for so many letters more."""
MOST_LOSSES = 3
_TICK = 0.1
_LAST_WORD = 5.0
"""Seconds for a server that says it hangs up."""
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

Settled = Callable[[int, Fate], None]
Look = Callable[[], bool]


class _Line:
    """One connection with what waits to be written on it."""

    __slots__ = ("deadline", "flow", "has_ended", "heard", "is_writing", "out", "secure", "socket")

    def __init__(self, found: Open, name: str, *, pipelines: bool) -> None:
        self.socket = found.socket
        self.secure = isinstance(found.socket, ssl.SSLSocket)
        self.socket.setblocking(False)
        words = found.extensions if pipelines else found.extensions - {"PIPELINING"}
        self.flow = Flow(words, name=name, said=found.opened.said)
        self.out = b""
        self.is_writing = False
        self.deadline = 0.0
        self.heard = 0
        self.has_ended = False
        """The server itself ended it, and with TLS said so."""

    def write(self, buffers: list[bytes]) -> None:
        """As much as goes now; the rest stays in `out`, all of it where the write failed."""
        whole = b"" if not self.secure and len(buffers) > 1 else b"".join(buffers)
        try:
            sent = self.socket.send(whole) if whole else self.socket.sendmsg(buffers)
        except _LATER:
            sent = 0
        except OSError:
            self.out = b"".join(buffers)
            raise
        if sent < sum(map(len, buffers)):
            self.out = b"".join(buffers)[sent:]

    def write_on(self) -> bool:
        """Some more of `out`; False where the connection is over."""
        try:
            self.out = self.out[self.socket.send(self.out) :]
        except _LATER:
            return True
        except OSError:
            return False
        return True

    def read(self) -> bytes | None:
        """What is there; b"" where the connection is over, None where there is nothing yet."""
        data = b""
        try:
            data = self.socket.recv(65536)
            while data and isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                data += self.socket.recv(65536)
        except _LATER:
            return data or None
        except OSError:
            return data
        self.has_ended = not data
        return data


class Fleet:
    """Connections to one door; open for the `with` block, for any number of batches."""

    def __init__(self, door: Door, *, connections: int = CONNECTIONS) -> None:
        self._door, self._most = door, max(1, connections)
        self._lines: list[_Line] = []
        self._selector = selectors.DefaultSelector()
        self._pipelines, self._losses = True, 0
        self._accepted = False

    def __enter__(self) -> Self:
        try:
            self._open_line()
        except DoorClosedError:
            self._selector.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for line in list(self._lines):
            self._close(line, kindly=line.flow.is_idle)
        self._selector.close()

    def _open_line(self) -> None:
        """One more connection; DoorClosedError where there is none."""
        found = open_door(self._door)
        line = _Line(found, self._door.ehlo_name, pipelines=self._pipelines)
        self._lines.append(line)
        self._selector.register(line.socket, selectors.EVENT_READ, line)

    def _close(self, line: _Line, *, kindly: bool) -> None:
        self._lines.remove(line)
        self._selector.unregister(line.socket)
        if kindly:
            hang_up(line.socket)
        with contextlib.suppress(OSError):
            line.socket.close()

    # -- a batch ---------------------------------------------------------------------------------

    def hand_over(
        self, letters: Sequence[Envelope], *, settled: Settled, look: Look
    ) -> Sequence[int]:
        """Each letter once; gives the positions of those of whose content nothing was said.

        `settled` is called with the position and the fate of every other one. `look` is asked
        before any content is said, and now and then; once it says no, nothing more begins.
        """
        batch = _Batch(letters, settled=settled, look=look)
        for line in list(self._lines):
            if line.read() is not None:  # a word while idle, or its end
                self._close(line, kindly=False)
        while self._goes_on(batch):
            for key, ready in self._selector.select(_TICK):
                self._serve(key.data, ready, batch)
            self._expire(batch)
        return batch.left()

    def _goes_on(self, batch: _Batch) -> bool:
        """Keep enough connections busy; False where all is settled or nobody may go on."""
        if not batch.may_go_on() or self._losses >= MOST_LOSSES:
            batch.stop()
        if batch.waiting and len(self._lines) < self._wanted(batch):
            self._reinforce(batch)
        for line in list(self._lines):
            if line.flow.is_idle and batch.waiting:
                self._say(line, batch)
        if batch.is_stopped:
            self._take_back(batch)
        return any(not line.flow.is_idle for line in self._lines) or bool(batch.waiting)

    def _wanted(self, batch: _Batch) -> int:
        if not self._accepted:
            return 1
        return min(self._most, len(self._lines) + batch.waiting // A_SHARE or 1)

    def _reinforce(self, batch: _Batch) -> None:
        try:
            self._open_line()
        except DoorClosedError:
            self._most = max(1, len(self._lines))  # it lets no more of us in
            if not self._lines:
                batch.stop()

    def _take_back(self, batch: _Batch) -> None:
        """Hang up where an envelope was said and no content; the letter is not begun."""
        for line in list(self._lines):
            if line.flow.has_envelope:
                batch.give_back(line.flow.take_back())
                self._close(line, kindly=False)
                self._tell(line.flow.end(dot_was_said=True), batch)

    # -- one connection --------------------------------------------------------------------------

    def _serve(self, line: _Line, ready: int, batch: _Batch) -> None:
        if ready & selectors.EVENT_WRITE:
            if not line.write_on():
                self._lose(line, batch)
                return
            line.deadline = self._deadline(line.flow)
        if ready & selectors.EVENT_READ and not self._hear(line, batch):
            return
        self._say(line, batch)

    def _hear(self, line: _Line, batch: _Batch) -> bool:
        """Take in what arrived; False where the connection is over."""
        data = line.read()
        if data is None:
            return True
        flow = line.flow
        flow.feed(data)
        self._tell(flow.fates(), batch)
        if flow.is_over:
            self._close(line, kindly=False)
            return False
        if not data or flow.broken:
            self._lose(line, batch)
            return False
        return True

    def _say(self, line: _Line, batch: _Batch) -> None:
        flow = line.flow
        if not line.out:
            may_go_on = not flow.wants_to_go_on or batch.may_go_on()
            buffers = flow.say(batch.take) if may_go_on else flow.ask()
            if flow.broken == "" and buffers:
                self._write(line, buffers, batch)
            self._tell(flow.fates(), batch)
        if line.heard != flow.heard:
            line.heard, line.deadline = flow.heard, self._deadline(flow)
        if bool(line.out) is not line.is_writing and line in self._lines:
            line.is_writing = bool(line.out)
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.out else 0)
            self._selector.modify(line.socket, mask, line)

    def _write(self, line: _Line, buffers: list[bytes], batch: _Batch) -> None:
        line.deadline = self._deadline(line.flow)
        try:
            line.write(buffers)
        except OSError:
            self._lose(line, batch)

    def _deadline(self, flow: Flow) -> float:
        limits = self._door.timeouts
        if flow.awaits_end:
            return time.monotonic() + min(_LAST_WORD, limits.reply)
        return time.monotonic() + (limits.dot if flow.awaits_dot else limits.reply)

    def _expire(self, batch: _Batch) -> None:
        now = time.monotonic()
        for line in list(self._lines):
            if not line.flow.is_idle and line.deadline < now:
                self._lose(line, batch)

    def _lose(self, line: _Line, batch: _Batch) -> None:
        """The connection is over: every letter of it has a fate now."""
        if line not in self._lines:
            return
        if line.flow.is_begun or line.flow.broken:
            self._losses += 1
            self._pipelines = False
        ended = line.flow.end(dot_was_said=not line.out, is_clean=line.has_ended)
        self._close(line, kindly=False)
        self._tell(ended, batch)

    def _tell(self, fates: list[tuple[int, Fate]], batch: _Batch) -> None:
        for key, fate in fates:
            self._accepted = self._accepted or fate.outcome is Outcome.ACCEPTED
            login = self._door.login
            batch.settled(key, fate if login is None else _without_secrets(fate, login))


def _without_secrets(fate: Fate, login: Login) -> Fate:
    """Where we signed in, the server knows a secret that it might say back at any time."""
    text, queue_id = withheld(fate.text, login), withheld(fate.queue_id, login)
    if (text, queue_id) == (fate.text, fate.queue_id):
        return fate
    return replace(fate, text=text, queue_id="" if queue_id != fate.queue_id else queue_id)


class _Batch:
    """Letters of one batch: which wait, which came back."""

    def __init__(self, letters: Sequence[Envelope], *, settled: Settled, look: Look) -> None:
        self._letters, self._next = letters, 0
        self._back: list[int] = []
        self.settled, self._look = settled, look
        self.is_stopped = False

    @property
    def waiting(self) -> int:
        return 0 if self.is_stopped else len(self._letters) - self._next

    def may_go_on(self) -> bool:
        if not self.is_stopped and not self._look():
            self.stop()
        return not self.is_stopped

    def take(self) -> tuple[int, Envelope] | None:
        if not self.waiting:
            return None
        self._next += 1
        return self._next - 1, self._letters[self._next - 1]

    def stop(self) -> None:
        self.is_stopped = True

    def give_back(self, key: int | None) -> None:
        if key is not None:
            self._back.append(key)

    def left(self) -> list[int]:
        return [*self._back, *range(self._next, len(self._letters))]
