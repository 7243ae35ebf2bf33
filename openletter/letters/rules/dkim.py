"""DKIM signatures (RFC 6376, RFC 8463): relaxed/simple, RSA-2048 and Ed25519, oversigned.

Signing is the dearest part of a letter; this is the bare RFC on `cryptography`, and a foreign
verifier checks it in the tests.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Header = tuple[bytes, bytes]
"""Name and the whole field as it stands in the message, CRLF included."""

OVERSIGNED = (
    b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to",
    b"references", b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
"""Named once more than they occur, so that none can be added: what a reader's program shows, where
his answer goes, and how the body is read (RFC 6376 §8.15). Not the List- fields: a desk's own list
puts its own above ours, and the letter stays verifiable."""

_PADDING, _HASH = padding.PKCS1v15(), hashes.SHA256()
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = 72


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A private key, the domain it speaks for and its name in DNS."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def dns_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    def dns_record(self) -> str:
        """The TXT record that makes our signatures verifiable (RFC 6376 §3.6.1, RFC 8463 §4)."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            octets = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"
        octets = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(octets).decode()}"

    def sign(self, octets: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, _PADDING, _HASH)
        return self.private.sign(hashlib.sha256(octets).digest())


def zone_text(text: str) -> str:
    """A TXT record's value as a zone file has it: quoted strings of at most 255 octets."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


def relaxed(field: bytes) -> bytes:
    """A header field in relaxed form, without its CRLF (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", unfolded).strip()


def signatures(
    headers: Sequence[Header], body: bytes, *, keys: Iterable[SigningKey], at: int
) -> bytes:
    """One DKIM-Signature field for each key, to be put before the message's headers.

    `body` ends in exactly one CRLF. Every header given is signed.
    """
    names, digest = names_of(name for name, _ in headers), hashlib.sha256(body).digest()
    return signed(names, canonical(headers), keys=keys, body_sha256=digest, at=at)


def canonical(headers: Iterable[Header]) -> bytes:
    """Header fields in relaxed form, each with its CRLF."""
    return b"".join(relaxed(field) + b"\r\n" for _, field in headers)


def names_of(headers: Iterable[bytes]) -> bytes:
    """What `h=` lists: every header, and once more what must not be added."""
    return b":".join([*(name.lower() for name in headers), *OVERSIGNED])


def signed(
    names: bytes, over: bytes, *, keys: Iterable[SigningKey], body_sha256: bytes, at: int
) -> bytes:
    """The signature fields over header fields that are in relaxed form already."""
    digest = binascii.b2a_base64(body_sha256, newline=False)
    return b"".join([_field(_frame(key, names, at), over, digest) for key in keys])


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """All of a signature field but body hash and signature: as printed, and in relaxed form."""

    key: SigningKey
    printed: bytes
    canonical: bytes


@lru_cache(maxsize=256)
def _frame(key: SigningKey, names: bytes, at: int) -> _Frame:
    printed = b"".join(
        (
            f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/simple;\r\n".encode(),
            f" d={key.domain}; s={key.selector}; t={at};\r\n".encode(),
            b" h=" + _folded_names(names) + b";\r\n",
            b" bh=",
        )
    )
    return _Frame(key=key, printed=printed, canonical=relaxed(printed))


def _field(frame: _Frame, over: bytes, digest: bytes) -> bytes:
    octets = b"".join((over, frame.canonical, digest, b"; b="))
    value = binascii.b2a_base64(frame.key.sign(octets), newline=False)
    pieces = [value[start : start + _FOLD] for start in range(0, len(value), _FOLD)]
    return b"".join((frame.printed, digest, b";\r\n b=", b"\r\n ".join(pieces), b"\r\n"))


def _folded_names(names: bytes) -> bytes:
    lines = [b""]
    for name in names.split(b":"):
        glued = (b":" if lines[-1] else b"") + name
        if len(lines[-1]) + len(glued) > _FOLD:
            lines[-1] += b":"
            lines.append(name)
        else:
            lines[-1] += glued
    return b"\r\n ".join(lines)
