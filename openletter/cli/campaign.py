"""`openletter campaign`: what a campaign would send, and the persons who start and stop it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from openletter.campaigns.models import Campaign, Partner
    from openletter.campaigns.rules import Level
    from openletter.letters.plan import LeftOut, Part, Plan

OK, NOT_YET, REFUSED = 0, 1, 2
By = Annotated[str, typer.Option("--by", help="sign-in name of the person who decides")]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="the campaign's short name")]


commands = typer.Typer(no_args_is_help=True, help="What a campaign would send; start and stop.")
"""The module `waves` adds what is written after the first letters."""


def register(app: typer.Typer) -> None:
    """Mount this part."""
    for command in (new, plan, start, pause, resume):
        commands.command()(command)
    commands.command("go-on")(go_on)
    app.add_typer(commands, name="campaign")


def new(
    slug: Slug,
    *,
    name: Annotated[str, typer.Option(help="as it stands in letters")],
    lead: Annotated[str, typer.Option(help="slug of the partner that leads it")],
    others: Annotated[
        list[str], typer.Option("--with", help="slug of a partner that takes part; repeatable")
    ] = [],  # noqa: B006
    by: By,
) -> None:
    """Found a real campaign: a draft, list-only, 20 letters an hour, 50 first, no reminder."""
    from openletter.shell import setup

    setup()
    from django.conf import settings

    from openletter.campaigns import clock, founding

    sender = founding.Sender(domain=settings.MAIL_DOMAIN, site_url=settings.SITE_ADDRESS)
    if sender.domain.endswith(".invalid"):
        refuse("set the sender's domain first: `openletter init`, or OPENLETTER_MAIL_DOMAIN")
    partners = [partner_named(one) for one in (lead, *others)]
    with rules():
        founding.found(
            slug, name=name, lead=partners[0], others=partners[1:], sender=sender,
            user=user_named(by), now=clock.wall(),
        )  # fmt: skip
    typer.echo(f"{slug}: founded. Next: load registries and evidence, then openletter line")


def plan(
    slug: Slug,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
    seed: Annotated[str, typer.Option(help="draws the letters to read")] = "1",
    by: Annotated[str, typer.Option("--by", help="plan a draft first, as this person")] = "",
) -> None:
    """Show what would leave, to whom, what is left out and why, and how long it takes.

    With --by a draft becomes planned: arms are committed and letters are written; none leaves.
    """
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, steps
    from openletter.campaigns.rules import Level
    from openletter.letters.plan import plan_of

    if by:
        person = _person(by, campaign, Level.APPROVER)
        with rules():
            now = clock.now(campaign)
            steps.plan(campaign, actor=f"user:{person.get_username()}", now=now)
        told = "planned; the worker drafts letters now, and `openletter line` shows what waits"
        typer.echo(f"{slug}: {told}", err=True)
    _say_when_looked_over(campaign)
    made = plan_of(campaign, now=clock.now(campaign), seed=seed)
    if as_json:
        typer.echo(json.dumps(_as_json(made, seed=seed), ensure_ascii=False))
        return
    _print(made, seed=seed)


def start(slug: Slug, *, by: By) -> None:
    """Approve the start as this person; it starts with the second one (an exercise at once).

    Exit codes: 0 started, 1 approved and one more person needed, 2 refused.
    """
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, steps
    from openletter.campaigns.rules import Level

    person, now = _person(by, campaign, Level.APPROVER), clock.now(campaign)
    _say_when_looked_over(campaign)
    with rules():
        steps.approve(campaign, user=person, what="start", now=now)
        given = campaign.approvals.filter(what="start").count()
        if not campaign.exercise and given < steps.APPROVERS_NEEDED:
            needed = steps.APPROVERS_NEEDED
            typer.echo(f"{slug}: approved by {given} of {needed}; one more person is needed.")
            raise typer.Exit(NOT_YET)
        steps.start(campaign, actor=f"user:{person.get_username()}", now=now)
    typer.echo(
        f"{slug}: started; it waits for `openletter campaign go-on` after the first letters."
    )


def go_on(slug: Slug, *, by: By) -> None:
    """Go on after the first letters, as a person who may approve."""
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, steps
    from openletter.campaigns.rules import Level

    person = _person(by, campaign, Level.APPROVER)
    with rules():
        steps.go_on(campaign, user=person, now=clock.now(campaign))
    typer.echo(f"{slug}: goes on.")


def pause(
    slug: Slug,
    *,
    by: By,
    because: Annotated[str, typer.Option(help="why; everybody at the desk reads it")],
) -> None:
    """Stop all that leaves before the next hand-over; any handler of a partner in it may."""
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, steps
    from openletter.campaigns.rules import Level

    person = _person(by, campaign, Level.HANDLER, of_any_partner=True)
    with rules():
        now = clock.now(campaign)
        steps.pause(campaign, actor=f"user:{person.get_username()}", because=because[:300], now=now)
    typer.echo(f"{slug}: paused. What the mail server has accepted can't be called back.")


def resume(slug: Slug, *, by: By) -> None:
    """End a pause, as a person who may approve."""
    campaign = campaign_named(slug)
    from openletter.campaigns import clock, steps
    from openletter.campaigns.rules import Level

    person = _person(by, campaign, Level.APPROVER)
    with rules():
        steps.resume(campaign, actor=f"user:{person.get_username()}", now=clock.now(campaign))
    typer.echo(f"{slug}: the pause is over.")


def _say_when_looked_over(campaign: Campaign) -> None:
    """Nothing is refused for it: what must not be missing, start and door refuse themselves."""
    from openletter.doctor import steps

    if campaign.exercise:
        return
    last = steps.last(campaign)
    if last is None:
        told = f"nobody has looked it over yet: openletter doctor {campaign.slug}"
    elif last.bad:
        told = f"`openletter doctor` of {last.at:%Y-%m-%d %H:%M} UTC: bad: {', '.join(last.bad)}"
    else:
        told = f"`openletter doctor` of {last.at:%Y-%m-%d %H:%M} UTC found nothing bad"
    typer.echo(f"{campaign.slug}: {told}", err=True)


# -- who and which --------------------------------------------------------------------------------


def campaign_named(slug: str) -> Campaign:
    from openletter.shell import setup

    setup()
    from openletter.campaigns.models import Campaign

    found = Campaign.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Campaign.objects.order_by("slug").values_list("slug", flat=True))
        refuse(f"there is no campaign {slug!r}; there are: {known or 'none'}")
    return found


def _person(name: str, campaign: Campaign, level: Level, *, of_any_partner: bool = False) -> User:
    """The person of that sign-in name, who must have the level at the lead (or at any partner)."""
    from openletter.campaigns.steps import viewer_of

    person = user_named(name)
    partners = {campaign.lead_id}
    if of_any_partner:
        partners |= set(campaign.partners.values_list("pk", flat=True))
    if max(viewer_of(person).level_at(partner) for partner in partners) < level:
        refuse(f"{name} has no right to this: it needs the role {level.name.lower()}")
    return person


def user_named(name: str) -> User:
    from django.contrib.auth.models import User

    person = User.objects.filter(username=name, is_active=True).first()
    if person is None:
        refuse(f"there is no person {name!r}; `openletter user add` makes one")
    return person


def partner_named(slug: str) -> Partner:
    from openletter.campaigns.models import Partner

    found = Partner.objects.filter(slug=slug).first()
    if found is None:
        refuse(f"there is no partner {slug!r}; `openletter partner list` shows them")
    return found


@contextmanager
def rules() -> Iterator[None]:
    """A refusal of the rules becomes one sentence and exit code 2."""
    from openletter.campaigns.steps import CampaignError
    from openletter.desk.reasons import told

    try:
        yield
    except CampaignError as refused:
        refuse(told(refused.reason))


def refuse(why: str) -> NoReturn:
    typer.echo(f"openletter: {why}", err=True)
    raise typer.Exit(REFUSED)


# -- the plan, as text and as JSON ----------------------------------------------------------------


def _as_json(made: Plan, *, seed: str) -> dict[str, object]:
    return {
        "campaign": made.campaign.slug,
        "state": made.campaign.state,
        "letters": made.letters,
        "cases": made.cases,
        "left": made.gone,
        "unwritten": made.unwritten,
        "by_country": _counts(made.by_country),
        "by_language": _counts(made.by_language),
        "by_reader": _counts(made.by_reader),
        "by_partner": _counts(made.by_partner),
        "largest": [
            {"mailbox": one.mailbox, "partner": one.partner, "reader": one.reader,
             "cases": one.cases, "letter": one.letter}
            for one in made.largest
        ],
        "left_out": {one.reason.code: one.cases for one in made.left_out},
        "not_pursued": {one.reason.code: one.cases for one in made.not_pursued},
        "later": [
            {"kind": one.kind, "left": one.left, "written": one.written, "due": one.due,
             "none": {why.reason.code: why.cases for why in one.none}}
            for one in made.later
        ],
        "wordings_to_approve": [
            {"partner": one.partner.slug, "kind": one.kind, "language": one.language,
             "letters": one.letters}
            for one in made.unapproved
        ],
        "wishes": {str(wish): count for wish, count in made.wishes.items()},
        "seed": seed,
        "sample": [letter.reference for letter in made.sample],
        "pace": {
            "letters_per_hour": made.pace.letters_per_hour,
            "first": made.pace.first,
            "rest": made.pace.rest,
            "seconds": round(made.pace.takes.total_seconds()),
        },
    }  # fmt: skip


def _counts(parts: list[Part]) -> dict[str, int]:
    return {part.key or "unknown": part.letters for part in parts}


def _print(made: Plan, *, seed: str) -> None:
    from openletter.wire.visible import visible
    from openletter.words import print_reference

    typer.echo(
        f"{made.campaign.name} ({made.campaign.state}): {made.letters} letters about {made.cases} "
        f"cases would leave, {made.gone} have left, {made.unwritten} cases are still unwritten."
    )
    hours = made.pace.takes.total_seconds() / 3600
    typer.echo(f"At {made.pace.letters_per_hour} letters an hour this takes {hours:.1f} hours.")
    _print_rhythm(made.campaign)
    if made.pace.first:
        typer.echo(f"The first {made.pace.first} leave, then a person says go on.")
    for title, parts in (
        ("country", made.by_country), ("language", made.by_language),
        ("contact kind", made.by_reader), ("partner", made.by_partner),
    ):  # fmt: skip
        _table(f"Letters by {title}", ((one.key or "unknown", one.letters) for one in parts))
    _table(
        "The largest contacts (cases)",
        ((visible(one.mailbox), one.cases) for one in made.largest),
    )
    _left_out("Left out (cases)", made.left_out)
    _left_out("Findings that became no case", made.not_pursued)
    _print_later(made)
    typer.echo(f"\nLetters to read (seed {seed}; `openletter letter show REFERENCE`):")
    for letter in made.sample:
        typer.echo(f"  {print_reference(letter.reference)}  {visible(letter.mailbox)}")


def _print_rhythm(campaign: Campaign) -> None:
    if campaign.warm_up_letters:
        typer.echo(
            f"Warm-up: {campaign.warm_up_letters} letters on the first day, "
            f"{campaign.warm_up_growth} % more on each day after."
        )
    if campaign.hours_until is not None:
        typer.echo(
            f"Between {campaign.hours_from} and {campaign.hours_until} o'clock where the reader "
            "is, on working days, where his country keeps one time."
        )
    if campaign.provider_per_hour:
        typer.echo(f"At most {campaign.provider_per_hour} an hour to one mail provider.")


def _print_later(made: Plan) -> None:
    """What comes after the first letters, and what waits for a partner's approval."""
    for later in made.later:
        typer.echo(
            f"\n{later.kind}: {later.left} letters have left, {later.written} are written, "
            f"{later.due} mailboxes are still to be written to."
        )
        _left_out(f"No {later.kind} (mailboxes)", later.none)
    if made.wishes:
        _table("Following a contact's wish (letters)", iter(made.wishes.items()))
    if made.unapproved:
        _table(
            "Waiting until their partner approves the wording (letters)",
            (
                (f"{one.partner.name}: {one.kind}, {one.language}", one.letters)
                for one in made.unapproved
            ),
        )


def _left_out(title: str, rows: list[LeftOut]) -> None:
    from openletter.desk.reasons import told

    _table(title, ((told(one.reason), one.cases) for one in rows))


def _table(title: str, rows: Iterator[tuple[str, int]]) -> None:
    typer.echo(f"\n{title}:")
    lines = [f"  {count:>7}  {name}" for name, count in rows]
    typer.echo("\n".join(lines) if lines else "     none")
