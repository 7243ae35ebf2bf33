"""Mail addresses as registries write them: cleaned, or refused with the reason.

Owns: taking `mailto:`, brackets, several addresses in one value, trailing dots and written-out
"(at)" apart. Refuses: anything with a control character inside (the whole value goes, because
what follows a line break is somebody's header) and anything that is no addr-spec (RFC 5321
dot-atom and a host name; no local part that needs its quotes, no address literal, and no
internationalised local part: we do not speak SMTPUTF8, and half of one would be somebody else's
mailbox). Decides nothing about whether an address may be written to.
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
_BETWEEN = re.compile(r"[\s,;]+")
_AT = re.compile(r"\s{0,2}[\[({<]\s?(?:at|@|ät|arroba)\s?[\])}>]\s{0,2}", re.IGNORECASE)
_DOT = re.compile(
    r"\s{0,2}[\[({<]\s?(?:dot|punkt|punt|punto|ponto|point|\.)\s?[\])}>]\s{0,2}", re.IGNORECASE
)
_MAY_BE_SPELLED = re.compile(
    r"[\[({<]\s?(?:at|@|ät|arroba|dot|pun|pon|poi|\.)|\sdot\s|\"@", re.IGNORECASE
)
"""What every spelled-out address has; a quick look before the slow ones."""
_IN_WORDS = re.compile(
    r"(?<![\w.@-])(?:([A-Za-z0-9][A-Za-z0-9._+-]{0,63})@|([A-Za-z0-9._+-]{0,30}(?:abuse|noc|cert|"
    r"security|spam|support|admin|master|info)[A-Za-z0-9._+-]{0,30})\s{1,2}at\s{1,2})"
    r"([a-z0-9-]{1,63}(?:(?:\.|\s{1,2}dot\s{1,2})[a-z0-9-]{1,63}){1,6})(?![\w-])",
    re.IGNORECASE,
)
_SPELLED_DOT = re.compile(r"\s+dot\s+", re.IGNORECASE)
_NEEDLESS_QUOTES = re.compile(r'"([A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]{1,64}){0,5})"(?=@)')
_SPACED = re.compile(r"([^\s@,;]{1,64})\s{1,2}@\s{0,2}([^\s@,;]{3,255})")
_IN_TEXT = re.compile(
    # a letter of an alphabet before it belongs to the local part; Han, Kana, Hangul do not
    r"(?<![^\W\u2e80-\uffff])(?<![!#$%&'*+=?^`{|}~.@-])"
    r"[A-Za-z0-9_+&'=-][A-Za-z0-9.!#$%&'*+=?^_`{|}~-]{0,63}"
    r"@[^\s@<>()\[\]{}\"',;:/\\|?&=\u3001\u3002\uff01-\uff0f\uff1a-\uff1f"
    r"\u00ab\u00bb\u2018-\u201f\u2039\u203a]{3,255}"
)
_WRAPPING = (
    "<>()[]{}\"'`*,;: \t\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a\u3001\u3002"
)


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
    """Free text with "(at)" and "(dot)", "at … dot …" as the characters they stand for.

    A bare "at" counts only between a desk's name and a spelled "dot": "report it at isp.example"
    and "ask us at help dot isp dot example" are no addresses.
    """
    if not _MAY_BE_SPELLED.search(text):
        return text
    text = _NEEDLESS_QUOTES.sub(r"\1", _DOT.sub(".", _AT.sub("@", text)))
    return _IN_WORDS.sub(_undotted, text)


def _undotted(match: re.Match[str]) -> str:
    local, domain = match.group(1) or match.group(2), match.group(3)
    plain = _SPELLED_DOT.sub(".", domain)
    return match.group() if plain == domain else f"{local}@{plain}"


def shown(value: str) -> str:
    """A hostile value as printable ASCII, cut to 100 characters."""
    return value[:100].encode("unicode_escape").decode("ascii")


def _parts(value: str) -> list[str]:
    """Split only where that yields addresses; "Abuse Desk <abuse@x.net>" is one address."""
    spaced = _SPACED.fullmatch(value)
    value = spelled_out("@".join(spaced.groups()) if spaced else value)
    bracketed = re.findall(r"<([^<>\s]{1,320}@[^<>\s]{1,320})>", value)
    if bracketed:
        return bracketed
    with_at = [part for part in _BETWEEN.split(value) if "@" in part]
    return [one for part in with_at for one in _at_strokes(part)] or [value]


def _at_strokes(part: str) -> list[str]:
    """`a@x.net/b@y.net` is two; a stroke inside a local part (X.400's) splits nothing."""
    found = re.split(r"[|/]", part)
    return found if all("@" in each for each in found if each) else [part]


def _unwrapped(text: str) -> str:
    text = text.strip(_WRAPPING)
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    text = text.rpartition(":")[2] if "[" not in text else text
    return text.strip(_WRAPPING).rstrip(".")


def _is_host(host: str) -> bool:
    """A top level that is a number is an IP address, not a host name (RFC 3696)."""
    return not host.rpartition(".")[2].isdigit()
