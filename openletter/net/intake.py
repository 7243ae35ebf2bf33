"""Where replies come in: an SMTP or LMTP server on loopback, behind the partner's mail server.

It stores raw bytes and parses nothing. An address whose token nobody gave out is refused at
RCPT, so that we never have to answer it (no backscatter). While the store is away it answers
4xx: the mail server in front keeps the mail and comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import structlog

from openletter.net.smtp_server import SmtpServer, sender_of

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 2 * 1024 * 1024
log = structlog.get_logger()


class Store(Protocol):
    """Keeps one mail; called in a thread, may take its time, may raise."""

    def __call__(self, raw: bytes, *, envelope_from: str, rcpt: str) -> None: ...


Accepts = Callable[[str], bool]
"""Is this an address that we gave out?"""


def intake(
    *, host: str, port: int, accepts: Accepts, store: Store, lmtp: bool = False
) -> SmtpServer:
    """A server that is not started yet."""
    handler = _Intake(accepts, store)
    return SmtpServer(
        handler, host=host, port=port, size_limit=LARGEST, name="intake.invalid", lmtp=lmtp
    )


class _Intake:
    """aiosmtpd's handler; one thread for the database, so that mails are stored in order."""

    def __init__(self, accepts: Accepts, store: Store) -> None:
        self._accepts, self._store = accepts, store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        loop = asyncio.get_running_loop()
        try:
            known = await loop.run_in_executor(self._thread, self._accepts, address)
        except Exception as error:  # noqa: BLE001 - the request loop: whatever happened, later
            log.error("intake-lookup-failed", error=type(error).__name__)  # noqa: TRY400
            return "451 4.3.0 try again later"
        if not known:
            return "550 5.1.1 no such address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        sender, (rcpt,) = sender_of(envelope.mail_from), envelope.rcpt_tos
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self._thread, lambda: self._store(raw, envelope_from=sender, rcpt=rcpt)
            )
        except Exception as error:  # noqa: BLE001 - the request loop: whatever happened, later
            log.error("intake-store-failed", error=type(error).__name__)  # noqa: TRY400
            return "451 4.3.0 try again later"
        return "250 2.0.0 stored"
