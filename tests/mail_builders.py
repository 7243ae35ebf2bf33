"""Letters on their way out, for tests of sending: cleared deliveries with all that the door asks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from openletter.campaigns.models import Campaign, Partner, Wave
from openletter.campaigns.rules import CampaignState
from openletter.cases.models import Case, CaseLink
from openletter.contacts.models import Choice
from openletter.letters.mark import at_start
from openletter.letters.models import (
    Delivery,
    Letter,
    LetterCase,
    MailToken,
    WordingApproval,
)
from openletter.words import (
    DeliveryState,
    TokenPurpose,
    WaveKind,
    Weakness,
    new_reference,
    new_secret,
    secret_hash,
)
from tests.builders import NOW, a_campaign
from tests.site_builders import some_cases

MADE_UP = "en-first-made-up"
"""The wording of these letters, as its partner approves it."""


@dataclass(kw_only=True)
class Tokens:
    """The mail tokens of one letter, which the database only knows as hashes."""

    bounce: str
    reply: str
    stop: str


@dataclass(kw_only=True)
class Ready:
    """One letter, cleared to leave."""

    letter: Letter
    delivery: Delivery
    case: Case
    choice: Choice
    tokens: Tokens


def a_sending_campaign(slug: str = "exercise", *, exercise: bool = True) -> Campaign:
    campaign = a_campaign(slug, exercise=exercise, state=CampaignState.RUNNING)
    if not exercise:
        Campaign.objects.filter(pk=campaign.pk).update(first_batch=10_000)
        campaign.refresh_from_db()
    return campaign


def an_installation(state: Path) -> None:
    """Mark, journal and database that belong together."""
    assert at_start(state, now=NOW) is None


def letters_ready(
    campaign: Campaign, count: int, *, at: datetime = NOW, start: int = 1
) -> list[Ready]:
    """`count` letters of one case each, to as many mailboxes."""
    wave, _ = Wave.objects.get_or_create(
        campaign=campaign, kind=WaveKind.FIRST, defaults={"opens_at": NOW}
    )
    an_approval(campaign.lead, MADE_UP)
    approved_law(campaign.lead)
    numbers = range(start, start + count)
    net = "2001:db8:{:x}::1" if campaign.exercise else "2a10:{:x}::1"
    cases = some_cases(
        campaign, [(net.format(number), Weakness.OPEN_HTTP_PROXY) for number in numbers], at=at
    )
    return [
        _ready(campaign, wave, case, number, at)
        for number, case in zip(numbers, cases, strict=True)
    ]


def an_approval(partner: Partner, version: str) -> None:
    """The partner lets this wording go out in its name."""
    WordingApproval.objects.get_or_create(
        partner=partner, version=version, undone_at=None,
        defaults={"kind": WaveKind.FIRST, "language": "en", "by": "approver", "at": NOW},
    )  # fmt: skip


def approved_law(partner: Partner) -> None:
    """The partner's lines of law, approved long before any letter."""
    partner.legal_text = partner.legal_text or {"en": "Law."}
    partner.legal_approved_at = partner.legal_approved_at or NOW - timedelta(days=365)
    partner.save(update_fields=["legal_text", "legal_approved_at"])


def mailbox_of(campaign: Campaign, number: int) -> str:
    return f"abuse@net{number}.{'example' if campaign.exercise else 'nl'}"


def _ready(campaign: Campaign, wave: Wave, case: Case, number: int, at: datetime) -> Ready:
    mailbox = mailbox_of(campaign, number)
    choice = Choice.objects.create(
        case=case, partner=campaign.lead, outcome="chosen", mailbox=mailbox, address=mailbox,
        reader="provider", languages=["nl", "en"], rule_version="1", chosen_at=at,
    )  # fmt: skip
    tokens = Tokens(bounce=new_secret(), reply=new_secret(), stop=new_secret())
    message_id = f"<{new_secret()}@campaign.example>"
    raw = (
        f"From: letters@campaign.example\r\nTo: {mailbox}\r\nMessage-ID: {message_id}\r\n"
        f"Reply-To: reply+{tokens.reply}@reply.campaign.example\r\nSubject: Open server {number}\r\n"
        "\r\nGoedendag.\r\n"
    ).encode()
    sender = f"b+{tokens.bounce}@bounce.campaign.example"
    delivery = Delivery.objects.create(
        campaign=campaign, exercise=campaign.exercise, partner=campaign.lead, purpose="letter",
        mailbox=mailbox, recipient=mailbox, envelope_from=sender, message_id=message_id,
        body_sha256=hashlib.sha256(raw).digest(), state=DeliveryState.CLEARED, cleared_at=at,
    )  # fmt: skip
    letter = Letter.objects.create(
        campaign=campaign, wave=wave, partner=campaign.lead, mailbox=mailbox, recipient=mailbox,
        reader="provider", languages=["nl", "en"], country="NL", reference=new_reference(),
        secret_hash=secret_hash(new_secret()), message_id=message_id, envelope_from=sender,
        subject=f"Open server {number}", raw=raw, body_sha256=hashlib.sha256(raw).digest(),
        wording_version="1", wordings=[MADE_UP], composed_at=at, delivery=delivery,
    )  # fmt: skip
    link = CaseLink.objects.create(case=case, secret_hash=secret_hash(new_secret()), made_at=at)
    LetterCase.objects.create(
        letter=letter, wave=wave, case=case, choice=choice, link=link, number=1
    )
    for purpose, token in (
        (TokenPurpose.BOUNCE, tokens.bounce), (TokenPurpose.REPLY, tokens.reply),
        (TokenPurpose.STOP, tokens.stop),
    ):  # fmt: skip
        MailToken.objects.create(letter=letter, purpose=purpose, token_hash=secret_hash(token))
    return Ready(letter=letter, delivery=delivery, case=case, choice=choice, tokens=tokens)
