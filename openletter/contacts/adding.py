"""One fetched answer into the real world: its block, its contacts, and the pages it touches.

Owns: loads of kind `fetched-...`, one for each registry and form, that grow with every answer.
Only the pages that the block lies in are made anew, out of the blocks they name: what a page says
depends on nothing else. Runs in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from django.db import connection

from openletter.contacts import pages, storing
from openletter.contacts.models import ContactSet, MailboxSpread, Netblock, RegistryLoad
from openletter.contacts.reading import NOT_PASSED_ON
from openletter.contacts.rules.blocks import Block, Contacts, address_text, block_of
from openletter.contacts.rules.candidates import Candidate, candidates_of
from openletter.contacts.rules.flatten import WIDTHS, Range, flatten
from openletter.contacts.rules.refuse import World
from openletter.contacts.storing import RANGES_A_PAGE, Written
from openletter.wire.registry import Registration


def add_answer(
    found: Sequence[Registration],
    *,
    format: str,  # noqa: A002 (the column's name: rdap, whois, guess)
    guesses: Sequence[Candidate] = (),
    now: datetime,
) -> list[Netblock]:
    """The blocks of an answer; `guesses` are ready candidates for the first of them.

    An older answer of this form for the same range goes.
    """
    pages.lock(None)
    ids = []
    for place, each in enumerate(found):
        given = candidates_of(each, world=World.REAL)
        block = block_of(each, Contacts([*given, *(guesses if not place else ())]))
        load = _load(format, block.registry, now)
        ids.append(_put(block, load))
    by_id = {row.pk: row for row in Netblock.objects.filter(pk__in=ids).select_related("load")}
    return [by_id[id_] for id_ in ids if id_ in by_id]


def drop_answers(ids: Iterable[int]) -> int:
    """Fetched blocks that are no longer true; how many there were."""
    pages.lock(None)
    rows = list(
        Netblock.objects.filter(
            pk__in=list(ids), load__kind__startswith="fetched-", load__exercise=None
        ).select_related("load")
    )
    for row in rows:
        _drop(row)
        _renew(row.first.version, int(row.first), int(row.last), added=())
        RegistryLoad.objects.filter(pk=row.load_id).update(
            revision=row.load.revision + 1, netblocks=max(0, row.load.netblocks - 1)
        )
    return len(rows)


def _load(format_: str, registry: str, now: datetime) -> RegistryLoad:
    """The growing load of a form and registry, locked."""
    wanted = {"exercise": None, "partner": None, "registry": registry, "state": "current"}
    kind = f"fetched-{format_}"
    known = RegistryLoad.objects.select_for_update().filter(kind=kind, **wanted).first()
    return known or RegistryLoad.objects.create(
        kind=kind, format=format_, name=f"fetched answers ({format_})", sha256=b"",
        loaded_at=now, redistributable=registry not in NOT_PASSED_ON, **wanted,
    )  # fmt: skip


def _put(block: Block, load: RegistryLoad) -> int:
    first, last = (address_text(end, block.version) for end in (block.first, block.last))
    for row in Netblock.objects.filter(load=load, first=first, last=last).select_related("load"):
        _drop(row)
    written = Written(load=load.pk, aside=load.format in storing.ASIDE_FORMATS)
    written.blocks = written.sets = load.revision
    storing.write_more([(written, block)])
    load.revision = written.blocks
    load.netblocks = Netblock.objects.filter(load=load).count()
    load.candidates += block.contacts.counted
    load.save(update_fields=["revision", "netblocks", "candidates"])
    _renew(block.version, block.first, block.last, added=written.keys[block.version])
    return load.pk << storing.NUMBER_BITS | written.blocks


def _drop(row: Netblock) -> None:
    """The row, its contacts (nobody else's) and its part in the counts."""
    sets = ContactSet.objects.filter(pk=row.contacts_id or 0)
    known = sets.first()
    given = json.loads(known.candidates) if known else []
    for box in {str(each["mailbox"]) for each in given if not each["refused"]}:
        spread = MailboxSpread.objects.filter(load=row.load_id, mailbox=box, country=row.country)
        for each in spread:
            each.blocks -= 1
            each.save() if each.blocks > 0 else each.delete()
    sets.delete()
    Netblock.objects.filter(pk=row.pk).delete()


# -- the pages it touches -----------------------------------------------------------------------

_PAGES = """
SELECT id, host(first), ladders FROM registry_page
WHERE exercise_id IS NULL AND first <= %(last)s AND family(first) = family(%(first)s)
  AND first >= (SELECT page.first FROM registry_page AS page
    WHERE page.exercise_id IS NULL AND page.first <= %(first)s ORDER BY page.first DESC LIMIT 1)
ORDER BY first FOR UPDATE
"""
_NEXT = """
SELECT host(min(first)) FROM registry_page
WHERE exercise_id IS NULL AND first > %s AND family(first) = family(%s)
"""


def _renew(version: int, first: int, last: int, *, added: Iterable[int]) -> None:
    """The pages over a range, from the blocks they name and those added."""
    ends = {"first": address_text(first, version), "last": address_text(last, version)}
    touched = _rows(_PAGES, ends)
    if not touched:
        pages.rebuild(None)
        return
    start, end = int(ip_address(touched[0][1])), _end_of(touched[-1][1], version)
    named = {int(id_) for page in touched for ladder in page[2] for id_ in ladder.split(",") if id_}
    keys = storing.keys_of_blocks(named)[version]
    ranges = _within(flatten({*keys, *added}, width=WIDTHS[version]), start, end)
    with storing.spooled() as spool, connection.cursor() as cursor:
        for at in range(0, len(ranges), RANGES_A_PAGE):
            piece = ranges[at : at + RANGES_A_PAGE]
            spool.write(storing.page_line(piece, version=version, exercise=None))
        cursor.execute(
            "DELETE FROM registry_page WHERE id = ANY(%s)", [[row[0] for row in touched]]
        )
        storing.copy_pages(cursor, spool)


def _rows(statement: str, values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _end_of(last_page: str, version: int) -> int:
    """Where the page after this one begins."""
    found = _rows(_NEXT, [last_page, last_page])[0][0]
    return int(ip_address(found)) if found is not None else 1 << WIDTHS[version]


def _within(ranges: Iterable[Range], start: int, end: int) -> list[Range]:
    """The ranges of a window; its first one begins where the window does."""
    inside: list[Range] = []
    before = Range(start, "")
    for each in ranges:
        if each.start <= start:
            before = Range(start, each.ladder)
        elif each.start < end:
            inside.append(each)
    return [before, *inside]
