"""Composition only: settings, URLs, WSGI, the queue, the embedded PostgreSQL."""

import os
import sys


def setup(*, as_owner: bool = False) -> None:
    """Make Django ready for a command; the embedded database is started where none is named.

    `as_owner` is for migrations: every other process takes the application's role. What the
    operator can mend (a setting, a database that isn't there) ends in a sentence, not a trace.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openletter.shell.settings")
    if as_owner:
        os.environ["OPENLETTER_DATABASE_AS"] = "owner"
    import django  # noqa: PLC0415 (a second of start-up that commands without Django don't pay)

    from openletter.shell.configuration import BadSettingError  # noqa: PLC0415
    from openletter.shell.database import ensure_started  # noqa: PLC0415
    from openletter.shell.pgprograms import PostgresError  # noqa: PLC0415

    try:
        ensure_started()
        django.setup()
    except (BadSettingError, PostgresError) as problem:
        sys.stderr.write(f"openletter: {problem}\n")
        raise SystemExit(1) from problem
