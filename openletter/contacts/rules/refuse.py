"""Which addresses we never write to by ourselves, and why.

The set of reasons is that of contracts §5. What a placeholder is depends on the world: real
campaigns refuse every reserved name (RFC 2606, RFC 6761), exercises live in them.
"""

from __future__ import annotations

import re
from enum import StrEnum

from openletter.wire.registry import Place, Registration


class World(StrEnum):
    """Real campaigns and exercises are two worlds (contracts §3)."""

    REAL = "real"
    EXERCISE = "exercise"


class Refusal(StrEnum):
    """Why an address is not written to."""

    REDACTED = "redacted"
    PLACEHOLDER = "placeholder"
    REGISTRY_MAILBOX = "registry-mailbox"
    NO_REPLY = "no-reply"
    NOT_ADDR_SPEC = "not-addr-spec"
    CONTROL_CHARACTER = "control-character"
    PERSON = "person"
    OTHER_ROLE = "other-role"


_REDACTED = re.compile(
    r"redacted|withheld|not disclosed|undisclosed|data protected|gdpr masked|statutory masking",
    re.IGNORECASE,
)
_REDACTED_LOCAL = re.compile(r"(removed|redacted|withheld|masked|hidden|gdpr|privacy-?protected)")
_NO_REPLY = re.compile(
    r"(no|not|dont|donot|do-not|do_not|never|ne-pas|keine?|no-?responder)[._-]?"
    r"(reply|replies|respond|response|answer|repondre|antwort|antworten|responder|responda)"
    r"|noreply.*|mailer-daemon|no-reply.*|.*[._-](noreply|no-reply|donotreply)|niet-?beantwoorden"
)
_DISCARDED = frozenset({
    "bitbucket", "bit-bucket", "devnull", "dev-null", "null", "nobody", "unread", "blackhole",
    "discard", "trash", "void", "none", "nomail", "no-mail", "noemail", "no-email", "invalid",
    "changeme", "dummy", "unknown", "undefined", "placeholder", "notvalid",
})  # fmt: skip
_RESERVED_DOMAINS = ("example.com", "example.net", "example.org", "example.edu")
_RESERVED_TOPS = frozenset({
    "example", "test", "invalid", "localhost", "local", "localdomain", "internal", "lan",
    "arpa", "onion",
})  # fmt: skip
_MADE_UP_DOMAINS = frozenset({
    "domain.com", "yourdomain.com", "mydomain.com", "domain.tld", "company.com",
    "yourcompany.com", "test.com", "test.net", "test.org", "email.com", "nowhere.com",
    "none.com", "none.net", "null.net", "void.com",
})  # fmt: skip
_EXERCISE_PLACEHOLDERS = ("example.com", "example.org")

_STUB = re.compile(
    r"\b(NON-|IANA|ERX|STUB|RESERVED|UNALLOCATED|NOT-MANAGED)|AS-?BLOCK", re.IGNORECASE
)

REGISTRIES: dict[str, tuple[str, ...]] = {
    "ripe.net": ("ripe ncc", "ripe network coordination"),
    "arin.net": ("american registry for internet numbers", "arin"),
    "apnic.net": ("apnic", "asia pacific network information"),
    "lacnic.net": ("lacnic", "latin american and caribbean ip"),
    "afrinic.net": ("afrinic", "african network information"),
    "iana.org": ("iana", "internet assigned numbers"),
    "icann.org": ("icann",),
    "nic.ad.jp": ("jpnic", "japan network information center"),
    "nic.or.kr": ("krnic", "korea internet & security"),
    "nida.or.kr": ("krnic", "nida"),
    "krnic.or.kr": ("krnic",), "krnic.net": ("krnic",), "kisa.or.kr": ("kisa",),
    "twnic.net.tw": ("twnic", "taiwan network information"), "twnic.tw": ("twnic",),
    "twnic.net": ("twnic",),
    "cnnic.cn": ("cnnic", "china internet network information"),
    "cnnic.net.cn": ("cnnic", "china internet network information"),
    "vnnic.vn": ("vnnic", "vietnam internet network"), "vnnic.net.vn": ("vnnic",),
    "idnic.net": ("idnic",), "idnic.id": ("idnic",), "apjii.or.id": ("apjii",),
    "irinn.in": ("irinn",), "nixi.in": ("nixi",),
    "registro.br": ("nic.br", "registro.br"), "nic.br": ("nic.br", "registro.br"),
    "nic.mx": ("nic mexico", "nic.mx"), "iar.mx": ("iar mexico",), "nro.net": ("nro",),
}  # fmt: skip
"""Domains of regional and national registries -> names under which they hold networks."""


def refusal_of_value(value: str) -> Refusal | None:
    """A value that says in words that the address was taken out."""
    return Refusal.REDACTED if _REDACTED.search(value) and "@" not in value else None


def refusal_of_mailbox(mailbox: str, *, world: World) -> Refusal | None:
    """What the address alone tells, whoever it belongs to."""
    local, _, domain = mailbox.rpartition("@")
    if "*" in local or _REDACTED_LOCAL.fullmatch(local) or _REDACTED.search(local):
        return Refusal.REDACTED
    if local in _DISCARDED or _is_placeholder(domain, world):
        return Refusal.PLACEHOLDER
    if _NO_REPLY.fullmatch(local):
        return Refusal.NO_REPLY
    return None


def registry_of_mailbox(mailbox: str) -> str | None:
    """The registry's domain that a mailbox lies in, if it is a registry's."""
    domain = mailbox.rpartition("@")[2]
    while domain:
        if domain in REGISTRIES:
            return domain
        domain = domain.partition(".")[2]
    return None


def holds_itself(registry_domain: str, network: Registration, place: Place) -> bool:
    """Whether a registry uses the network itself, so that its box is the holder's.

    An allocation bears the registry's name only until somebody below is asked for; then the box
    is not that of whoever runs the server.
    """
    if place is Place.NOTICE:
        return False
    status = network.status.lower()
    is_passed_on = "alloc" in status and "direct" not in status
    if is_passed_on or any(word in status for word in ("transferred", "special", "reserved")):
        return False
    if _STUB.search(network.name):
        return False
    named = f"{network.holder.name} {network.name}".lower().replace("-", " ")
    return any(re.search(rf"\b{re.escape(name)}\b", named) for name in REGISTRIES[registry_domain])


def _is_placeholder(domain: str, world: World) -> bool:
    if world is World.EXERCISE:
        return domain in _EXERCISE_PLACEHOLDERS
    reserved = any(domain == name or domain.endswith("." + name) for name in _RESERVED_DOMAINS)
    return reserved or domain in _MADE_UP_DOMAINS or domain.rpartition(".")[2] in _RESERVED_TOPS
