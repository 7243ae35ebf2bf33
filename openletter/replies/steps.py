"""Verbs of this room: store, read, answer; correct, undo, settle; and what pages say.

Whatever a reply does is small, stays with one letter, and can be undone by a person.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from openletter.campaigns.models import Campaign
from openletter.letters.models import Letter
from openletter.replies import answering, effects, pages, reading
from openletter.replies.answering import Refused
from openletter.replies.models import Answer, Mail, Reply, ReplyKind
from openletter.words import TokenPurpose

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = [
    "Refused", "accepts", "answer", "correct", "from_page", "letter_of_stop", "one_click", "read",
    "settle", "store_mail", "undo", "unread",
]  # fmt: skip

from_page = pages.from_page


# -- mail comes in ------------------------------------------------------------------------------


def accepts(rcpt: str) -> bool:
    """Was this address given out? Intake refuses all others at RCPT."""
    return reading.given_out(rcpt) is not None


@transaction.atomic
def store_mail(raw: bytes, *, envelope_from: str, rcpt: str, now: datetime) -> Mail:
    """Keep a mail as it came; the same bytes to the same address are one mail.

    With a token that nobody gave out it is kept, read as nothing, and changes nothing.
    """
    given = reading.given_out(rcpt)
    row, _ = Mail.objects.get_or_create(
        sha256=hashlib.sha256(raw).digest(),
        rcpt=rcpt[:320],
        defaults={
            "raw": raw,
            "envelope_from": envelope_from.replace("\0", "")[:320],
            "letter": given.letter if given else None,
            "purpose": given.purpose if given else "",
            "of_answer": bool(given and given.of_answer),
            "received_at": now,
            "read_at": None if given else now,
        },
    )
    return row


def unread(campaign: Campaign, *, now: datetime) -> QuerySet[Mail]:
    """Mails that nobody has classified yet."""
    return Mail.objects.filter(letter__campaign=campaign, read_at=None).order_by("id")


def read(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Classify and file the next mails, each in its own transaction; how many."""
    done = 0
    while done < limit and _read_next(campaign, now=now):
        done += 1
    return done


@transaction.atomic
def _read_next(campaign: Campaign, *, now: datetime) -> bool:
    waiting = unread(campaign, now=now).select_related("letter__campaign")
    mail = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if mail is None:
        return False
    mail.read_at = now
    mail.save(update_fields=["read_at"])
    reading.read_one(mail, now=now)
    return True


# -- one click ----------------------------------------------------------------------------------


def letter_of_stop(token: str) -> Letter | None:
    """The letter whose List-Unsubscribe holds this token."""
    given = reading.given_out(f"stop+{token}@x.invalid")
    return given.letter if given and given.purpose is TokenPurpose.STOP else None


def one_click(token: str, *, now: datetime) -> Letter | None:
    """No more letters of this campaign to that letter's mailbox; None: nobody has this token."""
    letter = letter_of_stop(token)
    if letter is not None:
        pages.stop_by_one_click(letter, now=now)
    return letter


# -- persons ------------------------------------------------------------------------------------


@transaction.atomic
def answer(reply: Reply, *, text: str, user: User, now: datetime) -> Answer:
    """Answer a person in the partner's name; the reply is handled with that."""
    locked = _locked(reply)
    by = user.get_username()
    signed_by = locked.partner.name
    row = answering.write(locked, text=text, by=by, signed_by=signed_by, now=now)
    _handled(locked, by=by, now=now)
    reading.note(locked, "answered", actor=f"user:{by}", now=now)
    reply.refresh_from_db()
    return row


@transaction.atomic
def settle(reply: Reply, *, user: User, now: datetime) -> None:
    """Nothing more to do for this reply."""
    locked = _locked(reply)
    if locked.handled_at is None:
        _handled(locked, by=user.get_username(), now=now)
        reading.note(locked, "settled", actor=f"user:{user.get_username()}", now=now)
    reply.refresh_from_db()


@transaction.atomic
def correct(reply: Reply, *, kind: str, user: User, now: datetime) -> None:
    """A person says what it is: the old effects are undone, those of the new kind done."""
    locked, wanted = _locked(reply), ReplyKind(kind)
    if locked.kind == wanted and locked.undone_at is None:
        return
    actor = f"user:{user.get_username()}"
    if locked.undone_at is None:
        effects.take_back(locked, actor=actor, now=now)
    locked.kind, locked.undone_at, locked.confidence = wanted, None, 1.0
    locked.needs_person = wanted in (ReplyKind.QUESTION, ReplyKind.UNCLEAR, ReplyKind.COMPLAINT)
    locked.save()
    effects.apply(locked, actor=actor, now=now)
    reading.note(locked, f"corrected:{wanted}", actor=actor, now=now)
    reply.refresh_from_db()


@transaction.atomic
def undo(reply: Reply, *, user: User, now: datetime) -> None:
    """A person takes back what the reply did; doing it twice is doing it once."""
    locked = _locked(reply)
    if locked.undone_at is not None:
        return
    actor = f"user:{user.get_username()}"
    effects.take_back(locked, actor=actor, now=now)
    locked.undone_at = now
    locked.save(update_fields=["undone_at"])
    reading.note(locked, "undone", actor=actor, now=now)
    reply.refresh_from_db()


def _locked(reply: Reply) -> Reply:
    rows = Reply.objects.select_related("letter__campaign", "case", "partner", "mail")
    return rows.select_for_update(of=("self",)).get(pk=reply.pk)


def _handled(reply: Reply, *, by: str, now: datetime) -> None:
    reply.handled_at, reply.handled_by = now, by[:150]
    reply.save(update_fields=["handled_at", "handled_by"])
