"""`openletter partner`: agencies that take part, what they answer for, and their law."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, partner_named, refuse, rules, user_named

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="the partner's short name")]
partner = typer.Typer(no_args_is_help=True, help="Agencies that take part, and their law.")


def register(app: typer.Typer) -> None:
    """Mount this part."""
    partner.command("add")(add)
    partner.command("law")(law)
    partner.command("approve-law")(approve_law)
    partner.command("team")(team)
    partner.command("list")(list_partners)
    app.add_typer(partner, name="partner")


def add(
    slug: Slug,
    *,
    name: Annotated[str, typer.Option(help="as it stands in letters")],
    email: Annotated[str, typer.Option(help="a person reads it")],
    country: Annotated[list[str], typer.Option(help="that it answers for; may be repeated")],
    network: Annotated[list[str], typer.Option(help="that it answers for, wherever")] = [],  # noqa: B006
    language: Annotated[str, typer.Option(help="BCP 47")] = "en",
    phone: Annotated[str, typer.Option(help="where letters can be checked")] = "",
    website: Annotated[str, typer.Option(help="https://...")] = "",
    by: By,
) -> None:
    """Add an agency and the countries and networks that it answers for."""
    person, now = _person(by)
    from openletter.campaigns import founding

    facts = {"slug": slug, "name": name, "email": email, "language": language, "phone": phone}
    with rules():
        made = founding.add_partner(
            {**facts, "website": website},
            countries=[one.strip().upper() for one in country],
            networks=_networks(network),
            user=person,
            now=now,
        )
    typer.echo(f"{made.slug}: added. Next: openletter user add NAME --partner {made.slug}")


def law(
    slug: Slug,
    *,
    lang: Annotated[str, typer.Option(help="language tag of the text")],
    file: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="the lines, UTF-8")],
    by: By,
) -> None:
    """Keep a partner's lines of law in one language; they must be approved (again) afterwards."""
    person, now = _person(by)
    from openletter.campaigns import founding
    from openletter.words import normalise_language

    text = file.read_text(encoding="utf-8")
    with rules():
        tag = normalise_language(lang)
        founding.write_law(partner_named(slug), language=tag, text=text, user=person, now=now)
    typer.echo(f"{slug}: kept. Next: openletter partner approve-law {slug} --by AN-APPROVER")


def approve_law(slug: Slug, *, by: By) -> None:
    """Say, as an approver of the partner, that its lines of law are right."""
    person, now = _person(by)
    from openletter.campaigns import founding

    with rules():
        founding.approve_law(partner_named(slug), user=person, now=now)
    typer.echo(f"{slug}: its lines of law are approved.")


def team(
    slug: Slug,
    *,
    no: Annotated[bool, typer.Option("--no", help="it is none")] = False,
    by: By,
) -> None:
    """Say that a partner is a national team: it may hold feeds that are for such teams only."""
    person, now = _person(by)
    from openletter.campaigns import founding
    from openletter.cases import steps

    with rules():
        founding.set_team(partner_named(slug), is_cert=not no, user=person, now=now)
    again = 0 if no else steps.look_again("needs-national-team")
    typer.echo(f"{slug}: {'no' if no else 'a'} national team; {again} findings to look at again")


def list_partners() -> None:
    """List the partners, what they answer for, and whether their law is approved."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns.models import Partner

    for one in Partner.objects.order_by("slug").prefetch_related("constituencies"):
        answers = sorted(str(c.country or c.network) for c in one.constituencies.all())
        state = "law approved" if one.legal_approved_at else "no approved law"
        kind = "exercise, " if one.exercise else ""
        typer.echo(f"{one.slug}: {one.name} ({kind}{', '.join(answers) or 'nothing'}; {state})")


def _person(name: str) -> tuple[User, datetime]:
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock

    return user_named(name), clock.wall()


def _networks(given: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(one) for one in given]
    except ValueError as wrong:
        refuse(str(wrong))
