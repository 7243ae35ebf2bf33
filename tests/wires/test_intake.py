"""Intake stores raw mail, refuses tokens nobody gave out at RCPT, and never loses one silently."""

from __future__ import annotations

from openletter.net.intake import LARGEST, intake
from openletter.net.smtp_server import SmtpServer
from openletter.net.submit import submit
from openletter.wire.smtp import Outcome, Stage

KNOWN = "reply+abc@reply.example.net"


class Shelf:
    """Stores in memory; may be broken."""

    def __init__(self, *, broken: bool = False) -> None:
        self.mails: list[tuple[bytes, str, str]] = []
        self.broken = broken

    def __call__(self, raw: bytes, *, envelope_from: str, rcpt: str) -> None:
        if self.broken:
            raise OSError("disk full")
        self.mails.append((raw, envelope_from, rcpt))


def server(shelf: Shelf) -> SmtpServer:
    return intake(host="127.0.0.1", port=0, accepts=lambda rcpt: rcpt == KNOWN, store=shelf)


def test_a_bounce_with_null_sender_is_stored() -> None:
    shelf = Shelf()
    with server(shelf) as running:
        fate = submit(b"A: b\r\n\r\n.\xe9\r\n", sender="", recipient=KNOWN, port=running.port)
    assert fate.outcome is Outcome.ACCEPTED
    assert shelf.mails == [(b"A: b\r\n\r\n.\xe9\r\n", "", KNOWN)]


def test_an_unknown_token_is_refused_before_any_byte_of_the_mail() -> None:
    shelf = Shelf()
    with server(shelf) as running:
        fate = submit(b"x", sender="", recipient="reply+no@reply.example.net", port=running.port)
    assert (fate.outcome, fate.stage, fate.code) == (Outcome.REFUSED, Stage.RCPT, 550)
    assert shelf.mails == []


def test_a_broken_store_asks_to_come_again() -> None:
    with server(Shelf(broken=True)) as running:
        fate = submit(b"x", sender="", recipient=KNOWN, port=running.port)
    assert (fate.outcome, fate.code) == (Outcome.DEFERRED, 451)


def test_a_mail_beyond_the_limit_is_refused() -> None:
    shelf = Shelf()
    with server(shelf) as running:
        raw = b"A: b\r\n\r\n" + (b"x" * 900 + b"\r\n") * (LARGEST // 900)
        fate = submit(raw, sender="", recipient=KNOWN, port=running.port)
    assert fate.outcome in (Outcome.REFUSED, Outcome.UNKNOWN)
    assert shelf.mails == []
