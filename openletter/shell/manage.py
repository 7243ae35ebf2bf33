"""Django's own commands: `python -m openletter.shell.manage makemigrations ROOM`."""

import os
import sys


def main(arguments: list[str]) -> None:
    """Run one command; the embedded server is started for those that need a database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openletter.shell.settings")
    os.environ.setdefault("OPENLETTER_DATABASE_AS", "owner")
    from django.core.management import execute_from_command_line

    from openletter.shell.database import ensure_started

    ensure_started()
    execute_from_command_line(arguments)


if __name__ == "__main__":
    main(sys.argv)
