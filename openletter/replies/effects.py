"""What a reply does, and how it is undone: always through the named verbs of the rooms upstream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from openletter.campaigns import steps as campaigns
from openletter.campaigns.rules import Entry
from openletter.cases import steps as cases
from openletter.cases.models import Case
from openletter.contacts import steps as contacts
from openletter.contacts.models import Choice, Suppression
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.replies import everywhere
from openletter.replies.models import Reply, ReplyKind
from openletter.words import CaseState, DeliveryState, Reason

QUIET_AFTER_FIXED = timedelta(days=7)
"""So long no letter leaves about a case that is said to be fixed; then we look again."""


@dataclass(frozen=True, kw_only=True)
class Doing:
    """One effect: on which reply, by whom, when."""

    reply: Reply
    actor: str
    now: datetime


def apply(reply: Reply, *, actor: str, now: datetime) -> None:
    """Do what a reply of this kind does; most kinds do nothing."""
    act = _EFFECTS.get(ReplyKind(reply.kind))
    if act is not None:
        act(Doing(reply=reply, actor=actor, now=now))


def take_back(reply: Reply, *, actor: str, now: datetime) -> None:
    """Undo what the reply did."""
    act = _UNDONE.get(ReplyKind(reply.kind))
    if act is not None:
        act(Doing(reply=reply, actor=actor, now=now))


def _rows(reply: Reply) -> Iterable[LetterCase]:
    """The cases a reply is about: the one it names, or all of its letter."""
    rows = LetterCase.objects.filter(letter=reply.letter).select_related("case", "choice")
    return rows.filter(case=reply.case) if reply.case_id else rows


def _cases(reply: Reply) -> Iterable[Case]:
    if reply.letter_id is None:
        return [reply.case] if reply.case else []
    return [row.case for row in _rows(reply)]


def _fixed(doing: Doing) -> None:
    until = doing.now + QUIET_AFTER_FIXED
    for case in _cases(doing.reply):
        if case.state == CaseState.OPEN:
            cases.announce_fixed(case, until=until, actor=doing.actor, now=doing.now)


def _not_fixed(doing: Doing) -> None:
    for case in _cases(doing.reply):
        cases.take_back_announcement(
            case, actor=doing.actor, now=doing.now, reason=Reason(code="taken-back")
        )


def _not_ours(doing: Doing) -> None:
    """Only a letter's reader says whose the contact is; who was passed a row changes nothing."""
    for row in _rows(doing.reply) if doing.reply.letter_id else ():
        contacts.note_not_ours(
            row.choice, now=doing.now, actor=doing.actor, text=doing.reply.text[:1000]
        )


def _ours_after_all(doing: Doing) -> None:
    for row in _rows(doing.reply) if doing.reply.letter_id else ():
        contacts.undo_not_ours(row.choice, now=doing.now, actor=doing.actor)


def _no_more(doing: Doing) -> None:
    letter = doing.reply.letter
    if letter is not None:
        contacts.suppress(
            letter.mailbox, campaign=letter.campaign, actor=doing.actor,
            how=doing.reply.channel, now=doing.now,
        )  # fmt: skip


def _welcome_again(doing: Doing) -> None:
    letter = doing.reply.letter
    if letter is None:
        return
    by_a_person = doing.actor.startswith("user:")
    stops = everywhere.stops_of(doing.reply, letter, by_a_person=by_a_person)
    rows = Suppression.objects.filter(stops, mailbox=letter.mailbox, undone_at=None)
    if by_a_person:
        rows = rows.filter(how__in=[*Reply.Channel.values, everywhere.HOW])
        rows = rows.exclude(_still_asked_for(doing.reply, letter))
    for row in rows:
        contacts.lift_suppression(row, actor=doing.actor, now=doing.now)


def _still_asked_for(reply: Reply, letter: Letter) -> Q:
    """The stops that other replies of the mailbox, which nobody took back, ask for as well."""
    standing = Reply.objects.filter(
        letter__mailbox=letter.mailbox, kind__in=[ReplyKind.OPT_OUT, ReplyKind.FEEDBACK],
        undone_at=None,
    ).exclude(pk=reply.pk)  # fmt: skip
    campaigns_asked = Q(campaign__in=list(standing.values_list("campaign_id", flat=True)))
    return (
        campaigns_asked | Q(campaign=None)
        if any(map(everywhere.is_confirmation, standing))
        else campaigns_asked
    )


def _dead(doing: Doing) -> None:
    choice = _first_choice(doing.reply)
    if choice is not None:
        because = str(doing.reply.reasons[0].get("code", "")) if doing.reply.reasons else ""
        contacts.note_bounce(choice, permanent=True, now=doing.now, because=because)
    _delivery_becomes(doing, DeliveryState.BOUNCED)


def _alive(doing: Doing) -> None:
    choice = _first_choice(doing.reply)
    if choice is not None:
        written = LetterCase.objects.exclude(letter=doing.reply.letter).values("case_id")
        free = Choice.objects.filter(mailbox=choice.mailbox).exclude(case_id__in=written)
        among = set(free.values_list("case_id", flat=True))
        contacts.undo_bounce(choice, now=doing.now, actor=doing.actor, among=among)
    _delivery_becomes(doing, DeliveryState.ACCEPTED)


def _soft(doing: Doing) -> None:
    _delivery_becomes(doing, DeliveryState.BOUNCED)


def _soft_undone(doing: Doing) -> None:
    _delivery_becomes(doing, DeliveryState.ACCEPTED)


def _first_choice(reply: Reply) -> Choice | None:
    row = next(iter(_rows(reply)), None) if reply.letter_id else None
    return row.choice if row else None


def _delivery_becomes(doing: Doing, state: DeliveryState) -> None:
    """The letter's delivery, once it has left; one that has not is not a reply's to change."""
    letter = doing.reply.letter
    settle_delivery(letter, state, actor=doing.actor, now=doing.now)


def settle_delivery(
    letter: Letter | None, state: DeliveryState, *, actor: str, now: datetime
) -> None:
    """What a report says of a letter that has left: bounced, delivered, or (undone) accepted."""
    left = [
        DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED,
        DeliveryState.UNKNOWN,
    ]  # fmt: skip
    row = Delivery.objects.filter(letter=letter, state__in=left).first() if letter else None
    if row is None or row.state == state:
        return
    before, row.state, row.settled_at = row.state, state, now
    row.reason = "report"
    row.save(update_fields=["state", "settled_at", "reason"])
    campaigns.record(
        [
            Entry(
                subject=f"delivery:{row.pk}",
                actor=actor,
                action=str(state),
                at=now,
                campaign_id=row.campaign_id,
                partner_id=row.partner_id,
                before={"state": before},
                after={"state": str(state)},
                reason={"code": "report", "values": {}},
            )
        ]
    )


_EFFECTS: dict[ReplyKind, Callable[[Doing], None]] = {
    ReplyKind.FIXED: _fixed,
    ReplyKind.NOT_OURS: _not_ours,
    ReplyKind.OPT_OUT: _no_more,
    ReplyKind.FEEDBACK: _no_more,
    ReplyKind.BOUNCE_HARD: _dead,
    ReplyKind.BOUNCE_SOFT: _soft,
}
_UNDONE: dict[ReplyKind, Callable[[Doing], None]] = {
    ReplyKind.FIXED: _not_fixed,
    ReplyKind.NOT_OURS: _ours_after_all,
    ReplyKind.OPT_OUT: _welcome_again,
    ReplyKind.FEEDBACK: _welcome_again,
    ReplyKind.BOUNCE_HARD: _alive,
    ReplyKind.BOUNCE_SOFT: _soft_undone,
}
