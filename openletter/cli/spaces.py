"""`openletter spaces`: lists of networks whose word counts less or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from openletter.evidence.rules.spaces import ListKind, Network
from openletter.evidence.rules.times import parse_time
from openletter.wire.lines import lines
from openletter.wire.spacelist import BadListError, networks
from openletter.wire.visible import visible

REFUSED = 2
spaces = typer.Typer(
    help="Lists of dynamic and shared space, Tor exits, scanners and own hosts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.add_typer(spaces, name="spaces")


@spaces.command("load")
def load(
    kind: Annotated[ListKind, typer.Argument(metavar="KIND")],
    path: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    said_by: Annotated[str, typer.Option("--said-by", help="where the list comes from")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME", help="when it was made")],
    name: Annotated[str, typer.Option(help="its name here; left out: the kind")] = "",
    by: Annotated[str, typer.Option(help="who loads it")] = "command",
) -> None:
    """Load a list of networks; it takes the place of the one with its name.

    Statements about addresses in it are weighed again. KIND: dynamic, shared, tor-exit,
    research-scanner, own-host.
    """
    made = parse_time(as_of)
    if made is None:
        _refuse(f"{visible(as_of)} is no time; write 2026-11-02T13:45:00Z")
    found = read_list(path)
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import spacelists

    row = spacelists.load_list(
        name or str(kind), kind, found, said_by=said_by, as_of=made, actor=by, now=clock.now(None)
    )
    typer.echo(f"{row.pk}: {len(row.networks):,} networks, {kind}, as of {as_of}")


@spaces.command("list")
def listed() -> None:
    """Say which lists are loaded, from whom and as of when."""
    from openletter.shell import setup

    setup()
    from openletter.evidence.models import SpaceList

    for row in SpaceList.objects.order_by("id"):
        size = len(row.networks)
        typer.echo(f"{row.pk}: {row.kind}, {size:,} networks, {row.as_of:%Y-%m-%d}, {row.said_by}")


def read_list(path: Path) -> list[Network]:
    """The networks in a file; a command ends where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return networks(lines(iter(lambda: stream.read(1 << 16), b"")))
    except (OSError, BadListError) as problem:
        _refuse(f"{path}: {problem}")


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(REFUSED)
