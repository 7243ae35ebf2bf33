"""How fast registries are read, loaded, compared and looked up: `bench/registry.py [WHAT...]`.

WHAT: parse judge flatten load reload lookup answers (all by default). `--blocks N` for another
size than 950,000. Made-up networks in 10.0.0.0/8 and above, always the same. What touches the
database starts a private PostgreSQL of its own (fsync on) and removes it. CPU seconds are of this
process; wall time is given where the database works beside it.
"""

# ruff: noqa: INP001, PLC0415, ANN401 (a program, and the database only where it is measured)
from __future__ import annotations

import argparse
import gc
import ipaddress
import os
import random
import re
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.registrydata import BASE, BLOCKS_APIECE, dump, ranges, rows  # noqa: E402 (after the path)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOOKUPS = 10_000


def say(what: str, figure: str) -> None:
    """One line of the table, with the memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(f"{what:<58} {figure:>26}   (peak {peak:,.0f} MB)\n")
    sys.stdout.flush()


# -- without a database -------------------------------------------------------------------------


def bench_parse(count: int) -> None:
    """Objects of a dump; beside it a plain dict of every line, and a regular expression."""
    from openletter.wire import rpsl, rpsl_links

    pieces = list(dump(min(count, 200_000)))
    objects = b"".join(pieces).count(b"\n\n")
    for what, work in (
        ("RPSL objects parsed (all attributes we use)", lambda: ours(rpsl, rpsl_links, pieces)),
        ("  limit: lines of the text split at their colon", lambda: plainly(pieces)),
        ("  peer: one regular expression an object", lambda: by_expression(pieces)),
        ("  a pass for networks only (all else skipped)", lambda: skipped(rpsl, pieces)),
    ):
        begun = time.process_time()
        found = work()
        spent = time.process_time() - begun
        if found != objects and "pass" not in what:
            raise SystemExit(f"{what}: {found} of {objects}")
        say(what, f"{objects / spent:,.0f} objects/s CPU")


def ours(rpsl: Any, links: Any, pieces: list[bytes]) -> int:
    return sum(1 for _ in rpsl.objects(pieces, wanted=links.WANTED, faults=Counter()))


def skipped(rpsl: Any, pieces: list[bytes]) -> int:
    return sum(1 for _ in rpsl.objects(pieces, wanted=frozenset({"inet6num"}), faults=Counter()))


def plainly(pieces: list[bytes]) -> int:
    found = 0
    for text in b"".join(pieces).decode().split("\n\n"):
        one: dict[str, list[str]] = {}
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            one.setdefault(name.lower(), []).append(value.strip())
        found += len(one) > 1
    return found


def by_expression(pieces: list[bytes]) -> int:
    line = re.compile(r"^([a-z0-9-]+):[ \t]*(.*)$", re.MULTILINE)
    found = 0
    for text in b"".join(pieces).decode().split("\n\n"):
        found += bool(line.findall(text))
    return found


def bench_judge(count: int) -> None:
    """Networks of a dump with everything they point at, their contacts judged."""
    from openletter.contacts import reading
    from openletter.contacts.rules.refuse import World

    count = min(count, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with path.open("wb") as stream:
            stream.writelines(dump(count))
        read = reading.Read(files=reading.look([path]))
        begun = time.process_time()
        found = sum(1 for _ in reading.blocks(read, world=World.EXERCISE))
        spent = time.process_time() - begun
    say(f"{found:,} networks parsed, resolved and judged", f"{found / spent:,.0f} networks/s CPU")


def bench_flatten(count: int) -> None:
    """Nested blocks to disjoint ranges with ladders."""
    from openletter.contacts.rules.flatten import flatten, key

    begun = time.process_time()
    blocks = enumerate(ranges(count))
    keys = [key(first, last, number, width=32) for number, (first, last) in blocks]
    made = time.process_time() - begun
    begun = time.process_time()
    found = sum(1 for _ in flatten(keys, width=32))
    spent = time.process_time() - begun
    say(f"{count:,} nested blocks to {found:,} ranges", f"{spent:.2f} s CPU (+{made:.2f} made)")


# -- with a database ----------------------------------------------------------------------------


class Clock:
    """Wall time, and CPU of this process and of the database's backend, since it was set."""

    def __init__(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.backend = cursor.fetchall()[0][0]
        self.set()

    def set(self) -> None:
        self.wall, self.own, self.its = self._now()

    def _now(self) -> tuple[float, float, float]:
        stat = Path(f"/proc/{self.backend}/stat").read_text().rpartition(")")[2].split()
        ticks = int(stat[11]) + int(stat[12])
        return time.perf_counter(), time.process_time(), ticks / os.sysconf("SC_CLK_TCK")

    def said(self) -> str:
        """What was spent, and the clock set anew."""
        wall, own, its = (now - then for now, then in zip(
            self._now(), (self.wall, self.own, self.its), strict=True))  # fmt: skip
        self.set()
        return f"{wall:.1f} s wall (CPU {own:.1f} + {its:.1f})"


def bench_load(count: int) -> None:
    """From parsed rows: copied, flattened, put in place."""
    only_copied(count)
    loaded(count, name="alone", alone=True)
    loaded(count, name="first")


def only_copied(count: int) -> None:
    """The limit: the same lines, ready-made, by one COPY into the same table with its indexes."""
    import io

    from django.db import connection, transaction

    from openletter.contacts import storing
    from openletter.contacts.rules.blocks import NOBODY

    written = storing.Written(load=1, aside=False)
    parsed = (each._replace(contacts=NOBODY) for each in rows(count))
    spool = io.BytesIO("".join(written.lines(parsed, io.BytesIO())).encode())
    with transaction.atomic(), connection.cursor() as cursor:
        clock = Clock()
        storing.copy_spool(cursor, storing.COPY_BLOCKS, spool)
        say("limit: the same lines, ready-made, copied", clock.said())
        transaction.set_rollback(True)


def loaded(count: int, *, name: str, changed: int = 0, alone: bool = False) -> None:
    """`alone`: netblocks without the contacts that belong to them."""
    from openletter.contacts import loading
    from openletter.contacts.reading import Group
    from openletter.contacts.rules.blocks import NOBODY

    parsed = list(rows(count, changed=changed))
    if alone:
        parsed = [each._replace(contacts=NOBODY) for each in parsed]
    group = Group("test", "inetnum", "rpsl")
    gc.freeze()  # the rows lie there; the collector need not walk them again and again
    clock, whole = Clock(), Clock()
    prepared = loading.written(
        ((group, each) for each in parsed), name=name, digest=name.encode(), exercise=None, now=NOW
    )
    say(f"{count:,} parsed netblocks{'' if alone else ' with contacts'} copied", clock.said())
    loading.make_pages(prepared)
    say("  flattened, pages made", clock.said())
    loading.activate(prepared)
    say("  put in place", clock.said())
    say("  all together (CPU here + in the database)", whole.said())


def bench_reload(count: int) -> None:
    """The next day's version: a hundredth of the blocks has another holder."""
    from openletter.contacts import difference, loading
    from openletter.contacts.models import RegistryLoad
    from openletter.contacts.reading import Group

    if not RegistryLoad.objects.filter(state="current").exists():
        loaded(count, name="first")
    group = Group("test", "inetnum", "rpsl")
    parsed = ((group, each) for each in rows(count, changed=100))
    prepared = loading.written(parsed, name="next", digest=b"next", exercise=None, now=NOW)
    clock = Clock()
    found = difference.of(prepared, now=NOW)
    blocks = found.blocks
    say(f"difference: {blocks.new:,} new, {blocks.changed:,} changed, {blocks.gone:,} gone",
        clock.said())  # fmt: skip
    loading.activate(prepared)
    say("  put in place", clock.said())
    loading.take_back(RegistryLoad.objects.get(state="current", name="next"), now=NOW)
    say("taken back (deleted, pages from the rows)", clock.said())


def bench_lookup(count: int) -> None:
    """Ladders of single addresses on one warm connection."""
    from openletter.contacts.ladder import ids_of, ladders
    from openletter.contacts.models import RegistryLoad

    if not RegistryLoad.objects.filter(state="current").exists():
        loaded(count, name="first")
    chance = random.Random(9)  # noqa: S311 (as above)
    top = count // BLOCKS_APIECE * 4096
    asked = [ipaddress.ip_address(BASE + chance.randrange(top)) for _ in range(LOOKUPS)]
    for each in asked[:200]:
        ladders([each], world=None)
    gc.collect()
    gc.freeze()  # a worker has no million rows lying about
    for what, work in (("ladder with blocks and candidates", ladders), ("  its ids alone", ids_of)):
        timed(what, work, asked)
    begun = time.perf_counter()
    for at in range(0, LOOKUPS, 100):
        ladders(asked[at : at + 100], world=None)
    spent = time.perf_counter() - begun
    say("  by the hundred, as `find` asks", f"{spent / LOOKUPS * 1e6:,.0f} µs an address")


def timed(what: str, work: Any, asked: list[Any]) -> None:
    spent: list[float] = []
    for each in asked:
        begun = time.perf_counter()
        work([each], world=None)
        spent.append((time.perf_counter() - begun) * 1e3)
    spent.sort()
    middle, late = statistics.median(spent), spent[int(len(spent) * 0.99)]
    say(f"{what}, {len(asked):,} look-ups", f"median {middle:.2f}, p99 {late:.2f} ms")


def bench_answers(count: int) -> None:
    """One fetched answer taken into the world, page by page."""
    from django.db import transaction

    from openletter.contacts import loading
    from openletter.wire.registry import Registration, Source, Subject

    spent: list[float] = []
    for number in range(200):
        first = ipaddress.ip_address(BASE + number * 77 * 4096)
        found = Registration(source=Source.RDAP, registry="test", subject=Subject.NETWORK,
                             handle=f"A-{number}", first=first, last=first + 255)  # fmt: skip
        begun = time.perf_counter()
        with transaction.atomic():
            loading.add_answer([found], format="rdap", now=NOW)
        spent.append((time.perf_counter() - begun) * 1e3)
    say("one answer added to the world", f"median {statistics.median(spent):.1f} ms")


FREE = {"parse": bench_parse, "judge": bench_judge, "flatten": bench_flatten}
STORED = {
    "load": bench_load, "reload": bench_reload, "lookup": bench_lookup, "answers": bench_answers,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*FREE, *STORED, []])
    parser.add_argument("--blocks", type=int, default=950_000)
    given = parser.parse_args()
    wanted = given.what or [*FREE, *STORED]
    for name in wanted:
        if name in FREE:
            FREE[name](given.blocks)
    if not any(name in STORED for name in wanted):
        return
    with tempfile.TemporaryDirectory(prefix="openletter-bench-") as state:
        os.environ["OPENLETTER_STATE"] = state
        with_database(Path(state), [name for name in wanted if name in STORED], given.blocks)


def with_database(state: Path, wanted: list[str], blocks: int) -> None:
    """Run what needs rows, as the application's role, in a database of its own."""
    from openletter import shell
    from openletter.shell import postgres

    shell.setup(as_owner=True)
    from django.core.management import call_command
    from django.db import connection

    try:
        call_command("migrate", interactive=False, verbosity=0)
        for name in wanted:
            STORED[name](blocks)
        connection.close()
    finally:
        postgres.stop(state)


if __name__ == "__main__":
    main()
