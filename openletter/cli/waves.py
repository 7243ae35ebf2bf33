"""`openletter campaign letters` and `wave`: what is written after the first letters."""

from __future__ import annotations

from typing import Annotated

import typer

from openletter.cli.campaign import By, Slug, campaign_named, commands, rules, user_named
from openletter.cli.wording import rules as letter_rules
from openletter.words import WaveKind

OPENED = (WaveKind.UPDATE, WaveKind.REMINDER, WaveKind.CLOSING)
SAID = {
    WaveKind.UPDATE: "new cases are gathered into update letters",
    WaveKind.REMINDER: "whoever a source named again after his letter is reminded, once",
    WaveKind.CLOSING: "everybody who was told something is told what became of it; all else ends",
}


def register(app: typer.Typer) -> None:
    """Mount this part."""
    commands.command("letters")(letters)
    commands.command("wave")(wave)


def letters(
    slug: Slug,
    *,
    reminders: Annotated[
        bool | None, typer.Option("--reminders/--no-reminders", help="one reminder a mailbox")
    ] = None,
    closing: Annotated[
        bool | None, typer.Option("--closing/--no-closing", help="a letter at the end")
    ] = None,
    by: By,
) -> None:
    """Allow or forbid reminders and closing letters, as an approver; both are off at first."""
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, switches

    with rules():
        switches.switch(
            campaign, reminders=reminders, closing_letters=closing, user=user_named(by),
            now=clock.now(campaign),
        )  # fmt: skip
    said = {True: "allowed", False: "not allowed"}
    typer.echo(
        f"{slug}: reminders {said[campaign.reminders]}, "
        f"closing letters {said[campaign.closing_letters]}."
    )


def wave(
    slug: Slug,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=" | ".join(OPENED))],
    *,
    by: By,
) -> None:
    """Open a wave of later letters, as an approver; `openletter campaign plan` shows whom."""
    campaign = campaign_named(slug)
    from openletter.campaigns import clock
    from openletter.letters.opening import open_wave

    if kind not in OPENED:
        raise typer.BadParameter(f"{kind} is none of {', '.join(OPENED)}")
    with letter_rules():
        open_wave(campaign, WaveKind(kind), user=user_named(by), now=clock.now(campaign))
    typer.echo(f"{slug}: {SAID[WaveKind(kind)]}.")
