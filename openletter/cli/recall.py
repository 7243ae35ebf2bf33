"""`openletter source`: take back what a source said, with all that rests on it; the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, refuse, user_named
from openletter.cli.evidence import InWorld, moment_of, world_named

if TYPE_CHECKING:
    from openletter.evidence.models import Withdrawal
    from openletter.evidence.withdrawing import Scope
    from openletter.letters.recall import CampaignChange, Change

DONE, ONLY_SHOWN = 0, 1
Number = Annotated[int, typer.Argument(metavar="WITHDRAWAL", help="its number")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object")]
ByWhom = Annotated[str, typer.Option("--by", help="sign-in name; left out: this command")]
SHOWN = 10


commands = typer.Typer(
    no_args_is_help=True, help="What sources said: take it back, restore it; suspend a source."
)
"""The module `suspend` adds its own."""


def register(app: typer.Typer) -> None:
    """Mount this part."""
    commands.command("withdraw")(withdraw)
    commands.command("restore")(restore)
    commands.command("approve")(approve)
    commands.command("withdrawals")(withdrawals)
    app.add_typer(commands, name="source")


def withdraw(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="the source's id")],
    *,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="seen from then on")] = "",
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="seen before; else now")] = "",
    reason: Annotated[str, typer.Option(help="why; everybody at the desk reads it")],
    rows: Annotated[
        list[int] | None, typer.Option("--rows", metavar="ID...", help="only these rows")
    ] = None,
    more: Annotated[list[int] | None, typer.Argument(metavar="[ID...]", hidden=True)] = None,
    batch: Annotated[int | None, typer.Option(metavar="ID", help="only this file's rows")] = None,
    campaign: InWorld = "",
    by: ByWhom = "",
    yes: Annotated[bool, typer.Option("--yes", help="do it, without asking")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what a source said, and all that rested on it; shows it first, then asks.

    Exit codes: 0 taken back, 1 only shown, 2 refused. Nothing leaves until somebody approves the
    corrections; until then `openletter source restore` undoes all of it.
    """
    with _refusals():
        now, scope = _scope(
            source, campaign=campaign, since=since, until=until, batch=batch,
            rows=(*(rows or ()), *(more or ())),
        )  # fmt: skip
        from openletter.letters import recall

        change = recall.preview(scope, now=now)
        made = None
        if yes or _agreed(change, as_json=as_json):
            made, change = recall.withdraw(scope, reason=reason, by=_actor(by), now=now)
    _tell(change, made, as_json=as_json)
    raise typer.Exit(DONE if made else ONLY_SHOWN)


def restore(number: Number, *, by: ByWhom = "") -> None:
    """Undo a withdrawal, as long as no correction of it is approved."""
    with _refusals():
        row = _withdrawal(number)
        from openletter.campaigns import clock
        from openletter.letters import recall

        recall.restore(row, by=_actor(by), now=clock.now(row.exercise))
    typer.echo(f"{number}: restored. What it took back counts again; letters are written anew.")


def approve(number: Number, *, campaign: InWorld = "", by: By) -> None:
    """Let the corrections of a withdrawal leave, as an approver of the campaign's lead."""
    with _refusals():
        row = _withdrawal(number)
        from openletter.campaigns import clock
        from openletter.letters import corrections
        from openletter.letters.models import Correction

        asked = Correction.objects.filter(withdrawal=row).select_related("campaign")
        chosen = list(asked.filter(campaign__slug=campaign) if campaign else asked)
        if len(chosen) != 1:
            names = ", ".join(sorted(one.campaign.slug for one in asked))
            refuse(f"name the campaign with --campaign; there are: {names or 'none'}")
        person, now = user_named(by), clock.now(chosen[0].campaign)
        corrections.approve(chosen[0], user=person, now=now)
    typer.echo(f"{chosen[0].campaign.slug}: approved; the corrections go ahead of everything else.")


def withdrawals(*, campaign: InWorld = "", as_json: AsJson = False) -> None:
    """List what was taken back in a world, the newest first, and what became of it."""
    from openletter.shell import setup

    setup()
    from openletter.evidence.models import Withdrawal

    world = world_named(campaign)
    for row in Withdrawal.objects.filter(exercise=world).order_by("-pk"):
        told = _stands(row)
        if as_json:
            typer.echo(json.dumps(told, ensure_ascii=False))
            continue
        typer.echo(f"{row.pk}: {row.source_id}, {row.at:%Y-%m-%d %H:%M} by {row.by}: {row.reason}")
        typer.echo(f"    {told['state']}; {row.counts.get('rows', 0)} rows")


# -- what is asked -------------------------------------------------------------------------------


def _scope(
    source: str, *, campaign: str, since: str, until: str, batch: int | None, rows: tuple[int, ...]
) -> tuple[datetime, Scope]:
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence.models import Batch, Source
    from openletter.evidence.withdrawing import Scope

    found = Source.objects.filter(pk=source).first()
    if found is None:
        known = ", ".join(Source.objects.order_by("pk").values_list("pk", flat=True))
        refuse(f"nothing was taken in from {source!r}; there is: {known or 'nothing'}")
    file = Batch.objects.filter(pk=batch).first() if batch is not None else None
    if batch is not None and file is None:
        refuse(f"there is no file {batch}")
    world = world_named(campaign)
    now = clock.now(world)
    begins = moment_of(since) if since else None
    ends = moment_of(until) if until else (now if begins else None)
    return now, Scope(source=found, exercise=world, since=begins, until=ends, batch=file, rows=rows)


def _actor(by: str) -> str:
    return f"user:{user_named(by).get_username()}" if by else "command:source"


def _withdrawal(number: int) -> Withdrawal:
    from openletter.shell import setup

    setup()
    from openletter.evidence.models import Withdrawal
    from openletter.evidence.withdrawing import WithdrawalError

    row = Withdrawal.objects.filter(pk=number).first()
    if row is None:
        raise WithdrawalError("withdrawal-unknown", number=number)
    return row


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal of the rules becomes one sentence and exit code 2."""
    from openletter.shell import setup

    setup()
    from openletter.desk.reasons import told
    from openletter.evidence.withdrawing import WithdrawalError

    try:
        yield
    except WithdrawalError as refused:
        refuse(told(refused.reason))


# -- what is told --------------------------------------------------------------------------------


def _agreed(change: Change, *, as_json: bool) -> bool:
    """Show it and ask; with --json, or where nobody can answer, only --yes does it."""
    import sys

    if as_json or not sys.stdin.isatty():
        return False
    _print(change)
    return typer.confirm("Take it back?", err=True)


def _tell(change: Change, made: Withdrawal | None, *, as_json: bool) -> None:
    if as_json:
        told = {"withdrawal": made.pk if made else None, **change.figures()}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    if made is None:
        _print(change)
        typer.echo("Nothing was changed. Do it with --yes.")
        return
    _print(change)
    typer.echo(f"Taken back as withdrawal {made.pk}. Undo: openletter source restore {made.pk}")
    if any(one.mailboxes or one.in_hand for one in change.campaigns):
        typer.echo(f"Corrections wait: openletter source approve {made.pk} --by AN-APPROVER")


def _print(change: Change) -> None:
    typer.echo(f"{change.rows} rows about {change.addresses} addresses")
    for way, count in sorted(change.findings.items()):
        before, _, after = way.partition("-")
        typer.echo(f"  findings {before} -> {after}: {count}")
    for one in change.campaigns:
        _print_campaign(one)


def _print_campaign(one: CampaignChange) -> None:
    typer.echo(f"{one.campaign.slug}:")
    typer.echo(f"  cases that were our mistake: {len(one.mistakes)}")
    for case in one.mistakes[:SHOWN]:
        typer.echo(f"    {case.reference[:4]}-{case.reference[4:]} {case.ip} {case.weakness}")
    typer.echo(f"  cases that other evidence holds up: {len(one.kept)}")
    typer.echo(f"  unsent letters stopped: {one.drafts} drafts, {one.cleared} cleared")
    typer.echo(f"  letters in a sender's hands: {one.in_hand}")
    typer.echo(f"  mailboxes to correct: {len(one.mailboxes)} ({one.silent} want no letters)")
    for mailbox, rows in sorted(one.mailboxes.items())[:SHOWN]:
        typer.echo(f"    {mailbox}: {rows}")


def _stands(row: Withdrawal) -> dict[str, object]:
    from openletter.letters.models import Correction

    asked = Correction.objects.filter(withdrawal=row).select_related("campaign")
    approved = {one.campaign.slug: one.approved_at is not None for one in asked}
    state = "stands"
    if row.restored_at is not None:
        state = "restored"
    elif approved:
        state = "approved" if all(approved.values()) else "waits for approval"
    return {
        "withdrawal": row.pk, "source": row.source_id, "at": row.at.isoformat(), "by": row.by,
        "reason": row.reason, "state": state, "corrections_approved": approved, **row.counts,
    }  # fmt: skip
