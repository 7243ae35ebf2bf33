"""The built-in mailbox: a real SMTP server on loopback that keeps what arrives, and no more.

Exercises deliver here and nowhere else; it has no code that could pass mail on. What it counts
(`received`) is the judge of "never twice": every acceptance is one line, whoever sent it.
"""

from __future__ import annotations

import email.parser
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from openletter.net.smtp_server import SmtpServer, sender_of
from openletter.wire.smtp import MAILBOX_MARK

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

Refusal = tuple[int, str]
Refuse = Callable[[str], Refusal | None]
LARGEST = 20 * 1024 * 1024
INDEX = "index.ndjson"
PORT = "port"


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One message for one recipient, as it arrived."""

    number: int
    rcpt: str
    envelope_from: str
    message_id: str
    file: str
    at: str

    def raw(self, folder: Path) -> bytes:
        return (folder / self.file).read_bytes()


class Mailbox:
    """Runs while the `with` block does. `refuse(rcpt)` may answer RCPT with a code and a text."""

    def __init__(self, folder: Path, *, refuse: Refuse | None = None, port: int = 0) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keeper = _Keeper(folder, refuse or (lambda _: None))
        self._server = SmtpServer(
            self._keeper, port=port, size_limit=LARGEST, name="mailbox.invalid"
        )
        self._folder = folder

    def start(self) -> int:
        """Listen; the port also stands in the folder, for senders in other processes."""
        port = self._server.start()
        _replace(self._folder / PORT, f"{port}\n")
        return port

    def stop(self) -> None:
        (self._folder / PORT).unlink(missing_ok=True)
        self._server.stop()

    def join(self) -> None:
        """Wait until somebody stops it."""
        self._server.join()

    @property
    def port(self) -> int:
        return self._server.port

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def known_port(folder: Path) -> int | None:
    """Where the mailbox of this folder listens; None while none runs."""
    try:
        return int((folder / PORT).read_text())
    except (OSError, ValueError):
        return None


def received(folder: Path, *, after: int = 0) -> Iterator[Arrived]:
    """What arrived, oldest first; `after` skips what was seen. A torn last line is no arrival."""
    try:
        lines = (folder / INDEX).read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines[:-1], start=1):
        if number <= after:
            continue
        row = _row(line)
        if row is not None:
            yield Arrived(number=number, **row)


def _row(line: bytes) -> dict[str, str] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    wanted = ("rcpt", "envelope_from", "message_id", "file", "at")
    return {key: str(row[key]) for key in wanted} if set(wanted) <= set(row) else None


class _Keeper:
    """aiosmtpd's handler: refuse by callback, keep the rest."""

    def __init__(self, folder: Path, refuse: Refuse) -> None:
        self._folder, self._refuse = folder, refuse
        self._count = sum(1 for _ in received(folder))
        self._boot = f"{os.getpid():x}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"  # noqa: TID251 - names a file

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], f"250-{MAILBOX_MARK}", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refuse(address)
        if refusal is not None:
            return f"{refusal[0]} {refusal[1]}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        for rcpt in envelope.rcpt_tos:
            self._keep(raw, envelope_from=sender_of(envelope.mail_from), rcpt=rcpt)
        return f"250 2.0.0 Ok: queued as MB{self._count:08d}"

    def _keep(self, raw: bytes, *, envelope_from: str, rcpt: str) -> None:
        """The bytes first, then the line that counts them."""
        self._count += 1
        name = f"{self._boot}-{self._count:08d}.eml"
        (self._folder / name).write_bytes(raw)
        head = email.parser.BytesHeaderParser().parsebytes(raw)
        row = {
            "rcpt": rcpt, "envelope_from": envelope_from, "file": name,
            "message_id": str(head.get("Message-ID", "")).strip(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - when it arrived
        }  # fmt: skip
        _append(self._folder / INDEX, row)


def _append(path: Path, row: dict[str, str]) -> None:
    """One write of whole lines; a line torn by a crash is closed first."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + json.dumps(row).encode() + b"\n")
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)
