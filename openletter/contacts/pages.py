"""A world's pages: which loads they are made of, made anew, one change at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO

from django.db import connection
from django.db.models import QuerySet

from openletter.campaigns.models import Campaign
from openletter.contacts import storing
from openletter.contacts.models import RegistryLoad, RegistryPage
from openletter.contacts.rules.flatten import Range
from openletter.contacts.storing import Written

_LOCK_SPACE = 0x0C4A2
Watch = Callable[[int, Range], None]
"""Told every range of new pages: family and range."""


def current(exercise: Campaign | None) -> QuerySet[RegistryLoad]:
    """The loads that a world's pages are made of."""
    return RegistryLoad.objects.filter(exercise=exercise, state=RegistryLoad.State.CURRENT)


def base_of(exercise: Campaign | None) -> frozenset[tuple[int, int]]:
    """What pages made now are made from: (load, revision)."""
    return frozenset(current(exercise).values_list("pk", "revision"))


def lock(exercise: Campaign | None) -> None:
    """One change of a world's pages at a time; until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, exercise.pk if exercise else 0]
        )


def spooled(
    exercise: Campaign | None,
    *,
    without: Iterable[RegistryLoad] = (),
    added: Iterable[Written] = (),
    watch: Watch | None = None,
) -> IO[bytes]:
    """The pages of the world as it would be, in a file; every range is shown to `watch`."""
    gone = {load.pk for load in without}
    standing = [load.pk for load in current(exercise) if load.pk not in gone]
    keys = storing.keys_of(standing)
    for written in added:
        for version, found in written.keys.items():
            keys[version] += found
    spool = storing.spooled()
    world = exercise.pk if exercise else None
    for version, found_range in storing.spool_pages(keys, exercise=world, spool=spool):
        if watch is not None:
            watch(version, found_range)
    return spool


def rebuild(exercise: Campaign | None) -> None:
    """All pages of a world anew, from the rows."""
    with spooled(exercise) as spool:
        storing.put_pages(spool, exercise=exercise.pk if exercise else None)


def ranges(exercise: Campaign | None) -> Iterator[tuple[int, Range]]:
    """All disjoint ranges of a world, by family and address: from each start to the next one."""
    pages = RegistryPage.objects.filter(exercise=exercise).order_by("first")
    before: tuple[int, str] = (0, "")
    for first, starts, ladders in pages.values_list("first", "starts", "ladders").iterator():
        for start, ladder in zip(starts, ladders, strict=True):
            if (first.version, ladder) != before:
                before = first.version, ladder
                yield first.version, Range(int(start), ladder)
