"""`openletter source suspend|resume|suspensions`: a source that counts for nothing for a while."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli import recall
from openletter.cli.campaign import refuse, user_named
from openletter.cli.evidence import InWorld, world_named
from openletter.wire.visible import visible

if TYPE_CHECKING:
    from openletter.evidence.models import Source, Suspension

ACTOR = "command:source"
Id = Annotated[str, typer.Argument(metavar="SOURCE", help="the source's id")]
Why = Annotated[str, typer.Option(help="why; everybody at the desk reads it")]
ByWhom = Annotated[str, typer.Option("--by", help="sign-in name; left out: this command")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line")]


def register(_app: typer.Typer) -> None:
    """Mount this part below `openletter source`."""
    recall.commands.command("suspend")(suspend)
    recall.commands.command("resume")(resume)
    recall.commands.command("suspensions")(suspensions)


def suspend(source: Id, *, reason: Why, campaign: InWorld = "", by: ByWhom = "") -> None:
    """Let a source count for nothing from now on; letters that rest on it go back."""
    row = _named(source, reason)
    from openletter.campaigns import clock
    from openletter.evidence import suspending

    world = world_named(campaign)
    made = suspending.suspend(
        row,
        exercise=world,
        by=_actor(by),
        because={"text": visible(reason.strip())},
        now=clock.now(world),
    )
    if made is None:
        refuse(f"{row.pk} is suspended already")
    typer.echo(f"{row.pk}: suspended. Its rows are weighed anew; resume: source resume {row.pk}")


def resume(
    source: Id,
    *,
    reason: Why,
    campaign: InWorld = "",
    by: ByWhom = "",
    with_held: Annotated[
        bool, typer.Option("--with-held", help="also let count what came in meanwhile")
    ] = False,
) -> None:
    """Let a source count again; what it said meanwhile stays aside unless you say otherwise."""
    row = _named(source, reason)
    from openletter.campaigns import clock
    from openletter.evidence import suspending

    world = world_named(campaign)
    ended = suspending.resume(
        row, exercise=world, by=_actor(by), because=visible(reason.strip()), now=clock.now(world),
        with_held=with_held,
    )  # fmt: skip
    if ended is None:
        refuse(f"{row.pk} is not suspended")
    aside = suspending.held_back(ended).count()
    typer.echo(f"{row.pk}: counts again. {aside} parts that came in meanwhile stay aside.")


def suspensions(*, campaign: InWorld = "", as_json: AsJson = False) -> None:
    """List the sources that count for nothing now, with who says so, since when and why."""
    from openletter.shell import setup

    setup()
    from openletter.evidence import suspending

    for one in suspending.standing(world_named(campaign)):
        told = _told(one)
        if as_json:
            typer.echo(json.dumps(told, ensure_ascii=False))
            continue
        typer.echo(f"{told['source']}: since {told['at']} by {told['by']}: {told['because']}")
        typer.echo(f"    {told['parts_held']} parts came in meanwhile")


def _named(source: str, reason: str) -> Source:
    from openletter.shell import setup

    setup()
    from openletter.evidence.models import Source

    if not reason.strip():
        refuse("a reason is needed: whoever looks must know why")
    found = Source.objects.filter(pk=source).first()
    if found is None:
        known = ", ".join(Source.objects.order_by("pk").values_list("pk", flat=True))
        refuse(f"nothing was taken in from {source!r}; there is: {known or 'nothing'}")
    return found


def _actor(by: str) -> str:
    return f"user:{user_named(by).get_username()}" if by else ACTOR


def _told(one: Suspension) -> dict[str, object]:
    from openletter.desk.reasons import stored
    from openletter.evidence import suspending

    return {
        "source": one.source_id,
        "at": one.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": one.by,
        "because": stored(one.because),
        "code": one.because.get("code"),
        "parts_held": suspending.held_back(one).count(),
    }
