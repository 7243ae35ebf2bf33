"""Registries into a world: prepared beside it, looked at, then put in its place at once.

Owns: loads and a world's pages. A load is first written where nobody sees it (`prepare`): its
blocks, and the pages the world would have with it. `activate` puts them in place in one short
transaction; until then the world is as it was, and what is left of an interrupted load is swept
away by the next one. A newer load of a registry and kind takes the place of the older one, which
is kept for `take_back`. Every world has its own registries (contracts §3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from django.db import connection, transaction

from openletter.campaigns.models import Campaign, Partner
from openletter.contacts import pages, reading, storing
from openletter.contacts.adding import add_answer, drop_answers
from openletter.contacts.errors import ContactError
from openletter.contacts.models import RegistryLoad
from openletter.contacts.pages import Watch, base_of, current, lock, rebuild
from openletter.contacts.reading import Group, Progress, Read
from openletter.contacts.rules.blocks import Block, Contacts, block_of
from openletter.contacts.rules.candidates import Candidate
from openletter.contacts.rules.refuse import World
from openletter.contacts.storing import Written
from openletter.wire.nrtm4 import Mirror
from openletter.wire.registry import Registration
from openletter.wire.rpsl import Faults
from openletter.words import Reason

_LOAD_SPACE = 0x0C4A3
State = RegistryLoad.State
__all__ = [
    "Prepared", "activate", "add_answer", "alone", "discard", "drop_answers", "make_pages",
    "prepare", "put", "rebuild", "same_again", "take_back",
]  # fmt: skip


@dataclass(kw_only=True)
class Prepared:
    """Loads that lie ready beside their world."""

    exercise: Campaign | None
    loads: list[RegistryLoad]
    replaced: list[RegistryLoad]
    written: dict[int, Written]
    faults: Faults = field(default_factory=Faults)
    passed_over: dict[str, int] = field(default_factory=dict)
    pages: IO[bytes] | None = None
    base: frozenset[tuple[int, int]] = frozenset()
    """(load, revision) of the world the pages were made from."""

    def close(self) -> None:
        """Done with the pages."""
        if self.pages is not None:
            self.pages.close()
        self.pages = None


def same_again(paths: Sequence[Path], *, exercise: Campaign | None) -> list[RegistryLoad]:
    """The current loads of these very files, if they are what is loaded; else none."""
    digest = _digest([each.sha256 for each in reading.look(paths)])
    loads = list(current(exercise).filter(sha256=digest).order_by("id"))
    return loads if loads and len(loads) == loads[0].stands_for.get("loads") else []


def prepare(
    paths: Sequence[Path],
    *,
    exercise: Campaign | None,
    now: datetime,
    key: bytes | None = None,
    progress: Progress = lambda *_: None,
) -> Prepared:
    """Read files that belong together (objects of one may point into another) into pending loads.

    `key`: the public key (PEM) that must have signed an NRTMv4 notification among them.
    """
    read = Read(files=reading.look(paths))
    world = World.EXERCISE if exercise else World.REAL
    blocks = reading.blocks(read, world=world, key=key, progress=progress)
    name = ", ".join(dict.fromkeys(each.path.name for each in read.files))
    digest = _digest([each.sha256 for each in read.files])
    most = reading.most_groups(read.files)
    prepared = written(blocks, name=name, digest=digest, exercise=exercise, now=now, most=most)
    prepared.faults, prepared.passed_over = read.faults, read.passed_over
    for load in prepared.loads:
        load.rejected |= dict(read.faults)
        if read.mirror is not None:
            mirror = read.mirror
            load.stands_for |= {"session": mirror.session, "version": mirror.version}
            _not_older(prepared, mirror)
        load.save(update_fields=["rejected", "stands_for"])
    return prepared


def _not_older(prepared: Prepared, mirror: Mirror) -> None:
    """A mirror never goes back; what was written for it is removed."""
    for before in prepared.replaced:
        known = before.stands_for
        if known.get("session") == mirror.session and known["version"] > mirror.version:
            discard(prepared)
            values = {"version": mirror.version, "loaded": known["version"]}
            raise ContactError(Reason(code="nrtm-older", values=values))


def put(
    rows: Iterable[tuple[Registration, Sequence[Candidate]]],
    *,
    name: str,
    format: str,  # noqa: A002 (the column's name)
    partner: Partner | None,
    exercise: Campaign | None,
    now: datetime,
    kind: str = "",
) -> RegistryLoad:
    """Ready rows with their candidates (a partner's own register) in the place of older ones."""
    group = Group(registry="", kind=kind or format, format=format)
    shown = hashlib.sha256(name.encode())

    def blocks() -> Iterator[tuple[Group, Block]]:
        for found, candidates in rows:
            block = block_of(found, Contacts(candidates))
            shown.update(f"{block[:11]}{block.contacts.json}".encode("utf-8", "replace"))
            yield group, block

    with alone(exercise), transaction.atomic():
        prepared = written(
            blocks(), name=name, digest=b"", exercise=exercise, now=now, partner=partner
        )
        if not prepared.loads:
            raise reading.unreadable(Path(name), "no-network")
        prepared.loads[0].sha256 = shown.digest()
        prepared.loads[0].save(update_fields=["sha256"])
        return activate(prepared)[0]


def written(
    blocks: Iterable[tuple[Group, Block]],
    *,
    name: str,
    digest: bytes,
    exercise: Campaign | None,
    now: datetime,
    partner: Partner | None = None,
    most: int = 1,
) -> Prepared:
    """Pending loads with all their blocks, in one transaction: all or nothing."""
    with transaction.atomic():
        _sweep(exercise)
        book = _Book(exercise=exercise, partner=partner, name=name, digest=digest, now=now)
        book.ids = _new_ids(most)
        try:
            storing.write((book.written(group), block) for group, block in blocks)
        except storing.TooManyError as problem:
            raise reading.unreadable(Path(name), "too-large") from problem
        loads = book.save()
    replaced = _to_replace(loads, exercise)
    return Prepared(
        exercise=exercise, loads=loads, replaced=replaced,
        written={load.pk: book.by_load[load.pk] for load in loads},
    )  # fmt: skip


class _Book:
    """The loads of one command: an id for each group as it comes up, rows at the end."""

    def __init__(
        self, *, exercise: Campaign | None, partner: Partner | None, name: str, digest: bytes,
        now: datetime,
    ) -> None:  # fmt: skip
        self.exercise, self.partner = exercise, partner
        self.name, self.digest, self.now = name, digest, now
        self.ids: list[int] = []
        self.by_place: dict[tuple[str, str], tuple[Group, Written]] = {}
        self.by_load: dict[int, Written] = {}

    def written(self, group: Group) -> Written:
        """Where blocks of this group go."""
        known = self.by_place.get((group.registry, group.kind))
        if known is None:
            aside = group.format in storing.ASIDE_FORMATS
            known = group, Written(load=self.ids.pop(0), aside=aside)
            self.by_place[group.registry, group.kind] = known
            self.by_load[known[1].load] = known[1]
        return known[1]

    def save(self) -> list[RegistryLoad]:
        return [
            RegistryLoad.objects.create(
                pk=written.load, exercise=self.exercise, partner=self.partner,
                sha256=self.digest, name=(group.files or self.name)[:300], format=group.format,
                kind=group.kind, registry=group.registry, state=State.PENDING,
                loaded_at=self.now,
                redistributable=group.registry not in reading.NOT_PASSED_ON,
                netblocks=written.blocks, candidates=written.addresses,
                rejected=dict(written.refused), stands_for={"loads": len(self.by_place)},
            )
            for group, written in self.by_place.values()
        ]  # fmt: skip


def _new_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('registry_load', 'id'))"
            " FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def _to_replace(loads: Iterable[RegistryLoad], exercise: Campaign | None) -> list[RegistryLoad]:
    """Current loads whose place the new ones take: the same registry, kind and partner."""
    places = {(load.registry, load.kind, load.partner_id) for load in loads}
    return [
        load for load in current(exercise) if (load.registry, load.kind, load.partner_id) in places
    ]


# -- in place -----------------------------------------------------------------------------------


def make_pages(prepared: Prepared, *, watch: Watch | None = None) -> None:
    """The pages the world would have; every range is shown to `watch`."""
    prepared.close()
    prepared.base = base_of(prepared.exercise)
    prepared.pages = pages.spooled(
        prepared.exercise, without=prepared.replaced, added=prepared.written.values(), watch=watch
    )


def activate(
    prepared: Prepared, *, then: Callable[[], object] = lambda: None
) -> list[RegistryLoad]:
    """Put the loads in place; `then` runs in the same transaction.

    If the world changed since the pages were made (an answer was added), they are made anew.
    """
    exercise = prepared.exercise
    with transaction.atomic():
        lock(exercise)
        if prepared.pages is None or prepared.base != base_of(exercise):
            prepared.replaced = _to_replace(prepared.loads, exercise)
            make_pages(prepared)
        assert prepared.pages is not None  # noqa: S101 (made just now)
        older = {(each.registry, each.kind, each.partner_id): each for each in prepared.replaced}
        _forget_older(prepared.replaced)
        for load in prepared.loads:
            before = older.get((load.registry, load.kind, load.partner_id))
            if before is not None:
                RegistryLoad.objects.filter(pk=before.pk).update(state=State.REPLACED)
            load.state, load.replaces = State.CURRENT, before
            load.save(update_fields=["state", "replaces"])
        storing.put_pages(prepared.pages, exercise=exercise.pk if exercise else None)
        then()
    prepared.close()
    return prepared.loads


def _forget_older(replaced: Iterable[RegistryLoad]) -> None:
    """What those had replaced themselves: one version back is kept, not all."""
    storing.delete_loads(load.replaces_id for load in replaced if load.replaces_id is not None)


def discard(prepared: Prepared) -> None:
    """Leave the world as it is."""
    prepared.close()
    with transaction.atomic():
        storing.delete_loads(load.pk for load in prepared.loads)


def _sweep(exercise: Campaign | None) -> None:
    """Remove what interrupted loads of this world left pending; we load `alone`."""
    pending = RegistryLoad.objects.filter(exercise=exercise, state=State.PENDING)
    storing.delete_loads(pending.values_list("pk", flat=True))


@contextmanager
def alone(exercise: Campaign | None) -> Iterator[None]:
    """One load of a world at a time, from the first block to the last; others are refused."""
    place = [_LOAD_SPACE, exercise.pk if exercise else 0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", place)
        if not cursor.fetchall()[0][0]:
            raise ContactError(Reason(code="registry-busy"))
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", place)


@transaction.atomic
def take_back(load: RegistryLoad, *, now: datetime) -> RegistryLoad | None:
    """Remove a load; the one whose place it took comes back. Made choices stay."""
    exercise = load.exercise
    lock(exercise)
    before = load.replaces if load.replaces and load.replaces.state == State.REPLACED else None
    storing.delete_loads([load.pk])
    if before is not None:
        before.state = State.CURRENT
        before.save(update_fields=["state"])
    rebuild(exercise)
    return before


def _digest(hashes: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(sorted(hashes))).digest()
