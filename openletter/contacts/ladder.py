"""From an address to its netblocks with their candidates, most specific first, out of the rows.

One look-up in the flattened ranges, one walk up the parents, one fetch of candidates: three
queries however many addresses are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.contacts.models import Candidate, Netblock
from openletter.contacts.rules import candidates as pure
from openletter.contacts.rules.decide import Rung
from openletter.contacts.rules.refuse import Refusal
from openletter.words import Reason, Scope

DELEGATED = "delegated"

_NEAREST_OF_EXERCISE = """
SELECT asked.ip, (
  SELECT found.netblock_id FROM registry_range AS found
  WHERE found.exercise_id = %s AND found.first <= asked.ip
  ORDER BY found.first DESC LIMIT 1)
FROM unnest(%s::inet[]) AS asked(ip)
"""
_NEAREST = """
SELECT asked.ip, (
  SELECT found.netblock_id FROM registry_range AS found
  WHERE found.exercise_id IS NULL AND found.first <= asked.ip
  ORDER BY found.first DESC LIMIT 1)
FROM unnest(%s::inet[]) AS asked(ip)
"""
_UPWARDS = """
WITH RECURSIVE rung(bottom, id, parent_id, step) AS (
  SELECT id, id, parent_id, 0 FROM netblock WHERE id = ANY(%s)
  UNION ALL
  SELECT rung.bottom, block.id, block.parent_id, rung.step + 1
  FROM netblock AS block JOIN rung ON block.id = rung.parent_id
  WHERE rung.step < 40)
SELECT bottom, id FROM rung ORDER BY bottom, step
"""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Netblocks of several ladders and their candidates, by block."""

    blocks: Mapping[int, Netblock]
    candidates: Mapping[int, Sequence[Candidate]]


def ladders(addresses: Iterable[Address], *, world: Campaign | None) -> dict[Address, list[Rung]]:
    """The rungs of every address; an address outside all blocks has none."""
    nearest = _nearest(sorted(set(addresses), key=str), world)
    upwards = _upwards({block for block in nearest.values() if block})
    ids = {block for blocks in upwards.values() for block in blocks}
    rows = _Rows(
        blocks=Netblock.objects.select_related("load").in_bulk(ids), candidates=_by_block(ids)
    )
    built = {bottom: _rungs(blocks, rows) for bottom, blocks in upwards.items()}
    return {ip: built[block] if block else [] for ip, block in nearest.items()}


def _nearest(addresses: list[Address], world: Campaign | None) -> dict[Address, int | None]:
    asked = [str(address) for address in addresses]
    with connection.cursor() as cursor:
        if world is None:
            cursor.execute(_NEAREST, [asked])
        else:
            cursor.execute(_NEAREST_OF_EXERCISE, [world.pk, asked])
        found = {str(ip).partition("/")[0]: block for ip, block in cursor.fetchall()}
    return {address: found[str(address)] for address in addresses}


def _upwards(bottoms: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    if bottoms:
        with connection.cursor() as cursor:
            cursor.execute(_UPWARDS, [list(bottoms)])
            for bottom, block in cursor.fetchall():
                found[bottom].append(block)
    return found


def _by_block(ids: set[int]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = defaultdict(list)
    for row in Candidate.objects.filter(netblock__in=ids).order_by("rank", "id"):
        found[row.netblock_id].append(row)
    return found


def _rungs(blocks: list[int], rows: _Rows) -> list[Rung]:
    """Equal ranges share a level; delegated statistics give a country and no level of their own."""
    found: list[Rung] = []
    level, before = -1, None
    for key in blocks:
        block = rows.blocks[key]
        is_delegation = block.load.format == DELEGATED
        if not is_delegation and (block.first, block.last) != before:
            level, before = level + 1, (block.first, block.last)
        found.append(
            Rung(
                first=block.first, last=block.last, level=max(level, 0), handle=block.handle,
                name=block.name, holder=block.holder, holder_key=block.holder_key,
                country=block.country or None, registry=block.registry,
                is_delegation=is_delegation,
                candidates=tuple(_pure(row) for row in rows.candidates.get(key, ())),
            )
        )  # fmt: skip
    return found


def _pure(row: Candidate) -> pure.Candidate:
    return pure.Candidate(
        address=row.address, mailbox=row.mailbox, source=row.source, registry=row.registry,
        object=row.object, role=row.role, depth=row.depth, scope=Scope(row.scope),
        tier=pure.Tier(row.tier), weight=row.rank, reason=Reason.from_json(row.reason),
        refused=Refusal(row.refused) if row.refused else None, for_abuse=row.for_abuse,
    )  # fmt: skip
