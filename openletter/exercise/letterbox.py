"""A letter as its reader has it: what stands in it, where answers go, and the links inside."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from openletter.words import normalise_mailbox

_CASE_LINK = re.compile(r"https?://\S+/c/([a-z2-7]{20})\b")
_LETTER_LINK = re.compile(r"https?://\S+/l/[a-z2-7]{20}\b")
_ONE_CLICK = re.compile(r"<(https?://[^>]+/o/[^>]+)>")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|2001:db8:[0-9a-f:]+)(?![\w.]*:\S)")
_REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case in a letter, with what its reader could pass on: this part and no other."""

    ip: str
    reference: str
    page: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ReadLetter:
    """A letter opened by its reader."""

    mailbox: str
    message_id: str
    subject: str
    date: datetime
    bounce_to: str
    reply_to: str
    sender: str
    one_click: str
    page: str
    text: str
    rows: tuple[Row, ...]

    @property
    def domain(self) -> str:
        return self.mailbox.rpartition("@")[2]


def read_letter(raw: bytes, *, rcpt: str, envelope_from: str) -> ReadLetter:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    text = _inline_text(message)
    pages = _LETTER_LINK.findall(text)
    clicks = _ONE_CLICK.findall(_header(message, "List-Unsubscribe"))
    return ReadLetter(
        mailbox=normalise_mailbox(rcpt) or rcpt,
        message_id=_header(message, "Message-ID"),
        subject=_header(message, "Subject"),
        date=parsedate_to_datetime(_header(message, "Date")),
        bounce_to=envelope_from,
        reply_to=_header(message, "Reply-To"),
        sender=_header(message, "From"),
        one_click=clicks[0] if clicks else "",
        page=pages[0] if pages else "",
        text=text,
        rows=tuple(_rows_in_text(text) or _rows_in_table(message) or _only_row(text)),
    )


def is_about_a_letter(raw: bytes) -> bool:
    """Letters say who they are; answers of a person carry no List-Unsubscribe."""
    message = BytesParser(policy=policy.default).parsebytes(raw, headersonly=True)
    return bool(message["List-Unsubscribe"])


def _header(message: EmailMessage, name: str) -> str:
    return re.sub(r"\s+", " ", str(message.get(name, ""))).strip()


def _inline_text(message: EmailMessage) -> str:
    """The letter as it is read: its inline parts one after the other."""
    parts = (
        str(part.get_content()).replace("\r\n", "\n")
        for part in message.walk()
        if part.get_content_type() == "text/plain" and not part.get_filename()
    )
    return "\n".join(parts)


def _rows_in_text(text: str) -> list[Row]:
    """Parts that hold an address, a reference and a link of their own, each once."""
    found: dict[str, Row] = {}
    for part in text.split("\n\n"):
        link, address, reference = (
            pattern.search(part) for pattern in (_CASE_LINK, _ADDRESS, _REFERENCE)
        )
        if link and address and reference and link.group(1) not in found:
            found[link.group(1)] = Row(
                ip=address.group(), reference=reference.group(), page=link.group(), text=part
            )
    return list(found.values())


def _only_row(text: str) -> list[Row]:
    """A letter about one address is itself what is passed on, as far as the double line."""
    part = text.partition("=" * 40)[0]
    link, address, reference = (
        pattern.search(part) for pattern in (_CASE_LINK, _ADDRESS, _REFERENCE)
    )
    if not (link and address and reference):
        return []
    page, ip = link.group(), address.group()
    return [Row(ip=ip, reference=reference.group(), page=page, text=part)]


def _rows_in_table(message: EmailMessage) -> list[Row]:
    """The rows of an attached table."""
    found: list[Row] = []
    for part in message.walk():
        if part.get_content_type() != "text/csv":
            continue
        table = csv.DictReader(io.StringIO(str(part.get_content())))
        found += [
            Row(
                ip=cells["ip"], reference=cells["reference"], page=cells["page"],
                text="\n".join(f"{key}: {value}" for key, value in cells.items() if value),
            )
            for cells in table
        ]  # fmt: skip
    return found
