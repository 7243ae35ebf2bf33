"""What all tests share: a private PostgreSQL for the session, and two ways to connect to it.

The tests themselves run as the owner of the tables (they create and drop the test database);
`app_connection` connects as the application's role, to prove what that role can't do.
`DATABASE_URL` (and `DATABASE_OWNER_URL`) take another server, whose owner may create databases.
Tests that touch no database start none.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openletter.wire.reachable import is_reachable

if TYPE_CHECKING:
    import psycopg

    from openletter.shell.postgres import Address

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop beside live_server


@pytest.fixture(autouse=True)
def _no_language_stays() -> Iterator[None]:
    """A page asked for in Dutch leaves its thread speaking Dutch; the next test starts anew."""
    yield
    if "django.utils.translation" in sys.modules:
        from django.utils import translation

        translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    """No test talks to a public address, whatever a redirect, a name or a mistake says."""
    connect, connect_ex, sendto = (
        getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")
    )
    patch = pytest.MonkeyPatch()

    def guarded(act: Callable[..., Any], place: int) -> Callable[..., Any]:
        def run(self: socket.socket, *arguments: Any) -> Any:
            _refuse_public(arguments[place])
            return act(self, *arguments)

        return run

    patch.setattr(socket.socket, "connect", guarded(connect, 0))
    patch.setattr(socket.socket, "connect_ex", guarded(connect_ex, 0))
    patch.setattr(socket.socket, "sendto", guarded(sendto, -1))
    yield
    patch.undo()


def _refuse_public(place: Any) -> None:
    try:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
    except (ValueError, IndexError, TypeError):
        return  # a path, or a name that the system's resolver knows
    assert not is_reachable(address), f"a test was about to talk to {address}"


@pytest.fixture(scope="session")
def database_server() -> Iterator[Address | None]:
    """Start the session's own server; None where DATABASE_URL names another."""
    from openletter.shell import postgres

    if os.environ.get("DATABASE_URL"):
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="openletter-test-pg-"))
    home.chmod(0o755)
    pg_bin = os.environ.get("OPENLETTER_PG_BIN", "")
    try:
        yield postgres.start(home, fast=True, pg_bin=pg_bin)
    finally:
        postgres.stop(home, pg_bin=pg_bin)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    database_server: Address | None,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Point Django at the session's server before pytest-django makes the test database."""
    from django.db import connections

    from openletter.shell.database import from_url

    if database_server is not None:
        chosen = from_url(database_server.owner_url)
    else:
        url = os.environ["DATABASE_URL"]
        chosen = from_url(os.environ.get("DATABASE_OWNER_URL") or url)
    default = connections.databases["default"]
    default.update(chosen)
    connections["default"].settings_dict.update(chosen)


@pytest.fixture
def app_connection(
    database_server: Address | None, transactional_db: None
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect to the test database as the application's role: no owner, no superuser."""
    import psycopg
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if database_server is not None:
        url = database_server.url("openletter", database=name)
    else:
        url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
        if not os.environ.get("DATABASE_OWNER_URL"):
            pytest.skip("one role only: DATABASE_OWNER_URL is not set")
    with psycopg.connect(url, autocommit=True) as app:
        yield app
