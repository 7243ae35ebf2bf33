"""SPF records (RFC 7208): read strictly, macros expanded. What a record says is decided elsewhere.

A syntax error anywhere is an error of the whole record (section 4.6), told as `SpfError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import quote

from openletter.wire.address import Address

LONGEST, LONGEST_NAME = 8_000, 512
_VERSION = "v=spf1"
_QUALIFIERS = "+-~?"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_MACRO = r"%\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[.\-+,/_=]*\}|%%|%_|%-"
_STRING = re.compile(rf"(?:{_MACRO}|[!-$&-~])*")
_ENDS_IN_MACRO = re.compile(rf"(?:{_STRING.pattern})(?:{_MACRO})")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_CIDR = re.compile(r"(?:/(0|[1-9]\d?))?(?://(0|[1-9]\d{0,2}))?\Z")
_PART = re.compile(r"%\{([a-zA-Z])([0-9]*)([rR]?)([.\-+,/_=]*)\}|%%|%_|%-")
_ONLY_EXPLAIN = frozenset("crt")


class SpfError(ValueError):
    """No record by the grammar; says which term."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One mechanism. `four` and `six` are prefix lengths behind a name, `net` a range."""

    kind: str
    qualifier: str = "+"
    domain: str = ""
    four: int = 32
    six: int = 128
    net: IPv4Network | IPv6Network | None = None


@dataclass(frozen=True, kw_only=True)
class Spf:
    """One record."""

    terms: tuple[Term, ...]
    redirect: str = ""

    @property
    def ends_in(self) -> str:
        """The qualifier of `all`; empty where there is none."""
        return next((term.qualifier for term in self.terms if term.kind == "all"), "")


def is_spf(text: bytes) -> bool:
    """Whether a TXT record is one (section 4.5)."""
    return text[:7].lower() in {b"v=spf1", b"v=spf1 "}


def read_spf(text: bytes) -> Spf:
    """A record, or SpfError."""
    if not text.isascii() or len(text) > LONGEST or not is_spf(text):
        raise SpfError("not a record of plain characters")
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in filter(None, text.decode("ascii")[len(_VERSION) :].split(" ")):
        name, value = _modifier(word)
        if not name:
            terms.append(_term(word))
        elif name in modifiers and name in {"redirect", "exp"}:
            raise SpfError(f"{name} twice")
        else:
            modifiers[name] = value
    return Spf(terms=tuple(terms), redirect=modifiers.get("redirect", ""))


def _modifier(word: str) -> tuple[str, str]:
    """Name in lower case and value; no name where the word is a mechanism."""
    found = _NAME.match(word)
    if found is None or word[found.end() : found.end() + 1] != "=":
        return "", ""
    name, value = found[0].lower(), word[found.end() + 1 :]
    if not _STRING.fullmatch(value):
        raise SpfError(word[:60])
    if name in {"redirect", "exp"}:
        _domain(value, word)
    return name, value


def _term(word: str) -> Term:
    qualifier, rest = (word[0], word[1:]) if word[0] in _QUALIFIERS else ("+", word)
    found = re.match(r"[A-Za-z0-9]+", rest)
    kind = found[0].lower() if found else ""
    after = rest[len(kind) :]
    if kind == "all" and not after:
        return Term(kind=kind, qualifier=qualifier)
    if kind in {"ip4", "ip6"} and after.startswith(":"):
        return Term(kind=kind, qualifier=qualifier, net=_net(kind, after[1:], word))
    if kind in {"include", "exists"} and after.startswith(":"):
        return Term(kind=kind, qualifier=qualifier, domain=_domain(after[1:], word))
    if kind == "ptr" and (not after or after.startswith(":")):
        domain = _domain(after[1:], word) if after else ""
        return Term(kind=kind, qualifier=qualifier, domain=domain)
    if kind in {"a", "mx"}:
        return _host(kind, qualifier, after, word)
    raise SpfError(word[:60])


def _host(kind: str, qualifier: str, after: str, word: str) -> Term:
    """`a`, `a:name`, `a/24`, `a:name/24//64`: the lengths are what stands last."""
    at = next((at for at in range(len(after) + 1) if _CIDR.match(after, at)), len(after))
    found = _CIDR.match(after, at)
    name = after[:at]
    four = int(found[1]) if found and found[1] else 32
    six = int(found[2]) if found and found[2] else 128
    if four > 32 or six > 128 or (name and not name.startswith(":")):
        raise SpfError(word[:60])
    domain = _domain(name[1:], word) if name else ""
    return Term(kind=kind, qualifier=qualifier, domain=domain, four=four, six=six)


def _net(kind: str, text: str, word: str) -> IPv4Network | IPv6Network:
    """A range; host bits may be set, masks written out and zones may not."""
    _, slash, length = text.partition("/")
    if (slash and not length.isdecimal()) or "%" in text:
        raise SpfError(word[:60])
    try:
        net = ip_network(text, strict=False)
    except ValueError:
        raise SpfError(word[:60]) from None
    if net.version != (4 if kind == "ip4" else 6):
        raise SpfError(word[:60])
    return net


def _domain(text: str, word: str) -> str:
    """A domain-spec (section 7.1)."""
    if len(text) > LONGEST_NAME or not _STRING.fullmatch(text) or not _has_end(text):
        raise SpfError(word[:60])
    if any(each[1] and each[1].lower() in _ONLY_EXPLAIN for each in _PART.finditer(text)):
        raise SpfError(word[:60])
    return text


def _has_end(text: str) -> bool:
    """It ends in a top-level label, or in a macro that gives one."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    is_label = bool(dot and _LABEL.fullmatch(label)) and not label.isdecimal()
    return is_label or _ENDS_IN_MACRO.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Who sends what from where, and whose record is read."""

    address: Address
    sender: str
    domain: str
    helo: str = ""


def expanded(text: str, about: Circumstances) -> str:
    """A domain-spec as a name; the left labels go where it would be too long (section 7.3).

    `p` is the word `unknown`, which the RFC allows: nobody should use it.
    """
    local, _, domain = about.sender.rpartition("@")
    values = {
        "s": f"{local or 'postmaster'}@{domain}", "l": local or "postmaster", "o": domain,
        "d": about.domain, "i": _dotted(about.address), "p": "unknown",
        "v": "in-addr" if about.address.version == 4 else "ip6", "h": about.helo or domain,
    }  # fmt: skip
    name = _PART.sub(lambda found: _one(found, values), text).rstrip(".")
    while len(name) > 253:
        _, dot, rest = name.partition(".")
        name = rest if dot else name[:253]
    return name


def _one(found: re.Match[str], values: dict[str, str]) -> str:
    letter, digits, turned, marks = found.groups()
    if letter is None:
        return {"%%": "%", "%_": " ", "%-": "%20"}[found[0]]
    parts = re.split(f"[{re.escape(marks or '.')}]", values.get(letter.lower(), ""))
    if turned:
        parts.reverse()
    if digits:
        parts = parts[-max(1, int(digits[:4])) :]
    text = ".".join(parts)
    return quote(text, safe="-._~") if letter.isupper() else text


def _dotted(address: Address) -> str:
    if address.version == 4:
        return str(address)
    return ".".join(address.exploded.replace(":", ""))
