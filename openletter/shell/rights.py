"""Migrates as the owner, and gives the application's role its rows by default privilege."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.core.management import call_command
from django.db import connection

from openletter.shell import postgres


def migrate(*, app_url: str, owner_url: str, verbosity: int) -> None:
    """Bring the tables up to this version. The connection is the owner's.

    On a server of your own the default privileges are set first, so that tables the migrations
    make are readable; a migration that takes a right away (the timeline's) has the last word.
    """
    app, owner = (unquote(urlsplit(url).username or "") for url in (app_url, owner_url))
    if app and owner and app != owner:
        with connection.cursor() as cursor:
            for statement in postgres.rights_for(owner=owner, app=app):
                cursor.execute(statement)
    call_command("migrate", interactive=False, verbosity=verbosity)


def is_migrated() -> bool:
    """Say whether nothing waits to be migrated."""
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
