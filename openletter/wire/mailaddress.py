"""Mail addresses as registries write them: cleaned, or refused with the reason.

Owns: taking `mailto:`, brackets, several addresses in one value, trailing dots and written-out
"(at)" apart. Refuses: anything with a control character inside (the whole value goes, because
what follows a line break is somebody's header) and anything that is no addr-spec (RFC 5321
dot-atom and a host name; no quoted local part, no address literal, no internationalised local
part). Decides nothing about whether an address may be written to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from openletter.words import normalise_domain, normalise_mailbox

LONGEST_VALUE = 4_000
MOST_IN_A_VALUE = 20
_ENDS = " \t\r\n\v\f"
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
_BETWEEN = re.compile(r"[\s,;|/]+")
_AT = re.compile(r"\s?[\[({<]\s?at\s?[\])}>]\s?", re.IGNORECASE)
_DOT = re.compile(r"\s?[\[({<]\s?(?:dot|punkt|punt|punto)\s?[\])}>]\s?", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9!#$%&'*+=?^_`{|}~.@-])"
    r"[A-Za-z0-9_+&'=-][A-Za-z0-9.!#$%&'*+=?^_`{|}~-]{0,63}"
    r"@[^\s@<>()\[\]{}\"',;:/\\|]{3,255}"
)
_WRAPPING = "<>()[]{}\"'`*,;: \t"


class Fault(StrEnum):
    """Why a value is no address we could write to."""

    CONTROL_CHARACTER = "control-character"
    NOT_ADDR_SPEC = "not-addr-spec"


@dataclass(frozen=True, kw_only=True)
class Address:
    """One address: local part as given, domain as lower-case A-label, and its mailbox key."""

    text: str
    mailbox: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A value (or part of one) that is no address; `shown` is safe to print."""

    shown: str
    fault: Fault


def read_value(value: str) -> list[Address | Refused]:
    """Every address of a field that should hold one, in order; what can't be one, refused."""
    value = value[:LONGEST_VALUE].strip(_ENDS)
    if not value:
        return []
    if _CONTROL.search(value):
        return [Refused(shown=shown(value), fault=Fault.CONTROL_CHARACTER)]
    parts = [part for part in _parts(value) if part]
    return [one(part) for part in parts[:MOST_IN_A_VALUE]]


def one(text: str) -> Address | Refused:
    """One address that stands alone."""
    if _CONTROL.search(text):
        return Refused(shown=shown(text), fault=Fault.CONTROL_CHARACTER)
    plain = _unwrapped(text)
    local, _, domain = plain.rpartition("@")
    host = normalise_domain(domain) if local else None
    mailbox = normalise_mailbox(f"{local}@{host}") if host else None
    if not host or not mailbox or len(mailbox) > 254 or not _is_host(host):
        return Refused(shown=shown(text), fault=Fault.NOT_ADDR_SPEC)
    return Address(text=f"{local}@{host}", mailbox=mailbox)


def in_text(text: str) -> list[tuple[int, int, str]]:
    """Addresses in free text with their places, "name (at) host (dot) net" read as one."""
    return [(hit.start(), hit.end(), hit.group().rstrip(".-!?")) for hit in _IN_TEXT.finditer(text)]


def spelled_out(text: str) -> str:
    """Free text with bracketed "(at)" and "(dot)" written as the characters they stand for."""
    return _DOT.sub(".", _AT.sub("@", text))


def shown(value: str) -> str:
    """A hostile value as printable ASCII, cut to 100 characters."""
    return value[:100].encode("unicode_escape").decode("ascii")


def _parts(value: str) -> list[str]:
    """Split only where that yields addresses; "Abuse Desk <abuse@x.net>" is one address."""
    value = spelled_out(value)
    bracketed = re.findall(r"<([^<>\s]{1,320}@[^<>\s]{1,320})>", value)
    if bracketed:
        return bracketed
    parts = _BETWEEN.split(value)
    with_at = [part for part in parts if "@" in part]
    return with_at or [value]


def _unwrapped(text: str) -> str:
    text = text.strip(_WRAPPING)
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    return text.strip(_WRAPPING).rstrip(".")


def _is_host(host: str) -> bool:
    """A top level that is a number is an IP address, not a host name (RFC 3696)."""
    return not host.rpartition(".")[2].isdigit()
