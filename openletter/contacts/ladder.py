"""From an address to its netblocks with their candidates, most specific first, out of the rows.

One statement for one address, two however many are asked for, prepared once a connection: the
ladder stands in the page at or below the address, and its blocks are fetched with their
contacts. Django's cursor would bind parameters itself and prepare nothing, so they go straight
to the driver, on the same connection and in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

import psycopg
from django.db import connection
from psycopg.rows import tuple_row

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.contacts.rules import candidates as pure
from openletter.contacts.rules.blocks import from_json
from openletter.contacts.rules.decide import Rung
from openletter.contacts.storing import ASIDE_FORMATS

DELEGATIONS = frozenset({"delegated", "special"})
"""Formats that tell a country (or that nobody holds it), and no contacts."""
Ladder = tuple[int, ...]

_OF_EXERCISE = "page.exercise_id = $1 AND page.first <= asked.ip"
_OF_REAL = "page.exercise_id IS NULL AND page.first <= asked.ip"
_ASKED = """
SELECT asked.place, (
  SELECT page.ladders[width_bucket(asked.ip, page.starts)] FROM registry_page AS page
  WHERE {world} ORDER BY page.first DESC LIMIT 1)
FROM unnest({ips}::inet[]) WITH ORDINALITY AS asked(ip, place)
"""
_COLUMNS = """
SELECT block.id, host(block.first), host(block.last), block.handle, block.name, block.holder,
  block.holder_key, block.country, block.registry, load.format, load.partner_id,
  load.loaded_at::date, known.candidates
"""
_BLOCKS = f"""{_COLUMNS}
FROM unnest($1::bigint[]) AS wanted(id)
JOIN netblock AS block ON block.id = wanted.id
JOIN registry_load AS load ON load.id = block.load_id
LEFT JOIN contact_set AS known ON known.id = block.contacts_id
"""
_ONE = f"""{_COLUMNS}
FROM (
  SELECT page.ladders[width_bucket(asked.ip, page.starts)] AS ladder
  FROM (SELECT {{ip}}::inet AS ip) AS asked, registry_page AS page
  WHERE {{world}} ORDER BY page.first DESC LIMIT 1) AS found
CROSS JOIN unnest(string_to_array(found.ladder, ',')::bigint[]) WITH ORDINALITY AS wanted(id, step)
JOIN netblock AS block ON block.id = wanted.id
JOIN registry_load AS load ON load.id = block.load_id
LEFT JOIN contact_set AS known ON known.id = block.contacts_id
ORDER BY wanted.step
"""
_ASKED_REAL = _ASKED.format(world=_OF_REAL, ips="$1")
_ASKED_EXERCISE = _ASKED.format(world=_OF_EXERCISE, ips="$2")
_ONE_REAL = _ONE.format(world=_OF_REAL, ip="$1")
_ONE_EXERCISE = _ONE.format(world=_OF_EXERCISE, ip="$2")


class _Row(NamedTuple):
    """A netblock as the statement gives it."""

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
    partner: int | None
    loaded: date
    candidates: str | None


def ladders(addresses: Iterable[Address], *, world: Campaign | None) -> dict[Address, list[Rung]]:
    """The rungs of every address; an address outside all blocks has none."""
    asked = list(dict.fromkeys(addresses))
    if len(asked) == 1:
        return {asked[0]: _one(asked[0], world=world)}
    return with_rungs(ids_of(asked, world=world))


def _one(address: Address, *, world: Campaign | None) -> list[Rung]:
    """The same for a single address, in one statement."""
    if world is None:
        rows = _fetched(_ONE_REAL, [str(address)])
    else:
        rows = _fetched(_ONE_EXERCISE, [world.pk, str(address)])
    return list(_rungs(map(_row, rows)))


def ids_of(addresses: Iterable[Address], *, world: Campaign | None) -> dict[Address, Ladder]:
    """The ids of the blocks over each address, most specific first."""
    asked = list(dict.fromkeys(addresses))
    if not asked:
        return {}
    texts = [str(each) for each in asked]
    if world is None:
        rows = _fetched(_ASKED_REAL, [texts])
    else:
        rows = _fetched(_ASKED_EXERCISE, [world.pk, texts])
    return {asked[place - 1]: ladder_of(text) for place, text in rows}


def ladder_of(text: str | None) -> Ladder:
    """The ids in a page's text."""
    return tuple(map(int, text.split(","))) if text else ()


def with_rungs(found: Mapping[Address, Ladder]) -> dict[Address, list[Rung]]:
    """Fetch the blocks of ladders; the same ladder is made once."""
    wanted = sorted({id_ for ladder in found.values() for id_ in ladder})
    rows = {row[0]: _row(row) for row in _fetched(_BLOCKS, [wanted])} if wanted else {}
    made: dict[Ladder, list[Rung]] = {}
    for ladder in set(found.values()):
        made[ladder] = list(_rungs([rows[id_] for id_ in ladder if id_ in rows]))
    return {address: made[ladder] for address, ladder in found.items()}


def spread(boxes: Iterable[str], *, world: Campaign | None) -> dict[str, int]:
    """In how many countries the networks of each mailbox are."""
    statement = """
    SELECT mailbox, count(DISTINCT country) FROM mailbox_spread AS spread
    JOIN registry_load AS load ON load.id = spread.load_id
    WHERE mailbox = ANY(%s) AND country <> '' AND load.state = 'current'
      AND load.exercise_id IS NOT DISTINCT FROM %s
    GROUP BY mailbox
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [sorted(boxes), world.pk if world else None])
        return dict(cursor.fetchall())


def _row(columns: tuple[Any, ...]) -> _Row:
    return _Row(*columns)


def _fetched(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    driver: psycopg.Connection[Any] = connection.connection
    with psycopg.RawCursor(driver, row_factory=tuple_row) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchall()


def _rungs(rows: Iterable[_Row]) -> Iterator[Rung]:
    """Equal ranges share a level; what stands aside has the level of the rung below it."""
    level, before = -1, None
    for row in rows:
        is_aside = row.format in ASIDE_FORMATS
        if not is_aside and (row.first, row.last) != before:
            level, before = level + 1, (row.first, row.last)
        yield Rung(
            first=ip_address(row.first), last=ip_address(row.last), level=max(level, 0),
            handle=row.handle, name=row.name, holder=row.holder, holder_key=row.holder_key,
            country=row.country or None, registry=row.registry,
            is_delegation=row.format in DELEGATIONS,
            is_aside=is_aside and row.format not in DELEGATIONS, partner=row.partner,
            candidates=_candidates(row.candidates, row.loaded) if row.candidates else (),
        )  # fmt: skip


@lru_cache(maxsize=4_096)
def _candidates(text: str, loaded: date) -> tuple[pure.Candidate, ...]:
    """Candidates of a set; hot ones (a large provider's) are read once."""
    day = loaded.toordinal()
    return tuple(from_json(each, as_of=day) for each in json.loads(text))
