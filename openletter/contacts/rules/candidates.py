"""From what a registry says to candidates: every address with place, tier, scope and reason.

Nothing is dropped: an address that must not be written to stays, with its refusal. The tiers are
the order of trust; `rank.py` sorts by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from openletter.contacts.rules import names
from openletter.contacts.rules.refuse import (
    Refusal,
    World,
    holds_itself,
    refusal_of_mailbox,
    refusal_of_value,
    registry_of_mailbox,
)
from openletter.contacts.rules.remarks import checked, mentions
from openletter.contacts.rules.scope import scope_of
from openletter.wire import mailaddress
from openletter.wire.registry import Party, Place, Registration, Written
from openletter.words import Reason, Scope

RULE_VERSION = "contacts-2"
MOST_CANDIDATES = 300


class Tier(IntEnum):
    """Kinds of candidates. Within a registry's answer the number is the order of trust.

    The numbers are kept in rows, so a kind that came later has a later number; `rank.py` puts
    the kinds that no registry gives in their place.
    """

    OVERRIDE = 0
    ABUSE_BOX = 1
    ABUSE_BOX_OF_CONTACT = 2
    ABUSE_ROLE = 3
    ABUSE_ROLE_NAMED = 4
    ABUSE_REMARK = 5
    ABUSE_BOX_OF_MAINTAINER = 6
    REGISTRY_AS_HOLDER = 7
    FUNCTIONAL = 8
    NOT_CHOSEN = 9
    SECOND_OPINION = 10
    GUESS = 11
    CSIRT = 12
    PARTNER = 13

    @property
    def code(self) -> str:
        """The reason's code in the catalogues."""
        return "contact-" + self.name.lower().replace("_", "-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One address of one netblock (`level` 0: the most specific one) with all that ranks it."""

    address: str
    mailbox: str
    source: str
    registry: str
    object: str
    role: str
    depth: int
    scope: Scope
    tier: Tier
    weight: int
    reason: Reason
    refused: Refusal | None = None
    for_abuse: bool = False
    level: int = 0
    as_of: int = 0
    """The day (proleptic ordinal) on which the source said so; 0: not known."""


def candidates_of(found: Registration, *, world: World) -> list[Candidate]:
    """Every address the registration gives, best place first, one per mailbox."""
    every = [*_from_boxes(found, world), *_from_remarks(found, world)]
    every = _home_first(_siblings_judged(every), found)
    every.sort(key=lambda each: (each.refused is not None, each.weight))
    kept: dict[str, Candidate] = {}
    for each in every:
        kept.setdefault(each.mailbox or each.address, each)
    return list(kept.values())[:MOST_CANDIDATES]


def _from_boxes(found: Registration, world: World) -> Iterator[Candidate]:
    tried = checked(found.remarks)
    for each in found.written:
        answered = tried.get(each.value.strip().lower())
        written = each if answered is None else _tried(each, answered=answered)
        if refusal_of_value(written.value):
            yield _refused(found, written, mailaddress.shown(written.value), Refusal.REDACTED)
            continue
        for read in mailaddress.read_value(written.value):
            if isinstance(read, mailaddress.Refused):
                yield _refused(found, written, read.shown, Refusal(read.fault))
            else:
                yield _candidate(found, written, read, world)


def _tried(written: Written, *, answered: bool) -> Written:
    return replace(written, validated=answered, suspect=not answered)


def _candidate(
    found: Registration, written: Written, read: mailaddress.Address, world: World
) -> Candidate:
    tier, refused = _judged(found, written, read.mailbox, world)
    return Candidate(
        address=read.text,
        mailbox=read.mailbox,
        source=found.source,
        registry=found.registry,
        object=written.object,
        role=written.role or "none",
        depth=written.depth,
        scope=scope_of(found, mailbox=read.mailbox, object_=written.object),
        tier=tier,
        weight=_weight(tier, written, read.mailbox),
        reason=_reason(tier, refused, written, found),
        refused=refused,
        for_abuse=written.place in (Place.ABUSE_BOX, Place.ABUSE_ROLE),
    )


def _judged(
    found: Registration, written: Written, mailbox: str, world: World
) -> tuple[Tier, Refusal | None]:
    """The tier of a well-formed address, and why it is refused, if it is."""
    refused = refusal_of_mailbox(mailbox, world=world)
    if refused:
        return Tier.NOT_CHOSEN, refused
    registry = registry_of_mailbox(mailbox)
    if registry:
        if holds_itself(registry, found, written.place):
            is_contact = written.place is Place.CONTACT
            return _tier(written, mailbox) if is_contact else (Tier.REGISTRY_AS_HOLDER, None)
        return Tier.NOT_CHOSEN, Refusal.REGISTRY_MAILBOX
    return _tier(written, mailbox)


def _tier(written: Written, mailbox: str) -> tuple[Tier, Refusal | None]:
    local, _, domain = mailbox.rpartition("@")
    functional = names.is_functional(local, domain=domain)
    personal = _is_personal(written, local, functional=functional)
    match written.place:
        case Place.NOTICE:
            return Tier.NOT_CHOSEN, Refusal.OTHER_ROLE
        case Place.ABUSE_BOX:
            if written.party is Party.INDIVIDUAL and personal:
                return Tier.NOT_CHOSEN, Refusal.PERSON
            if written.role in ("mnt-by", "mnt-lower"):
                return Tier.ABUSE_BOX_OF_MAINTAINER, None
            through_contact = written.role in ("admin-c", "tech-c", "owner-c")
            return Tier.ABUSE_BOX_OF_CONTACT if through_contact else Tier.ABUSE_BOX, None
        case Place.ABUSE_ROLE:
            if written.party is Party.INDIVIDUAL and personal:
                return Tier.NOT_CHOSEN, Refusal.PERSON
            return Tier.ABUSE_ROLE_NAMED if personal else Tier.ABUSE_ROLE, None
        case _:
            return (Tier.NOT_CHOSEN, Refusal.PERSON) if personal else (Tier.FUNCTIONAL, None)


def _is_personal(written: Written, local: str, *, functional: bool) -> bool:
    """Whether the box is somebody's own; a desk's name in the address or the record clears it."""
    if functional:
        return False
    if written.party is not Party.ORG and names.is_named_after(local, written.party_name):
        return not names.is_a_house(written.party_name)
    match written.party:
        case Party.INDIVIDUAL:
            return not names.is_a_desk(written.party_name)
        case Party.GROUP:
            return names.is_name_like(local)
        case _:
            return written.place is Place.CONTACT or names.is_name_like(local)


def _siblings_judged(every: list[Candidate]) -> list[Candidate]:
    """Beside a box declared for abuse the record's other boxes are not abuse desks.

    And beside a desk's box in an abuse role, boxes named after people are people's.
    """
    declared = {each.object for each in every if each.tier is Tier.ABUSE_BOX}
    desks = {each.object for each in every if each.tier is Tier.ABUSE_ROLE}
    return [_beside(each, declared=declared, desks=desks) for each in every]


def _beside(each: Candidate, *, declared: set[str], desks: set[str]) -> Candidate:
    local, _, domain = each.mailbox.rpartition("@")
    if each.tier in (Tier.ABUSE_ROLE, Tier.ABUSE_ROLE_NAMED) and each.object in declared:
        if names.is_functional(local, domain=domain):
            return _moved(each, Tier.FUNCTIONAL, None)
        return _moved(each, Tier.NOT_CHOSEN, Refusal.OTHER_ROLE)
    if each.tier is Tier.ABUSE_ROLE_NAMED and each.object in desks:
        return _moved(each, Tier.NOT_CHOSEN, Refusal.PERSON)
    return each


def _moved(each: Candidate, tier: Tier, refused: Refusal | None) -> Candidate:
    weight = each.weight + (tier - each.tier) * 10_000
    code = f"refused-{refused}" if refused else tier.code
    return replace(
        each, tier=tier, refused=refused, weight=weight,
        reason=Reason(code=code, values=each.reason.values),
    )  # fmt: skip


def _from_remarks(found: Registration, world: World) -> Iterator[Candidate]:
    for remark in found.remarks:
        for mention in mentions(remark):
            written = Written(
                value=mention.value, place=Place.CONTACT, role="remark", object=mention.object,
                depth=mention.depth, suspect=mention.spelled,
            )  # fmt: skip
            read = mailaddress.one(mention.value)
            if isinstance(read, mailaddress.Refused):
                yield _refused(found, written, read.shown, Refusal(read.fault))
                continue
            refused = refusal_of_mailbox(read.mailbox, world=world)
            if refused is None and registry_of_mailbox(read.mailbox):
                refused = Refusal.REGISTRY_MAILBOX
            if refused is None and not mention.for_abuse:
                refused = Refusal.OTHER_ROLE
            tier = Tier.NOT_CHOSEN if refused else Tier.ABUSE_REMARK
            each = _candidate(found, written, read, world)
            reason = _reason(tier, refused, written, found)
            yield replace(
                each, tier=tier, refused=refused, weight=_weight(tier, written, read.mailbox),
                reason=Reason(code=reason.code, values={**reason.values, "words": mention.words}),
            )  # fmt: skip


def _refused(found: Registration, written: Written, shown: str, refused: Refusal) -> Candidate:
    return Candidate(
        address=shown, mailbox="", source=found.source, registry=found.registry,
        object=written.object, role=written.role or "none", depth=written.depth,
        scope=Scope.UNKNOWN, tier=Tier.NOT_CHOSEN, weight=99_999,
        reason=_reason(Tier.NOT_CHOSEN, refused, written, found), refused=refused,
    )  # fmt: skip


def _weight(tier: Tier, written: Written, mailbox: str) -> int:
    """Lower is better: tier, then depth, then checked by the registry, preference, name."""
    unchecked = 0 if written.validated else 500
    depth = min(written.depth, 4) + (4 if written.suspect else 0)
    return tier * 10_000 + depth * 1_000 + unchecked + written.preference * 4 + _name(mailbox)


def _home_first(every: list[Candidate], found: Registration) -> list[Candidate]:
    """Behind the boxes of the house that most of the answer's addresses are in, the others."""
    houses = Counter(
        names.brand_of(written.value.strip().lower().rpartition("@")[2])
        for written in found.written
        if "@" in written.value
    )
    most = max(houses.values(), default=0)
    return [
        replace(each, weight=each.weight + 10)
        if houses[names.brand_of(each.mailbox.rpartition("@")[2])] < most
        else each
        for each in every
    ]


def _name(mailbox: str) -> int:
    local, _, domain = mailbox.rpartition("@")
    return names.desk_order(local, domain=domain)


def _reason(tier: Tier, refused: Refusal | None, written: Written, found: Registration) -> Reason:
    code = f"refused-{refused}" if refused else tier.code
    values = {"object": written.object, "role": written.role or "none", "registry": found.registry}
    return Reason(code=code, values=values)
