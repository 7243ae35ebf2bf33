"""Opening a door for letters: connect, encrypt, see who is behind it, sign in.

Two kinds of door: the local smarthost, and an authenticated submission service (RFC 8314: TLS at
once, or STARTTLS). Whoever signs in does so on a connection whose certificate proves the host's
name, and on no other. Exercise mail goes to the built-in mailbox and nowhere else, real mail never
goes there: the server must show, or must not show, the mailbox's mark in its EHLO reply before a
letter's address is said.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from openletter.wire.smtp import (
    MAILBOX_MARK,
    Done,
    Fate,
    NeedMore,
    Opened,
    Opening,
    Outcome,
    Send,
    Stage,
)
from openletter.wire.smtp_auth import Login, SignedIn, SigningIn

LONGEST_LINE = 1000


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds (RFC 5321 section 4.5.3.2) for a whole answer, however it drips.

    The final dot is given the longest; the opening is tried often, so it is given less.
    """

    connect: float = 30.0
    opening: float = 60.0
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
    """Given: encrypt with a certificate that proves the host's name, or no letter."""
    at_once: bool = False
    """TLS from the first byte (port 465) instead of by STARTTLS."""
    login: Login | None = field(default=None, repr=False)
    address: str = ""
    """Where to connect, if not where the host's name leads."""

    def __post_init__(self) -> None:
        if self.login is not None and not is_proving(self.tls):
            raise ValueError("signing in needs TLS that proves the server's name")
        if self.at_once and self.tls is None:
            raise ValueError("TLS at once needs a context")


class DoorClosedError(Exception):
    """No letter was handed over: the server is away, refuses us, or is of the wrong kind."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(fate.text)
        self.fate = fate


@dataclass(kw_only=True)
class Open:
    """An open door: blocking, greeted, encrypted and signed in as the door asks."""

    socket: socket.socket
    opened: Opened
    tls: str = ""
    cipher: str = ""
    signed_in: str = ""
    until: str = ""
    """The last second of the certificate that proved the host, as it says itself."""

    @property
    def extensions(self) -> frozenset[str]:
        return self.opened.extensions


class _Dialogue(Protocol):
    def feed(self, data: bytes) -> Send | NeedMore | Opened | SignedIn | Done: ...
    def end(self) -> Fate: ...


def open_door(door: Door) -> Open:
    """Come as far as the first MAIL, or raise DoorClosedError with nothing left open."""
    found = Open(socket=_connected(door), opened=Opened(extensions=frozenset()))
    try:
        _go_in(door, found)
    except BaseException:
        hang_up(found.socket)
        raise
    found.socket.settimeout(door.timeouts.reply)
    return found


def _connected(door: Door) -> socket.socket:
    try:
        where = (door.address or door.host, door.port)
        made = socket.create_connection(where, timeout=door.timeouts.connect)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot is short
    except OSError as error:
        raise DoorClosedError(closed(Stage.CONNECT, f"{type(error).__name__}: {error}")) from error
    return made


def _go_in(door: Door, found: Open) -> None:
    if door.tls is not None and door.at_once:
        _encrypt(door, found, door.tls)
    found.opened = _greet(door, found, greeted=False)
    if door.tls is not None and not door.at_once:
        _ask_for_tls(door, found)
        _encrypt(door, found, door.tls)
        found.opened = _greet(door, found, greeted=True)
    _check_kind(door, found)
    if door.login is not None:
        _sign_in(door, found, door.login)


def _greet(door: Door, found: Open, *, greeted: bool) -> Opened:
    opening = Opening(door.ehlo_name, greeted=greeted)
    event = _drive(found.socket, opening, opening.start(), limit=door.timeouts.opening)
    if not isinstance(event, Opened):
        raise TypeError(event)
    return event


def _sign_in(door: Door, found: Open, login: Login) -> None:
    dialogue = SigningIn(login, found.opened.mechanisms)
    first = dialogue.start()
    if isinstance(first, Done):
        raise DoorClosedError(first.fate)
    _drive(found.socket, dialogue, first, limit=door.timeouts.opening)
    found.signed_in = dialogue.mechanism


def _drive(
    connection: socket.socket, dialogue: _Dialogue, event: Send | NeedMore, *, limit: float
) -> Opened | SignedIn:
    """One dialogue to its end; the limit is for each whole answer."""
    told: Send | NeedMore | Opened | SignedIn | Done = event
    deadline = time.monotonic() + limit
    try:
        while isinstance(told, Send | NeedMore):
            if isinstance(told, Send):
                connection.sendall(told.data)
                deadline = time.monotonic() + limit
            told = dialogue.feed(_receive(connection, deadline))
    except OSError as error:
        raise DoorClosedError(dialogue.end()) from error
    if isinstance(told, Done):
        raise DoorClosedError(told.fate)
    return told


def _receive(connection: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("closed by the server")
    return data


def _ask_for_tls(door: Door, found: Open) -> None:
    """STARTTLS (RFC 3207): anything but a clear yes closes the door."""
    try:
        if "STARTTLS" not in found.extensions:
            raise ConnectionError("no STARTTLS")
        found.socket.sendall(b"STARTTLS\r\n")
        deadline = time.monotonic() + door.timeouts.opening
        if not _one_line(found.socket, deadline).startswith(b"220"):
            raise ConnectionError("STARTTLS refused")
    except OSError as error:
        raise DoorClosedError(closed(Stage.EHLO, f"not encrypted: {error}")) from error


def _one_line(connection: socket.socket, deadline: float) -> bytes:
    """One reply of one line and not a byte more: what follows is the other side's TLS."""
    line = b""
    while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("closed by the server")
        line += byte
    return line


def _encrypt(door: Door, found: Open, context: ssl.SSLContext) -> None:
    found.socket.settimeout(door.timeouts.opening)
    try:
        secure = context.wrap_socket(
            found.socket, server_hostname=door.host, suppress_ragged_eofs=False
        )  # an end that TLS does not confirm is a lost connection
    except (OSError, ValueError) as error:
        raise DoorClosedError(closed(Stage.EHLO, f"not encrypted: {error}")) from error
    found.socket, found.tls = secure, secure.version() or ""
    found.cipher = (secure.cipher() or ("",))[0]
    found.until = str((secure.getpeercert() or {}).get("notAfter", ""))


def _check_kind(door: Door, found: Open) -> None:
    if (MAILBOX_MARK in found.extensions) is door.exercise:
        return
    wrong = (
        "exercise mail, but no built-in mailbox"
        if door.exercise
        else "real mail, but a built-in mailbox"
    )
    raise DoorClosedError(closed(Stage.EHLO, wrong))


def closed(stage: Stage, text: str) -> Fate:
    """Nothing was handed over, and another time it may be."""
    return Fate(outcome=Outcome.DEFERRED, stage=stage, text=text[:300])


def hang_up(connection: socket.socket) -> None:
    """Say QUIT if anybody listens, and close."""
    with contextlib.suppress(OSError):
        connection.settimeout(1.0)
        connection.sendall(b"QUIT\r\n")
    with contextlib.suppress(OSError):
        connection.close()


def proving(authority: Path | None = None) -> ssl.SSLContext:
    """Certificates as the system trusts them, or as one file says, for the server's own name."""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_proving(context: ssl.SSLContext | None) -> bool:
    """Whether a connection made so is with the host it names."""
    return (
        context is not None and context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED
    )
