"""`openletter csirt`: the table of national response teams, and who signed which entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, refuse, user_named

if TYPE_CHECKING:
    from openletter.contacts.teams import Listed

Country = Annotated[str, typer.Argument(metavar="COUNTRY", help="ISO 3166-1 alpha-2")]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    csirt = typer.Typer(no_args_is_help=True, help="National response teams: the last to write to.")
    csirt.command("list")(list_teams)
    csirt.command("review")(review)
    csirt.command("load")(load)
    app.add_typer(csirt, name="csirt")


def list_teams(
    *, as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False
) -> None:
    """List the teams of the table, their pages, and who signed what; count countries without one.

    A real campaign writes only to teams whose entry a person of this installation has signed.
    """
    from openletter.shell import setup

    setup()
    from openletter.contacts import teams
    from openletter.contacts.rules.csirts import without_entry

    rows = teams.listed()
    absent = without_entry({each.team.country: each.team for each in rows})
    if as_json:
        for each in rows:
            typer.echo(json.dumps(_as_json(each), ensure_ascii=False))
        typer.echo(json.dumps({"type": "absent", "count": len(absent), "countries": absent}))
        return
    for each in rows:
        team = each.team
        typer.echo(f"{team.country}  {team.mailbox:<28} {team.name:<20} {_told(each)}")
        typer.echo(f"    {team.source} (seen {team.seen.isoformat()})")
    signed = sum(each.counts for each in rows)
    typer.echo(f"{len(rows)} teams, {signed} signed here; {len(absent)} countries have no entry.")


def _told(each: Listed) -> str:
    if each.review is None:
        return "unreviewed"
    state = "signed" if each.counts else "changed since it was signed"
    return f"{state} by {each.review.by} on {each.review.at:%Y-%m-%d}"


def _as_json(each: Listed) -> dict[str, object]:
    review = each.review
    return {
        "type": "team",
        **each.team.as_json(),
        "reviewed_by": review.by if review and each.counts else "",
        "reviewed_at": review.at.isoformat() if review and each.counts else None,
        "changed_since_review": review is not None and not each.counts,
    }


def review(
    country: Country,
    *,
    by: By,
    withdraw: Annotated[bool, typer.Option(help="take the signature back")] = False,
) -> None:
    """Sign an entry, after reading its page, as a person who may approve; or take that back."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.contacts import steps, teams

    person, now = user_named(by), clock.wall()
    with rules():
        if withdraw:
            done = teams.withdraw_review(country, user=person, now=now)
            typer.echo(f"{country.upper()}: {'taken back' if done else 'nobody had signed it'}.")
            return
        row, again = steps.review_team(country, user=person, now=now)
    typer.echo(
        f"{row.country}: {row.team['mailbox']} signed by {row.by}; {again} cases without a contact "
        f"are looked at again."
    )


def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TOML, invented teams")],
    *,
    exercise: Annotated[str, typer.Option(metavar="SLUG", help="the exercise they are for")],
) -> None:
    """Give an exercise its own invented teams, in the place of those it had."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.campaigns.models import Campaign
    from openletter.contacts import teams

    campaign = Campaign.objects.filter(slug=exercise, exercise=True).first()
    if campaign is None:
        refuse(f"there is no exercise {exercise!r}")
    with rules():
        count = teams.load_invented(
            file.read_text(encoding="utf-8"), exercise=campaign, by="command:csirt",
            now=clock.now(campaign),
        )  # fmt: skip
    typer.echo(f"{exercise}: {count} invented teams.")


@contextmanager
def rules() -> Iterator[None]:
    """A refusal of this room becomes one sentence and exit code 2."""
    from openletter.catalogue import sentence
    from openletter.contacts.errors import ContactError

    try:
        yield
    except ContactError as refused:
        refuse(sentence("openletter.contacts", refused.reason, "en"))
