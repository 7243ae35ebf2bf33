"""`openletter watch`: tells a person what went wrong; a child of `openletter up`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from openletter.shell.alerts import Look


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command()(watch)


def watch(
    *, once: Annotated[bool, typer.Option(help="look once, say what is wrong, tell nobody")] = False
) -> None:
    """Look every 20 s for what a person must hear of and tell it once; `up` runs it."""
    from openletter.shell import processes, setup

    setup()
    from django.conf import settings
    from django.db import connection

    from openletter.campaigns import clock
    from openletter.shell import alerts

    alerts.impatient()
    if once:
        _say(alerts.look(now=clock.wall()))
        return
    if not settings.TELLING.is_on:
        typer.echo("alerts go to the log only: OPENLETTER_ALERT_WEBHOOK is not set", err=True)
    watching = alerts.Watch(state=settings.STATE)
    with processes.until_signal() as stopped:
        pause = 0.0
        while not stopped.wait(pause):
            begun = time.monotonic()
            watching.once(now=clock.wall())
            connection.close()
            pause = max(1.0, alerts.EVERY_SECONDS - (time.monotonic() - begun))


def _say(seen: Look) -> None:
    from openletter.shell.causes import Notice

    for cause in seen.found:
        typer.echo(f"{Notice(cause=cause).text}\n")
    raise typer.Exit(1 if seen.found else 0)
