"""From a stored mail to a filed reply: whose it is by its token, what it is by the rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from openletter.campaigns import steps as campaigns
from openletter.campaigns.rules import Entry
from openletter.contacts import steps as contacts
from openletter.letters.models import Letter, LetterCase, MailToken
from openletter.replies import effects, everywhere
from openletter.replies.models import Answer, Mail, Reply, ReplyKind, StopQuestion
from openletter.replies.rules.actions import (
    addresses_in,
    counts_against_mailbox,
    file,
    references_in,
)
from openletter.replies.rules.classify import classify_mail
from openletter.replies.rules.kinds import Classified, Kind
from openletter.wire.mime import read_mail
from openletter.words import SECRET, DeliveryState, Reason, TokenPurpose, secret_hash

_LOCAL = {"b": TokenPurpose.BOUNCE, "reply": TokenPurpose.REPLY, "stop": TokenPurpose.STOP}
_ADDRESS = re.compile(rf"(b|reply|stop|all)\+({SECRET.pattern})@[^@\s]+", re.IGNORECASE)
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, kw_only=True)
class Given:
    """What an address that we gave out belongs to."""

    letter: Letter
    purpose: TokenPurpose
    of_answer: bool = False
    asked: StopQuestion | None = None
    """Our question whether to stop all campaigns, where this is its reply address."""


def given_out(rcpt: str) -> Given | None:
    """Whose address this is, by look-up of its token; None where nobody was given it."""
    found = _ADDRESS.fullmatch(rcpt.strip().lower())
    if found is None:
        return None
    if found[1] == "all":
        asked = everywhere.asked_by(found[2])
        return (
            Given(letter=asked.letter, purpose=TokenPurpose.REPLY, asked=asked) if asked else None
        )
    purpose, digest = _LOCAL[found[1]], secret_hash(found[2])
    token = (
        MailToken.objects.select_related("letter__campaign")
        .filter(purpose=purpose, token_hash=digest)
        .first()
    )
    if token is not None:
        return Given(letter=token.letter, purpose=purpose)
    if purpose is not TokenPurpose.BOUNCE:
        return None
    answer = Answer.objects.select_related("reply__letter").filter(token_hash=digest).first()
    if answer is None or answer.reply.letter is None:
        return None
    return Given(letter=answer.reply.letter, purpose=purpose, of_answer=True)


def read_one(mail: Mail, *, now: datetime) -> Reply | None:
    """Classify, file, act. None: nothing to file (a positive report, a mail without a letter)."""
    letter = mail.letter
    if letter is None:
        return None
    parsed = read_mail(bytes(mail.raw))
    verdict = classify_mail(parsed, envelope_from=mail.envelope_from)
    if mail.of_answer:
        return _answer_came_back(mail, letter, verdict, now=now)
    if (given := given_out(mail.rcpt)) and given.asked:
        return _answered(given.asked, mail, verdict, now=now)
    if verdict.kind is Kind.DELIVERED:
        effects.settle_delivery(letter, DeliveryState.DELIVERED, actor="step:read", now=now)
        return None
    purpose = TokenPurpose(mail.purpose)
    filed = file(verdict, purpose)
    kind, case_id, needs = ReplyKind(filed.kind), None, filed.needs_person
    if kind in (ReplyKind.FIXED, ReplyKind.NOT_OURS):
        kind, case_id = _about(letter, kind, verdict.text)
        needs = needs or kind is ReplyKind.QUESTION
    reply = _filed(mail, letter, verdict, kind=kind, case_id=case_id, needs=needs, now=now)
    reply.reasons = [reason.as_json() for reason in filed.reasons]
    reply.save()
    effects.apply(reply, actor="step:read", now=now)
    if kind is ReplyKind.OPT_OUT and verdict.kind is Kind.HUMAN:
        everywhere.ask_back(reply, letter, now=now)
    if kind is ReplyKind.BOUNCE_SOFT and counts_against_mailbox(verdict, purpose):
        _count_soft(letter, verdict, now=now)
    note(reply, f"reply:{kind}", actor="step:read", now=now)
    return reply


def _about(letter: Letter, kind: ReplyKind, text: str) -> tuple[ReplyKind, int | None]:
    """All cases, or the one that is named; several but not all is a question for a person.

    A case is named by its reference or by its address: "closed" beside one address says nothing
    of the others.
    """
    columns = ("case__reference", "case__ip", "case_id")
    told = list(LetterCase.objects.filter(letter=letter).values_list(*columns))
    references = references_in(text, (reference for reference, _, _ in told))
    addresses = addresses_in(text, (str(ip) for _, ip, _ in told))
    named = {
        case for reference, ip, case in told if reference in references or str(ip) in addresses
    }
    if not named or len(named) == len(told):
        return kind, None
    return (kind, named.pop()) if len(named) == 1 else (ReplyKind.QUESTION, None)


def _filed(
    mail: Mail,
    letter: Letter,
    verdict: Classified,
    *,
    kind: ReplyKind,
    case_id: int | None,
    needs: bool,
    now: datetime,
) -> Reply:
    return Reply(
        campaign_id=letter.campaign_id,
        partner_id=letter.partner_id,
        letter=letter,
        case_id=case_id,
        mail=mail,
        channel=Reply.Channel.MAIL,
        kind=kind,
        confidence=verdict.confidence,
        reasons=[],
        sender=_clean(verdict.sender)[:320],
        subject=_clean(verdict.subject)[:300],
        text=_clean(verdict.text)[:_LONGEST_TEXT],
        tickets=[_clean(one)[:60] for one in verdict.tickets],
        at=now,
        automatic=verdict.is_automatic,
        needs_person=needs,
    )


def _clean(text: str) -> str:
    """PostgreSQL takes no NUL; a lone surrogate is no text."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _count_soft(letter: Letter, verdict: Classified, *, now: datetime) -> None:
    row = LetterCase.objects.filter(letter=letter).select_related("choice").first()
    if row is not None:
        cause = verdict.failed[0].cause if verdict.failed else "full"
        contacts.note_bounce(row.choice, permanent=False, now=now, because=str(cause))


def _answer_came_back(
    mail: Mail, letter: Letter, verdict: Classified, *, now: datetime
) -> Reply | None:
    """A report about an answer of ours: a person has to know; the letter is not touched."""
    if verdict.kind is not Kind.BOUNCE:
        return None
    reply = _filed(
        mail, letter, verdict, kind=ReplyKind.BOUNCE_SOFT, case_id=None, needs=True, now=now
    )
    reply.reasons = [Reason(code="answer-came-back").as_json()]
    reply.save()
    note(reply, "answer-came-back", actor="step:read", now=now)
    return reply


def _answered(
    asked: StopQuestion, mail: Mail, verdict: Classified, *, now: datetime
) -> Reply | None:
    """The mailbox answers whether it wants no letters from any campaign."""
    kind = ReplyKind.QUESTION if verdict.kind is Kind.HUMAN else ReplyKind.AUTO_REPLY
    reply = _filed(mail, asked.letter, verdict, kind=kind, case_id=None, needs=False, now=now)
    reason, needs = everywhere.answered(asked, reply, verdict, now=now)
    if reason.code == everywhere.CONFIRMED:
        reply.kind = ReplyKind.OPT_OUT
    reply.reasons, reply.needs_person = [reason.as_json()], needs
    reply.save()
    note(reply, f"reply:{reason.code}", actor="step:read", now=now)
    return reply


def note(reply: Reply, action: str, *, actor: str, now: datetime) -> None:
    """The reply in the timeline of its case or letter."""
    subject = f"case:{reply.case_id}" if reply.case_id else f"letter:{reply.letter_id}"
    campaigns.record(
        [
            Entry(
                subject=subject,
                actor=actor,
                action=action,
                at=now,
                campaign_id=reply.campaign_id,
                partner_id=reply.partner_id,
                after={"reply": reply.pk, "kind": reply.kind, "channel": reply.channel},
            )
        ]
    )
