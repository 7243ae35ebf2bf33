"""Registry files into rows: RPSL dumps, RDAP answers, delegated statistics.

A file is known by its hash: loading it again changes nothing. A file that can't be read whole
changes nothing either: it is parsed before the transaction begins. A file of a name that was
loaded before takes the place of the older one. Every world has its own registries (contracts §3).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from openletter.campaigns.models import Campaign
from openletter.contacts.errors import ContactError
from openletter.contacts.models import Candidate, Netblock, RegistryLoad, RegistryRange
from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.flatten import Block, flatten
from openletter.contacts.rules.refuse import World
from openletter.wire import delegated, rdap, rpsl, rpsl_links
from openletter.wire.registry import Holder, Registration, Source, Subject, UnreadableError
from openletter.words import Reason

PIECE = 1 << 20
BATCH = 5_000
_LOCK_SPACE = 0x0C4A2
_TOP = {4: 2**32, 6: 2**128}


@dataclass(kw_only=True)
class Parsed:
    """One file as read: its registrations in order, and what was passed over."""

    path: Path
    sha256: bytes
    format: str
    found: list[Registration] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def load(
    files: Sequence[Path],
    *,
    exercise: Campaign | None,
    now: datetime,
    then: Callable[[], object] = lambda: None,
) -> list[RegistryLoad]:
    """Load files that belong together (objects of one may point into another).

    `then` runs in the same transaction, and only if something was loaded.
    """
    world = World.EXERCISE if exercise else World.REAL
    hashes = {path: _sha256(path) for path in files}
    known = RegistryLoad.objects.filter(exercise=exercise, sha256__in=list(hashes.values()))
    if known.count() == len(set(hashes.values())):
        return list(known)
    parsed = _parse(hashes)
    with transaction.atomic():
        _lock(exercise)
        loads = [_store(each, exercise=exercise, world=world, now=now) for each in parsed]
        rebuild(exercise)
        then()
    return loads


@transaction.atomic
def take_back(load: RegistryLoad, *, now: datetime) -> None:
    """Remove a load with its netblocks; choices keep what they were made from."""
    _lock(load.exercise)
    world = load.exercise
    load.delete()
    rebuild(world)


# -- reading ------------------------------------------------------------------------------------


def _parse(hashes: dict[Path, bytes]) -> list[Parsed]:
    directory = rpsl_links.Directory()
    parsed, dumps = [], []
    for path, sha256 in hashes.items():
        try:
            head = next(rpsl.unpacked(_pieces(path)), b"")[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
            if head[:1] == b"{":
                found = _rdap(path, sha256)
            elif delegated.is_delegated(head):
                found = _delegated(path, sha256)
            else:
                found, networks = _dump(path, sha256, directory)
                dumps.append((found, networks))
        except UnreadableError as problem:
            raise _unreadable(path, problem.reason) from problem
        except OSError as problem:
            raise _unreadable(path, problem.strerror or "cannot be opened") from problem
        parsed.append(found)
    for dump, networks in dumps:
        resolved = (rpsl_links.registration(each, directory) for each in networks)
        dump.found = [each for each in resolved if each and each.subject is Subject.NETWORK]
    if not any(each.found for each in parsed):
        raise _unreadable(next(iter(hashes)), "no-network")
    return parsed


def _rdap(path: Path, sha256: bytes) -> Parsed:
    found = [each for each in rdap.read(path.read_bytes()) if each.subject is Subject.NETWORK]
    if not found:
        raise UnreadableError("no-network")
    return Parsed(path=path, sha256=sha256, format="rdap", found=found)


def _dump(
    path: Path, sha256: bytes, directory: rpsl_links.Directory
) -> tuple[Parsed, list[rpsl.RpslObject]]:
    found = Parsed(path=path, sha256=sha256, format="rpsl")
    pieces, networks, count = rpsl.unpacked(_pieces(path)), [], 0
    for each in rpsl.objects(pieces, wanted=rpsl_links.WANTED, faults=found.faults):
        count += 1
        directory.add(each)
        if each.kind in rpsl_links.NETWORKS:
            networks.append(each)
    if not count:
        raise UnreadableError("no-object")
    return found, networks


def _delegated(path: Path, sha256: bytes) -> Parsed:
    found = Parsed(path=path, sha256=sha256, format="delegated")
    lines = rpsl.lines(rpsl.unpacked(_pieces(path)), longest=delegated.LONGEST_LINE)
    for each in delegated.read(lines, faults=found.faults):
        if each.first is not None and each.is_held:
            found.found.append(_of_delegation(each))
    return found


def _of_delegation(each: delegated.Delegation) -> Registration:
    return Registration(
        source=Source.RPSL,
        registry=each.registry,
        subject=Subject.NETWORK,
        handle=each.holder,
        status=each.status,
        first=each.first,
        last=each.last,
        country=each.country,
        holder=Holder(),
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from iter(lambda: stream.read(PIECE), b"")


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    try:
        for piece in _pieces(path):
            digest.update(piece)
    except OSError as problem:
        raise _unreadable(path, problem.strerror or "cannot be opened") from problem
    return digest.digest()


def _unreadable(path: Path, why: str) -> ContactError:
    return ContactError(Reason(code="registry-unreadable", values={"file": path.name, "why": why}))


# -- writing ------------------------------------------------------------------------------------


def _lock(exercise: Campaign | None) -> None:
    """One load of a world at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, exercise.pk if exercise else 0]
        )


def _store(
    parsed: Parsed, *, exercise: Campaign | None, world: World, now: datetime
) -> RegistryLoad:
    older = RegistryLoad.objects.filter(exercise=exercise)
    (older.filter(name=parsed.path.name) | older.filter(sha256=parsed.sha256)).delete()
    load = RegistryLoad.objects.create(
        exercise=exercise, sha256=parsed.sha256, name=parsed.path.name[:300],
        format=parsed.format, loaded_at=now,
        registry=parsed.found[0].registry if parsed.found else "",
    )  # fmt: skip
    refused: Counter[str] = Counter(parsed.faults)
    for start in range(0, len(parsed.found), BATCH):
        part = parsed.found[start : start + BATCH]
        blocks = Netblock.objects.bulk_create([_block(each, load) for each in part])
        rows = [
            row
            for block, each in zip(blocks, part, strict=True)
            for row in _candidates(block, each, world)
        ]
        Candidate.objects.bulk_create(rows, batch_size=BATCH)
        refused.update(row.refused for row in rows if row.refused)
        load.candidates += sum(1 for row in rows if not row.refused)
    load.netblocks, load.rejected = len(parsed.found), dict(refused)
    load.save(update_fields=["netblocks", "candidates", "rejected"])
    return load


def _block(found: Registration, load: RegistryLoad) -> Netblock:
    holder = found.holder
    return Netblock(
        load=load, exercise_id=load.exercise_id, first=found.first, last=found.last,
        handle=found.handle[:200], name=found.name[:200], holder=holder.name[:300],
        holder_key=holder.handle[:200],
        country=holder.country or holder.address_country or found.country or "",
        registry=found.registry[:20], status=found.status[:60],
    )  # fmt: skip


def _candidates(block: Netblock, found: Registration, world: World) -> Iterator[Candidate]:
    for each in candidates_of(found, world=world):
        yield Candidate(
            netblock=block, address=each.address[:320], mailbox=each.mailbox, source=each.source,
            registry=each.registry[:20], object=each.object[:200], role=each.role[:60],
            depth=each.depth, scope=each.scope, tier=each.tier, rank=each.weight,
            for_abuse=each.for_abuse, reason=each.reason.as_json(), refused=each.refused or "",
        )  # fmt: skip


def rebuild(exercise: Campaign | None) -> None:
    """Flatten the world's blocks anew: disjoint ranges, and every block's parent."""
    RegistryRange.objects.filter(exercise=exercise).delete()
    rows = Netblock.objects.filter(exercise=exercise).values_list("id", "first", "last")
    families: dict[int, list[Block]] = {4: [], 6: []}
    for key, first, last in rows.iterator(chunk_size=BATCH):
        families[first.version].append(Block(first=int(first), last=int(last), id=key))
    with connection.cursor() as cursor:
        cursor.execute(_NEW_PARENTS)
        for version, blocks in families.items():
            starts, parents = flatten(blocks)
            if not starts or starts[0][0] > 0:
                starts.insert(0, (0, None))
            _copy(cursor, _COPY_RANGES, _ranges(starts, version, exercise))
            _copy(cursor, _COPY_PARENTS, parents.items())
        cursor.execute(_SET_PARENTS)


_COPY_RANGES = "COPY registry_range (exercise_id, first, netblock_id) FROM STDIN"
_NEW_PARENTS = "CREATE TEMPORARY TABLE new_parent (id bigint, parent_id bigint) ON COMMIT DROP"
_COPY_PARENTS = "COPY new_parent (id, parent_id) FROM STDIN"
_SET_PARENTS = """
UPDATE netblock SET parent_id = found.parent_id FROM new_parent AS found
WHERE netblock.id = found.id AND netblock.parent_id IS DISTINCT FROM found.parent_id;
DROP TABLE new_parent
"""


def _copy(cursor: CursorWrapper, statement: str, rows: Iterable[Sequence[object]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _ranges(
    starts: Iterable[tuple[int, int | None]], version: int, exercise: Campaign | None
) -> Iterator[tuple[int | None, str, int | None]]:
    length = 4 if version == 4 else 16
    world = exercise.pk if exercise else None
    for first, block in starts:
        if first < _TOP[version]:
            yield world, str(ip_address(first.to_bytes(length, "big"))), block
