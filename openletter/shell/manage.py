"""Django's own commands: `python -m openletter.shell.manage makemigrations ROOM`."""

import os
import sys


def main(arguments: list[str]) -> None:
    """Run one command as the owner of the tables; the embedded server is started for it."""
    os.environ.setdefault("OPENLETTER_DATABASE_AS", "owner")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openletter.shell.settings")
    from django.core.management import execute_from_command_line

    from openletter.shell.database import ensure_started

    if "--check" not in arguments:  # comparing models with migrations needs no database
        ensure_started()
    execute_from_command_line(arguments)


if __name__ == "__main__":
    main(sys.argv)
