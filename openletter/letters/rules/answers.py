"""A person's answer to a reply, as a mail.

It is built where it is written and signed where it leaves: the web process holds no key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import Header, SigningKey, signatures
from openletter.letters.rules.facts import one_line
from openletter.letters.rules.headers import header, originator
from openletter.letters.rules.message import addr_spec


@dataclass(frozen=True, kw_only=True)
class AnswerMail:
    """What an answer says and to whom; `in_reply_to` and `references` are Message-IDs."""

    recipient: str
    sender_name: str
    sender_address: str
    reply_to: str
    subject: str
    message_id: str
    text: str
    signed_by: str
    date: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    is_automatic: bool = False
    """A machine wrote it in answer to a mail (RFC 3834): nobody's machine should answer it."""


def build(mail: AnswerMail) -> bytes:
    """The unsigned bytes with CRLF line ends."""
    encoding, body = encode_text(f"{mail.text.strip()}\n\n-- \n{one_line(mail.signed_by)}\n")
    fields = [
        ("To", addr_spec(mail.recipient)),
        ("Reply-To", addr_spec(mail.reply_to)),
        ("Subject", reply_subject(mail.subject)),
        ("Date", format_datetime(mail.date.astimezone(UTC))),
        ("Message-ID", mail.message_id),
        *_thread(mail),
        ("Auto-Submitted", "auto-replied" if mail.is_automatic else "no"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ]
    sender = originator("From", one_line(mail.sender_name), addr_spec(mail.sender_address))
    return sender + b"".join(header(name, value) for name, value in fields) + b"\r\n" + body


def _thread(mail: AnswerMail) -> list[tuple[str, str]]:
    """Only what is a Message-ID goes into a header; a reply's own headers are not trusted."""
    if not _MESSAGE_ID.fullmatch(mail.in_reply_to):
        return []
    known = [one for one in mail.references if _MESSAGE_ID.fullmatch(one)][-5:]
    line = " ".join(dict.fromkeys([*known, mail.in_reply_to]))
    return [("In-Reply-To", mail.in_reply_to), ("References", line)]


_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,180}@[!-;=?-~]{1,100}>")


def reply_subject(subject: str) -> str:
    """One `Re: `, printable, short."""
    plain = one_line(subject).strip() or "your message"
    bare = re.sub(r"(?i)^(?:(?:re|aw|antw|sv)\s*:\s*)+", "", plain)
    return f"Re: {bare}"[:200]


def sign(raw: bytes, *, keys: Sequence[SigningKey], at: datetime) -> bytes:
    """The signature fields before the mail's own."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields: list[Header] = [
        (field.partition(b":")[0], field + b"\r\n") for field in re.split(rb"\r\n(?![ \t])", head)
    ]
    return signatures(fields, body, keys=keys, at=int(at.timestamp())) + raw
