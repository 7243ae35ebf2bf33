"""Sending one ready mail to a loopback server: what the exercise's mailbox owners and tests use."""

from __future__ import annotations

from openletter.net.smtp_client import Door as _Door
from openletter.net.smtp_client import DoorClosedError, Session, Timeouts
from openletter.net.smtp_server import LOOPBACK, NotLoopbackError
from openletter.wire.smtp import Envelope, Fate


def submit(raw: bytes, *, sender: str, recipient: str, port: int, host: str = "127.0.0.1") -> Fate:
    """To a server on this machine only; a door that doesn't open is a fate, too."""
    if host not in LOOPBACK:
        raise NotLoopbackError(host)
    door = _Door(
        host=host, port=port, exercise=False, timeouts=Timeouts(connect=5, reply=30, dot=60)
    )
    try:
        with Session(door) as session:
            return session.hand_over(Envelope(sender=sender, recipient=recipient, raw=raw))
    except DoorClosedError as error:
        return error.fate
