"""The engine, locked: one folder, fixed memory and temp space, no extensions, no network.

Everything a stranger could want from it is off before the first row is read, and the lock keeps it
off: other folders, addresses (`s3://`, `http://`), extensions, secrets, further settings.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    Engine = duckdb.DuckDBPyConnection

_PREFIX = "columns-"
_OFF = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET python_enable_replacements = false",
    "SET enable_progress_bar = false",
    "SET asof_loop_join_threshold = 0",  # else a bad guess costs minutes
    "SET disabled_optimizers = 'build_side_probe_side'",  # a join's right side is the small one
)
_LAST = ("SET enable_external_access = false", "SET lock_configuration = true")
_GLOB = frozenset("*?[]{}")


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much of the machine the engine may take."""

    memory: str = "2000MB"
    temp: str = "40GB"
    threads: int = 2


class NotAFileError(ValueError):
    """A path that the engine could read as something else than one file."""


class TooMuchError(Exception):
    """More memory or temp space was asked for than there is for it."""


class Desk:
    """An engine and its folder, where files for it are put and it puts its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def run(self, statement: str, *values: object) -> None:
        """Run a statement for its effect."""
        with _bounded():
            self.engine.execute(statement, list(values))

    def rows(self, statement: str, *values: object) -> Iterator[tuple[object, ...]]:
        """Rows of a query, fetched in pieces."""
        with _bounded():
            cursor = self.engine.execute(statement, list(values))
        while piece := cursor.fetchmany(10_000):
            yield from piece

    def number(self, statement: str, *values: object) -> int:
        """The one number that a query gives; nothing is zero."""
        with _bounded():
            found = self.engine.execute(statement, list(values)).fetchone()
        return int(found[0] or 0) if found else 0

    def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A temporary table of Python's values; `columns` are `name TYPE`."""
        self.run(f"CREATE OR REPLACE TEMP TABLE {table} ({', '.join(columns)})")
        self.add(table, [column.partition(" ")[2] for column in columns], rows)

    def add(self, table: str, types: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Python's values into a table that is there."""
        taken = ", ".join(f"unnest(?::{kind}[])" for kind in types)
        for start in range(0, len(rows), 50_000):
            lists = [list(one) for one in zip(*rows[start : start + 50_000], strict=True)]
            self.run(f"INSERT INTO {table} SELECT {taken}", *lists)

    def place(self, name: str) -> Path:
        """Where a file of that name lies in the engine's folder."""
        return self.folder / name


@contextmanager
def _bounded() -> Iterator[None]:
    import duckdb  # noqa: PLC0415 - as in `desk`

    try:
        yield
    except duckdb.OutOfMemoryException as problem:
        raise TooMuchError(str(problem).partition("\n")[0]) from None


@contextmanager
def desk(state: Path, *, also: Sequence[Path] = (), room: Room | None = None) -> Iterator[Desk]:
    """An engine with a fresh folder below `state`; `also` are single files or folders it may use.

    The folder goes when the work is done. What a killed process left behind goes with the next.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(state)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=state)).resolve()
    try:
        import duckdb  # noqa: PLC0415 - 60 MB that only who reads big files needs

        engine = duckdb.connect()
        try:
            _lock(engine, folder, also=also, room=room or Room())
            yield Desk(engine, folder)
        finally:
            engine.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lock(engine: Engine, folder: Path, *, also: Sequence[Path], room: Room) -> None:
    nowhere = folder / "no-extensions"
    nowhere.touch()  # a file: no folder for extensions can be made there
    folders = [f"{path}/" for path in (folder, *also) if path.is_dir()]
    files = [str(path) for path in also if not path.is_dir()]
    for statement in _OFF:
        engine.execute(statement)
    engine.execute(f"SET threads = {room.threads}")
    engine.execute(f"SET memory_limit = {literal(room.memory)}")
    engine.execute(f"SET temp_directory = {literal(str(folder / 'spill'))}")
    engine.execute(f"SET max_temp_directory_size = {literal(room.temp)}")
    engine.execute(f"SET extension_directory = {literal(str(nowhere / 'x'))}")
    engine.execute(f"SET custom_extension_repository = {literal(str(nowhere / 'x'))}")
    engine.execute(f"SET allowed_directories = [{', '.join(map(literal, folders))}]")
    engine.execute(f"SET allowed_paths = [{', '.join(map(literal, files))}]")
    for statement in _LAST:
        engine.execute(statement)


def sweep(state: Path) -> None:
    """Remove folders of processes that are no more."""
    for left in state.glob(f"{_PREFIX}*"):
        number = left.name.removeprefix(_PREFIX).partition("-")[0]
        is_over = number.isdigit() and not Path("/proc", number).exists()
        if is_over and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def file(path: Path) -> str:
    """A path as a literal that means this one file; the engine would take `*` for many files."""
    text = str(path)
    if _GLOB & set(text) or "://" in text or not path.is_absolute():
        raise NotAFileError(text)
    return literal(text)
