"""security.txt (RFC 9116): the mail addresses it gives, where it still holds.

Owns: the plain and the PGP-signed form (the armour is taken off, the signature is not checked:
we trust the certificate of the host, no more), `Contact` lines in their order of preference,
`mailto:` only, `Expires` demanded, `Canonical` obeyed. Refuses: what has expired or never does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from openletter.wire import mailaddress

PLACE = "/.well-known/security.txt"
LARGEST = 64 * 1024
MOST_CONTACTS = 10
_FIELD = re.compile(r"([A-Za-z-]{1,40})\s*:\s*(.{1,1000})")
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


@dataclass(frozen=True, kw_only=True)
class SecurityTxt:
    """What a file says; `code` says why it gives nobody, empty where it does."""

    contacts: tuple[str, ...] = ()
    expires: datetime | None = None
    is_signed: bool = False
    code: str = ""


def read(document: bytes, *, url: str, now: datetime) -> SecurityTxt:
    """The addresses of a file that was fetched from `url`."""
    if len(document) > LARGEST:
        return SecurityTxt(code="too-large")
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError:
        return SecurityTxt(code="not-text")
    body, is_signed = _without_armour(text)
    fields = list(_fields(body))
    expires = [_time(value) for name, value in fields if name == "expires"]
    canonical = [value for name, value in fields if name == "canonical"]
    code = _fault(expires, canonical, url=url, now=now)
    contacts = tuple(_contacts(fields)) if not code else ()
    return SecurityTxt(
        contacts=contacts, expires=expires[0] if expires else None, is_signed=is_signed,
        code=code or ("" if contacts else "no-mail-contact"),
    )  # fmt: skip


def _fault(expires: list[datetime | None], canonical: list[str], *, url: str, now: datetime) -> str:
    if len(expires) != 1 or expires[0] is None:
        return "no-expiry"
    if expires[0] <= now:
        return "expired"
    return "of-another-place" if canonical and url not in canonical else ""


def _without_armour(text: str) -> tuple[str, bool]:
    """The signed text without its armour (RFC 9580 section 7): headers, dashes, signature."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    if not text.startswith(_SIGNED):
        return text, False
    inner = text.partition("\n\n")[2].partition(_SIGNATURE)[0]
    return "\n".join(line.removeprefix("- ") for line in inner.split("\n")), True


def _fields(body: str) -> Iterator[tuple[str, str]]:
    for line in body.split("\n")[:1_000]:
        match = _FIELD.fullmatch(line.strip()) if line[:1] != "#" else None
        if match:
            yield match.group(1).lower(), match.group(2).strip()


def _contacts(fields: list[tuple[str, str]]) -> Iterator[str]:
    count = 0
    for name, value in fields:
        if name != "contact" or value[:7].lower() != "mailto:" or count >= MOST_CONTACTS:
            continue
        read_ = mailaddress.one(unquote(value[7:].partition("?")[0]))
        if isinstance(read_, mailaddress.Address):
            count += 1
            yield read_.text


def _time(value: str) -> datetime | None:
    """RFC 3339 and nothing else."""
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    day, hour, zone = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{hour}{zone.upper().replace('Z', '+00:00')}")
    except ValueError:
        return None
