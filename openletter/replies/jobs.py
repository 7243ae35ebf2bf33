"""Intake as a process: mail from the server in front, into the store, and nothing else."""

from __future__ import annotations

from django.db import close_old_connections

from openletter.campaigns import clock
from openletter.net.intake import intake
from openletter.net.smtp_server import SmtpServer
from openletter.replies import steps
from openletter.replies.reading import given_out


def intake_server(host: str, port: int, *, lmtp: bool = False) -> SmtpServer:
    """Not started yet: `start()` gives the port, `stop()` ends it, `join()` waits."""
    return intake(host=host, port=port, accepts=_accepts, store=_store, lmtp=lmtp)


def _accepts(rcpt: str) -> bool:
    close_old_connections()
    return steps.accepts(rcpt)


def _store(raw: bytes, *, envelope_from: str, rcpt: str) -> None:
    close_old_connections()
    given = given_out(rcpt)
    now = clock.now(given.letter.campaign if given else None)
    steps.store_mail(raw, envelope_from=envelope_from, rcpt=rcpt, now=now)
