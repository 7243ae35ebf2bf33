"""From an address to its netblocks with their candidates, most specific first, out of the rows.

One query looks the nearest start up in the flattened ranges and walks up the parents, one more
fetches the candidates: two queries however many addresses are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.db import connection

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.contacts.models import Candidate
from openletter.contacts.rules import candidates as pure
from openletter.contacts.rules.decide import Rung
from openletter.contacts.rules.refuse import Refusal
from openletter.words import Reason, Scope

DELEGATED = "delegated"

_NEAREST_OF_EXERCISE = """
WITH RECURSIVE asked(ip, block) AS (
  SELECT wanted.ip, (
    SELECT found.netblock_id FROM registry_range AS found
    WHERE found.exercise_id = %s AND found.first <= wanted.ip
    ORDER BY found.first DESC LIMIT 1)
  FROM unnest(%s::inet[]) AS wanted(ip)),
"""
_NEAREST = """
WITH RECURSIVE asked(ip, block) AS (
  SELECT wanted.ip, (
    SELECT found.netblock_id FROM registry_range AS found
    WHERE found.exercise_id IS NULL AND found.first <= wanted.ip
    ORDER BY found.first DESC LIMIT 1)
  FROM unnest(%s::inet[]) AS wanted(ip)),
"""
_UPWARDS = """
bottom(block, ips) AS (
  SELECT block, array_agg(host(ip)) FROM asked WHERE block IS NOT NULL GROUP BY block),
rung(bottom, id, step) AS (
  SELECT block, block, 0 FROM bottom
  UNION ALL
  SELECT rung.bottom, below.parent_id, rung.step + 1
  FROM rung JOIN netblock AS below ON below.id = rung.id
  WHERE below.parent_id IS NOT NULL AND rung.step < 40)
SELECT bottom.block, bottom.ips, block.id, host(block.first), host(block.last), block.handle,
  block.name, block.holder, block.holder_key, block.country, block.registry, load.format
FROM rung
JOIN bottom ON bottom.block = rung.bottom
JOIN netblock AS block ON block.id = rung.id
JOIN registry_load AS load ON load.id = block.load_id
ORDER BY bottom.block, rung.step
"""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A netblock as the query gives it."""

    id: int
    first: str
    last: str
    handle: str
    name: str
    holder: str
    holder_key: str
    country: str
    registry: str
    format: str


def ladders(addresses: Iterable[Address], *, world: Campaign | None) -> dict[Address, list[Rung]]:
    """The rungs of every address; an address outside all blocks has none."""
    asked = set(addresses)
    ips: dict[int, list[str]] = {}
    blocks: dict[int, list[_Row]] = defaultdict(list)
    for bottom, hosts, *columns in _query(sorted(map(str, asked)), world):
        ips[bottom] = hosts
        blocks[bottom].append(_Row(**dict(zip(_Row.__dataclass_fields__, columns, strict=True))))
    candidates = _by_block({row.id for rows in blocks.values() for row in rows})
    found: dict[Address, list[Rung]] = {address: [] for address in asked}
    for bottom, rows in blocks.items():
        rungs = _rungs(rows, candidates)
        found.update((ip_address(host), rungs) for host in ips[bottom])
    return found


def _query(asked: list[str], world: Campaign | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        if world is None:
            cursor.execute(_NEAREST + _UPWARDS, [asked])
        else:
            cursor.execute(_NEAREST_OF_EXERCISE + _UPWARDS, [world.pk, asked])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _by_block(ids: set[int]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = defaultdict(list)
    for row in Candidate.objects.filter(netblock__in=ids).order_by("rank", "id"):
        found[row.netblock_id].append(row)
    return found


def _rungs(rows: list[_Row], candidates: Mapping[int, Sequence[Candidate]]) -> list[Rung]:
    """Equal ranges share a level; delegated statistics give a country and no level of their own."""
    found: list[Rung] = []
    level, before = -1, None
    for row in rows:
        is_delegation = row.format == DELEGATED
        if not is_delegation and (row.first, row.last) != before:
            level, before = level + 1, (row.first, row.last)
        found.append(
            Rung(
                first=ip_address(row.first), last=ip_address(row.last), level=max(level, 0),
                handle=row.handle, name=row.name, holder=row.holder, holder_key=row.holder_key,
                country=row.country or None, registry=row.registry, is_delegation=is_delegation,
                candidates=tuple(_pure(each) for each in candidates.get(row.id, ())),
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
