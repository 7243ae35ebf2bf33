"""Bytes of a mail read as text: for eyes only, never as markup, never followed."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, replace
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


def letter(raw: bytes) -> Mail:
    """A letter of ours as its reader sees it: texts without a name that follow one another are one.

    Where a language writes many accents, the text leaves cut in parts (docs/adr/0019).
    """
    mail = read(raw)
    parts: list[Part] = []
    for part in mail.parts:
        goes_on = bool(parts) and _goes_on(parts[-1], part)
        parts.append(_joined(parts.pop(), part) if goes_on else part)
    return replace(mail, parts=parts)


def inline_text(raw: bytes) -> str:
    """What a letter of ours says without its files; its raw text where there is none."""
    mail = letter(raw)
    said = [part.text for part in mail.parts if part.text and not part.name]
    return "\n".join(said).replace("\r\n", "\n") or mail.raw


def _goes_on(before: Part, part: Part) -> bool:
    return all(one.kind == "text/plain" and not one.name for one in (before, part))


def _joined(before: Part, part: Part) -> Part:
    said = "\n".join((before.text or "", part.text or ""))
    return replace(
        before, size=before.size + part.size, text=said[:SHOWN],
        is_cut=before.is_cut or part.is_cut or len(said) > SHOWN,
    )  # fmt: skip


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
