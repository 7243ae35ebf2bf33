"""`openletter partner contacts`: an agency's own register of whom to write to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, partner_named, refuse, user_named
from openletter.cli.csirts import rules
from openletter.cli.found import partner

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

    from openletter.campaigns.models import Campaign, Partner


def register(_app: typer.Typer) -> None:
    """Mount this part among the commands about partners."""
    partner.command("contacts")(contacts)


def contacts(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="the partner's short name")],
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV: network, address[, scope, language, name]"
        ),
    ] = None,
    *,
    exercise: Annotated[
        str, typer.Option(metavar="CAMPAIGN", help="an invented partner's exercise")
    ] = "",
    take_back: Annotated[
        bool, typer.Option("--take-back", help="the one before FILE's place counts again")
    ] = False,
    by: By,
) -> None:
    """Load a partner's own register, which wins over the registries where it answers; all or none.

    Exit codes: 0 loaded or taken back, 2 refused (a single wrong line refuses the file).
    """
    if (file is None) is not take_back:
        refuse("give the register's file, or --take-back")
    from openletter.shell import setup

    setup()
    agency, world, person = partner_named(slug), _exercise(exercise), user_named(by)
    with rules():
        done = _put(agency, world, person, file) if file else _take_back(agency, world, person)
    typer.echo(f"{slug}: {done}")


def _put(agency: Partner, world: Campaign | None, person: User, file: Path) -> str:
    from openletter.contacts import registers
    from openletter.letters.told import untold

    load, again = registers.put(
        file, partner=agency, exercise=world, user=person, now=_now(world), untold=untold
    )
    return (
        f"{load.netblocks} networks loaded; {again} cases are looked at again. "
        f"They count for addresses that {agency.slug} answers for."
    )


def _take_back(agency: Partner, world: Campaign | None, person: User) -> str:
    from openletter.contacts import registers
    from openletter.letters.told import untold

    before, again = registers.take_back(
        partner=agency, exercise=world, user=person, now=_now(world), untold=untold
    )
    counts = f"the one of {before.loaded_at:%Y-%m-%d} counts again" if before else "none left"
    return f"taken back; {counts}; {again} cases are looked at again."


def _now(world: Campaign | None) -> datetime:
    from openletter.campaigns import clock

    return clock.now(world) if world else clock.wall()


def _exercise(slug: str) -> Campaign | None:
    from openletter.campaigns.models import Campaign

    if not slug:
        return None
    found = Campaign.objects.filter(slug=slug, exercise=True).first()
    if found is None:
        refuse(f"there is no exercise {slug!r}")
    return found
