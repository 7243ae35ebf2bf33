"""The reader of strangers' archives, mails and Parquet: a process of its own, with nothing to lose.

Started by `apart` with one open file to read, one to write to and a handful of numbers. It has no
network where the system allows to take it away, no names of files, an empty environment, and ends
of memory, time, size and open files. What it found goes out as plain bytes, with an index.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from openletter.wire.containers import contents
from openletter.wire.unpack import Limits, Part, UnreadableFileError

if TYPE_CHECKING:
    import duckdb

CLONE_NEWUSER, CLONE_NEWNET, NO_NEW_PRIVILEGES = 0x10000000, 0x40000000, 38
PARQUET = b"PAR1"
LENGTH = 8
"""Bytes that say how long the index is, at the end of everything."""
OUT_OF_MEMORY = 11
LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
    "max_memory": "512MB",
    "threads": 1,
}
"""An engine that reads the one open file and reaches nothing else."""
COLUMNS, CELL = 500, 10_000
"""Most columns of a Parquet file; most letters that are kept of one cell."""


def main(asked: str) -> int:
    """Read what is on the standard input; leave the parts, the index and its length in `out`."""
    wanted = json.loads(asked)
    bounded(wanted)
    offline = without_network()
    with os.fdopen(0, "rb") as stream, os.fdopen(wanted["out"], "wb") as out:
        try:
            index = json.dumps({"offline": offline, **written(wanted, stream, out)}).encode()
        except MemoryError:
            return OUT_OF_MEMORY
        out.write(index)
        out.write(len(index).to_bytes(LENGTH, "big"))
    return 0


def bounded(wanted: Mapping[str, int]) -> None:
    """Ends that no code in here can move again."""
    for what, most in (
        (resource.RLIMIT_AS, wanted["memory"]),
        (resource.RLIMIT_FSIZE, wanted["total"] + (1 << 20)),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    seconds = wanted["seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


def without_network() -> bool:
    """Move into an empty network of our own; False where the system doesn't let us."""
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return any(system.unshare(how) == 0 for how in (CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET))


def written(wanted: Mapping[str, object], stream: BinaryIO, out: BinaryIO) -> dict[str, object]:
    """The parts as bytes in a row; of each its name, where it lies, and what is known of it."""
    limits = Limits(
        total=number(wanted["total"]),
        ratio=number(wanted["ratio"]),
        ratio_from=number(wanted["ratio_from"]),
        members=number(wanted["members"]),
    )
    try:
        if stream.peek(4)[:4] == PARQUET:  # type: ignore[attr-defined]
            return {"parts": [parquet(str(wanted["name"]), out, limits.total)]}
        found = contents(str(wanted["name"]), stream, limits=limits)
        return {"parts": list(copied(found, out))}
    except UnreadableFileError as problem:
        return {"refused": problem.code}


def number(given: object) -> int:
    return given if isinstance(given, int) else 0


def copied(found: Sequence[Part], out: BinaryIO) -> Iterator[dict[str, object]]:
    """Every part's bytes behind those of the one before."""
    for part in found:
        start = out.tell()
        if not part.refused:
            out.writelines(part.open())
        yield {
            "name": part.name,
            "refused": part.refused,
            "form": part.form,
            "told": dict(part.told),
            "start": start,
            "size": out.tell() - start,
        }
    out.flush()


# -- Parquet -------------------------------------------------------------------------------------


def parquet(name: str, out: BinaryIO, total: int) -> dict[str, object]:
    """A table as one JSON object a row; what is nested in a cell is left out."""
    import duckdb  # noqa: PLC0415 - only Parquet pays for it

    with duckdb.connect(":memory:", config=LOCKED) as engine:
        engine.execute("SET allowed_paths = ['/dev/fd/0']")
        engine.execute("SET enable_external_access = false")
        engine.execute("SET lock_configuration = true")
        try:
            table_as_lines(engine.execute("SELECT * FROM read_parquet('/dev/fd/0')"), out, total)
        except duckdb.OutOfMemoryException:
            raise UnreadableFileError("reader-out-of-memory") from None
        except duckdb.Error:
            raise UnreadableFileError("damaged-parquet") from None
    size = out.tell()
    return {"name": name, "refused": "", "form": "", "told": {}, "start": 0, "size": size}


def table_as_lines(table: duckdb.DuckDBPyConnection, out: BinaryIO, total: int) -> None:
    names = [str(column[0])[:200] for column in table.description or ()]
    if len(names) > COLUMNS:
        raise UnreadableFileError("too-many-columns")
    while rows := table.fetchmany(2_000):
        out.writelines(as_line(names, row) for row in rows)
        if out.tell() > total:
            raise UnreadableFileError("too-large")


def as_line(names: Sequence[str], row: Sequence[object]) -> bytes:
    cells = {name: cell(value) for name, value in zip(names, row, strict=True)}
    return json.dumps(cells, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def cell(value: object) -> str | int | float | bool | None:
    """A cell as JSON has it; times in ISO 8601, lists and structures not at all."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple | dict | bytes | bytearray):
        return None
    return str(value)[:CELL]
