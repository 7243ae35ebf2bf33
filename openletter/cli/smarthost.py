"""Commands about the mail server in front: its recipe, what it offers, what it holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openletter.letters.rules.recipe import Tls


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The mail server that letters are handed to.", no_args_is_help=True)
    for command in (recipe, offers, queue):
        group.command()(command)
    app.add_typer(group, name="smarthost")


def recipe(
    bounce_domain: Annotated[str, typer.Argument(help="Such as bounce.example.org.")],
    *,
    tls: Annotated[
        Tls, typer.Option(help="`dane` needs a resolver of your own that validates DNSSEC.")
    ] = Tls.MAY,
    concurrency: Annotated[
        int, typer.Option(min=1, max=20, help="Connections to one destination at once.")
    ] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Write main.cf.letters and master.cf.letters there.")
    ] = None,
) -> None:
    """Print what Postfix needs: lines for main.cf and for master.cf; needs no database."""
    from openletter.letters.rules.recipe import postfix

    try:
        made = postfix(bounce_domain, tls=tls, concurrency=concurrency)
    except ValueError as problem:
        typer.echo(f"openletter: {problem}", err=True)
        raise typer.Exit(2) from None
    if out is None:
        typer.echo(f"# add to main.cf\n{made.main}\n# add to master.cf\n{made.master}", nl=False)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "main.cf.letters").write_text(made.main)
        (out / "master.cf.letters").write_text(made.master)
    except OSError as problem:
        typer.echo(f"{problem.filename}: {problem.strerror}", err=True)
        raise typer.Exit(2) from None
    typer.echo("Written. Next: docs/howto/smarthost-postfix.md", err=True)


def offers(*, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Open the door that real letters leave by, look around, and go; nothing is sent."""
    _set_up()
    from openletter.letters.doorway import offers as look
    from openletter.letters.doorway import real_door

    told = look(real_door())
    if as_json:
        typer.echo(json.dumps(asdict(told)))
    else:
        typer.echo(f"{told.host}:{told.port}: {told.problem or 'open'}")
        if not told.problem:
            typer.echo(f"  offers {' '.join(told.extensions)}")
            typer.echo(f"  TLS {told.tls or 'none'}, signed in by {told.signed_in or 'nothing'}")
    if told.problem:
        raise typer.Exit(1)


def queue() -> None:
    """Queue ids of letters that the mail server has and nobody yet: for `postsuper -h -`."""
    _set_up()
    from openletter.letters.models import Delivery

    held = Delivery.objects.filter(state="accepted", exercise=False).exclude(queue_id="")
    for queue_id in held.order_by("id").values_list("queue_id", flat=True).iterator():
        typer.echo(queue_id)


def _set_up() -> None:
    from openletter.shell import setup

    setup()
