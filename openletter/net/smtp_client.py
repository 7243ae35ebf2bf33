"""Handing letters to a mail server over one connection, blocking, one letter a transaction.

Exercise mail goes to the built-in mailbox and nowhere else, real mail never goes there: the
server must show, or must not show, the mailbox's mark in its EHLO reply before a letter's
address is said.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from openletter.wire.smtp import (
    MAILBOX_MARK,
    Done,
    Envelope,
    Fate,
    HandOver,
    LocalProtocolError,
    NeedMore,
    Opened,
    Opening,
    Outcome,
    Send,
    Stage,
)


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds (RFC 5321 section 4.5.3.2); the final dot is given the longest."""

    connect: float = 30.0
    reply: float = 300.0
    dot: float = 600.0


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where letters leave. `exercise` decides which kind of server may be behind it."""

    host: str
    port: int
    exercise: bool
    ehlo_name: str = "localhost"
    timeouts: Timeouts = Timeouts()
    tls: ssl.SSLContext | None = None
    """Given: encrypt (STARTTLS) with a certificate that proves the host's name, or no letter."""


class DoorClosedError(Exception):
    """No letter was handed over: the server is away, refuses us, or is of the wrong kind."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(fate.text)
        self.fate = fate


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
        limits = self._door.timeouts
        try:
            self._socket = socket.create_connection(
                (self._door.host, self._door.port), timeout=limits.connect
            )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot is short
            self._socket.settimeout(limits.reply)
        except OSError as error:
            raise DoorClosedError(_unreachable(error)) from error
        self._extensions = self._opened(Opening(self._door.ehlo_name))
        if self._door.tls is not None:
            self._encrypt(self._door.tls)
            again = Opening(self._door.ehlo_name, greeted=True)
            self._extensions = self._opened(again)
        self._check_kind()

    def _opened(self, opening: Opening) -> frozenset[str]:
        try:
            event = self._drive(opening)
        except OSError as error:
            self.close()
            raise DoorClosedError(opening.end()) from error
        if isinstance(event, Done):
            self.close()
            raise DoorClosedError(event.fate)
        return event.extensions

    def _encrypt(self, context: ssl.SSLContext) -> None:
        """STARTTLS (RFC 3207): anything but an encrypted, proved connection closes the door."""
        try:
            if "STARTTLS" not in self._extensions or self._socket is None:
                raise ConnectionError("no STARTTLS")
            self._write(b"STARTTLS\r\n")
            if not self._read_line().startswith(b"220"):
                raise ConnectionError("STARTTLS refused")
            self._socket = context.wrap_socket(self._socket, server_hostname=self._door.host)
        except OSError as error:
            self.close()
            text = f"not encrypted: {error}"[:300]
            raise DoorClosedError(
                Fate(outcome=Outcome.DEFERRED, stage=Stage.EHLO, text=text)
            ) from error

    def _check_kind(self) -> None:
        if (MAILBOX_MARK in self._extensions) is self._door.exercise:
            return
        self.close()
        wrong = (
            "exercise mail, but no built-in mailbox"
            if self._door.exercise
            else ("real mail, but a built-in mailbox")
        )
        raise DoorClosedError(Fate(outcome=Outcome.DEFERRED, stage=Stage.EHLO, text=wrong))

    def _drive(self, opening: Opening) -> Opened | Done:
        event: Send | NeedMore | Opened | Done = opening.start()
        while isinstance(event, Send | NeedMore):
            if isinstance(event, Send):
                self._write(event.data)
            event = opening.feed(self._read())
        return event

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

    def _read_line(self) -> bytes:
        """One reply of one line and not a byte more: what follows is the other side's TLS."""
        if self._socket is None:
            raise ConnectionError("closed")
        line = b""
        while not line.endswith(b"\n") and len(line) < 1000:
            byte = self._socket.recv(1)
            if not byte:
                raise ConnectionError("closed by the server")
            line += byte
        return line

    def close(self) -> None:
        """Say QUIT if anybody listens, and hang up."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.settimeout(1.0)
                self._socket.sendall(b"QUIT\r\n")
            self._socket.close()
            self._socket = None


def _unreachable(error: OSError) -> Fate:
    return Fate(
        outcome=Outcome.DEFERRED, stage=Stage.CONNECT, text=f"{type(error).__name__}: {error}"[:300]
    )


def proving() -> ssl.SSLContext:
    """Certificates as the system trusts them, for the smarthost's own name."""
    return ssl.create_default_context()
