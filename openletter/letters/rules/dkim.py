"""DKIM signatures (RFC 6376, RFC 8463): relaxed/simple, RSA-2048 and Ed25519, oversigned.

Signing is the dearest part of a letter; this is the bare RFC on `cryptography`, and a foreign
verifier checks it in the tests.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
            return self.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
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
    names = b":".join([*(name.lower() for name, _ in headers), *OVERSIGNED])
    signed = b"".join(relaxed(field) + b"\r\n" for _, field in headers)
    digest = base64.b64encode(hashlib.sha256(body).digest())
    return b"".join(_field(key, names, signed, digest=digest, at=at) for key in keys)


def _field(key: SigningKey, names: bytes, signed: bytes, *, digest: bytes, at: int) -> bytes:
    before = b"".join(
        (
            f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/simple;\r\n".encode(),
            f" d={key.domain}; s={key.selector}; t={at};\r\n".encode(),
            b" h=" + _folded_names(names) + b";\r\n",
            b" bh=" + digest + b";\r\n b=",
        )
    )
    value = base64.b64encode(key.sign(signed + relaxed(before)))
    pieces = [value[start : start + _FOLD] for start in range(0, len(value), _FOLD)]
    return before + b"\r\n ".join(pieces) + b"\r\n"


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
