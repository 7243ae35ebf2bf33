"""The message: all headers of the mail path, text first, a table where rows are many; signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import Header, SigningKey, signatures
from openletter.letters.rules.facts import LetterError, one_line
from openletter.letters.rules.headers import header, originator
from openletter.letters.rules.text import Written
from openletter.words import normalise_mailbox


@dataclass(frozen=True, kw_only=True)
class Addressing:
    """To whom, from whom and how it comes back; all of it decided before the message is built."""

    recipient: str
    sender_name: str
    sender_address: str
    reply_to: str
    message_id: str
    stop_url: str
    stop_mailto: str
    feedback_id: str
    languages: tuple[str, ...]
    date: datetime
    thread: str = ""
    """The first letter's Message-ID, on every later letter to the same mailbox."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A signed letter: the bytes that leave, and the digest of their body."""

    raw: bytes
    body_sha256: bytes
    subject: str


def addr_spec(address: str) -> str:
    """An address that may stand in a header: dot-atom, domain as A-label; else refused."""
    mailbox = normalise_mailbox(address)
    if mailbox is None:
        raise LetterError("not-an-address", one_line(address))
    return f"{address.rpartition('@')[0]}@{mailbox.rpartition('@')[2]}"


def build(written: Written, to: Addressing, *, keys: Sequence[SigningKey]) -> Message:
    """The letter as bytes with CRLF line ends, signed with every key."""
    content, body = _content(written, to)
    sender = originator("From", one_line(to.sender_name), addr_spec(to.sender_address))
    fields = [*_headers(written, to), *content]
    headers: list[Header] = [
        (b"From", sender), *((name.encode(), header(name, value)) for name, value in fields)
    ]  # fmt: skip
    signed = signatures(headers, body, keys=keys, at=int(to.date.timestamp()))
    raw = signed + b"".join(field for _, field in headers) + b"\r\n" + body
    return Message(raw=raw, body_sha256=hashlib.sha256(body).digest(), subject=written.subject)


def _headers(written: Written, to: Addressing) -> list[tuple[str, str]]:
    threaded = [("In-Reply-To", to.thread), ("References", to.thread)] if to.thread else []
    return [
        ("To", addr_spec(to.recipient)),
        ("Reply-To", addr_spec(to.reply_to)),
        ("Subject", written.subject),
        ("Date", format_datetime(to.date.astimezone(UTC))),
        ("Message-ID", to.message_id),
        *threaded,
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("List-Unsubscribe", f"<{to.stop_url}>, <mailto:{addr_spec(to.stop_mailto)}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Feedback-ID", to.feedback_id),
        ("Content-Language", ", ".join(to.languages)),
        ("MIME-Version", "1.0"),
    ]


def _content(written: Written, to: Addressing) -> tuple[list[tuple[str, str]], bytes]:
    encoding, text = encode_text(written.body)
    plain = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ]
    if not written.table:
        return plain, text
    # "=_" occurs in no quoted-printable or base64 line, so no part can hold the boundary
    boundary = f"=_{hashlib.sha256(to.message_id.encode()).hexdigest()[:32]}"
    table_encoding, table_octets = encode_text(written.table)
    table = [
        ("Content-Type", f"text/csv; charset=utf-8; header=present; name={written.table_name}"),
        ("Content-Disposition", f"attachment; filename={written.table_name}"),
        ("Content-Transfer-Encoding", table_encoding),
    ]
    parts = ((plain, text), (table, table_octets))
    line = b"--" + boundary.encode()
    body = b"".join(_part(line, fields, octets) for fields, octets in parts) + line + b"--\r\n"
    mixed = [("Content-Type", f'multipart/mixed; boundary="{boundary}"')]
    return mixed, body


def _part(line: bytes, fields: Sequence[tuple[str, str]], octets: bytes) -> bytes:
    """One part; the line break before the next boundary is the boundary's own (RFC 2046 §5.1)."""
    head = b"".join(header(name, value) for name, value in fields)
    return line + b"\r\n" + head + b"\r\n" + octets + b"\r\n"
