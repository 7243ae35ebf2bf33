"""`openletter contact-wish`: how a contact wants its letters; who asked, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import refuse, user_named
from openletter.cli.evidence import InWorld, world_named
from openletter.wire.visible import visible
from openletter.words import Wish

if TYPE_CHECKING:
    from openletter.contacts.wish_rows import ContactWish

Mailbox = Annotated[str, typer.Argument(metavar="MAILBOX", help="the contact's mailbox")]
WhichWish = Annotated[Wish, typer.Argument(metavar="WISH", help="what it wants")]
By = Annotated[str, typer.Option("--by", help="sign-in name of who stores it")]


commands = typer.Typer(no_args_is_help=True, help="How a contact wants its letters.")


def register(app: typer.Typer) -> None:
    """Mount this part."""
    commands.command("store")(store)
    commands.command("take-back")(take_back)
    commands.command("list")(show)
    app.add_typer(commands, name="contact-wish")


def store(
    mailbox: Mailbox,
    wish: WhichWish,
    *,
    said_by: Annotated[str, typer.Option(help="who asked for it, and how (mail of which day)")],
    address: Annotated[str, typer.Option("--to", help="other-mailbox: where instead")] = "",
    campaign: InWorld = "",
    by: By,
) -> None:
    """Keep a contact's wish: no-attachment, or other-mailbox with --to.

    No attachment: every row stands in the letter; the table, reports and texts are on its page.
    Other mailbox: letters go there from now on; both mailboxes count as one contact.
    """
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.contacts import wishes
    from openletter.contacts.errors import ContactError
    from openletter.desk.reasons import told

    world = world_named(campaign)
    person = user_named(by)
    asked = wishes.Asked(mailbox=mailbox, wish=wish, said_by=said_by, address=address)
    try:
        row = wishes.keep(
            asked, world=world, actor=f"user:{person.get_username()}", now=clock.now(world)
        )
    except ContactError as error:
        refuse(told(error.reason))
    typer.echo(f"{visible(row.mailbox)}: {row.wish} is kept. Back: contact-wish take-back")


def take_back(
    mailbox: Mailbox,
    wish: WhichWish,
    *,
    reason: Annotated[str, typer.Option(help="why; everybody at the desk reads it")],
    campaign: InWorld = "",
    by: By,
) -> None:
    """The wish holds no more: it was a mistake, or the contact says so."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.contacts import wishes
    from openletter.letters import heeding
    from openletter.words import normalise_mailbox

    world = world_named(campaign)
    person = user_named(by)
    found = wishes.standing(world).filter(mailbox=normalise_mailbox(mailbox) or mailbox, wish=wish)
    row = found.first()
    if row is None:
        refuse(f"no such wish of {visible(mailbox)} stands")
    if not reason.strip():
        refuse("a reason is needed: whoever looks must know why")
    heeding.take_back(
        row, because=visible(reason), actor=f"user:{person.get_username()}", now=clock.now(world)
    )
    typer.echo(f"{visible(row.mailbox)}: {row.wish} is taken back.")


def show(
    *,
    campaign: InWorld = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List the wishes that stand: whose, what, who said so, who kept it, since when."""
    from openletter.shell import setup

    setup()
    from openletter.contacts import wishes

    for row in wishes.standing(world_named(campaign)).order_by("mailbox", "wish"):
        told = _told(row)
        if as_json:
            typer.echo(json.dumps(told, ensure_ascii=False))
            continue
        there = f" {told['to']}" if told["to"] else ""
        typer.echo(
            f"{told['mailbox']}: {row.wish}{there}; {told['said_by']} "
            f"(kept by {row.by}, {told['at']})"
        )


def _told(row: ContactWish) -> dict[str, str]:
    return {
        "mailbox": visible(row.mailbox), "wish": row.wish, "to": visible(row.address),
        "said_by": visible(row.said_by), "by": row.by, "at": row.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
