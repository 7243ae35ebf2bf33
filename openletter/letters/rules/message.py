"""The message: all headers of the mail path, text first, then what is attached; signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from openletter.letters.rules import parted
from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import Header, SigningKey, canonical, names_of, signed
from openletter.letters.rules.facts import LetterError, one_line
from openletter.letters.rules.headers import header, originator
from openletter.letters.rules.text import Written
from openletter.words import normalise_mailbox

Fields = Sequence[tuple[str, str]]
"""Names and values of header fields."""


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


def headers_of(subject: str, to: Addressing, content: Fields) -> list[Header]:
    """Every header of a letter, those that say how its body is to be read last."""
    sender = originator("From", one_line(to.sender_name), addr_spec(to.sender_address))
    fields = [*_headers(subject, to), *content]
    return [(b"From", sender), *((name.encode(), header(name, value)) for name, value in fields)]


BOUNDARY = "=_openletter"
"""Stands in no quoted-printable or base64 line, so that no part can hold it."""
MIXED: Fields = (("Content-Type", f'multipart/mixed; boundary="{BOUNDARY}"'),)
END = f"--{BOUNDARY}--\r\n".encode()
_PLAIN = ("Content-Type", "text/plain; charset=utf-8")


def plain_text(encoding: str) -> Fields:
    """The content headers of a text that is not cut."""
    return (_PLAIN, ("Content-Transfer-Encoding", encoding))


def text_parts(body: str, languages: Sequence[str]) -> list[tuple[Fields, str]]:
    """The text's parts in their order, each with its content headers but for the encoding."""
    cut = parted.texts(body, languages)
    if len(cut) == 1:
        return [((_PLAIN,), body)]
    inline = ("Content-Disposition", "inline")
    return [((_PLAIN, ("Content-Language", tags), inline), text) for tags, text in cut]


def part_head(fields: Fields) -> bytes:
    """A part's beginning, up to its first line."""
    head = b"".join(header(name, value) for name, value in fields)
    return f"--{BOUNDARY}\r\n".encode() + head + b"\r\n"


def file_fields(name: str, media: str, encoding: str) -> Fields:
    """Encoded by content: base64 of a plain text costs more than a point at rspamd."""
    return (
        ("Content-Type", f"{media}; name={name}"),
        ("Content-Disposition", f"attachment; filename={name}"),
        ("Content-Transfer-Encoding", encoding),
    )


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


def _content(written: Written, to: Addressing) -> tuple[Fields, bytes]:
    parts: list[tuple[Fields, bytes]] = []
    for fields, text in text_parts(written.body, to.languages):
        encoding, octets = encode_text(text)
        parts.append(((*fields, ("Content-Transfer-Encoding", encoding)), octets))
    for file in written.files:
        encoding, octets = file.encoded
        parts.append((file_fields(file.name, file.media, encoding), octets))
    if len(parts) == 1:
        return parts[0]
    # the line break before the next boundary is the boundary's own (RFC 2046 §5.1)
    return MIXED, b"".join(part_head(fields) + octets + b"\r\n" for fields, octets in parts) + END
