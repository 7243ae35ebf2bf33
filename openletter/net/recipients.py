"""Asks the mail servers of our own domains whether they take mail for an address of ours.

Nothing is sent: no server ever sees DATA. Encrypted where the server offers it, as other mail
servers do; whether its certificate proves its name is told and changes nothing.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from openletter.net.smtp_door import (
    Door,
    DoorClosedError,
    Open,
    Timeouts,
    hang_up,
    open_door,
    proving,
)
from openletter.wire.smtp import LocalProtocolError, NeedMore, Send
from openletter.wire.smtp_rcpt import Asking, Taken

PORT = 25
_PATIENT = Timeouts(connect=10, opening=30, reply=30, dot=30)
_MOST_TRIED = 3


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How mail servers are met: port 25, certificates as the system trusts them."""

    port: int = PORT
    trusted: ssl.SSLContext | None = None


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the first server that opened said; `problem`: why none did."""

    host: str = ""
    taken: tuple[Taken, ...] = ()
    tls: str = ""
    is_proved: bool = False
    problem: str = ""


def ask(
    servers: Sequence[tuple[str, str]],
    recipients: Sequence[str],
    *,
    ehlo_name: str,
    ways: Ways = Ways(),
) -> Heard:
    """The first of the servers (name, address) that opens its door is asked about all of them."""
    problem = "no server"
    for host, address in servers[:_MOST_TRIED]:
        door = Door(
            host=host, address=address, port=ways.port, exercise=False, ehlo_name=ehlo_name,
            timeouts=_PATIENT,
        )  # fmt: skip
        try:
            found, is_proved = _opened(door, ways.trusted or proving())
        except DoorClosedError as closed:
            said = f"{closed.fate.code or ''} {closed.fate.text}".strip()
            problem = f"{host} ({address}): {said}"
            continue
        try:
            taken = _asked(found.socket, recipients)
        finally:
            hang_up(found.socket)
        return Heard(host=host, taken=tuple(taken), tls=found.tls, is_proved=is_proved)
    return Heard(problem=problem[:300])


def _opened(door: Door, trusted: ssl.SSLContext) -> tuple[Open, bool]:
    """Plain where it offers no TLS; with TLS that proves nothing where its certificate does not."""
    found = open_door(door)
    if "STARTTLS" not in found.extensions:
        return found, False
    hang_up(found.socket)
    for context, is_proved in ((trusted, True), (_anybody(), False)):
        try:
            return open_door(_with(door, context)), is_proved
        except DoorClosedError:
            continue
    return open_door(door), False


def _with(door: Door, context: ssl.SSLContext) -> Door:
    return Door(
        host=door.host.rstrip("."), address=door.address, port=door.port, exercise=False,
        ehlo_name=door.ehlo_name, timeouts=door.timeouts, tls=context,
    )  # fmt: skip


def _anybody() -> ssl.SSLContext:
    """Encrypts and believes nobody: what is said over it is no secret."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _asked(connection: socket.socket, recipients: Sequence[str]) -> list[Taken]:
    try:
        asking = Asking(recipients)
    except LocalProtocolError as error:
        return [Taken(one, 0, str(error)) for one in recipients]
    event: Send | NeedMore | None = asking.start()
    deadline = time.monotonic() + _PATIENT.reply
    try:
        while event is not None:
            if isinstance(event, Send):
                connection.sendall(event.data)
                deadline = time.monotonic() + _PATIENT.reply
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            data = connection.recv(65536)
            event = asking.feed(data) if data else None
    except OSError:
        pass  # what was said so far stands
    return asking.end()
