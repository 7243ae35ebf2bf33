"""A registered block as it is kept: ends as numbers, short texts, contacts that many blocks share.

Owns: cutting texts to what the table holds, the candidates' form in JSON and back, and one
number (`digest`) over everything a block says, by which a reload sees what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.refuse import Refusal
from openletter.wire.registry import Holder, Registration
from openletter.words import Reason, Scope

REGISTRYS_OWN = frozenset({
    "RIPE-NCC-HM-MNT", "RIPE-NCC-END-MNT", "RIPE-NCC-LEGACY-MNT", "APNIC-HM", "AFRINIC-HM-MNT",
    "LACNIC-HM-MNT",
})  # fmt: skip
"""Maintainers by which a registry itself keeps an allocation or a provider-independent block."""


class Contacts:
    """Candidates judged once; `id` is set when they are written."""

    __slots__ = ("counted", "digest", "id", "json", "mailboxes", "refused")

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        every = list(candidates)
        self.json = json.dumps([as_json(each) for each in every], ensure_ascii=False)
        self.digest = crc32(self.json.encode("utf-8", "replace"))
        self.mailboxes = tuple({each.mailbox: None for each in every if not each.refused})
        self.refused = tuple(str(each.refused) for each in every if each.refused)
        self.counted = len(self.mailboxes)
        self.id = 0


NOBODY = Contacts(())


class Block(NamedTuple):
    """One row of `netblock`, without what the database gives it."""

    version: int
    first: int
    last: int
    handle: str
    name: str
    holder: str
    holder_key: str
    country: str
    registry: str
    status: str
    ends_walk: bool
    contacts: Contacts


def block_of(found: Registration, contacts: Contacts) -> Block:
    """A registration of a network; its ends must be known."""
    if found.first is None or found.last is None:
        raise ValueError("no network")
    return Block(
        version=found.first.version,
        first=int(found.first),
        last=int(found.last),
        handle=found.handle[:200],
        name=found.name[:200],
        holder=found.holder.name[:300],
        holder_key=found.holder.handle[:200],
        country=country_of(found.holder, found.country),
        registry=found.registry[:20],
        status=found.status[:60],
        ends_walk=not REGISTRYS_OWN.isdisjoint(found.maintainers),
        contacts=contacts,
    )


def country_of(holder: Holder, country: str | None) -> str:
    """The organisation's own field, its postal address, else the network's field."""
    return holder.country or holder.address_country or country or ""


def as_text(block: Block) -> str:
    """Columns from `first` to `digest` in COPY's form; the texts hold no control characters."""
    first, last = block[1], block[2]
    if block[0] == 4:
        low = f"{_HALVES[first >> 16]}.{_HALVES[first & 65535]}"
        high = f"{_HALVES[last >> 16]}.{_HALVES[last & 65535]}"
    else:
        low, high = address_text(first, 6), address_text(last, 6)
    text = "\t".join((low, high, *block[3:10], "t" if block[10] else "f"))
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    digest = crc32(text.encode("utf-8", "replace")) << 31 ^ block[11].digest
    return f"{text}\t{digest}"


_HALVES = [f"{high}.{low}" for high in range(256) for low in range(256)]
"""Sixteen bits of an address as they are written."""


def address_text(value: int, version: int) -> str:
    """An address as PostgreSQL reads it."""
    if version == 4:
        return f"{_HALVES[value >> 16]}.{_HALVES[value & 65535]}"
    digits = f"{value:032x}"
    return ":".join(digits[at : at + 4] for at in range(0, 32, 4))


def as_json(each: Candidate) -> dict[str, object]:
    """A candidate as it is kept."""
    return {
        "address": each.address[:320], "mailbox": each.mailbox, "source": each.source,
        "registry": each.registry[:20], "object": each.object[:200], "role": each.role[:60],
        "depth": each.depth, "scope": each.scope, "tier": each.tier, "weight": each.weight,
        "reason": each.reason.as_json(), "refused": each.refused, "for_abuse": each.for_abuse,
        "as_of": each.as_of,
    }  # fmt: skip


def from_json(kept: Mapping[str, object], *, as_of: int = 0) -> Candidate:
    """A kept candidate; `as_of` where it does not say itself of which day it is."""
    refused, reason = kept["refused"], kept["reason"]
    if not isinstance(reason, dict):
        raise TypeError("reason")
    return Candidate(
        address=str(kept["address"]), mailbox=str(kept["mailbox"]), source=str(kept["source"]),
        registry=str(kept["registry"]), object=str(kept["object"]), role=str(kept["role"]),
        depth=_number(kept["depth"]), scope=Scope(str(kept["scope"])),
        tier=Tier(_number(kept["tier"])), weight=_number(kept["weight"]),
        reason=Reason.from_json(reason), refused=Refusal(str(refused)) if refused else None,
        for_abuse=bool(kept["for_abuse"]), as_of=_number(kept["as_of"]) or as_of,
    )  # fmt: skip


def _number(kept: object) -> int:
    if not isinstance(kept, int):
        raise TypeError("number")
    return kept
