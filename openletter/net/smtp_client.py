"""Handing letters to a mail server over one connection, blocking, one letter a transaction.

For single mails (an answer to ourselves, a trial, the exercise's mailbox owners); letters in
numbers leave by `smtp_fleet`.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

from openletter.net.smtp_door import Door, DoorClosedError, Timeouts, hang_up, open_door, proving
from openletter.wire.smtp import (
    Done,
    Envelope,
    Fate,
    HandOver,
    LocalProtocolError,
    NeedMore,
    Outcome,
    Send,
    Stage,
)

__all__ = ["Door", "DoorClosedError", "Session", "Timeouts", "proving"]


class Session:
    """A connection for several letters; closed after each that was not accepted."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._socket: socket.socket | None = None
        self._extensions: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        if not self.is_open:
            self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Connect, greet, and see that the right kind of server is behind the door."""
        found = open_door(self._door)
        self._socket, self._extensions = found.socket, found.extensions

    def hand_over(self, envelope: Envelope) -> Fate:
        """One letter; the fate says what network and server did to it.

        Raises only DoorClosedError, before anything of the letter was said: a refused letter
        closes the connection, and the next one opens it again.
        """
        if not self.is_open:
            self.open()
        try:
            dialogue = HandOver(envelope, extensions=self._extensions)
        except LocalProtocolError as error:
            return Fate(outcome=Outcome.REFUSED, stage=Stage.RCPT, text=str(error)[:300])
        try:
            fate = self._transact(dialogue)
        except OSError:
            self.close()
            return dialogue.end()
        if fate.outcome is not Outcome.ACCEPTED:
            self.close()
        return fate

    def _transact(self, dialogue: HandOver) -> Fate:
        event: Send | NeedMore | Done = dialogue.start()
        while not isinstance(event, Done):
            if isinstance(event, Send):
                self._write(event.data)
            if dialogue.stage is Stage.BODY:
                event = dialogue.dot()
                self._limit(self._door.timeouts.dot)
                continue
            event = dialogue.feed(self._read())
        self._limit(self._door.timeouts.reply)
        return event.fate

    def _limit(self, seconds: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def _write(self, data: bytes) -> None:
        if self._socket is None:
            raise ConnectionError("closed")
        self._socket.sendall(data)

    def _read(self) -> bytes:
        if self._socket is None:
            raise ConnectionError("closed")
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the server")
        return data

    def close(self) -> None:
        """Say QUIT if anybody listens, and hang up."""
        if self._socket is not None:
            hang_up(self._socket)
            self._socket = None
