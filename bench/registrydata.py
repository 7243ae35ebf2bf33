"""Made-up registries for bench/registry.py: nested networks from 10.0.0.0 up, always the same."""

# ruff: noqa: INP001, PLC0415 (a program's part; the product is imported where it is measured)
from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from typing import Any

BASE = 0x0A000000
HOLDERS = 150_000
BLOCKS_APIECE = 20


def ranges(count: int) -> Iterator[tuple[int, int]]:
    """Nested: allocations of 4,096 addresses, and nineteen more specific blocks in each."""
    chance = random.Random(7)  # noqa: S311 (made-up input, always the same)
    for number in range(count // BLOCKS_APIECE):
        first = BASE + number * 4096
        yield first, first + 4095
        for _ in range(BLOCKS_APIECE - 1):
            size = 2 ** chance.randint(2, 9)
            start = first + chance.randrange(4096 // size) * size
            yield start, start + size - 1


def holder_of(number: int) -> int:
    """Few holders have many blocks, many have one (Zipf-like)."""
    return int(HOLDERS * ((number * 2654435761 % 2**32) / 2**32) ** 3)


def dump(count: int) -> Iterator[bytes]:
    """A dump as RIPE's: organisations, roles, and as many networks; pieces of some 100 kB."""
    piece: list[str] = []
    for number in range(min(HOLDERS, count // 4)):
        piece.append(
            f"organisation:   ORG-{number}-TEST\norg-name:       Holder {number}\n"
            f"org-type:       OTHER\naddress:        Dijk {number}\naddress:        Utrecht\n"
            f"country:        NL\nabuse-c:        A{number}-TEST\nmnt-by:         M{number}-MNT\n"
            f"created:        2019-01-01T10:00:00Z\nsource:         TEST\n\n"
            f"role:           Abuse {number}\naddress:        Dijk {number}\n"
            f"nic-hdl:        A{number}-TEST\nabuse-mailbox:  abuse@h{number}.example\n"
            f"mnt-by:         M{number}-MNT\nsource:         TEST\n\n"
        )
        if len(piece) > 200:
            yield "".join(piece).encode()
            piece.clear()
    most = min(HOLDERS, count // 4)
    for number, (first, last) in enumerate(ranges(count)):
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        holder = holder_of(number) % most
        piece.append(
            f"inetnum:        {low} - {high}\nnetname:        NET-{number}\n"
            f"descr:          Made up for a measurement\ncountry:        NL\n"
            f"org:            ORG-{holder}-TEST\nadmin-c:        A{holder}-TEST\n"
            f"tech-c:         A{holder}-TEST\nstatus:         ASSIGNED PA\n"
            f"mnt-by:         M{holder}-MNT\ncreated:        2020-01-01T10:00:00Z\n"
            f"last-modified:  2024-01-01T10:00:00Z\nsource:         TEST\n\n"
        )
        if len(piece) > 400:
            yield "".join(piece).encode()
            piece.clear()
    yield "".join(piece).encode()


def rows(count: int, *, changed: int = 0) -> Iterator[Any]:
    """The same networks as parsed rows; every `changed`th has moved to another holder."""
    from openletter.contacts.rules.blocks import Block

    known = holders()
    for number, (first, last) in enumerate(ranges(count)):
        holder = holder_of(number)
        if changed and not number % changed:
            holder = (holder + 1) % HOLDERS
        yield Block(
            4, first, last, f"NET-{number}", f"NET-{number}", f"Holder {holder}",
            f"ORG-{holder}-TEST", "NL", "test", "ASSIGNED PA", False, known[holder],
        )  # fmt: skip


def holders() -> list[Any]:
    from openletter.contacts.rules.blocks import Contacts
    from openletter.contacts.rules.candidates import Candidate, Tier
    from openletter.words import Reason, Scope

    reason = Reason(code="contact-abuse-box", values={"object": "A1-TEST", "registry": "test"})
    return [
        Contacts([
            Candidate(
                address=f"{local}@h{number}.example", mailbox=f"{local}@h{number}.example",
                source="rpsl", registry="test", object=f"A{number}-TEST", role="abuse-c", depth=1,
                scope=Scope.PROVIDER, tier=tier, weight=10_000, reason=reason, for_abuse=True,
            )
            for local, tier in (("abuse", Tier.ABUSE_BOX), ("noc", Tier.FUNCTIONAL))
        ])
        for number in range(HOLDERS)
    ]  # fmt: skip
