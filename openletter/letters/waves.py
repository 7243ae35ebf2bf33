"""Which cases may be written about now, to whom, in which wave. Questions to the database only.

The conditions are those of the door (`door.sql`), asked earlier: what would be turned away there
is not written in the first place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import BinaryField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL

from openletter.campaigns.models import Campaign, Wave
from openletter.campaigns.rules import CampaignState
from openletter.campaigns.steps import exclusions_for
from openletter.contacts.decision_rows import Grace
from openletter.contacts.models import Choice, Suppression
from openletter.letters import onecontact
from openletter.letters.models import HandedElsewhere, Letter, LetterCase
from openletter.letters.questions import question
from openletter.words import CaseState, DeliveryState, FindingState, WaveKind

WRITTEN_IN = (CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.WAITING)
"""Drafts are written before the start, so that the plan shows real letters."""

NEWS = (WaveKind.FIRST, WaveKind.UPDATE)
"""Waves whose letters tell a mailbox of cases that it was not told of."""
LATER = (WaveKind.REMINDER, WaveKind.CLOSING)
"""Waves whose letters come back to cases that it was told of; at most one is open."""


def open_waves(campaign: Campaign, *, now: datetime) -> list[Wave]:
    """Waves that letters of news may be written in, the first one first."""
    waves = _open(campaign, now=now).filter(kind__in=NEWS)
    return sorted(waves, key=lambda wave: (wave.kind != WaveKind.FIRST, wave.opens_at, wave.pk))


def later_wave(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The reminder wave or the closing wave that is open."""
    return _open(campaign, now=now).filter(kind__in=LATER).order_by("-opens_at", "-pk").first()


def _open(campaign: Campaign, *, now: datetime) -> QuerySet[Wave]:
    return Wave.objects.select_related("campaign").filter(
        Q(closes_at=None) | Q(closes_at__gt=now), campaign=campaign, opens_at__lte=now
    )


# -- which choices -------------------------------------------------------------------------------


def choices_to_write_about(campaign: Campaign, *, now: datetime) -> QuerySet[Choice]:
    """Current choices that no letter names yet and that a letter may be written about now."""
    named = LetterCase.objects.filter(choice=OuterRef("pk"))
    news = eligible(campaign, now=now).filter(~Exists(named))
    wave = later_wave(campaign, now=now)
    if wave is None:
        return news
    unwritten = due(campaign, wave, now=now).filter(~Exists(named.filter(wave=wave)))
    wanted = Q(pk__in=news.order_by().values("pk")) | Q(pk__in=unwritten.order_by().values("pk"))
    return Choice.objects.filter(wanted).order_by("id")


def eligible(campaign: Campaign, *, now: datetime) -> QuerySet[Choice]:
    """Current choices that may stand in a letter that has not been cleared yet.

    The mailbox may be written to in an open wave, and was not told of the case before.
    """
    return untold(campaign, now=now).filter(_wave_open_for_mailbox(campaign, now=now))


def untold(campaign: Campaign, *, now: datetime) -> QuerySet[Choice]:
    """Current choices about what is open now, of which the contact was not told."""
    told = LetterCase.objects.filter(
        _to_its_contact(campaign, "letter__mailbox"),
        case=OuterRef("case"), letter__delivery__isnull=False,
    )  # fmt: skip
    return _still_open(allowed(campaign), campaign, now=now).filter(~Exists(told))


def due(campaign: Campaign, wave: Wave, *, now: datetime) -> QuerySet[Choice]:
    """Current choices that a letter of this reminder or closing wave names."""
    sql = question(
        "due.sql", campaign="c.id", mailbox="m.mailbox", kind="w.kind", own="0", now="clock.now"
    )
    found = allowed(campaign).filter(pk__in=RawSQL(sql, [now, campaign.pk]))  # noqa: S611 - ours
    if wave.kind == WaveKind.CLOSING:
        return found
    return _still_open(found, campaign, now=now)


def allowed(campaign: Campaign) -> QuerySet[Choice]:
    """Current choices of whoever may be written to in this campaign, about whatever case."""
    if campaign.state not in WRITTEN_IN:
        return Choice.objects.none()
    held_back = [arm for arm in campaign.arms if arm != "letter"]
    found = Choice.objects.filter(
        ~Exists(_stopped(campaign)),
        outcome=Choice.Outcome.CHOSEN,
        superseded_at=None,
        case__campaign=campaign,
    ).exclude(holder__arm__in=held_back)
    for network in exclusions_for(campaign):
        found = found.exclude(case__ip__within=network)
    if onecontact.are_tied(campaign):
        found = found.filter(~Exists(onecontact.moved_away(campaign)))
    return _with_law(_not_elsewhere(found, campaign), campaign).order_by("id")


def _still_open(found: QuerySet[Choice], campaign: Campaign, *, now: datetime) -> QuerySet[Choice]:
    return found.filter(
        Q(case__fresh_until=None) | Q(case__fresh_until__gt=now),
        case__state=CaseState.OPEN,
        case__falls_short=False,
        case__finding__state=FindingState.OPEN,
        case__last_evidence_at__gt=now - timedelta(days=campaign.door_fresh_days),
    )


def _stopped(campaign: Campaign) -> QuerySet[Suppression]:
    """That the contact of the outer row's mailbox wants no letters."""
    return Suppression.objects.filter(
        Q(campaign=None) | Q(campaign=campaign),
        _to_its_contact(campaign, "mailbox"),
        undone_at=None,
    )


def _to_its_contact(campaign: Campaign, field: str) -> Q:
    """That `field` is the outer row's mailbox, or another mailbox of the same contact."""
    own = Q(**{field: OuterRef("mailbox")})
    if not onecontact.are_tied(campaign):
        return own
    return own | onecontact.same_contact(campaign, field, mailbox=OuterRef("mailbox"))


def _wave_open_for_mailbox(campaign: Campaign, *, now: datetime) -> Q:
    allowed = Q(pk__in=[])
    for wave in open_waves(campaign, now=now):
        allowed |= Q(_unwritten(wave, now=now))
    return allowed


def _unwritten(wave: Wave, *, now: datetime) -> Q:
    """The contact has no cleared letter of this wave, nor a recent one before an update."""
    its = _to_its_contact(wave.campaign, "mailbox")
    letters = Letter.objects.filter(its, campaign=wave.campaign_id).exclude(
        Q(delivery=None) | Q(delivery__state=DeliveryState.CANCELLED)
    )
    free = ~Exists(letters.filter(wave=wave))
    if wave.kind == WaveKind.FIRST:
        return Q(free)
    near = now - timedelta(days=wave.campaign.distance_days)
    recent = letters.filter(
        Q(delivery__handed_at=None)
        | Q(delivery__handed_at__gt=near)
        | Q(delivery__state=DeliveryState.UNKNOWN)
    )
    return Q(free) & Q(~Exists(recent)) & _is_not_waited_for(wave.campaign, now=now)


def _is_not_waited_for(campaign: Campaign, *, now: datetime) -> Q:
    """The mailbox of the outer row did not say that it will have closed it by a day to come."""
    given = Grace.objects.filter(
        campaign=campaign, mailbox=OuterRef("mailbox"), undone_at=None, until__gt=now
    )
    announced = LetterCase.objects.filter(
        letter__campaign=campaign, letter__mailbox=OuterRef("mailbox"),
        letter__delivery__isnull=False, case__state=CaseState.ANNOUNCED_FIXED,
        case__announced_until__gt=now,
    )  # fmt: skip
    return Q(~Exists(given)) & Q(~Exists(announced))


def wave_for(before: Sequence[Letter], waves: Iterable[Wave], *, now: datetime) -> Wave | None:
    """The first open wave in which a mailbox with these earlier letters may get one more."""
    handed = [letter.delivery.handed_at for letter in before if letter.delivery]
    for wave in waves:
        if any(letter.wave_id == wave.pk for letter in before):
            continue
        near = now - timedelta(days=wave.campaign.distance_days)
        if wave.kind == WaveKind.FIRST or all(at is not None and at <= near for at in handed):
            return wave
    return None


def _not_elsewhere(found: QuerySet[Choice], campaign: Campaign) -> QuerySet[Choice]:
    """Not to a contact that the journal knows a letter to which this database does not."""
    elsewhere = HandedElsewhere.objects.filter(campaign=campaign.slug)
    if not elsewhere.exists():
        return found
    octets = Func(F("mailbox"), Value("UTF8"), function="convert_to", output_field=BinaryField())
    digest = Func(octets, function="sha256", output_field=BinaryField())
    return found.annotate(mailbox_hash=digest).filter(
        ~Exists(elsewhere.filter(mailbox_hash=OuterRef("mailbox_hash"))),
        ~Q(mailbox__in=onecontact.handed_elsewhere(campaign)),
    )


def _with_law(found: QuerySet[Choice], campaign: Campaign) -> QuerySet[Choice]:
    """A real letter stands on its partner's approved text; English is in every letter."""
    if campaign.exercise:
        return found
    return found.filter(partner__legal_approved_at__isnull=False, partner__legal_text__has_key="en")


def drafts(campaign: Campaign) -> QuerySet[Letter]:
    return Letter.objects.filter(campaign=campaign, delivery=None)


def stale_drafts(
    campaign: Campaign, *, now: datetime, old: timedelta, versions: Iterable[str]
) -> QuerySet[Letter]:
    """Drafts to be written anew: aged, of an older wording, or no longer right in a row."""
    return drafts(campaign).filter(_spoilt(campaign, now=now, old=old, versions=versions))


def good_drafts(
    campaign: Campaign, *, now: datetime, old: timedelta, versions: Iterable[str]
) -> QuerySet[Letter]:
    """Drafts that may be cleared as they are."""
    return drafts(campaign).filter(~_spoilt(campaign, now=now, old=old, versions=versions))


def _spoilt(campaign: Campaign, *, now: datetime, old: timedelta, versions: Iterable[str]) -> Q:
    """What makes a draft unfit: asked of its own rows, so that it costs one look a draft."""
    held_back = [arm for arm in campaign.arms if arm != "letter"]
    row = (
        ~Q(case__state=CaseState.OPEN)
        | ~Q(case__finding__state=FindingState.OPEN)
        | Q(case__last_evidence_at__lte=now - timedelta(days=campaign.door_fresh_days))
        | Q(case__fresh_until__lte=now)
        | Q(case__falls_short=True)
        | Q(choice__superseded_at__isnull=False)
        | ~Q(choice__outcome=Choice.Outcome.CHOSEN)
        | ~Q(choice__mailbox=OuterRef("mailbox"))
        | Q(choice__holder__arm__in=held_back)
    )
    for network in exclusions_for(campaign):
        row |= Q(case__ip__within=network)
    rows = LetterCase.objects.filter(row, letter=OuterRef("pk"))
    changed = question(
        "changed.sql", campaign="c.id", mailbox="l.mailbox", kind="l.kind", own="0", now="clock.now"
    )
    spoilt = (
        (~Q(kind=WaveKind.CLOSING) & Q(Exists(rows)))
        | Q(pk__in=RawSQL(changed, [now, campaign.pk]))  # noqa: S611 - ours
        | Q(Exists(_stopped(campaign)))
        | onecontact.wished_since(campaign)
        | Q(wave__closes_at__lte=now)
        | ~Q(wording_version__in=list(versions))
    )
    if not campaign.exercise:
        law_changed = Q(partner__legal_approved_at__gt=F("composed_at"))
        spoilt |= Q(partner__legal_approved_at=None) | law_changed
    if campaign.state == CampaignState.RUNNING:
        spoilt |= Q(composed_at__lte=now - old)
    return spoilt
