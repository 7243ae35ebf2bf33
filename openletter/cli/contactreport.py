"""`openletter contacts report`: who has somebody to write to, of which kind, and what bounced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import refuse

if TYPE_CHECKING:
    from openletter.desk.queries.contacts import ContactReport, KindOfContact, Share


def register(app: typer.Typer) -> None:
    """Mount this part."""
    contacts = typer.Typer(no_args_is_help=True, help="Contacts in figures.")
    contacts.command("report")(report)
    contacts.callback()(_group)
    app.add_typer(contacts, name="contacts")


def _group() -> None:
    """Contacts in figures."""


def report(
    *,
    campaign: Annotated[str, typer.Option(metavar="SLUG", help="only this one")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a campaign")] = False,
) -> None:
    """Show by country and registry the share of addresses with a contact, kinds, and bounces."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns.models import Campaign
    from openletter.desk.queries import contacts

    rows = Campaign.objects.order_by("slug")
    found = list(rows.filter(slug=campaign) if campaign else rows)
    if not found:
        refuse(f"there is no campaign {campaign!r}" if campaign else "there is no campaign yet")
    for one in found:
        made = contacts.report(one, viewer=None)
        if as_json:
            typer.echo(json.dumps({"campaign": one.slug, **made.as_json()}, ensure_ascii=False))
        else:
            _print(one.name, made)


def _print(name: str, made: ContactReport) -> None:
    total = made.total
    typer.echo(f"{name}: {total.chosen} of {total.addresses} addresses have a contact.")
    for title, rows in (("country", made.countries), ("registry", made.registries)):
        typer.echo(f"\nBy {title}: addresses, with a contact, nobody, needs a person, overlap")
        for row in rows:
            typer.echo(_share(row))
    typer.echo("\nBy kind: addresses, of them rank 1 / 2-3 / later, letters left, bounced")
    for kind in made.kinds:
        typer.echo(_kind(kind))


def _share(row: Share) -> str:
    return (
        f"  {row.key or 'unknown':<12} {row.addresses:>8} {row.share:>7.0%}"
        f" {row.nobody:>7} {row.needs_person:>7} {row.conflict:>7}"
    )


def _kind(row: KindOfContact) -> str:
    rate = row.bounce_rate
    return (
        f"  {row.code.removeprefix('contact-'):<26} {row.addresses:>8}"
        f"  {row.first} / {row.second_or_third} / {row.later:<8} {row.letters:>7} {row.bounced:>6}"
        f" {'–' if rate is None else f'{rate:.1%}':>7}"
    )
