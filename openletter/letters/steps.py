"""Verbs of this room before the hand-over: write drafts, clear what may leave, open a wave.

Invariant 1 begins here: a letter is unique by campaign, mailbox and wave. A draft is written anew
while a case joins or leaves it; once cleared it is never touched again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from openletter.campaigns.models import Campaign, Wave
from openletter.campaigns.steps import wait_after_first
from openletter.contacts.models import Choice
from openletter.letters import approvals, corrections, library, onecontact, waves
from openletter.letters.clearing import (
    clear_letters,
    room,
    room_before_waiting,
    room_this_hour,
)
from openletter.letters.door import forget_letters
from openletter.letters.drafting import store
from openletter.letters.gather import Pile, letters_before
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.letters.opening import open_update_wave, open_wave
from openletter.letters.turn import composing, composing_beside
from openletter.letters.waves import choices_to_write_about
from openletter.words import DeliveryState, WaveKind

__all__ = ["choices_to_write_about", "clear", "compose", "open_update_wave", "open_wave", "waiting"]

OLD = timedelta(hours=24)
"""A draft of this age is written anew before it is cleared."""


# -- what waits ----------------------------------------------------------------------------------


def waiting(campaign: Campaign, *, now: datetime) -> QuerySet[Choice]:
    """Current choices that `compose` would move on now: unwritten, in a draft to renew or to clear.

    A draft that may not be cleared yet (not started, paused, pace used up) does not count. What is
    to be corrected waits first.
    """
    stale = waves.stale_drafts(campaign, now=now, old=OLD, versions=_versions(campaign))
    moving = Q(letter__in=stale.values("pk"))
    if campaign.may_send and room(campaign, now=now) > 0:
        ripe = waves.drafts(campaign).filter(wave__opens_at__lte=now)
        moving |= Q(letter__in=ripe.exclude(approvals.unapproved(campaign)).values("pk"))
    drafted = LetterCase.objects.filter(moving).values("choice")
    unwritten = choices_to_write_about(campaign, now=now).order_by().values("pk")
    wanted = Q(pk__in=unwritten) | Q(pk__in=drafted)
    if corrections.may_write(campaign) and room_this_hour(campaign, now=now) > 0:
        wanted |= Q(pk__in=corrections.due(campaign).order_by().values("choice"))
    return Choice.objects.filter(wanted).order_by("id")


# -- write ---------------------------------------------------------------------------------------


def compose(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Write corrections, then drafts for at most `limit` mailboxes; clear what may leave.

    Returns how many rows moved on: choices written about, drafts renewed, letters cleared.
    """
    put_right = corrections.write(campaign, now=now, limit=limit)
    written = put_right + _write(campaign, now=now, limit=limit)
    return written + clear(campaign, now=now, limit=limit)


@transaction.atomic
def _write(campaign: Campaign, *, now: datetime, limit: int) -> int:
    composing(campaign)
    drafted, mailboxes = _write_fresh(campaign, now=now, limit=limit)
    stale = waves.stale_drafts(campaign, now=now, old=OLD, versions=_versions(campaign))
    renewed = stale.exclude(mailbox__in=mailboxes).order_by("id").values_list("mailbox", flat=True)
    others = list(dict.fromkeys(renewed[: max(limit - len(mailboxes), 0)]))
    if others:
        _rewrite(campaign, others, now=now)
    return drafted + len(others)


def _write_fresh(campaign: Campaign, *, now: datetime, limit: int) -> tuple[int, list[str]]:
    """Drafts for the next mailboxes; where none of them can be written to, for those behind.

    How many choices stand in a draft now, and the mailboxes.
    """
    fresh, after = choices_to_write_about(campaign, now=now), 0
    while True:
        mailboxes, after = _behind(after, fresh, limit=limit)
        if not mailboxes:
            return 0, []
        asked = set(fresh.filter(mailbox__in=mailboxes).values_list("pk", flat=True))
        _rewrite(campaign, mailboxes, now=now)
        drafted = LetterCase.objects.filter(choice__in=asked, letter__delivery=None).count()
        if drafted:
            return drafted, mailboxes


def unwritten(
    campaign: Campaign, *, now: datetime, limit: int, after: int
) -> tuple[list[str], int]:
    """Mailboxes that drafts would be written to, by choices behind this one, and the last choice.

    Only a plan: nothing is held, and whoever writes asks again.
    """
    return _behind(after, choices_to_write_about(campaign, now=now), limit=limit)


def _behind(after: int, fresh: QuerySet[Choice], *, limit: int) -> tuple[list[str], int]:
    found: dict[str, None] = {}
    last = after
    rows = fresh.filter(pk__gt=after).values_list("pk", "mailbox")
    for pk, mailbox in rows[: limit * 10].iterator():
        if len(found) == limit and mailbox not in found:
            break
        found[mailbox], last = None, pk
    return list(found), last


@transaction.atomic
def write_beside_others(campaign: Campaign, mailboxes: Sequence[str], *, now: datetime) -> int:
    """Drafts for these mailboxes, which no other composer was given; how many cases in them.

    Nobody waits for the disk: what a crash takes was seen by nobody, and is written anew.
    """
    composing_beside(campaign)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    campaign.refresh_from_db()
    return _rewrite(campaign, mailboxes, now=now)


def _rewrite(campaign: Campaign, mailboxes: Sequence[str], *, now: datetime) -> int:
    """One draft for each mailbox with something to say; an old draft makes room for it."""
    _drop_drafts(campaign, mailboxes)
    news = _by_mailbox(waves.eligible(campaign, now=now).filter(mailbox__in=mailboxes))
    later = waves.later_wave(campaign, now=now)
    again = _come_back_to(campaign, later, mailboxes, now=now) if later else {}
    before = letters_before(campaign, [*news, *again])
    elsewhere = onecontact.letters_of_others(campaign, news)
    opened = waves.open_waves(campaign, now=now)
    piles = []
    for mailbox in dict.fromkeys([*again, *news]):
        earlier = before.get(mailbox, [])
        of_contact = [*earlier, *elsewhere.get(mailbox, [])]
        wave = later if mailbox in again else waves.wave_for(of_contact, opened, now=now)
        choices = again.get(mailbox) or news[mailbox]
        if wave is not None:
            piles.append(
                Pile(campaign=campaign, wave=wave, mailbox=mailbox, choices=choices, before=earlier)
            )
    return store(piles, campaign=campaign, now=now)


def _by_mailbox(choices: QuerySet[Choice]) -> dict[str, list[Choice]]:
    found: dict[str, list[Choice]] = defaultdict(list)
    rows = choices.select_related("case__finding", "holder", "partner")
    for choice in rows.order_by("mailbox", "case__ip", "case__weakness", "pk"):
        found[choice.mailbox].append(choice)
    return found


def _come_back_to(
    campaign: Campaign, wave: Wave, mailboxes: Sequence[str], *, now: datetime
) -> dict[str, list[Choice]]:
    """What a reminder or closing letter names; a reminder tells what is new after what remains."""
    due = _by_mailbox(waves.due(campaign, wave, now=now).filter(mailbox__in=mailboxes))
    if wave.kind == WaveKind.REMINDER and due:
        new = _by_mailbox(waves.untold(campaign, now=now).filter(mailbox__in=due))
        for mailbox, listed in new.items():
            due[mailbox] += listed
    return due


def _drop_drafts(campaign: Campaign, mailboxes: Sequence[str]) -> None:
    """Drafts of these mailboxes go, with their rows, tokens and links: nobody ever saw them."""
    old = waves.drafts(campaign).filter(mailbox__in=mailboxes)
    if drafts := list(old.values_list("pk", flat=True)):
        forget_letters(Letter.objects.filter(pk__in=drafts, delivery=None))


def _versions(campaign: Campaign) -> tuple[str, ...]:
    """Wording versions that a draft may have: those of its own languages, as they are today."""
    spoken = waves.drafts(campaign).order_by().values_list("languages", flat=True).distinct()
    offered = [tuple(tags) for tags in spoken if set(tags) <= set(library.languages())]
    return tuple(library.version(kind, tags) for kind in library.kinds() for tags in offered)


# -- clear ---------------------------------------------------------------------------------------


@transaction.atomic
def clear(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Drafts that may leave become deliveries; how many.

    At the campaign's pace, the first letters first; then it waits for a person to go on.
    """
    composing(campaign)
    campaign.refresh_from_db()
    if not campaign.may_send:
        return 0
    most = min(limit, room(campaign, now=now))
    ripe = _clearable(campaign, now=now).values_list("pk", flat=True)
    letters = list(ripe[: max(most, 0)])
    if letters:
        clear_letters(letters, campaign=campaign, now=now)
    elif room_before_waiting(campaign) <= 0:
        _wait_when_gone(campaign, now=now)
    return len(letters)


def _clearable(campaign: Campaign, *, now: datetime) -> QuerySet[Letter]:
    good = waves.good_drafts(campaign, now=now, old=OLD, versions=_versions(campaign))
    good = good.exclude(approvals.unapproved(campaign)).filter(wave__opens_at__lte=now)
    return good.select_for_update(of=("self",)).order_by("id")


def _wait_when_gone(campaign: Campaign, *, now: datetime) -> None:
    """The first letters have left and more are written: the campaign waits for a person."""
    inside = Delivery.objects.filter(
        campaign=campaign, state__in=[DeliveryState.CLEARED, DeliveryState.HANDING]
    )
    if waves.drafts(campaign).exists() and not inside.exists():
        wait_after_first(campaign, now=now)
