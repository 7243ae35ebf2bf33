"""The plan: what would leave if the campaign started now, and what would not, and why.

Counts only what lies in the database: letters that are written, cases that still wait for a step,
cases left out by the first reason that holds. Looks, and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import connection
from django.db.models import Case as Depends
from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When

from openletter.campaigns.fields import Network
from openletter.campaigns.models import Campaign
from openletter.campaigns.steps import exclusions_for
from openletter.cases.models import Case
from openletter.cases.steps import skipped_by_reason
from openletter.contacts.models import Choice, Suppression
from openletter.letters import approvals, corrections, heeding, waves
from openletter.letters.approvals import Waiting
from openletter.letters.models import Letter, LetterCase
from openletter.letters.questions import question
from openletter.letters.rules.pace import WarmUp, time_for
from openletter.words import CaseState, DeliveryState, FindingState, Reason, WaveKind, Wish

LARGEST, SAMPLE = 20, 20
INCLUDED = ""
"""The mark of a case that nothing leaves out."""
PURSUED = (CaseState.OPEN, CaseState.ANNOUNCED_FIXED)
NOT_LEFT = (DeliveryState.CLEARED, DeliveryState.DEFERRED)


class Rhythm(TypedDict):
    """What bounds a day's letters."""

    per_hour: int
    hours_a_day: int
    warm_up: WarmUp


@dataclass(frozen=True, kw_only=True)
class Part:
    """Letters and cases of one kind: a country, a language, a reader, a partner."""

    key: str
    letters: int
    cases: int


@dataclass(frozen=True, kw_only=True)
class Largest:
    """A mailbox with many cases; `letter` is the reference of its letter, empty until written."""

    mailbox: str
    partner: str
    reader: str
    cases: int
    letter: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Cases that get no letter now, by the first reason that holds."""

    reason: Reason
    cases: int


@dataclass(frozen=True, kw_only=True)
class Later:
    """A reminder or closing wave that is open: mailboxes, by what becomes of them there."""

    kind: WaveKind
    left: int
    written: int
    due: int
    none: list[LeftOut]
    """Mailboxes that get no letter of it now, by the first reason that holds."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long it takes at the campaign's pace; a person's decision stands in between."""

    first: int
    rest: int
    letters_per_hour: int
    first_takes: timedelta
    rest_takes: timedelta

    @property
    def takes(self) -> timedelta:
        """Both together, without the time a person takes to say go on."""
        return self.first_takes + self.rest_takes


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Figures of one wave's letters that have not left, and of the open cases beside them."""

    campaign: Campaign
    letters: int
    cases: int
    gone: int
    by_country: list[Part]
    by_language: list[Part]
    by_reader: list[Part]
    by_partner: list[Part]
    largest: list[Largest]
    left_out: list[LeftOut]
    not_pursued: list[LeftOut]
    unwritten: int
    sample: list[Letter]
    pace: Pace
    later: list[Later]
    unapproved: list[Waiting]
    wishes: dict[Wish, int]
    """Letters of these that follow a wish of their contact."""


def plan_of(
    campaign: Campaign,
    *,
    now: datetime,
    partners: Collection[int] | None = None,
    seed: str = "1",
) -> Plan:
    """The plan of a campaign; `partners` narrows it to those partners' rows, None means all."""
    written = Letter.objects.filter(campaign=campaign, wave__kind=WaveKind.FIRST)
    open_cases = Case.objects.filter(campaign=campaign, state__in=PURSUED)
    if partners is not None:
        written = written.filter(partner_id__in=partners)
        open_cases = open_cases.filter(partner_id__in=partners)
    waiting = written.filter(Q(delivery=None) | Q(delivery__state__in=NOT_LEFT))
    letters = waiting.count()
    gone = written.count() - letters
    marked = _marked(open_cases, campaign, now=now)
    return Plan(
        campaign=campaign,
        letters=letters,
        cases=LetterCase.objects.filter(letter__in=waiting).count(),
        gone=gone,
        by_country=_parts(waiting, "country"),
        by_language=_parts(waiting, "languages__0"),
        by_reader=_parts(waiting, "reader"),
        by_partner=_parts(waiting, "partner__name"),
        largest=_largest(waiting),
        left_out=_left_out(marked),
        not_pursued=_not_pursued(campaign),
        unwritten=marked.filter(Q(why=INCLUDED)).exclude(_in_first_letter(campaign)).count(),
        sample=_sample(waiting, seed=seed),
        pace=pace(campaign, letters=letters, gone=gone),
        later=_later(campaign, partners, now=now),
        unapproved=waiting_for_wording(campaign, partners=partners),
        wishes=heeding.followed(waiting, campaign),
    )


def waiting_for_wording(
    campaign: Campaign, *, partners: Collection[int] | None = None
) -> list[Waiting]:
    """Real letters and corrections that wait until their partner approves a wording."""
    found = [*approvals.waiting(campaign), *corrections.waiting_for_wording(campaign)]
    return [one for one in found if partners is None or one.partner.pk in partners]


_FATES = ("left", "written", "due")
"""What `later_plan.sql` says of mailboxes that get a letter; everything else is a reason."""


def _later(campaign: Campaign, partners: Collection[int] | None, *, now: datetime) -> list[Later]:
    wave = waves.later_wave(campaign, now=now)
    if wave is None:
        return []
    due = waves.due(campaign, wave, now=now).order_by().values_list("mailbox", flat=True)
    sql = question("later_plan.sql", mailbox="m.mailbox", kind="w.kind", own="0", now="clock.now")
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "campaign": campaign.pk, "now": now, "due": list(due.distinct()),
                "partners": None if partners is None else list(partners),
            },
        )  # fmt: skip
        counted = [(fate, count) for _, fate, count in cursor.fetchall()]
    said = dict(counted)
    return [
        Later(
            kind=WaveKind(wave.kind),
            **{fate: said.get(fate, 0) for fate in _FATES},
            none=[
                LeftOut(reason=Reason(code=fate), cases=count)
                for fate, count in counted
                if fate not in _FATES
            ],
        )
    ]


def pace(campaign: Campaign, *, letters: int, gone: int) -> Pace:
    """Letters an hour, the first batch first; `gone` ones count towards the first batch."""
    first = min(letters, max(campaign.first_batch - gone, 0)) if campaign.first_batch else 0
    rest = letters - first
    an_hour = max(campaign.letters_per_hour, 1)
    return Pace(
        first=first,
        rest=rest,
        letters_per_hour=campaign.letters_per_hour,
        first_takes=timedelta(hours=first / an_hour),
        rest_takes=time_for(first + rest, **_rhythm(campaign)) - timedelta(hours=first / an_hour),
    )


def _rhythm(campaign: Campaign) -> Rhythm:
    """Hours a day where a campaign has working hours, and its warm-up."""
    until, since = campaign.hours_until, campaign.hours_from
    return {
        "per_hour": campaign.letters_per_hour,
        "hours_a_day": 24 if until is None or since is None else until - since,
        "warm_up": WarmUp(letters=campaign.warm_up_letters, growth=campaign.warm_up_growth),
    }


def _parts(letters: QuerySet[Letter], column: str) -> list[Part]:
    rows = (
        letters.annotate(part=F(column))
        .values("part")
        .annotate(letters=Count("pk", distinct=True), cases=Count("rows"))
        .order_by("-letters", "part")
    )
    return [Part(key=row["part"] or "", letters=row["letters"], cases=row["cases"]) for row in rows]


def _largest(letters: QuerySet[Letter]) -> list[Largest]:
    rows = (
        letters.values("mailbox", "partner__name", "reader", "reference")
        .annotate(cases=Count("rows"))
        .order_by("-cases", "mailbox")[:LARGEST]
    )
    return [
        Largest(
            mailbox=row["mailbox"],
            partner=row["partner__name"],
            reader=row["reader"],
            cases=row["cases"],
            letter=row["reference"],
        )
        for row in rows
    ]


def _sample(letters: QuerySet[Letter], *, seed: str) -> list[Letter]:
    """Letters drawn by the seed: the same seed draws the same ones, whoever asks."""
    references = letters.values_list("reference", flat=True)
    drawn = sorted(references, key=lambda one: hashlib.sha256(f"{seed}\0{one}".encode()).digest())[
        :SAMPLE
    ]
    found = {row.reference: row for row in Letter.objects.filter(reference__in=drawn)}
    return [found[reference] for reference in drawn]


# -- what is left out -----------------------------------------------------------------------------


def _in_first_letter(campaign: Campaign) -> Exists:
    return Exists(
        LetterCase.objects.filter(
            case=OuterRef("pk"), letter__campaign=campaign, letter__wave__kind=WaveKind.FIRST
        )
    )


def _marked(cases: QuerySet[Case], campaign: Campaign, *, now: datetime) -> QuerySet[Case]:
    """Each case with `why` it gets no letter now; empty where nothing speaks against it.

    A case whose letter has left is not asked again.
    """
    current = Choice.objects.filter(case=OuterRef("pk"), superseded_at=None)
    left = LetterCase.objects.filter(case=OuterRef("pk"), letter__delivery__isnull=False).exclude(
        letter__delivery__state__in=[*NOT_LEFT, DeliveryState.CANCELLED]
    )
    stopped = current.filter(Exists(_suppressions(campaign)))
    stale = now - timedelta(days=campaign.door_fresh_days)
    fits = waves.eligible(campaign, now=now).filter(case=OuterRef("pk"))
    rules = [
        When(Exists(left), then=Value(INCLUDED)),
        When(_within(exclusions_for(campaign)), then=Value("excluded")),
        When(state=CaseState.ANNOUNCED_FIXED, then=Value("announced-fixed")),
        When(~Q(finding__state=FindingState.OPEN), then=Value("evidence-turned")),
        When(falls_short=True, then=Value("campaign-asks-more")),
        When(
            Q(last_evidence_at__lte=stale) | Q(fresh_until__lte=now), then=Value("stale")
        ),
        When(~Exists(current), then=Value("no-choice-yet")),
        *[
            When(Exists(current.filter(outcome=outcome)), then=Value(f"contact-{outcome}"))
            for outcome in (
                Choice.Outcome.NOBODY, Choice.Outcome.CONFLICT, Choice.Outcome.NEEDS_PERSON,
            )
        ],
        When(Exists(stopped), then=Value("suppressed")),
        When(_held_back(current, campaign), then=Value("control-arm")),
        When(_lacks_law(campaign), then=Value("no-approved-law")),
        When(~Exists(fits), then=Value("waits-for-a-wave")),
    ]  # fmt: skip
    return cases.annotate(why=Depends(*rules, default=Value(INCLUDED), output_field=CharField()))


def _suppressions(campaign: Campaign) -> QuerySet[Suppression]:
    return Suppression.objects.filter(
        Q(campaign=None) | Q(campaign=campaign), undone_at=None, mailbox=OuterRef("mailbox")
    )


def _within(networks: Collection[Network]) -> Q:
    inside = Q(pk__in=[])
    for network in networks:
        inside |= Q(ip__within=network)
    return inside


def _held_back(current: QuerySet[Choice], campaign: Campaign) -> Exists:
    """In an arm that is not written to now; without arms nobody is held back."""
    return Exists(current.filter(holder__arm__in=[arm for arm in campaign.arms if arm != "letter"]))


def _lacks_law(campaign: Campaign) -> Q:
    """A real letter needs its partner's approved lines of law; an exercise needs none."""
    if campaign.exercise:
        return Q(pk__in=[])
    return ~Q(partner__legal_approved_at__isnull=False, partner__legal_text__has_key="en")


def _left_out(marked: QuerySet[Case]) -> list[LeftOut]:
    rows = marked.filter(~Q(why=INCLUDED)).values_list(F("why")).annotate(cases=Count("pk"))
    return [
        LeftOut(reason=Reason(code=str(why)), cases=cases)
        for why, cases in rows.order_by("-cases", F("why"))
    ]


def _not_pursued(campaign: Campaign) -> list[LeftOut]:
    """Findings that became no case of this campaign; nobody's rows yet, so counted for all."""
    skipped = skipped_by_reason(campaign)
    return [
        LeftOut(reason=Reason(code=code), cases=count)
        for code, count in sorted(skipped.items(), key=lambda one: (-one[1], one[0]))
    ]
