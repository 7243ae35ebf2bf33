"""A person's answer: only to the address of the reply, never to what no person wrote."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import DatabaseError, transaction

from openletter.letters.models import Delivery, Letter
from openletter.letters.rules import answers
from openletter.replies.models import Answer, Reply
from openletter.wire.mime import Mail, read_mail
from openletter.words import (
    DeliveryState,
    Reason,
    new_secret,
    normalise_mailbox,
    secret_hash,
)

LONGEST = 20_000


class Refused(Exception):  # noqa: N818 - what it says
    """What the rules of this room refuse; `reason` says why, for a person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.reason = Reason(code=code)


def write(reply: Reply, *, text: str, by: str, signed_by: str, now: datetime) -> Answer:
    """Build the mail and clear it; it leaves like a letter, through the same states."""
    letter = reply.letter
    if reply.automatic or letter is None:
        raise Refused("no-person-to-answer" if reply.automatic else "no-address-to-answer")
    if not text.strip():
        raise Refused("empty-answer")
    mailbox = normalise_mailbox(reply.sender)
    if mailbox is None:
        raise Refused("no-address-to-answer")
    token = new_secret()
    mail = _mail(reply, letter, text=text[:LONGEST], signed_by=signed_by, now=now)
    raw = answers.build(mail)
    delivery = _delivery(letter, mail, raw, mailbox=mailbox, token=token, now=now)
    return Answer.objects.create(
        reply=reply, partner_id=reply.partner_id, text=text[:LONGEST], by=by, at=now,
        delivery=delivery, token_hash=secret_hash(token),
    )  # fmt: skip


def write_to_mailbox(
    reply: Reply, letter: Letter, *, subject: str, text: str, by: str, reply_to: str, now: datetime
) -> Answer:
    """A machine's question to the letter's own mailbox, whoever the reply came from."""
    token = new_secret()
    campaign = letter.campaign
    mail = answers.AnswerMail(
        recipient=letter.recipient, sender_name=campaign.sender_name,
        sender_address=campaign.sender_address, reply_to=reply_to, subject=subject,
        message_id=f"<{new_secret()}.answer@{campaign.sender_address.rpartition('@')[2]}>",
        text=text, signed_by=reply.partner.name, date=now, in_reply_to=letter.message_id,
        references=(letter.message_id,), is_automatic=True,
    )  # fmt: skip
    raw = answers.build(mail)
    delivery = _delivery(letter, mail, raw, mailbox=letter.mailbox, token=token, now=now)
    return Answer.objects.create(
        reply=reply, partner_id=reply.partner_id, text=text, by=by, at=now, delivery=delivery,
        token_hash=secret_hash(token),
    )  # fmt: skip


def _mail(
    reply: Reply, letter: Letter, *, text: str, signed_by: str, now: datetime
) -> answers.AnswerMail:
    campaign = letter.campaign
    domain = campaign.sender_address.rpartition("@")[2]
    theirs = read_mail(bytes(reply.mail.raw)) if reply.mail else None
    return answers.AnswerMail(
        recipient=reply.sender,
        sender_name=campaign.sender_name,
        sender_address=campaign.sender_address,
        reply_to=read_mail(bytes(letter.raw)).get("reply-to") or campaign.sender_address,
        subject=reply.subject or letter.subject,
        message_id=f"<{new_secret()}.answer@{domain}>",
        text=text,
        signed_by=signed_by,
        date=now,
        in_reply_to=_id_of(theirs) or letter.message_id,
        references=(letter.message_id,),
    )


def _id_of(theirs: Mail | None) -> str:
    return theirs.get("message-id").strip() if theirs else ""


def _delivery(
    letter: Letter,
    mail: answers.AnswerMail,
    raw: bytes,
    *,
    mailbox: str,
    token: str,
    now: datetime,
) -> Delivery:
    """The database holds exercise and real mail apart, whatever address a reply came from."""
    try:
        with transaction.atomic():
            return Delivery.objects.create(
                campaign_id=letter.campaign_id, exercise=letter.campaign.exercise,
                partner_id=letter.partner_id, purpose=Delivery.Purpose.ANSWER, mailbox=mailbox,
                recipient=mail.recipient, message_id=mail.message_id, raw=raw,
                envelope_from=f"b+{token}@{letter.campaign.bounce_domain}",
                body_sha256=hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).digest(),
                state=DeliveryState.CLEARED, cleared_at=now,
            )  # fmt: skip
    except DatabaseError as error:
        raise Refused("address-of-another-world") from error
