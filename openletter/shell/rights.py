"""Migrates as the owner, and gives the application's role its rows by default privilege."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.core.management import call_command
from django.db import connection
from psycopg import sql

from openletter.shell import postgres

APPEND_ONLY = ("timeline",)
"""The application adds rows here and reads them; a trigger stands behind that as well."""


def migrate(*, app_url: str, owner_url: str, verbosity: int) -> None:
    """Bring the tables up to this version. The connection is the owner's.

    Default privileges come first, so that the application may use what migrations make; what it
    may only add to is narrowed last, also after a restore, which knows nothing of rights.
    """
    app = unquote(urlsplit(app_url).username or "") or postgres.APP
    owner = unquote(urlsplit(owner_url or app_url).username or "") or postgres.OWNER
    if app != owner:
        _say(postgres.rights_for(owner=owner, app=app))
    call_command("migrate", interactive=False, verbosity=verbosity)
    if app != owner:
        narrow = sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}")
        _say([narrow.format(sql.Identifier(table), sql.Identifier(app)) for table in APPEND_ONLY])


def _say(statements: list[sql.Composed]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def is_migrated() -> bool:
    """Say whether nothing waits to be migrated."""
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
