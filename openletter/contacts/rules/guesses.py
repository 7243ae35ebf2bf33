"""From facts beside the registries to candidates that say of themselves that they are guesses.

The order: another collection's word about the address (its own tier), then security.txt of the
host's own zone, the mailbox of the zone's SOA record, and last `abuse@` and `postmaster@` (RFC
2142): of 4.6 million domains more were reachable through SOA contacts than through such aliases
(Soussi et al., 2020). Only desks' boxes: a guess at somebody's own box is refused, and so is one in
another house's domain, which a stranger's zone could name. An address
that moves between customers is guessed at only where its name is the provider's own pattern: a
customer's name there is somebody's, today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from openletter.contacts.rules import names
from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.refuse import (
    Refusal,
    World,
    refusal_of_mailbox,
    refusal_of_value,
    registry_of_mailbox,
)
from openletter.wire import mailaddress
from openletter.wire.guessed import Guessed
from openletter.wire.registry import IPAddress, parse_address
from openletter.words import Reason, Scope

_ALIASES = ("abuse", "postmaster")


def candidates_of_guess(found: Guessed, *, is_moving: bool = False) -> list[Candidate]:
    """Every address, best first, one a mailbox; refused ones stay with their reason."""
    kept: dict[str, Candidate] = {}
    for each in _all(found, is_moving=is_moving):
        kept.setdefault(each.mailbox or each.address, each)
    return list(kept.values())


def _all(found: Guessed, *, is_moving: bool) -> Iterator[Candidate]:
    zone = found.second_opinion_zone
    for value in found.second_opinion:
        yield from _second_opinions(value, zone)
    if is_moving and not is_pattern(found.name, parse_address(found.about)):
        return
    yield from (_of_house(each, found.zone) for each in _named_by_zone(found))
    if found.zone in found.mail:
        for weight, alias in enumerate(_ALIASES, start=2):
            text = f"{alias}@{found.zone}"
            yield from _guesses(text, "rdns", found.name, role=alias, weight=weight)


def _named_by_zone(found: Guessed) -> Iterator[Candidate]:
    for text in found.security_contacts:
        yield from _guesses(text, "security.txt", found.security_url, role="security", weight=0)
    if found.rname.rpartition("@")[2] in found.mail:
        yield from _guesses(found.rname, "soa", found.zone, role="rname", weight=1)


def _of_house(each: Candidate, zone: str) -> Candidate:
    """A zone's word holds for its own boxes; one that names another house's is only shown."""
    domain = each.mailbox.rpartition("@")[2]
    is_own = f".{domain}".endswith(f".{zone}") or f".{zone}".endswith(f".{domain}")
    if each.refused or (is_own and domain):
        return each
    reason = _reason(f"refused-{Refusal.OTHER_ROLE}", each.object, each.role, each.source)
    return replace(
        each, refused=Refusal.OTHER_ROLE, tier=Tier.NOT_CHOSEN, reason=reason,
        weight=Tier.NOT_CHOSEN * 10_000 + each.weight % 10_000,
    )  # fmt: skip


def is_pattern(name: str, address: IPAddress | None) -> bool:
    """Whether a host name is made from its address: the provider's pattern, nobody's own name."""
    if address is None or not name:
        return False
    head = name.lower()
    if address.version == 6:
        digits = address.exploded.replace(":", "")
        return any(part in head.replace("-", "").replace(".", "") for part in (digits[16:], digits))
    octets = str(address).split(".")
    runs = "".join(character if character.isdigit() else " " for character in head).split()
    inside = [each.lstrip("0") or "0" for each in runs]
    if sum(octet in inside for octet in set(octets)) >= min(3, len(set(octets))):
        return True
    squeezed = {"".join(octet.zfill(3) for octet in octets), "".join(octets), f"{int(address):08x}"}
    return any(form in head for form in squeezed)


def _second_opinions(value: str, zone: str) -> Iterator[Candidate]:
    if refusal_of_value(value):
        yield _refused(mailaddress.shown(value), Refusal.REDACTED, zone)
        return
    for read in mailaddress.read_value(value):
        if isinstance(read, mailaddress.Refused):
            yield _refused(read.shown, Refusal(read.fault), zone)
        else:
            refused = _refusal(read.mailbox)
            yield _made(
                read, Tier.SECOND_OPINION, refused, source="abusix", object_=zone, role="abuse"
            )


def _guesses(
    text: str, source: str, object_: str, *, role: str, weight: int
) -> Iterator[Candidate]:
    read = mailaddress.one(text)
    if isinstance(read, mailaddress.Refused):
        return
    local, _, domain = read.mailbox.rpartition("@")
    refused = _refusal(read.mailbox)
    if refused is None and not names.is_functional(local, domain=domain):
        refused = Refusal.PERSON
    yield _made(read, Tier.GUESS, refused, source=source, object_=object_, role=role, weight=weight)


def _refusal(mailbox: str) -> Refusal | None:
    refused = refusal_of_mailbox(mailbox, world=World.REAL)
    if refused is None and registry_of_mailbox(mailbox):
        return Refusal.REGISTRY_MAILBOX
    return refused


def _made(
    read: mailaddress.Address,
    tier: Tier,
    refused: Refusal | None,
    *,
    source: str,
    object_: str,
    role: str,
    weight: int = 0,
) -> Candidate:
    kept = Tier.NOT_CHOSEN if refused else tier
    return Candidate(
        address=read.text, mailbox=read.mailbox, source=source, registry="", object=object_[:200],
        role=role, depth=0, scope=Scope.UNKNOWN, tier=kept, weight=kept * 10_000 + weight,
        reason=_reason(f"refused-{refused}" if refused else tier.code, object_, role, source),
        refused=refused,
    )  # fmt: skip


def _refused(shown: str, refused: Refusal, zone: str) -> Candidate:
    return Candidate(
        address=shown, mailbox="", source="abusix", registry="", object=zone, role="abuse",
        depth=0, scope=Scope.UNKNOWN, tier=Tier.NOT_CHOSEN, weight=99_999,
        reason=_reason(f"refused-{refused}", zone, "abuse", "abusix"), refused=refused,
    )  # fmt: skip


def _reason(code: str, object_: str, role: str, source: str) -> Reason:
    return Reason(code=code, values={"object": object_[:200], "role": role, "registry": source})
