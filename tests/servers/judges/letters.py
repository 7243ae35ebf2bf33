"""The letters that the judges see, and what somebody could do to one on its way."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

from openletter.letters import preview
from openletter.letters.rules.body import encode_base64
from openletter.letters.rules.dkim import SigningKey
from tests.servers.judges.court import Records

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{76}\r\n)*[A-Za-z0-9+/]{2,76}={0,2}\r\n")
ADDED = (
    b"Subject: Something else", b"Reply-To: somebody@evil.example", b"To: somebody@evil.example",
    b"Cc: somebody@evil.example", b"Content-Type: text/html; charset=utf-8",
)  # fmt: skip


def txt(text: str) -> str:
    """A TXT record's value as strings of at most 250 octets."""
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def records_of(keys: Iterable[SigningKey]) -> Records:
    return {f"{key.dns_name()}.": {"TXT": txt(key.dns_record())} for key in keys}


def signed(
    asked: Iterable[preview.Asked], keys: Sequence[SigningKey]
) -> Iterator[tuple[str, bytes]]:
    for one in asked:
        yield one.name, preview.signed(one, with_keys=keys).raw


def tampered(raw: bytes) -> dict[str, bytes]:
    """The letter with one digit of an address changed, with each header added, with From twice."""
    forged = b"From: Somebody Else <letters@campaign.example>\r\n"
    changes = {"digit": with_another_digit(raw), "from": forged + raw}
    for line in ADDED:
        name = line.partition(b":")[0].decode().lower()
        changes[f"added {name}"] = line + b"\r\n" + raw
    return changes


def with_another_digit(
    raw: bytes, *, old: bytes = b"192.0.2.17", new: bytes = b"192.0.2.18"
) -> bytes:
    """Readable again as it was, but for that digit, whatever the transfer encoding."""
    head, _, body = raw.partition(b"\r\n\r\n")
    if old in body:
        changed = body.replace(old, new)
    else:
        changed = _BASE64.sub(lambda found: _recoded(found[0], old, new), body)
    assert changed != body, "the letter does not hold the address"
    return head + b"\r\n\r\n" + changed


def _recoded(lines: bytes, old: bytes, new: bytes) -> bytes:
    text = base64.b64decode(lines)
    return encode_base64(text.replace(old, new)) if old in text else lines
