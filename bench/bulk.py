"""Ten million findings against nine million known ones and 950,000 nested netblocks.

    bench/bulk.py [ROWS] [--folder DIR]     (10,000,000 rows; data is made there once and kept)

Ours is what `openletter survey` does: judge every row, count doubles, compare with the day before,
find the most specific netblock of what is new, and list it by mailbox. Beside it in the same run:
the same engine only reading the CSV, every cell of it as text, once into a table (the bare read
that ours is held against) and once parsed, counted and dropped; and a plain program (csv,
ipaddress, a trie) over a tenth of the rows and of what is known. Each runs in a process of its own;
CPU is that process's, memory its peak, disk what the engine spilled.
"""

# ruff: noqa: INP001, PLC0415 - a script, whose parts are processes of their own
from __future__ import annotations

import argparse
import csv
import ipaddress
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
NOW = datetime(2025, 11, 27, tzinfo=UTC)
MAPPING = {"columns": {"address": "ip", "time": "seen_at", "tags": "kind", "port": "port"}}
BLOCKS = 950_000
TENTH = 10


def prepare(folder: Path, rows: int) -> None:
    """Findings, netblocks, and the day before as `ingest` would have kept it."""
    import bulkdata

    share = rows / 10_000_000
    if not (folder / "findings.csv").exists():
        size = bulkdata.Size(
            rows=rows, hosts=int(16e6 * share), known=int(10.8e6 * share), blocks=BLOCKS
        )
        bulkdata.make(folder, size, _signs())


def _signs() -> list[int]:
    """What a row of each kind says, as a day file has it: open, at that port, over TCP."""
    from openletter.evidence.rules.signs import Said, sign_of
    from openletter.words import Judgement, Protocol, Role, Weakness

    kinds = (
        Weakness.OPEN_RELAY,
        Weakness.OPEN_HTTP_PROXY,
        Weakness.OPEN_SOCKS,
        Weakness.OPEN_SOCKS,
    )
    ports = (25, 3128, 1080, 9050)
    return [
        sign_of(Said(kind, Protocol.TCP, port, Judgement.ACCEPT, Role.ENTRY))
        for kind, port in zip(kinds, ports, strict=True)
    ]


def ours(folder: Path) -> None:
    """The survey, and what came of it; networks and feed timed apart."""
    from openletter.evidence import sourcebook
    from openletter.evidence.rules.recognise import Hint
    from openletter.evidence.surveying import Asked, survey
    from openletter.wire.containers import contents
    from openletter.wire.mappedcsv import read_mapping
    from openletter.wire.unpack import Limits

    unbounded = Limits(total=1 << 40)  # of a stranger's file, two gigabytes are read
    asked = Asked(
        book=sourcebook.packaged(), now=NOW, hint=Hint(mapping=read_mapping(MAPPING)),
        known=(folder / "known.parquet",), netblocks=folder / "blocks.parquet",
    )  # fmt: skip
    paths = [folder / "findings.csv"]
    opened = partial(contents, limits=unbounded)
    for made, at in survey(paths, asked=asked, state=folder / "work", contents=opened):
        known = at.number(f"SELECT count(*) FROM read_parquet('{folder / 'known.parquet'}')")
        lists = at.number("SELECT count(*) FROM work")
        told = made.compared
        say(
            f"rows {sum(made.by_judgement.values()):,}, refused {made.by_judgement['reject']:,}, "
            f"known rows {known:,}: new {told.new:,}, same {told.same:,}, gone {told.gone:,}, "
            f"changed {told.changed:,}; {lists:,} work lists, {made.without_contact:,} "
            "new ones without a contact"
        )


def networks(folder: Path) -> None:
    """The netblocks flattened and kept, as a registry load's are."""
    from openletter.columns.engine import desk
    from openletter.columns.netblocks import from_file

    kept = folder / "work" / "networks"
    kept.mkdir(parents=True, exist_ok=True)
    for left in kept.iterdir():
        left.unlink()
    with desk(folder / "work", also=[kept, folder / "blocks.parquet"]) as at:
        from_file(at, folder / "blocks.parquet", kept=kept)


def bare(folder: Path) -> None:
    """The same engine parses every cell of the CSV, counts it and keeps nothing."""
    _read(folder, "SELECT {counts} FROM {csv}")


def table(folder: Path) -> None:
    """The same engine reads the CSV into a table of texts."""
    _read(folder, "CREATE TABLE raw AS SELECT * FROM {csv}")


def _read(folder: Path, statement: str) -> None:
    import duckdb

    names = ("ip", "source", "kind", "seen_at", "port")
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    counts = ", ".join(f"count({name})" for name in names)
    engine = duckdb.connect()
    engine.execute("SET threads = 2")
    engine.execute(f"SET temp_directory = '{folder / 'work' / 'bare'}'")
    source = (
        f"read_csv('{folder / 'findings.csv'}', header = true, auto_detect = false, "
        f"delim = ',', columns = {{{columns}}})"
    )
    engine.execute(statement.format(counts=counts, csv=source))


def plain(folder: Path) -> None:
    """csv, ipaddress and a trie over a tenth; the trie's building is timed apart."""
    import duckdb
    import pytricia

    rows = duckdb.execute(f"SELECT * FROM '{folder / 'blocks.parquet'}'").fetchall()
    four, six = pytricia.PyTricia(32), pytricia.PyTricia(128)
    for first, last, mailbox, _ in rows:
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
        for net in ipaddress.summarize_address_range(*ends):
            (four if net.version == 4 else six).insert(str(net), mailbox)
    built = time.process_time()
    known = set(_addresses(folder / "before.csv"))
    loaded = time.process_time()
    seen, work = set(), defaultdict(list)
    for key in _addresses(folder / "findings.csv"):
        if key in seen:
            continue
        seen.add(key)
        if key not in known:
            trie = six if ":" in key[0] else four
            work[trie.get(key[0])].append(key)
    new = len(seen - known)
    say(
        f"a tenth: new {new:,}, same {len(seen & known):,}, gone {len(known - seen):,}, "
        f"{len(work):,} work lists; feed alone {time.process_time() - loaded:.1f} s CPU, "
        f"known {loaded - built:.1f}, trie {built:.1f}"
    )


def _addresses(path: Path):  # noqa: ANN202 - a generator of keys
    size = path.stat().st_size // TENTH
    with path.open(newline="") as stream:
        read = 0
        for row in csv.DictReader(stream):
            read += sum(map(len, row.values())) + len(row)
            if read > size:
                return
            try:
                address = str(ipaddress.ip_address(row["ip"]))
                datetime.fromisoformat(row["seen_at"])
            except ValueError:
                continue
            yield address, row["kind"], int(row["port"])


# -- measuring -----------------------------------------------------------------------------------


def run_part(name: str, folder: Path, *, script: str = "") -> tuple[float, float, float, float]:
    """Seconds on the wall, seconds of CPU, peak memory and spilled disk in GB."""
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder)]
    if script:
        command = [sys.executable, script, str(folder), name]
    begun = time.monotonic()
    disk = 0
    with subprocess.Popen(command) as child:
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                break
            disk = max(disk, _disk(folder / "work"))
            time.sleep(0.1)
    if child.returncode:
        raise SystemExit(f"{name} ended with {child.returncode}")
    wall = time.monotonic() - begun
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6, disk / 1e9


def _disk(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH116, PTH118
            except OSError:
                continue
    return total


def say(text: str) -> None:
    """A line of the result."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(rows: int, folder: Path) -> None:
    """Make what is missing, run the three, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    prepare(folder, rows)
    say(f"{rows:,} rows, {platform.machine()}, {os.cpu_count()} cores, {time.strftime('%F')}")
    limit = min((run_part("bare", folder) for _ in range(3)), key=lambda each: each[1])
    kept = min((run_part("table", folder) for _ in range(3)), key=lambda each: each[1])
    networks = run_part("networks", folder)
    made = run_part("ours", folder)
    say(f"{BLOCKS:,} networks flattened once for each registry load: {networks[1]:.1f} s CPU\n")
    say("| what | wall | CPU | peak memory | spilled |\n|---|---|---|---|---|")
    rows_of = {
        "the engine counts cells": limit,
        "the engine reads into a table": kept,
        "ours": made,
    }
    for name, (wall, cpu, memory, disk) in rows_of.items():
        say(f"| {name} | {wall:.1f} s | {cpu:.1f} s | {memory:.2f} GB | {disk:.2f} GB |")
    say(
        f"\nours: {made[1] / kept[1]:.1f} times the CPU of reading into a table, "
        f"{made[1] / limit[1]:.1f} times that of counting every cell"
    )
    if rows <= 20_000_000:
        wall, cpu, memory, _ = run_part("plain", folder)
        say(f"csv + ipaddress + trie, a tenth: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.2f} GB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bulk-bench")
    parser.add_argument("--part", choices=["networks", "ours", "bare", "table", "plain"])
    given = parser.parse_args()
    if given.part:
        globals()[given.part](given.folder)
    else:
        main(given.rows, given.folder)
