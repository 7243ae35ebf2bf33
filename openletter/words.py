"""The words that every room agrees on: closed sets, reasons, references, secrets, mailboxes.

The lowest layer: it imports nothing of ours and no framework. The sets are those of the
design's contracts; adding a word is a decision that touches code, catalogues and docs at once.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files

import idna


class Weakness(StrEnum):
    """What is wrong with a server."""

    OPEN_RELAY = "open-relay"
    OPEN_HTTP_PROXY = "open-http-proxy"
    OPEN_SOCKS = "open-socks"


class Role(StrEnum):
    """Which side of a server an address in evidence is: where it listens or where it leaves."""

    ENTRY = "entry"
    EXIT = "exit"
    UNKNOWN = "unknown"


class Protocol(StrEnum):
    TCP = "tcp"
    UDP = "udp"


class Judgement(StrEnum):
    """What a row of a source is worth, before age and address class are weighed."""

    ACCEPT = "accept"
    SAME_AS = "same-as"
    REACHABLE_ONLY = "reachable-only"
    CORROBORATES = "corroborates"
    WITHDRAWN = "withdrawn"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class DnsblAnswer(StrEnum):
    """What a DNS zone says of an address; only the first is evidence, only it and the second news.

    `unknown`: nobody told (silence, an error, nonsense); `refused`: the zone will not tell us.
    """

    LISTED = "listed"
    NOT_LISTED = "not-listed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class AddressClass(StrEnum):
    GLOBAL = "global"
    DOCUMENTATION = "documentation"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    SPECIAL = "special"


class FindingState(StrEnum):
    OPEN = "open"
    SUSPECTED = "suspected"
    NONE = "none"


class WaveKind(StrEnum):
    """Why a letter is written; also the kind of its wording."""

    FIRST = "first"
    UPDATE = "update"
    REMINDER = "reminder"
    CLOSING = "closing"
    CORRECTION = "correction"


class Reader(StrEnum):
    """To whom a letter speaks: a provider passes it on, an owner closes the server."""

    OWNER = "owner"
    PROVIDER = "provider"
    CSIRT = "csirt"


class DeliveryState(StrEnum):
    """The fate of one handing-over; this set and no other."""

    CLEARED = "cleared"
    HANDING = "handing"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class CaseState(StrEnum):
    OPEN = "open"
    ANNOUNCED_FIXED = "announced-fixed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class OutcomeResult(StrEnum):
    CLOSED = "closed"
    STILL_OPEN = "still-open"
    GONE = "gone"
    MOVED = "moved"
    UNREACHABLE = "unreachable"


class Scope(StrEnum):
    """For whom a contact acts; decides which text he gets."""

    END_USER = "end-user"
    PROVIDER = "provider"
    UPSTREAM = "upstream"
    NIR = "nir"
    CSIRT = "csirt"
    UNKNOWN = "unknown"


class Wish(StrEnum):
    """What a contact can ask of the letters to its mailbox."""

    NO_ATTACHMENT = "no-attachment"
    OTHER_MAILBOX = "other-mailbox"


class TokenPurpose(StrEnum):
    """What a mail token may do; a leaked one does that and no more."""

    BOUNCE = "bounce"
    REPLY = "reply"
    STOP = "stop"


class StepName(StrEnum):
    """The steps of the line in order; a law keeps this equal to `line.LINE`."""

    INGEST = "ingest"
    CONSULT = "consult"
    WEIGH = "weigh"
    OPEN = "open"
    LOOKUP = "lookup"
    FIND = "find"
    COMPOSE = "compose"
    SEND = "send"
    READ = "read"
    RECHECK = "recheck"
    CONCLUDE = "conclude"


Value = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something was decided: a code with values; catalogues turn it into a sentence."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The form kept in JSON columns: {"code": ..., "values": {...}}."""
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Reason:
        values = stored.get("values")
        return cls(code=str(stored["code"]), values=values if isinstance(values, dict) else {})


# -- references: 8 characters Crockford base32, the last one checks the first seven -------------

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})
_REFERENCE = re.compile(rf"[{ALPHABET}]{{8}}")


def _check_character(body: str) -> str:
    """Weighted sum modulo 31 (a prime below 32): catches one wrong or two swapped characters."""
    total = sum(weight * ALPHABET.index(letter) for weight, letter in enumerate(body, start=2))
    return ALPHABET[total % 31]


def new_reference() -> str:
    """A fresh random reference, 35 bits; uniqueness is the database's to keep."""
    body = "".join(secrets.choice(ALPHABET[:31]) for _ in range(7))
    return body + _check_character(body)


def parse_reference(typed: str) -> str | None:
    """What a person typed, as stored; None where it cannot be a reference."""
    plain = re.sub(r"[\s\-–—.]", "", typed).upper().translate(_READ_AS)
    if not _REFERENCE.fullmatch(plain) or plain[7] != _check_character(plain[:7]):
        return None
    return plain


def print_reference(reference: str) -> str:
    """`7K3QD9MX` as people read it: `7K3Q-D9MX`."""
    return f"{reference[:4]}-{reference[4:]}"


# -- secrets and tokens: 100 random bits, kept as SHA-256 only ----------------------------------

SECRET = re.compile(r"[a-z2-7]{20}")


def new_secret() -> str:
    """100 random bits as 20 lower-case base32 characters (survives case-folding relays)."""
    return base64.b32encode(secrets.token_bytes(13)).decode("ascii").lower()[:20]


def secret_hash(secret: str) -> bytes:
    """What the database keeps of a secret: 32 bytes."""
    return hashlib.sha256(secret.encode("ascii", "replace")).digest()


# -- mailboxes ----------------------------------------------------------------------------------

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalise_domain(domain: str) -> str | None:
    """Lower-case A-labels without a trailing dot; None where it is no host name."""
    try:
        plain = unicodedata.normalize("NFC", domain).strip().rstrip(".").lower()
        ascii_form = plain if plain.isascii() else idna.encode(plain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
    labels = ascii_form.split(".")
    if len(ascii_form) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return None
    return ascii_form


def normalise_mailbox(address: str) -> str | None:
    """The key under which letters, suppressions and bounces know an address (contracts §1).

    Domain as lower-case A-label, local part case-folded; None where the address is no
    addr-spec we would ever write to (RFC 5321 dot-atom, 64 octets, no control characters).
    """
    local, at, domain = address.rpartition("@")
    if not at or len(local.encode()) > 64 or not _DOT_ATOM.fullmatch(local):
        return None
    host = normalise_domain(domain)
    return f"{local.casefold()}@{host}" if host else None


# -- languages ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Language:
    """One of the project's languages, and in which rooms it is complete."""

    tag: str
    name: str
    english: str
    direction: str
    letters: str
    site: str
    accents: str = "few"

    @property
    def is_right_to_left(self) -> bool:
        return self.direction == "rtl"

    @property
    def is_accented(self) -> bool:
        """Whether many of its Latin letters bear marks, as in Turkish or Czech."""
        return self.accents == "many"


def _read_languages() -> dict[str, Language]:
    text = (files("openletter") / "languages.toml").read_text(encoding="utf-8")
    return {row["tag"]: Language(**row) for row in tomllib.loads(text)["language"]}


LANGUAGES: Mapping[str, Language] = _read_languages()
"""By tag, in the order of the contracts."""


def on_site(tag: str) -> str:
    """The language as it stands in a link to the site: itself where the site is complete in it."""
    known = LANGUAGES.get(tag)
    return tag.lower() if known and known.site == "complete" else "en"


_ALIASES = {
    "no": "nb", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant", "pt-pt": "pt",
}  # fmt: skip


def normalise_language(tag: str) -> str:
    """BCP 47 tag in our spelling: `pt-br` -> `pt-BR`, `zh-TW` -> `zh-Hant`, `no` -> `nb`."""
    low = tag.strip().replace("_", "-").lower()
    if low in _ALIASES:
        return _ALIASES[low]
    head, _, tail = low.partition("-")
    if len(tail) == 4:
        return f"{head}-{tail.title()}"
    return f"{head}-{tail.upper()}" if tail else head
