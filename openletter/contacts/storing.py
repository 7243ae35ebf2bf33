"""Blocks into rows and a world's blocks into pages: COPY, ids made here, nothing held twice.

Owns the three tables that are written by the million (`netblock`, `contact_set`,
`registry_page`). Ids are the load's id and a running number, so that a load is written without
asking the database for each. Contacts and pages wait in a spool file until the COPY before them
is through; memory holds one integer a block.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import IO

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from openletter.contacts.rules.blocks import NOBODY, Block, Contacts, address_text, as_text
from openletter.contacts.rules.flatten import ASIDE, ENDS_WALK, WIDTHS, Range, flatten, key

NUMBER_BITS = 25
MOST_IN_A_LOAD = (1 << NUMBER_BITS) - 1
RANGES_A_PAGE = 32
PIECE = 1 << 17
IN_MEMORY = 32 << 20
ASIDE_FORMATS = frozenset({"delegated", "special", "partner", "guess"})
"""Formats whose blocks stand beside the ladder: a country or contacts, but no own level."""


class TooManyError(Exception):
    """More blocks than one load may have."""


@dataclass(kw_only=True, eq=False)
class Written:
    """What one load took in: its blocks as sortable numbers, and counts."""

    load: int
    aside: bool
    keys: dict[int, list[int]] = field(default_factory=lambda: {4: [], 6: []})
    blocks: int = 0
    sets: int = 0
    contacts: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """mailboxes and refusals by set"""
    counted: dict[tuple[int, str], int] = field(default_factory=dict)
    """blocks by contacts and country"""

    def lines(self, blocks: Iterable[Block], spool: IO[bytes]) -> Iterator[str]:
        """A line of COPY for each block; contacts go into the spool the first time.

        One loop with everything in it: it runs a million times and more.
        """
        load, counted = self.load, self.counted
        aside = ASIDE if self.aside else 0
        for block in blocks:
            version, first, last = block[:3]
            ends_walk, contacts = block[10:]
            self.blocks += 1
            if self.blocks > MOST_IN_A_LOAD:
                raise TooManyError
            id_ = load << NUMBER_BITS | self.blocks
            traits = aside | ENDS_WALK if ends_walk else aside
            self.keys[version].append(key(first, last, id_, width=WIDTHS[version], traits=traits))
            if contacts is NOBODY:
                yield f"{id_}\t{load}\t\\N\t{as_text(block)}\n"
                continue
            if contacts.id >> NUMBER_BITS != load:
                self._keep(contacts, spool)
            place = contacts.id, block[7]
            counted[place] = counted.get(place, 0) + 1
            yield f"{id_}\t{load}\t{contacts.id}\t{as_text(block)}\n"

    def _keep(self, contacts: Contacts, spool: IO[bytes]) -> None:
        self.sets += 1
        contacts.id = self.load << NUMBER_BITS | self.sets
        self.contacts[contacts.id] = contacts.mailboxes, contacts.refused
        kept = contacts.json.replace("\\", "\\\\")
        spool.write(f"{contacts.id}\t{self.load}\t{kept}\n".encode("utf-8", "replace"))

    def spread(self) -> dict[tuple[str, str], int]:
        """How many blocks name each mailbox, by country."""
        found: dict[tuple[str, str], int] = {}
        for (set_, country), count in self.counted.items():
            for mailbox in self.contacts[set_][0]:
                found[mailbox, country] = found.get((mailbox, country), 0) + count
        return found

    @property
    def addresses(self) -> int:
        """How often a block names a mailbox that may be written to."""
        return sum(len(self.contacts[set_][0]) * n for (set_, _), n in self.counted.items())

    @property
    def refused(self) -> dict[str, int]:
        """How often an address of a block was refused, by reason."""
        found: Counter[str] = Counter()
        for (set_, _), count in self.counted.items():
            for reason in self.contacts[set_][1]:
                found[reason] += count
        return found


COPY_BLOCKS = (
    "COPY netblock (id, load_id, contacts_id, first, last, handle, name, holder, holder_key,"
    " country, registry, status, ends_walk, digest) FROM STDIN"
)
_COPY_CONTACTS = "COPY contact_set (id, load_id, candidates) FROM STDIN"
_COPY_SPREAD = "COPY mailbox_spread (load_id, mailbox, country, blocks) FROM STDIN"
_MORE_SPREAD = """
INSERT INTO mailbox_spread AS known (load_id, mailbox, country, blocks) VALUES (%s, %s, %s, %s)
ON CONFLICT (mailbox, load_id, country) DO UPDATE SET blocks = known.blocks + excluded.blocks
"""
_COPY_PAGES = "COPY registry_page (exercise_id, first, starts, ladders) FROM STDIN"


def write(blocks: Iterable[tuple[Written, Block]]) -> None:
    """Copy blocks into the new loads they belong to, with contacts and counts."""
    taken = _write(blocks)
    spread = (
        f"{each.load}\t{_escaped(mailbox)}\t{country}\t{count}\n"
        for each in taken
        for (mailbox, country), count in sorted(each.spread().items())
    )
    with connection.cursor() as cursor:
        _copy(cursor, _COPY_SPREAD, spread)


def write_more(blocks: Iterable[tuple[Written, Block]]) -> None:
    """The same into loads that have blocks already."""
    rows = [
        (each.load, mailbox, country, count)
        for each in _write(blocks)
        for (mailbox, country), count in each.spread().items()
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_MORE_SPREAD, rows)


def _write(blocks: Iterable[tuple[Written, Block]]) -> list[Written]:
    taken: dict[int, Written] = {}
    with spooled() as spool, connection.cursor() as cursor:
        _copy(cursor, COPY_BLOCKS, _lines(blocks, taken, spool))
        copy_spool(cursor, _COPY_CONTACTS, spool)
    return list(taken.values())


def _lines(
    blocks: Iterable[tuple[Written, Block]], taken: dict[int, Written], spool: IO[bytes]
) -> Iterator[str]:
    for into, run in groupby(blocks, key=itemgetter(0)):
        taken[into.load] = into
        yield from into.lines(map(itemgetter(1), run), spool)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _copy(cursor: CursorWrapper, statement: str, lines: Iterable[str]) -> None:
    waiting: list[str] = []
    size = 0
    with cursor.copy(statement) as copy:
        for line in lines:
            waiting.append(line)
            size += len(line)
            if size > PIECE:
                copy.write("".join(waiting).encode("utf-8", "replace"))
                waiting.clear()
                size = 0
        copy.write("".join(waiting).encode("utf-8", "replace"))


def spooled() -> tempfile.SpooledTemporaryFile[bytes]:
    """A file in memory until it is large."""
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


def copy_spool(cursor: CursorWrapper, statement: str, spool: IO[bytes]) -> None:
    """Copy what was spooled."""
    spool.seek(0)
    with cursor.copy(statement) as copy:
        while piece := spool.read(PIECE):
            copy.write(piece)


# -- a world's pages ----------------------------------------------------------------------------


def spool_pages(
    keys: Mapping[int, list[int]], *, exercise: int | None, spool: IO[bytes]
) -> Iterator[tuple[int, Range]]:
    """Flatten a world into the spool; gives out every range with its family on the way."""
    for version in (4, 6):
        page: list[Range] = []
        for found in flatten(keys[version], width=WIDTHS[version]):
            yield version, found
            page.append(found)
            if len(page) == RANGES_A_PAGE:
                spool.write(page_line(page, version=version, exercise=exercise))
                page.clear()
        if page:
            spool.write(page_line(page, version=version, exercise=exercise))


def page_line(page: Sequence[Range], *, version: int, exercise: int | None) -> bytes:
    """A page in the form of COPY."""
    starts = [address_text(each.start, version) for each in page]
    ladders = '","'.join([each.ladder for each in page])
    world = "\\N" if exercise is None else exercise
    return f'{world}\t{starts[0]}\t{{{",".join(starts)}}}\t{{"{ladders}"}}\n'.encode("ascii")


def put_pages(spool: IO[bytes], *, exercise: int | None) -> None:
    """The spooled pages instead of the world's old ones; in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM registry_page WHERE exercise_id IS NOT DISTINCT FROM %s", [exercise]
        )
        copy_pages(cursor, spool)


def copy_pages(cursor: CursorWrapper, spool: IO[bytes]) -> None:
    """Pages out of a spool, beside those that are there."""
    copy_spool(cursor, _COPY_PAGES, spool)


_KEYS = sql.SQL("""
COPY (SELECT block.id, substr(encode(inet_send(first), 'hex'), 9),
  substr(encode(inet_send(last), 'hex'), 9),
  (load.format = ANY({aside}))::int * {is_aside} + ends_walk::int * {ends}
FROM netblock AS block JOIN registry_load AS load ON load.id = block.load_id
WHERE block.{column} = ANY({wanted})) TO STDOUT
""")


def keys_of(loads: Iterable[int]) -> dict[int, list[int]]:
    """The blocks of loads as sortable numbers, read from the rows."""
    return _keys("load_id", loads)


def keys_of_blocks(ids: Iterable[int]) -> dict[int, list[int]]:
    """The same for single blocks; those that are gone are left out."""
    return _keys("id", ids)


def _keys(column: str, chosen: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {4: [], 6: []}
    wanted = sorted(chosen)
    if not wanted:
        return found
    statement = _KEYS.format(
        aside=sql.Literal(sorted(ASIDE_FORMATS)), wanted=sql.Literal(wanted),
        column=sql.Identifier(column),
        is_aside=sql.Literal(ASIDE), ends=sql.Literal(ENDS_WALK),
    )  # fmt: skip
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        rest = b""
        for piece in copy:
            lines = (rest + bytes(piece)).split(b"\n")
            rest = lines.pop()
            for line in lines:
                id_, first, last, traits = line.split(b"\t")
                version = 4 if len(first) == 8 else 6
                found[version].append(
                    key(int(first, 16), int(last, 16), int(id_), width=WIDTHS[version],
                        traits=int(traits))
                )  # fmt: skip
    return found


def delete_loads(loads: Iterable[int]) -> None:
    """Loads with all their rows; nobody's page may still name them."""
    wanted = sorted(loads)
    if not wanted:
        return
    with connection.cursor() as cursor:
        for table in ("netblock", "contact_set", "mailbox_spread"):
            statement = sql.SQL("DELETE FROM {} WHERE load_id = ANY(%s)")
            cursor.execute(statement.format(sql.Identifier(table)), [wanted])
        cursor.execute(
            "UPDATE registry_load SET replaces_id = NULL WHERE replaces_id = ANY(%s)", [wanted]
        )
        cursor.execute("DELETE FROM registry_load WHERE id = ANY(%s)", [wanted])
