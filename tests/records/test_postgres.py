"""The embedded server: private, without trust, idempotent, and careful with other people's data."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from openletter.shell import postgres
from openletter.shell.pgprograms import PostgresError

IS_ROOT = os.getuid() == 0


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="openletter-test-"))
    folder.chmod(0o755)
    yield folder / "state"
    postgres.stop(folder / "state")
    shutil.rmtree(folder)


def test_starts_once_and_stops_once(state: Path) -> None:
    first = postgres.start(state, fast=True)
    assert postgres.start(state, fast=True) == first
    assert postgres.status(state) == first
    assert postgres.stop(state) is True
    assert postgres.stop(state) is False
    assert postgres.status(state) is None
    assert not first.socket.exists()


def test_neither_role_is_a_superuser_and_only_the_owner_makes_tables(state: Path) -> None:
    address = postgres.start(state)
    for url in (address.app_url, address.owner_url):
        with psycopg.connect(url) as session:
            rights = session.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = user"
            )
            assert rights.fetchone() == (False, False, False)
    with psycopg.connect(address.owner_url) as owner:
        owner.execute("CREATE TABLE thing (id int)")
    with psycopg.connect(address.app_url) as app:
        app.execute("INSERT INTO thing VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("DROP TABLE thing")
    with (
        psycopg.connect(address.app_url) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE other (id int)")


def test_no_password_no_entry(state: Path) -> None:
    address = postgres.start(state, fast=True)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(address.socket), user="postgres", dbname="postgres", password="")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(address.socket), user="postgres", dbname="postgres", password="x")


@pytest.mark.skipif(not IS_ROOT, reason="needs root to become another user")
def test_another_uid_is_refused_even_with_the_password(state: Path) -> None:
    address = postgres.start(state, fast=True)
    stranger = pwd.getpwnam("games" if _has_user("games") else "daemon")
    told = _connect_as(stranger.pw_uid, address.socket)
    assert "Permission denied" in told


def _has_user(name: str) -> bool:
    return name in {entry.pw_name for entry in pwd.getpwall()}


def _connect_as(uid: int, socket: Path) -> str:
    """Open the socket as UID in a child process that never comes back."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        import socket as sockets

        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        try:
            sockets.socket(sockets.AF_UNIX).connect(str(socket / ".s.PGSQL.5432"))
            os.write(writer, b"connected")
        except OSError as problem:
            os.write(writer, str(problem).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as told:
        return told.read()


def test_socket_folder_and_secrets_are_private(state: Path) -> None:
    address = postgres.start(state, fast=True)
    assert stat.S_IMODE(address.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "keys" / "database").stat().st_mode) == 0o600
    assert stat.S_IMODE((state / "pg" / "data").stat().st_mode) == 0o700
    assert not (state / "pg" / "password").exists()


def test_no_parent_folder_changes_and_no_user_appears(state: Path) -> None:
    def modes() -> list[int]:
        return [folder.stat().st_mode for folder in state.parents]

    before, users = modes(), pwd.getpwall()
    postgres.start(state, fast=True)
    assert modes() == before
    assert pwd.getpwall() == users


@pytest.mark.skipif(not IS_ROOT, reason="only root runs the server as somebody else")
def test_a_closed_parent_stays_closed_and_the_data_lies_elsewhere() -> None:
    closed = Path(tempfile.mkdtemp(prefix="openletter-test-closed-"))  # 0700, root's
    state = closed / "deep" / "state"
    try:
        address = postgres.start(state, fast=True)
        with psycopg.connect(address.app_url) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert Path((state / "pg.home").read_text()).parent == Path("/var/lib")
        assert postgres.start(state, fast=True) == address
    finally:
        postgres.stop(state)
        shutil.rmtree((state / "pg.home").read_text())
        shutil.rmtree(closed)


def test_a_deep_clone_gets_a_short_socket_path(state: Path) -> None:
    deep = state.joinpath(*["a-rather-long-folder-name"] * 8)
    try:
        address = postgres.start(deep, fast=True)
        assert len(str(address.socket / ".s.PGSQL.5432")) <= postgres.SOCKET_LENGTH
    finally:
        postgres.stop(deep)


def test_a_planted_socket_folder_is_not_used(state: Path) -> None:
    first = postgres.start(state, fast=True)
    postgres.stop(state)
    first.socket.mkdir(mode=0o755)
    second = postgres.start(state, fast=True)
    assert second.socket != first.socket
    first.socket.rmdir()


def test_after_kill_nine_it_comes_back(state: Path) -> None:
    address = postgres.start(state)
    with psycopg.connect(address.owner_url) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 7 AS number")
    pid = int((state / "pg" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    again = postgres.start(state)
    with psycopg.connect(again.app_url) as app:
        assert app.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_stale_pid_file_of_a_stranger_is_no_server(state: Path) -> None:
    postgres.start(state, fast=True)
    pid_file = state / "pg" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    postgres.stop(state)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert postgres.status(state) is None
    assert postgres.start(state, fast=True)


def test_a_copied_state_folder_starts_its_own_server(state: Path) -> None:
    original = postgres.start(state)
    copy = state.with_name("copy")
    shutil.copytree(state / "pg", copy / "pg", ignore=shutil.ignore_patterns("postmaster.pid"))
    subprocess.run(["cp", "-a", f"{state}/.", str(copy)], check=True)
    second = postgres.start(copy)
    try:
        assert second.socket != original.socket
        assert postgres.status(state) == original
        with psycopg.connect(original.url("postgres")) as server:
            told = server.execute("SHOW data_directory").fetchone()
            assert told == (str(state / "pg" / "data"),)
    finally:
        postgres.stop(copy)


def test_another_major_is_refused_with_the_way_out(state: Path) -> None:
    postgres.start(state, fast=True)
    postgres.stop(state)
    version = state / "pg" / "data" / "PG_VERSION"
    major = version.read_text()
    version.write_text("14\n")
    with pytest.raises(PostgresError, match=r"openletter backup FILE.*openletter restore FILE"):
        postgres.start(state)
    version.write_text(major)
