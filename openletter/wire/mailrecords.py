"""TXT records about mail that are lists of `tag=value`: DKIM keys (RFC 6376), DMARC (RFC 7489)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

LONGEST = 8_000
_TAG = re.compile(r"([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=")
_POLICIES = ("none", "quarantine", "reject")


class RecordError(ValueError):
    """No record of this kind; says what is wrong."""


def tags(text: bytes) -> dict[str, str]:
    """The tags in their order; one that stands twice, or what is no tag, is an error."""
    if len(text) > LONGEST:
        raise RecordError("too long")
    found: dict[str, str] = {}
    pieces = text.decode("utf-8", "replace").split(";")
    if pieces and not pieces[-1].strip():
        pieces.pop()
    for piece in pieces:
        plain = piece.strip(" \t\r\n")
        read = _TAG.match(plain)
        if read is None or read[1] in found:
            raise RecordError(plain[:60])
        found[read[1]] = plain[read.end() :].lstrip(" \t\r\n")
    return found


@dataclass(frozen=True, kw_only=True)
class KeyRecord:
    """A public key as it stands in DNS; without octets it was revoked."""

    kind: str
    octets: bytes
    hashes: tuple[str, ...] = ()
    services: tuple[str, ...] = ("*",)
    flags: frozenset[str] = frozenset()

    @property
    def may_sign_letters(self) -> bool:
        """Whether SHA-256 and mail are among what it is for."""
        is_for_mail = bool({"*", "email"} & set(self.services))
        return is_for_mail and (not self.hashes or "sha256" in self.hashes)


def read_key(text: bytes) -> KeyRecord:
    """A DKIM key record (RFC 6376 section 3.6.1), or RecordError."""
    found = tags(text)
    if "v" in found and (next(iter(found)) != "v" or found["v"] != "DKIM1"):
        raise RecordError("v= is not DKIM1, or not first")
    if "p" not in found:
        raise RecordError("no p=")
    try:
        octets = base64.b64decode("".join(found["p"].split()), validate=True)
    except (binascii.Error, ValueError):
        raise RecordError("p= is no base64") from None
    return KeyRecord(
        kind=found.get("k", "rsa").lower(),
        octets=octets,
        hashes=_words(found.get("h", "")),
        services=_words(found.get("s", "*")),
        flags=frozenset(_words(found.get("t", ""))),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in text.split(":") if word.strip())


@dataclass(frozen=True, kw_only=True)
class Dmarc:
    """What a domain asks of those who get mail in its name."""

    policy: str
    below: str
    """The policy for names below it (`sp`), else the same."""
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: tuple[str, ...] = ()


def is_dmarc(text: bytes) -> bool:
    """Whether a TXT record claims to be one: the version comes first (RFC 7489 section 6.3)."""
    head, _, _ = text.partition(b";")
    name, _, value = head.partition(b"=")
    return name.strip() == b"v" and value.strip() == b"DMARC1"


def read_dmarc(text: bytes) -> Dmarc:
    """A record, or RecordError. Without a policy that counts but with reports it asks nothing."""
    if not is_dmarc(text):
        raise RecordError("v= is not DMARC1, or not first")
    found = tags(text)
    reports = tuple(
        uri.strip() for uri in found.get("rua", "").split(",") if uri.strip().startswith("mailto:")
    )
    policy = found.get("p", "").lower()
    if policy not in _POLICIES:
        if not reports:
            raise RecordError("no p= that counts")
        policy = "none"
    below = found.get("sp", policy).lower()
    return Dmarc(
        policy=policy,
        below=below if below in _POLICIES else policy,
        strict_dkim=found.get("adkim", "r").lower() == "s",
        strict_spf=found.get("aspf", "r").lower() == "s",
        reports=reports,
    )
