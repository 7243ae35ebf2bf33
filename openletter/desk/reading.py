"""Bytes of a mail read as text: for eyes only, never as markup, never followed."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default as modern

from openletter.wire.mime import NO_CHARSETS

SHOWN = 200_000
"""Characters of a part that a page shows; it says where it was cut."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One leaf of the mail: a text to read, or the name and size of something that is not shown."""

    kind: str
    name: str
    size: int
    text: str | None
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Mail:
    headers: list[tuple[str, str]]
    parts: list[Part]
    raw: str


def read(raw: bytes) -> Mail:
    """Headers and text parts as they stand; whatever can't be read is shown as raw text only."""
    as_text = raw[:SHOWN].decode("utf-8", "backslashreplace")
    try:
        message = message_from_bytes(raw, policy=modern)
        headers = [(name, str(value)) for name, value in message.items()]
        parts = list(_leaves(message))
    except (MessageError, ValueError, LookupError, AttributeError, IndexError):
        return Mail(headers=[], parts=[], raw=as_text)
    return Mail(headers=headers, parts=parts, raw=as_text)


def inline_text(raw: bytes) -> str:
    """What a mail says without its files, part after part; its raw text where there is none."""
    mail = read(raw)
    said = [part.text.replace("\r\n", "\n") for part in mail.parts if part.text and not part.name]
    return "\n".join(said) or mail.raw


def _leaves(message: EmailMessage) -> Iterator[Part]:
    for leaf in message.walk():
        if leaf.is_multipart():
            continue
        payload = leaf.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        is_text = leaf.get_content_maintype() == "text"
        text = content.decode(_charset(leaf), "backslashreplace") if is_text else None
        yield Part(
            kind=leaf.get_content_type(),
            name=leaf.get_filename() or "",
            size=len(content),
            text=text[:SHOWN] if text is not None else None,
            is_cut=text is not None and len(text) > SHOWN,
        )


def _charset(leaf: EmailMessage) -> str:
    """The character set that the mail names, where Python knows it as one."""
    name = str(leaf.get_content_charset() or "utf-8")
    try:
        "".encode(name)
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if known in NO_CHARSETS else name
