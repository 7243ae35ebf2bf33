"""One file with everything that is kept: a dump of the database, keys, journal, spool, days, mark.

Made with PostgreSQL's own programs, so that a backup can be read without openletter. The journal
is taken after the dump: it may know more than the dump, never less. Restoring puts back database,
keys and spool; journal and mark stay as they are here, since they know what left after the backup
(on an empty machine, where there are none, the backup's are taken).
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openletter import __version__
from openletter.shell.database import from_url
from openletter.shell.pgprograms import client_program

FOLDERS = ("keys", "spool", "days", "journal", "mark")
STAYS = ("journal", "mark")
OWN_SECRETS = frozenset(["keys/database", "keys/session"])
"""Of this installation alone: the restored database has its own roles and sessions."""
NEWER_ONLY = b"transaction_timeout"
"""A line that newer programs write and PostgreSQL 15 and 16 don't know."""


class ArchiveError(Exception):
    """The backup can't be made or put back; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the backup says of itself."""

    version: str
    at: str
    major: str


def backup(target: Path, *, state: Path, url: str, pg_bin: str, now: datetime) -> None:
    """Write TARGET, readable by its owner only; it is complete or not there."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="openletter-backup-") as scratch:
        dump = Path(scratch) / "database.dump"
        told = _program("pg_dump", "--format=custom", f"--file={dump}", url=url, pg_bin=pg_bin)
        major = told or "?"
        manifest = {"version": __version__, "at": now.isoformat(), "major": major}
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            _add_text(tar, "manifest.json", json.dumps(manifest))
            tar.add(dump, "database.dump")
            for path, name in _kept(state):
                tar.add(path, name, recursive=False)
    fresh.replace(target)


def _kept(state: Path) -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        top = state / folder
        for path in sorted([top, *top.rglob("*")]):
            name = str(path.relative_to(state))
            if path.is_file() and not path.is_symlink() and name not in OWN_SECRETS:
                yield path, name


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), 0o600
    tar.addfile(entry, io.BytesIO(text.encode()))


@contextmanager
def opened(source: Path) -> Iterator[tuple[Manifest, Path]]:
    """Unpack a backup into a private folder; names that lead out of it are refused."""
    with tempfile.TemporaryDirectory(prefix="openletter-restore-") as scratch:
        try:
            with tarfile.open(source, "r:gz") as tar:
                tar.extractall(scratch, filter="data")
            manifest = json.loads((Path(scratch) / "manifest.json").read_text(encoding="utf-8"))
        except (tarfile.TarError, OSError, ValueError, KeyError, EOFError) as problem:
            raise ArchiveError(f"{source} is not a whole backup: {problem}") from problem
        found = Manifest(**manifest)
        if _numbers(found.version) > _numbers(__version__):
            told = f"{source} was made by openletter {found.version}, this is {__version__}"
            raise ArchiveError(f"{told}; restore it with that version or a later one")
        yield found, Path(scratch)


def put_back(unpacked: Path, *, state: Path, url: str, pg_bin: str) -> list[str]:
    """Fill an empty database and put files back; gives the names that were put back."""
    if _has_tables(url):
        raise ArchiveError("the database is not empty; nothing was changed")
    script = unpacked / "database.sql"
    dump = str(unpacked / "database.dump")
    _program(
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        f"--file={script}",
        dump,
        url=None,
        pg_bin=pg_bin,
    )
    plain = unpacked / "plain.sql"
    with script.open("rb") as lines, plain.open("wb") as out:
        out.writelines(line for line in lines if not _is_too_new(line))
    psql = ["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    _program("psql", *psql, f"--file={plain}", url=url, pg_bin=pg_bin)
    return sorted(_put_files_back(unpacked, state))


def _is_too_new(line: bytes) -> bool:
    return line.startswith(b"SET " + NEWER_ONLY)


def _put_files_back(unpacked: Path, state: Path) -> Iterator[str]:
    for folder in FOLDERS:
        if folder in STAYS and (state / folder).exists():
            continue
        for path in [unpacked / folder, *(unpacked / folder).rglob("*")]:
            name = path.relative_to(unpacked)
            if not path.is_file() or str(name) in OWN_SECRETS:
                continue
            (state / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (state / name).write_bytes(path.read_bytes())
            (state / name).chmod(0o600)
            yield str(name)


def _has_tables(url: str) -> bool:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url) as session:
        found = session.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1")
        return found.fetchone() is not None


def _program(name: str, *arguments: str, url: str | None, pg_bin: str) -> str:
    """Run one of PostgreSQL's programs; the password goes by environment, never in `ps`."""
    program = client_program(name, pg_bin=pg_bin)
    environment = {**os.environ, **_for_libpq(url)}
    command = [str(program), *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise ArchiveError(f"{name} failed: {done.stderr.strip()[-1500:]}")
    told = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip().rpartition(") ")[2].split(".")[0]


def _for_libpq(url: str | None) -> dict[str, str]:
    if url is None:
        return {}
    parts: dict[str, Any] = from_url(url)
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    names["NAME"] = "PGDATABASE"
    return {variable: parts[key] for key, variable in names.items() if parts[key]}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
