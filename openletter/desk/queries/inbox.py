"""Replies: what waits for a person, and everything else that came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from openletter.campaigns.rules import Viewer
from openletter.desk.queries.scope import mine
from openletter.letters.models import Letter, LetterCase
from openletter.replies.models import Answer, Reply


def replies(viewer: Viewer) -> QuerySet[Reply]:
    """Every reply of the viewer's partners."""
    return mine(Reply.objects, viewer)


def waiting_for_a_person(viewer: Viewer) -> QuerySet[Reply]:
    """What nobody has dealt with yet; served by the index `reply_inbox`."""
    return replies(viewer).filter(needs_person=True, handled_at=None)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the inbox is asked for; empty means all."""

    view: str = "waiting"
    kind: str = ""
    campaign: str = ""


def asked(viewer: Viewer, wish: Filter) -> QuerySet[Reply]:
    """The inbox: the longest waiting first; everything: the newest first."""
    rows = waiting_for_a_person(viewer) if wish.view == "waiting" else replies(viewer)
    if wish.kind:
        rows = rows.filter(kind=wish.kind)
    if wish.campaign:
        rows = rows.filter(campaign__slug=wish.campaign)
    order = ("at", "id") if wish.view == "waiting" else ("-at", "-id")
    return rows.select_related("campaign", "partner", "letter", "case").order_by(*order)


def by_kind(viewer: Viewer) -> Mapping[str, int]:
    rows = replies(viewer).values_list("kind").annotate(count=Count("pk")).order_by("-count")
    return dict(rows)


@dataclass(frozen=True, kw_only=True)
class ReplyPage:
    """A reply with the letter it is about, its cases and what was answered."""

    reply: Reply
    letter: Letter | None
    rows: list[LetterCase]
    answers: list[Answer]


def page_of(reply: Reply) -> ReplyPage:
    """All that a handler needs to answer; the letter is the reply's partner's."""
    letter = reply.letter
    if letter is not None and letter.partner_id != reply.partner_id:
        letter = None
    rows = (
        LetterCase.objects.filter(letter=letter, case__partner_id=reply.partner_id)
        .select_related("case")
        .order_by("number")[:50]
        if letter
        else []
    )
    answers = reply.answers.select_related("delivery").order_by("at")
    return ReplyPage(reply=reply, letter=letter, rows=list(rows), answers=list(answers))
