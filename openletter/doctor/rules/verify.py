"""Whether a DKIM signature of ours still holds on a mail that came back to us (RFC 6376, 8463).

Only our own signatures are looked at, with our own public keys: nobody is asked. The mail may be
anybody's, so whatever it says ends in a `Held`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from openletter.letters.rules.dkim import relaxed
from openletter.wire.mailrecords import RecordError, tags

Public = RSAPublicKey | Ed25519PublicKey
Field = tuple[str, bytes]
"""Name in lower case, and the whole field with its CRLF."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_SIGNED_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_BLANKS = re.compile(rb"[ \t]+")


class Held(StrEnum):
    """What became of one signature."""

    HOLDS = "holds"
    GONE = "gone"
    BODY_CHANGED = "body-changed"
    HEADERS_CHANGED = "headers-changed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A mail taken apart, its line ends made CRLF as they were on the wire."""

    fields: tuple[Field, ...]
    body: bytes

    def all(self, name: str) -> list[bytes]:
        """The fields of that name, from above, whole."""
        return [field for found, field in self.fields if found == name]

    def value(self, name: str) -> str:
        """The first field's value, unfolded; empty where there is none."""
        field = next(iter(self.all(name)), b"")
        text = field.partition(b":")[2].replace(b"\r\n", b"").strip()
        return text.decode("utf-8", "replace")


def take_apart(raw: bytes) -> Parsed:
    """A mail from a file; a line before the headers that is no field (mbox) is left out."""
    wire = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    head, _, body = wire.lstrip(b"\r\n").partition(b"\r\n\r\n")
    fields: list[Field] = []
    for line in re.split(rb"\r\n(?![ \t])", head):
        found = _FIELD.match(line)
        if found:
            fields.append((found[1].decode("ascii").lower(), line.rstrip(b"\r\n") + b"\r\n"))
    return Parsed(fields=tuple(fields), body=body)


def held(mail: Parsed, *, domain: str, selector: str, public: Public) -> Held:
    """What became of the signature of this selector; of several the best counts."""
    found = [_judged(mail, field, public) for field in _own(mail, domain, selector)]
    return min(found, key=list(Held).index, default=Held.GONE)


def _own(mail: Parsed, domain: str, selector: str) -> Iterable[bytes]:
    for field in mail.all("dkim-signature"):
        found = _tags(field)
        if (found.get("d", "").lower(), found.get("s", "").lower()) == (domain, selector):
            yield field


def _tags(field: bytes) -> dict[str, str]:
    try:
        return tags(field.partition(b":")[2].replace(b"\r\n", b""))
    except RecordError:
        return {}


def _judged(mail: Parsed, field: bytes, public: Public) -> Held:
    found = _tags(field)
    over, body = (*found.get("c", "simple/simple").lower().split("/"), "simple")[:2]
    names = [name.strip().lower() for name in found.get("h", "").split(":")]
    is_ours = found.get("a", "").lower() == _algorithm(public) and "l" not in found
    if not is_ours or over not in _HEADERS or body not in _BODIES:
        return Held.UNREADABLE
    try:
        signature = base64.b64decode("".join(found.get("b", "").split()), validate=True)
        said = base64.b64decode("".join(found.get("bh", "").split()), validate=True)
    except (binascii.Error, ValueError):
        return Held.UNREADABLE
    if said != hashlib.sha256(_BODIES[body](mail.body)).digest():
        return Held.BODY_CHANGED
    canonical = _HEADERS[over]
    signed = b"".join(canonical(one) for one in _picked(mail.fields, names))
    own = canonical(_without_value(field)).removesuffix(b"\r\n")
    return Held.HOLDS if _verifies(public, signature, signed + own) else Held.HEADERS_CHANGED


def _without_value(field: bytes) -> bytes:
    """The signature's own field, its `b=` empty."""
    name, colon, value = field.partition(b":")
    end = b"\r\n" if value.endswith(b"\r\n") else b""
    return name + colon + _SIGNED_VALUE.sub(rb"\1", value.removesuffix(end)) + end


def _picked(fields: Sequence[Field], names: Iterable[str]) -> Iterable[bytes]:
    """Each name once more takes the next field of that name from below (section 5.4.2)."""
    below: dict[str, list[bytes]] = {}
    for name, field in fields:
        below.setdefault(name, []).append(field)
    for name in names:
        if below.get(name):
            yield below[name].pop()


def _algorithm(public: Public) -> str:
    return "rsa-sha256" if isinstance(public, RSAPublicKey) else "ed25519-sha256"


def _verifies(public: Public, signature: bytes, octets: bytes) -> bool:
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())
        else:
            public.verify(signature, hashlib.sha256(octets).digest())
    except InvalidSignature:
        return False
    return True


def _simple_body(body: bytes) -> bytes:
    """Empty lines at the end are one line end (section 3.4.3)."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    lines = (_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    found = _simple_body(b"\r\n".join(lines))
    return b"" if found == b"\r\n" else found


def _relaxed_field(field: bytes) -> bytes:
    return relaxed(field) + b"\r\n"


def _as_it_is(field: bytes) -> bytes:
    return field


_BODIES = {"simple": _simple_body, "relaxed": _relaxed_body}
_HEADERS = {"simple": _as_it_is, "relaxed": _relaxed_field}
