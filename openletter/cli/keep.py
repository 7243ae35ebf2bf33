"""Looking after what is kept: `backup`, `restore`, `audit verify`."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from openletter.cli.operate import fail, say, state_folder

audit = typer.Typer(help="The timeline: who changed what.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command()(backup)
    app.command()(restore)
    app.add_typer(audit, name="audit")


def backup(file: Annotated[Path, typer.Argument(help="where to; must not exist")]) -> None:
    """Write everything that is kept into one file that only you can read."""
    from openletter.shell import archive, database

    if file.exists():
        fail(f"{file} is there already")
    database.ensure_started()
    url, pg_bin = _owner()
    try:
        archive.backup(file, state=state_folder(), url=url, pg_bin=pg_bin, now=datetime.now(UTC))
    except archive.ArchiveError as problem:
        fail(str(problem))
    say(
        f"wrote {file} ({file.stat().st_size:,} bytes); it holds addresses and keys: keep it closed"
    )


def _owner() -> tuple[str, str]:
    """Give the owner's address and the programs' folder, without Django."""
    from openletter.shell import configuration as read
    from openletter.shell.database import address

    reader = read.reader_for(os.environ)
    url, owner_url, pg_bin = (
        reader.read(name, read.to_text, default="", about="")
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "OPENLETTER_PG_BIN")
    )
    return address(state_folder(), url=url, owner_url=owner_url, as_owner=True), pg_bin


def restore(file: Annotated[Path, typer.Argument(help="what `openletter backup` wrote")]) -> None:
    """Put a backup back. Nothing leaves afterwards until a person says go on.

    The embedded database that was there is put aside, not deleted; a DATABASE_URL must name an
    empty database. Every letter that was about to leave becomes `unknown`: the backup can't know
    whether it left since.
    """
    from openletter.shell import archive, database, processes

    state = state_folder()
    if processes.holder(state) is not None:
        fail("it is up; stop it first with `openletter down`")
    try:
        with archive.opened(file) as (manifest, unpacked):
            say(f"backup of {manifest.at}, openletter {manifest.version}")
            _put_embedded_aside(state)
            database.ensure_started()
            url, pg_bin = _owner()
            archive.put_back(unpacked, state=state, url=url, pg_bin=pg_bin)
    except archive.ArchiveError as problem:
        fail(str(problem))
    subprocess.run([sys.executable, "-m", "openletter", "migrate", "--quiet"], check=True)
    _pause_what_leaves()
    say("restored; nothing leaves until a person says go on: openletter resume --by NAME")


def _put_embedded_aside(state: Path) -> None:
    from openletter.shell import postgres

    if os.environ.get("DATABASE_URL"):
        return
    postgres.stop(state)
    aside = postgres.move_aside(state, stamp=f"{datetime.now(UTC):%Y%m%dT%H%M%S}")
    if aside is not None:
        say(f"the database that was here lies in {aside} now")


def _pause_what_leaves() -> None:
    from openletter.shell import setup

    setup()
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.letters import settle

    settle.after_restore(settings.STATE, now=clock.wall())


@audit.command("verify")
def audit_verify() -> None:
    """Check that no timeline entry was changed, removed or put in between; else exit code 1."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns.models import Campaign, TimelineEntry
    from openletter.campaigns.steps import verify_chain

    broken = False
    chains: list[tuple[int | None, str]] = [(None, "installation")]
    chains += [(campaign.pk, campaign.slug) for campaign in Campaign.objects.order_by("slug")]
    for campaign_id, name in chains:
        first_bad = verify_chain(campaign_id)
        rows = TimelineEntry.objects.filter(campaign=campaign_id)
        number = (rows if campaign_id else TimelineEntry.objects.filter(campaign=None)).count()
        broken = broken or first_bad is not None
        typer.echo(
            f"{name}: {number:,} entries, " + (f"broken at {first_bad}" if first_bad else "whole")
        )
    raise typer.Exit(1 if broken else 0)
