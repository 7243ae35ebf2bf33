"""Verbs of this room: load a registry, find a contact, and take back what proved wrong.

Downstream rooms tell it facts by `note_bounce`, `note_not_ours`, `note_language` and `suppress`;
each supersedes the choices it touches, and `find` makes new ones. A mailbox is the normalised
address, never a row: what is known of it outlives every reload of a registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import ip_network, summarize_address_range
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from openletter.campaigns.fields import Address, Network
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases.models import Case
from openletter.contacts import asking, finding, keeping, loading, teams
from openletter.contacts.errors import ContactError
from openletter.contacts.models import (
    Choice,
    MailboxHealth,
    Override,
    RegistryLoad,
    Suppression,
)
from openletter.contacts.rules.refuse import World, refusal_of_mailbox
from openletter.contacts.team_rows import CsirtReview
from openletter.wire import mailaddress
from openletter.wire.registry import parse_address
from openletter.words import CaseState, Reason, Scope, normalise_language

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SOFT_BOUNCES_UNTIL_DEAD = 3
HOW_LONG = 60
_REAL = Q(case__campaign__exercise=False)


# -- registries ---------------------------------------------------------------------------------


def load_registry(file: Path, *, exercise: Campaign | None, now: datetime) -> RegistryLoad:
    """Load one registry file; the same bytes again change nothing."""
    return load_registries([file], exercise=exercise, now=now)[0]


def load_registries(
    files: Sequence[Path], *, exercise: Campaign | None, now: datetime
) -> list[RegistryLoad]:
    """Load files whose objects point into one another (a registry's split dumps), all or nothing.

    Cases for which nobody was found are asked about again; made choices stand.
    """
    again = loading.same_again(files, exercise=exercise)
    if again:
        return again
    with loading.alone(exercise), transaction.atomic():
        prepared = loading.prepare(files, exercise=exercise, now=now)
        return put_in_place(prepared, now=now)


def put_in_place(prepared: loading.Prepared, *, now: datetime) -> list[RegistryLoad]:
    """A prepared load becomes the world's; whoever had nobody is asked about again."""
    exercise = prepared.exercise
    return loading.activate(prepared, then=lambda: _ask_again(exercise, now))


@transaction.atomic
def take_back_registry(load: RegistryLoad, *, now: datetime) -> RegistryLoad | None:
    """The world before a load; what it had replaced comes back and is returned."""
    before = loading.take_back(load, now=now)
    _ask_again(load.exercise, now)
    return before


def _ask_again(exercise: Campaign | None, now: datetime) -> int:
    world = Q(case__campaign=exercise) if exercise else _REAL
    nobody = [Choice.Outcome.NOBODY, Choice.Outcome.NEEDS_PERSON]
    unanswered = Choice.objects.filter(world, outcome__in=nobody)
    return send_back(unanswered, because="registry-loaded", actor="command:registry", now=now)


@transaction.atomic
def review_team(country: str, *, user: User, now: datetime) -> tuple[CsirtReview, int]:
    """A person signs a response team's entry; cases for which nobody was found are asked again."""
    row = teams.review(country, user=user, now=now)
    unanswered = Choice.objects.filter(_REAL, outcome=Choice.Outcome.NOBODY)
    actor = f"user:{user.get_username()}"
    return row, send_back(unanswered, because="csirt-reviewed", actor=actor, now=now)


# -- find ---------------------------------------------------------------------------------------


def cases_without_choice(campaign: Campaign, *, now: datetime) -> QuerySet[Case]:
    """Open cases for which nobody was looked for yet, or the last choice proved wrong."""
    current = Choice.objects.filter(case=OuterRef("pk"), superseded_at=None)
    return (
        Case.objects.filter(campaign=campaign, state=CaseState.OPEN)
        .filter(~Exists(current))
        .filter(asking.may_be_found(campaign))
        .order_by("id")
    )


@transaction.atomic
def find(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Choose whom to write to for the next cases; returns how many were settled.

    A case for which nobody is found gets a choice that says so; it is asked about again when a
    registry is loaded or a handler overrides.
    """
    finding.begin(campaign.world)
    waiting = cases_without_choice(campaign, now=now)
    cases = list(waiting.select_for_update(of=("self",), skip_locked=True)[:limit])
    _decide(cases, campaign=campaign, now=now)
    return len(cases)


def decide_anew(cases: Sequence[Case], *, campaign: Campaign, now: datetime) -> list[Choice]:
    """Decide about these cases now and keep it; they have no current choice."""
    _decide(cases, campaign=campaign, now=now)
    made = Choice.objects.filter(case__in=[case.pk for case in cases], superseded_at=None)
    found = {choice.case_id: choice for choice in made}
    return [found[case.pk] for case in cases]


def _decide(cases: Sequence[Case], *, campaign: Campaign, now: datetime) -> None:
    if cases:
        decisions = finding.decide_for(cases, campaign=campaign)
        record(keeping.keep(cases, decisions, campaign=campaign, now=now))


# -- what proved wrong --------------------------------------------------------------------------


def current_choice(case: Case) -> Choice | None:
    """The choice that counts for a case now."""
    return Choice.objects.filter(case=case, superseded_at=None).first()


@transaction.atomic
def note_bounce(choice: Choice, *, permanent: bool, now: datetime, because: str = "") -> None:
    """A letter to this choice's mailbox came back.

    Permanent, or soft for the third time: the mailbox is dead, and every case of this world that
    was to be told there goes on to the next contact. A dead mailbox can't die again.
    """
    case = Case.objects.select_related("campaign").get(pk=choice.case_id)
    health = _health(choice.mailbox, case.campaign.world)
    if health.dead_at is not None:
        return
    health.bounces += 1
    if permanent or health.bounces >= SOFT_BOUNCES_UNTIL_DEAD:
        health.dead_at, health.dead_because = now, because[:200]
    health.save()
    if health.dead_at is None:
        return
    world = Q(case__campaign=case.campaign) if case.campaign.exercise else _REAL
    touched = Choice.objects.filter(world, mailbox=choice.mailbox)
    send_back(touched, because="mailbox-dead", actor="step:read", now=now)


@transaction.atomic
def undo_bounce(
    choice: Choice, *, now: datetime, actor: str, among: Iterable[int] | None = None
) -> None:
    """A person says that the bounce was forged or wrong: the mailbox lives.

    Cases that had moved on because of it return to it; `among` (case ids) leaves out those that
    the next contact was already told about.
    """
    case = Case.objects.select_related("campaign").get(pk=choice.case_id)
    health = _health(choice.mailbox, case.campaign.world)
    health.dead_at, health.dead_because, health.bounces = None, "", 0
    health.save()
    world = Q(case__campaign=case.campaign) if case.campaign.exercise else _REAL
    left = Choice.objects.filter(
        world, mailbox=choice.mailbox, superseded_because="mailbox-dead"
    ).values_list("case_id", flat=True)
    back = Choice.objects.filter(case__in=list(left)).exclude(mailbox=choice.mailbox)
    if among is not None:
        back = back.filter(case__in=list(among))
    send_back(back, because="mailbox-lives", actor=actor, now=now)


@transaction.atomic
def note_not_ours(choice: Choice, *, now: datetime, actor: str, text: str = "") -> None:
    """The mailbox says that this network is not its own: on to the next contact, then the parent.

    It is remembered of mailbox and network, so other cases of the network go elsewhere too.
    """
    case = Case.objects.select_related("campaign").get(pk=choice.case_id)
    health = _health(choice.mailbox, case.campaign.world)
    network = finding.network_of(choice)
    if network not in health.not_ours:
        health.not_ours = [*health.not_ours, network]
        health.save(update_fields=["not_ours"])
    only = Choice.objects.filter(pk=choice.pk)
    send_back(only, because="not-ours", actor=actor, now=now, text=text)


@transaction.atomic
def undo_not_ours(choice: Choice, *, now: datetime, actor: str) -> None:
    """The mailbox takes it back: the network is its own after all, the case returns to it."""
    case = Case.objects.select_related("campaign").get(pk=choice.case_id)
    health = _health(choice.mailbox, case.campaign.world)
    network = finding.network_of(choice)
    if network not in health.not_ours:
        return
    health.not_ours = [each for each in health.not_ours if each != network]
    health.save(update_fields=["not_ours"])
    of_case = Choice.objects.filter(case_id=choice.case_id)
    send_back(of_case, because="ours-after-all", actor=actor, now=now)


def send_back(
    choices: QuerySet[Choice], *, because: str, actor: str, now: datetime, text: str = ""
) -> int:
    """Supersede the current ones among these choices, so that `find` decides anew; how many."""
    current = list(choices.filter(superseded_at=None).select_related("case"))
    Choice.objects.filter(pk__in=[each.pk for each in current], superseded_at=None).update(
        superseded_at=now, superseded_because=because[:60]
    )
    reason: dict[str, object] = Reason(code=f"superseded-{because}").as_json()
    if text:
        reason["text"] = text[:1_000]
    record(
        Entry(
            subject=f"case:{each.case_id}",
            actor=actor,
            action="contact-superseded",
            at=now,
            campaign_id=each.case.campaign_id,
            partner_id=each.partner_id,
            before={"mailbox": each.mailbox},
            reason=reason,
        )
        for each in current
    )
    return len(current)


def note_language(
    mailbox: str, language: str, *, world: Campaign | None, now: datetime, stored: bool = False
) -> None:
    """The language of a reply from the mailbox, or (`stored`) a person's choice for it."""
    health = _health(mailbox, world)
    tag = normalise_language(language)[:11]
    field = "language_stored" if stored else "language"
    setattr(health, field, tag)
    health.save(update_fields=[field])


def _health(mailbox: str, world: Campaign | None) -> MailboxHealth:
    MailboxHealth.objects.get_or_create(mailbox=mailbox, exercise=world)
    return MailboxHealth.objects.select_for_update().get(mailbox=mailbox, exercise=world)


# -- suppression --------------------------------------------------------------------------------


@transaction.atomic
def suppress(
    mailbox: str, *, campaign: Campaign | None, actor: str, how: str, now: datetime
) -> Suppression:
    """No more letters to this mailbox: in one campaign, or (None) in all. Twice is once.

    Choices stay as they are: a mailbox that wants no letters is no reason to write to somebody
    above it. Only cases that are still to be chosen for go elsewhere.
    """
    row, created = Suppression.objects.get_or_create(
        mailbox=mailbox,
        campaign=campaign,
        undone_at=None,
        defaults={"who": actor[:200], "how": how[:HOW_LONG], "at": now},
    )
    if created:
        record([_suppression_entry(row, "suppressed", actor=actor, now=now)])
    return row


@transaction.atomic
def lift_suppression(row: Suppression, *, actor: str, now: datetime) -> None:
    """A handler (or the mailbox itself, for its own campaign) takes it back."""
    changed = Suppression.objects.filter(pk=row.pk, undone_at=None).update(
        undone_at=now, undone_by=actor[:150]
    )
    if changed:
        record([_suppression_entry(row, "suppression-lifted", actor=actor, now=now)])


def suppressions(mailbox: str, *, campaign: Campaign) -> QuerySet[Suppression]:
    """What stands against writing to this mailbox in this campaign."""
    return Suppression.objects.filter(
        Q(campaign=campaign) | Q(campaign=None), mailbox=mailbox, undone_at=None
    )


def is_suppressed(mailbox: str, *, campaign: Campaign) -> bool:
    """Whether the mailbox must not be written to in this campaign."""
    return suppressions(mailbox, campaign=campaign).exists()


def _suppression_entry(row: Suppression, action: str, *, actor: str, now: datetime) -> Entry:
    return Entry(
        subject=f"mailbox:{row.mailbox}"[:60],
        actor=actor,
        action=action,
        at=now,
        campaign_id=row.campaign_id,
        after={"mailbox": row.mailbox, "how": row.how},
    )


# -- override -----------------------------------------------------------------------------------


@transaction.atomic
def override(
    case: Case, *, address: str, reason: str, user: User, now: datetime, scope: Scope | None = None
) -> Choice:
    """A handler's word on whom to write to for the network of a case; wins over registries.

    Also the way to somebody's own address, which no rule chooses. Suppression still wins.
    """
    campaign = case.campaign
    read = mailaddress.one(address.strip())
    if isinstance(read, mailaddress.Refused):
        raise _refuse("override-no-address", fault=str(read.fault))
    world = World.EXERCISE if campaign.exercise else World.REAL
    refused = refusal_of_mailbox(read.mailbox, world=world)
    if refused:
        raise _refuse("override-refused", refusal=str(refused))
    if is_suppressed(read.mailbox, campaign=campaign):
        raise _refuse("override-suppressed", mailbox=read.mailbox)
    if not reason.strip():
        raise _refuse("override-no-reason")
    actor = f"user:{user.get_username()}"
    row = Override.objects.create(
        network=_network(case), campaign=campaign, address=read.text, mailbox=read.mailbox,
        scope=scope or Scope.UNKNOWN, by=user.get_username(), reason=reason.strip()[:300], at=now,
    )  # fmt: skip
    record([_override_entry(row, case, actor=actor, now=now)])
    of_case = Choice.objects.filter(case=case)
    send_back(of_case, because="override", actor=actor, now=now, text=reason)
    return decide_anew([Case.objects.get(pk=case.pk)], campaign=campaign, now=now)[0]


def _override_entry(row: Override, case: Case, *, actor: str, now: datetime) -> Entry:
    return Entry(
        subject=f"case:{case.pk}",
        actor=actor,
        action="contact-overridden",
        at=now,
        campaign_id=case.campaign_id,
        partner_id=case.partner_id,
        after={"mailbox": row.mailbox, "network": str(row.network)},
        reason={"text": row.reason},
    )


def _network(case: Case) -> Network:
    """The part of the case's netblock that is one CIDR around the address; else the address."""
    current = current_choice(case)
    block = current.netblock if current else {}
    first, last = (parse_address(str(block.get(end, ""))) for end in ("first", "last"))
    if first is None or last is None:
        return ip_network(str(case.ip))
    return next((each for each in _cidrs(first, last) if case.ip in each), ip_network(str(case.ip)))


def _cidrs(first: Address, last: Address) -> Iterable[Network]:
    return summarize_address_range(first, last)


def _refuse(code: str, **values: str) -> ContactError:
    return ContactError(Reason(code=code, values=values))
