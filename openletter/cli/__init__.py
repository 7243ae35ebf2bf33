"""The command `openletter`. Each part of it is a module that registers its own commands.

Nothing here loads Django: commands that need the database call `shell.setup()` themselves, so
that the others start in a third of a second.
"""

from __future__ import annotations

import importlib
import pkgutil

import typer

from openletter import __version__

app = typer.Typer(
    name="openletter",
    help="From public databases to letters, replies and outcomes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


for _part in sorted(part.name for part in pkgutil.iter_modules(__path__)):
    _module = importlib.import_module(f"{__name__}.{_part}")
    if hasattr(_module, "register"):  # a part that another part mounts below itself has none
        _module.register(app)
