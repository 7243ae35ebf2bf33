"""`openletter zones`: the DNS blocklists that are asked, how they behave, and what is left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, refuse, user_named

if TYPE_CHECKING:
    from openletter.evidence.zonestates import ZoneState

ILL = 1
Row = dict[str, object]
ZoneName = Annotated[str, typer.Argument(metavar="ZONE", help="without its key")]
Because = Annotated[str, typer.Option("--because", help="why, for whoever reads it later")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line")]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    zones = typer.Typer(
        invoke_without_command=True, help="DNS blocklists that are asked, and how they behave."
    )
    zones.callback()(listing)
    zones.command("check")(check)
    zones.command("suspend")(suspend)
    zones.command("resume")(resume)
    zones.command("limit")(limit)
    app.add_typer(zones, name="zones")


def listing(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show every zone: state and reason, questions left today, the last examination."""
    if context.invoked_subcommand is not None:
        return
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence.zonestates import states

    found = states(now=clock.wall())
    for state in found:
        typer.echo(json.dumps(_row(state)) if as_json else _told(state))
    if not found:
        typer.echo("No zone is asked. Next: docs/howto/ask-dnsbl-zones.md", err=True)


def check(name: ZoneName) -> None:
    """Examine a zone now: test points and random addresses. Exit code 1: it is not believed."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import jobs
    from openletter.evidence.zonestates import states

    now = clock.wall()
    state = next((one for one in states(now=now) if one.name == name), None)
    if state is None:
        refuse(f"{name} is not in OPENLETTER_DNSBL_ZONES")
    if state.why_not is not None or state.feed is None:
        refuse(_sentence(state.why_not.as_json() if state.why_not is not None else None))
    found = jobs.check(name, state.feed, now=now)
    if found is None:
        refuse(f"{name}: no questions are left for today ({state.row.daily_budget} a day)")
    state = next(one for one in states(now=now) if one.name == name)
    typer.echo(_told(state))
    raise typer.Exit(0 if found.is_believed else ILL)


def suspend(name: ZoneName, *, because: Because, by: By) -> None:
    """Ask a zone nothing until a person says otherwise."""
    actor = _actor(by, "HANDLER")
    from openletter.campaigns import clock
    from openletter.evidence import zonekeeping

    zonekeeping.suspend(name, actor=actor, because=because, now=clock.wall())
    typer.echo(f"{name}: suspended. Next: openletter zones resume {name}")


def resume(name: ZoneName, *, because: Because, by: By) -> None:
    """Let a zone be asked again; it is examined before anything else."""
    actor = _actor(by, "APPROVER")
    from openletter.campaigns import clock
    from openletter.evidence import zonekeeping

    zone = zonekeeping.resume(name, actor=actor, because=because, now=clock.wall())
    if zone is None:
        refuse(f"nobody has asked or suspended {name}")
    typer.echo(f"{name}: may be asked again. Next: openletter zones check {name}")


def limit(
    name: ZoneName,
    *,
    a_second: Annotated[float | None, typer.Option("--a-second", min=0.1, max=100_000)] = None,
    a_day: Annotated[int | None, typer.Option("--a-day", min=0, max=2_000_000_000)] = None,
    by: By,
) -> None:
    """Say how many questions the zone's operator allows, a second and a day (UTC)."""
    actor = _actor(by, "APPROVER")
    from openletter.campaigns import clock
    from openletter.evidence import zonekeeping

    now = clock.wall()
    try:
        zone = zonekeeping.limit(name, rate=a_second, daily_budget=a_day, actor=actor, now=now)
    except zonekeeping.TooManyError as problem:
        refuse(f"{name}: {problem}")
    typer.echo(f"{name}: {zone.rate:g} a second, {zone.daily_budget:,} a day")


def _actor(by: str, level: str) -> str:
    """The name for the timeline of a person who has this level at some partner."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns.rules import Level
    from openletter.campaigns.steps import viewer_of

    person, needed = user_named(by), Level[level]
    if viewer_of(person).highest < needed:
        refuse(f"{by} is no {needed.name.lower()} at any partner")
    return f"user:{person.get_username()}"


def _row(state: ZoneState) -> Row:
    from openletter.evidence.rules.forms import moment

    row = state.row
    return {
        "zone": state.name,
        "source": state.feed.id if state.feed is not None else None,
        "asked": state.is_asked,
        "condition": row.condition or None,
        "reason": state.reason,
        "suspended_at": moment(row.suspended_at),
        "suspended_by": row.suspended_by or None,
        "try_again_at": moment(row.try_again_at),
        "examined_at": moment(row.examined_at),
        "a_second": row.rate,
        "a_day": row.daily_budget,
        "left_today": state.left,
        "last_round": state.latest.by_answer if state.latest is not None else None,
    }


def _told(state: ZoneState) -> str:
    word = str(state.row.condition) or "not yet examined"
    if state.is_suspended:
        word = f"suspended by {state.row.suspended_by}"
    elif state.why_not is not None:
        word = "not asked"
    at = f", examined {state.row.examined_at:%Y-%m-%d %H:%M} UTC" if state.row.examined_at else ""
    head = f"{state.name}: {word}{at}; {state.left:,} of {state.row.daily_budget:,} left today"
    why = _sentence(state.reason)
    return f"{head}\n  {why}" if why else head


def _sentence(reason: Mapping[str, object] | None) -> str:
    from openletter.desk.reasons import stored

    return stored(reason)
