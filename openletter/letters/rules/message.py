"""The message: all headers of the mail path, text first, a table where rows are many; signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from openletter.letters.rules.attached import Attachment
from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import Header, SigningKey, canonical, names_of, signed
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


@dataclass(frozen=True, kw_only=True)
class Unsigned:
    """A letter that lacks nothing but its signatures: many are signed at one go."""

    subject: str
    names: bytes
    """What the signatures cover, and all of it in relaxed form."""
    canonical: bytes
    head: bytes
    body: bytes
    body_sha256: bytes
    at: int

    def sign(self, keys: Sequence[SigningKey]) -> Message:
        """The bytes that leave, with one signature a key."""
        signatures = signed(
            self.names, self.canonical, keys=keys, body_sha256=self.body_sha256, at=self.at
        )
        raw = b"".join((signatures, self.head, b"\r\n", self.body))
        return Message(raw=raw, body_sha256=self.body_sha256, subject=self.subject)


def build(written: Written, to: Addressing, *, keys: Sequence[SigningKey]) -> Message:
    """The letter as bytes with CRLF line ends, signed with every key."""
    return unsigned(written, to).sign(keys)


def unsigned(written: Written, to: Addressing) -> Unsigned:
    content, body = _content(written, to)
    headers = headers_of(written.subject, to, content)
    return Unsigned(
        subject=written.subject,
        names=names_of(name for name, _ in headers),
        canonical=canonical(headers),
        head=b"".join(field for _, field in headers),
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        at=int(to.date.timestamp()),
    )


def headers_of(subject: str, to: Addressing, content: Sequence[tuple[str, str]]) -> list[Header]:
    """Every header of a letter, those that say how its body is to be read last."""
    sender = originator("From", one_line(to.sender_name), addr_spec(to.sender_address))
    fields = [*_headers(subject, to), *content]
    return [(b"From", sender), *((name.encode(), header(name, value)) for name, value in fields)]


def plain_text(encoding: str) -> list[tuple[str, str]]:
    """The content headers of a letter without attachments."""
    return [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ]


def _headers(subject: str, to: Addressing) -> list[tuple[str, str]]:
    threaded = [("In-Reply-To", to.thread), ("References", to.thread)] if to.thread else []
    return [
        ("To", addr_spec(to.recipient)),
        ("Reply-To", addr_spec(to.reply_to)),
        ("Subject", subject),
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
    plain = plain_text(encoding)
    if not written.files:
        return plain, text
    # "=_" occurs in no quoted-printable or base64 line, so no part can hold the boundary
    boundary = f"=_{hashlib.sha256(to.message_id.encode()).hexdigest()[:32]}"
    parts = [(plain, text), *map(_file, written.files)]
    line = b"--" + boundary.encode()
    body = b"".join(_part(line, fields, octets) for fields, octets in parts) + line + b"--\r\n"
    mixed = [("Content-Type", f'multipart/mixed; boundary="{boundary}"')]
    return mixed, body


def _file(file: Attachment) -> tuple[list[tuple[str, str]], bytes]:
    """Encoded by content: base64 of a plain text costs more than a point at rspamd."""
    encoding, octets = file.encoded
    fields = [
        ("Content-Type", f"{file.media}; name={file.name}"),
        ("Content-Disposition", f"attachment; filename={file.name}"),
        ("Content-Transfer-Encoding", encoding),
    ]
    return fields, octets


def _part(line: bytes, fields: Sequence[tuple[str, str]], octets: bytes) -> bytes:
    """One part; the line break before the next boundary is the boundary's own (RFC 2046 §5.1)."""
    head = b"".join(header(name, value) for name, value in fields)
    return line + b"\r\n" + head + b"\r\n" + octets + b"\r\n"
