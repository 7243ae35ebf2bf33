"""Corrections: one letter to each mailbox that was told of cases which were our mistake.

It is approved by a person, lists all wrong rows of that mailbox and nothing else, stands in the
first letter's thread, and goes ahead of everything else, once. Whoever asked for no more letters
gets none: that promise has no exception; the letter's page tells him, and the desk shows who.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from openletter.campaigns.models import Campaign, Partner, Wave
from openletter.campaigns.rules import CampaignState, Entry, Level
from openletter.campaigns.steps import exclusions_for, record, viewer_of
from openletter.cases.models import Mistake
from openletter.contacts.models import Suppression
from openletter.evidence.withdrawing import WithdrawalError
from openletter.letters import approvals
from openletter.letters.clearing import clear_letters, room_this_hour
from openletter.letters.drafting import in_words, store
from openletter.letters.gather import Pile
from openletter.letters.models import Correction, Letter, LetterCase
from openletter.letters.rules.facts import LetterError
from openletter.letters.turn import composing
from openletter.words import CaseState, DeliveryState, WaveKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LEAVES_IN = (CampaignState.RUNNING, CampaignState.WAITING, CampaignState.FINISHED)
"""A wrong letter is put right also before the go-on, and after the end."""


def was_told() -> Q:
    """Of a letter's row: the letter is, or may be, in somebody's hands."""
    left = Q(letter__delivery__state__in=[DeliveryState.ACCEPTED, DeliveryState.DELIVERED])
    unknown = Q(letter__delivery__state=DeliveryState.UNKNOWN, letter__delivery__not_sent_at=None)
    return (left | unknown) & ~Q(letter__wave__kind=WaveKind.CORRECTION)


def stopped(campaign: Campaign) -> QuerySet[Suppression]:
    """That the mailbox of the outer letter wants no letters."""
    return Suppression.objects.filter(
        Q(campaign=None) | Q(campaign=campaign), undone_at=None, mailbox=OuterRef("letter__mailbox")
    )


def stopped_in_its_campaign() -> QuerySet[Suppression]:
    """The same, whatever the outer letter's campaign."""
    return Suppression.objects.filter(
        Q(campaign=None) | Q(campaign=OuterRef("letter__campaign")),
        undone_at=None,
        mailbox=OuterRef("letter__mailbox"),
    )


def uncorrected(campaign: Campaign) -> QuerySet[LetterCase]:
    """Rows that were told, are our mistake, and stand in no correction, approved or not."""
    mistakes = Mistake.objects.filter(case=OuterRef("case"), undone_at=None)
    return LetterCase.objects.filter(
        was_told(),
        Exists(mistakes),
        ~Exists(corrected()),
        letter__campaign=campaign,
        case__state=CaseState.WITHDRAWN,
    ).order_by("letter__composed_at", "id")


def due(campaign: Campaign) -> QuerySet[LetterCase]:
    """Of these, the rows of approved corrections whose mailbox may be written to."""
    approved = Correction.objects.filter(
        campaign=campaign, withdrawal=OuterRef("withdrawal"), approved_at__gte=OuterRef("at"),
        dropped_at=None,
    )  # fmt: skip
    mistakes = Mistake.objects.filter(Exists(approved), case=OuterRef("case"), undone_at=None)
    in_hand = Letter.objects.filter(
        campaign=campaign, mailbox=OuterRef("letter__mailbox"),
        delivery__state=DeliveryState.HANDING,
    )  # fmt: skip
    found = uncorrected(campaign).filter(
        Exists(mistakes), ~Exists(in_hand), ~Exists(stopped(campaign))
    )
    for network in exclusions_for(campaign):
        found = found.exclude(case__ip__within=network)
    return found


def corrected() -> QuerySet[LetterCase]:
    """Rows of corrections about the outer row's case, to its mailbox."""
    return LetterCase.objects.filter(
        letter__wave__kind=WaveKind.CORRECTION,
        letter__mailbox=OuterRef("letter__mailbox"),
        case=OuterRef("case"),
    ).exclude(letter__delivery__state=DeliveryState.CANCELLED)


def may_write(campaign: Campaign) -> bool:
    """Something is approved, and the campaign lets letters leave."""
    if campaign.paused_at is not None or campaign.state not in LEAVES_IN:
        return False
    return Correction.objects.filter(campaign=campaign, approved_at__isnull=False).exists()


@transaction.atomic
def write(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Write and clear corrections at the campaign's pace; how many letters."""
    if not may_write(campaign):
        return 0
    composing(campaign)
    campaign.refresh_from_db()
    room = min(limit, room_this_hour(campaign, now=now)) if may_write(campaign) else 0
    waves = _waves(campaign, now=now) if room > 0 else []
    if not waves:
        return 0
    piles = list(islice(_approved(campaign, waves, at_once=room), room))
    store(piles, campaign=campaign, now=now)
    written = Letter.objects.filter(
        campaign=campaign, delivery=None, wave__in=[pile.wave for pile in piles]
    )
    return clear_letters(list(written.values_list("pk", flat=True)), campaign=campaign, now=now)


def _waves(campaign: Campaign, *, now: datetime) -> list[Wave]:
    """The campaign's correction waves, the first one first."""
    waves = Wave.objects.filter(
        Q(closes_at=None) | Q(closes_at__gt=now),
        campaign=campaign, kind=WaveKind.CORRECTION, opens_at__lte=now,
    )  # fmt: skip
    return list(waves.order_by("opens_at", "pk"))


def _approved(campaign: Campaign, waves: Sequence[Wave], *, at_once: int) -> Iterator[Pile]:
    """Corrections whose wording their partner has approved; the others wait and hold up none."""
    asked = due(campaign).values_list("letter__mailbox", flat=True)
    mailboxes = list(dict.fromkeys(asked.iterator()))
    for start in range(0, len(mailboxes), at_once):
        for pile in _piles(campaign, mailboxes[start : start + at_once], waves):
            may = approvals.may_go_out(pile.partner, WaveKind.CORRECTION, pile.languages)
            if campaign.exercise or may:
                yield pile


def waiting_for_wording(campaign: Campaign) -> list[approvals.Waiting]:
    """Corrections that only the approval of their wording lets go on, by partner and language."""
    if campaign.exercise:
        return []
    counted: Counter[tuple[int, str]] = Counter()
    rows = (
        due(campaign)
        .order_by()
        .values_list("letter__mailbox", "letter__partner_id", "letter__languages")
    )
    for _, partner_id, languages in {(m, p, tuple(tags)) for m, p, tags in rows}:
        counted.update((partner_id, tag) for tag in languages)
    partners = Partner.objects.in_bulk({partner_id for partner_id, _ in counted})
    return [
        approvals.Waiting(partner=partners[pk], kind=WaveKind.CORRECTION, language=tag, letters=n)
        for (pk, tag), n in sorted(counted.items())
        if not approvals.may_go_out(partners[pk], WaveKind.CORRECTION, [tag])
    ]


def _piles(campaign: Campaign, mailboxes: Sequence[str], waves: Sequence[Wave]) -> list[Pile]:
    """All wrong rows of each mailbox, in the first wave in which it has no correction yet."""
    by_mailbox = _told(due(campaign).filter(letter__mailbox__in=mailboxes))
    written = Letter.objects.filter(mailbox__in=by_mailbox, wave__in=waves)
    taken = set(written.values_list("mailbox", "wave_id"))
    first = _first_letters(campaign, list(by_mailbox))
    piles = []
    for mailbox, told in by_mailbox.items():
        wave = next((one for one in waves if (mailbox, one.pk) not in taken), None)
        if wave is not None:
            piles.append(_pile(campaign, wave, told, first=first[mailbox]))
    return piles


def _told(rows: QuerySet[LetterCase]) -> dict[str, list[LetterCase]]:
    """Rows of letters by mailbox, in the order in which a correction lists them."""
    by_mailbox: dict[str, list[LetterCase]] = defaultdict(list)
    found = (
        rows.select_related("letter__delivery", "choice__case__finding", "choice__holder")
        .select_related("choice__partner")
        .defer("letter__raw")
        .order_by("letter__mailbox", "case__ip", "case__weakness", "pk")
    )
    for row in found:
        by_mailbox[row.letter.mailbox].append(row)
    return by_mailbox


def _first_letters(campaign: Campaign, mailboxes: Sequence[str]) -> dict[str, Letter]:
    """The first letter that each mailbox got: its thread."""
    rows = (
        LetterCase.objects.filter(
            was_told(), letter__campaign=campaign, letter__mailbox__in=mailboxes
        )
        .select_related("letter__delivery")
        .defer("letter__raw")
        .order_by("letter__composed_at", "letter_id")
    )
    found: dict[str, Letter] = {}
    for row in rows:
        found.setdefault(row.letter.mailbox, row.letter)
    return found


def _pile(campaign: Campaign, wave: Wave, told: Sequence[LetterCase], *, first: Letter) -> Pile:
    """Each wrong row once, as its letter told it; the letter that told the first is named."""
    once = {row.case_id: row for row in reversed(told)}
    ordered = [row for row in told if once[row.case_id] is row]
    _as_told([row.choice.case.pk for row in ordered], ordered)
    naming = min((row.letter for row in ordered), key=lambda one: (one.composed_at, one.pk))
    before = [first] if naming.pk == first.pk else [first, naming]
    return Pile(
        campaign=campaign,
        wave=wave,
        mailbox=first.mailbox,
        choices=[row.choice for row in ordered],
        before=before,
    )


def _as_told(cases: Sequence[int], rows: Sequence[LetterCase]) -> None:
    """In memory only: the evidence that the letters spoke of, which the findings no longer hold."""
    mistakes = {one.case_id: one for one in Mistake.objects.filter(case__in=cases, undone_at=None)}
    for row in rows:
        mistake, finding = mistakes[row.case_id], row.choice.case.finding
        finding.rows, finding.ports = mistake.rows, mistake.ports


def example(correction: Correction, *, partners: Collection[int]) -> str:
    """One of its letters as it would be written now, to a mailbox of these partners; or nothing."""
    campaign = correction.campaign
    wrong = Mistake.objects.filter(
        withdrawal=correction.withdrawal_id, undone_at=None, case=OuterRef("case")
    )
    found = uncorrected(campaign).filter(Exists(wrong), letter__partner_id__in=partners)
    first = found.values_list("letter__mailbox", flat=True).first()
    if first is None:
        return ""
    told = _told(found.filter(letter__mailbox=first))[first]
    wave = Wave(campaign=campaign, kind=WaveKind.CORRECTION, opens_at=correction.asked_at)
    pile = _pile(campaign, wave, told, first=_first_letters(campaign, [first])[first])
    try:
        written = in_words(pile)
    except LetterError as error:
        return str(error)
    return f"{written.subject}\n\n{written.body}"


# -- a person says yes ---------------------------------------------------------------------------


def waiting_for_approval(campaign: Campaign) -> QuerySet[Correction]:
    return (
        Correction.objects.filter(campaign=campaign, approved_at=None, dropped_at=None)
        .select_related("withdrawal__source")
        .order_by("asked_at", "pk")
    )


@transaction.atomic
def approve(correction: Correction, *, user: User, now: datetime) -> Correction:
    """The corrections of one withdrawal may leave; from then on it can't be taken back."""
    locked = Correction.objects.select_for_update().get(pk=correction.pk)
    campaign = locked.campaign
    if viewer_of(user).level_at(campaign.lead_id) < Level.APPROVER:
        raise WithdrawalError("no-right", role="approver")
    if locked.dropped_at is not None:
        raise WithdrawalError("correction-dropped")
    if locked.approved_at is not None:
        return locked
    wave = Wave.objects.create(campaign=campaign, kind=WaveKind.CORRECTION, opens_at=now)
    locked.wave, locked.approved_at, locked.approved_by = wave, now, user.get_username()
    locked.save(update_fields=["wave", "approved_at", "approved_by"])
    record(
        [
            Entry(
                subject=f"campaign:{campaign.pk}", actor=f"user:{user.get_username()}",
                action="correction-approved", at=now, campaign_id=campaign.pk,
                partner_id=campaign.lead_id,
                after={"withdrawal": locked.withdrawal_id, "wave": wave.pk},
            )
        ]
    )  # fmt: skip
    return locked
