"""No letters from any campaign: asked once at the mailbox itself, done when it says yes.

Our question goes to the letter's own mailbox and nowhere else, whoever wrote; it says that a
machine wrote it (RFC 3834), leaves like an answer, and is asked once in a long while. The stop is
shared among partners; who, how and when are kept, and a handler can take it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from openletter.contacts import steps as contacts
from openletter.contacts.models import Suppression
from openletter.letters.models import Letter
from openletter.replies import answering
from openletter.replies.models import Reply, StopQuestion
from openletter.replies.rules.everywhere import asks_for_all, confirms, question
from openletter.replies.rules.kinds import Classified, Kind
from openletter.words import Reason, new_secret, normalise_mailbox, secret_hash

ONCE_IN = timedelta(days=180)
AN_HOUR, MOST_AN_HOUR = timedelta(hours=1), 30
HOW = "answered our question by mail"
CONFIRMED = "stop-all-confirmed"
BY = "step:read"


def ask_back(reply: Reply, letter: Letter, *, now: datetime) -> None:
    """A reply that wants no letters from any campaign: ask the mailbox itself, once.

    Where that may not be asked (again), a person has to look.
    """
    if not asks_for_all(reply.text) or reply.automatic or _is_stopped(letter.mailbox):
        return
    code = _why_not(letter.mailbox, now=now)
    if code is None:
        try:
            _ask(reply, letter, now=now)
            code = "stop-all-asked"
        except answering.Refused as refused:
            code = refused.reason.code
    reply.reasons = [*reply.reasons, Reason(code=code).as_json()]
    reply.needs_person = reply.needs_person or code != "stop-all-asked"
    reply.save(update_fields=["reasons", "needs_person"])


def _is_stopped(mailbox: str) -> bool:
    return Suppression.objects.filter(mailbox=mailbox, campaign=None, undone_at=None).exists()


def _why_not(mailbox: str, *, now: datetime) -> str | None:
    asked = StopQuestion.objects.filter(asked_at__gt=now - ONCE_IN)
    if asked.filter(mailbox=mailbox).exists():
        return "stop-all-asked-before"
    if asked.filter(asked_at__gt=now - AN_HOUR).count() >= MOST_AN_HOUR:
        return "stop-all-too-many"
    return None


def _ask(reply: Reply, letter: Letter, *, now: datetime) -> None:
    token = new_secret()
    subject, text = question(letter.mailbox, languages=list(letter.languages))
    row = answering.write_to_mailbox(
        reply, letter, subject=subject, text=text, by=BY,
        reply_to=f"all+{token}@{letter.campaign.reply_domain}", now=now,
    )  # fmt: skip
    StopQuestion.objects.create(
        mailbox=letter.mailbox, letter=letter, reply=reply, answer=row,
        token_hash=secret_hash(token), asked_at=now,
    )  # fmt: skip


def asked_by(token: str) -> StopQuestion | None:
    """The question whose reply address holds this token."""
    rows = StopQuestion.objects.select_related("letter__campaign")
    return rows.filter(token_hash=secret_hash(token)).first()


def answered(
    asked: StopQuestion, reply: Reply, verdict: Classified, *, now: datetime
) -> tuple[Reason, bool]:
    """What an answer to our question does: the reason, and whether a person has to look.

    Only the mailbox itself, in a person's own words, says yes; a machine's answer says nothing.
    """
    if verdict.is_automatic or verdict.kind is not Kind.HUMAN:
        return Reason(code="stop-all-machine"), False
    if normalise_mailbox(verdict.sender) != asked.mailbox:
        return Reason(code="stop-all-other-sender"), True
    if not confirms(verdict.text):
        return Reason(code="stop-all-unclear"), True
    contacts.suppress(asked.mailbox, campaign=None, actor=f"holder:{asked.mailbox}"[:150], how=HOW,
                      now=now)  # fmt: skip
    StopQuestion.objects.filter(pk=asked.pk, confirmed_at=None).update(
        confirmed_at=now, confirmed_by=reply.mail_id
    )
    return Reason(code=CONFIRMED), False


def is_confirmation(reply: Reply) -> bool:
    """Whether this reply is the yes that stopped all campaigns."""
    return any(reason.get("code") == CONFIRMED for reason in reply.reasons)


def stops_of(reply: Reply, letter: Letter, *, by_a_person: bool) -> Q:
    """The standing stops that taking this reply back lifts.

    A letter's link lifts its own campaign's only; all campaigns are a handler's to lift.
    """
    own = Q(campaign=letter.campaign_id)
    return own | Q(campaign=None) if by_a_person and is_confirmation(reply) else own
