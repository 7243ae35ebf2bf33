"""Letters as the site's readers hold them: cases with evidence, links, a delivery that left."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage

from openletter.campaigns.models import Campaign, Wave
from openletter.campaigns.rules import CampaignState
from openletter.cases.models import Case, CaseLink
from openletter.contacts.models import Choice
from openletter.evidence.models import Batch, Finding, Observation, Part, Source
from openletter.evidence.weighing import knobs_of
from openletter.letters.models import Delivery, Letter, LetterCase, MailToken
from openletter.words import (
    DeliveryState,
    FindingState,
    TokenPurpose,
    WaveKind,
    Weakness,
    new_reference,
    new_secret,
    secret_hash,
)
from tests.builders import NOW, a_campaign

SOURCES = (("wierhaven", "Wierhaven relay list"), ("nachtlamp", "Nachtlamp proxy watch"))
BANNERS = {
    Weakness.OPEN_RELAY: {"banner": "220 mail.shop.example ESMTP Postfix"},
    Weakness.OPEN_HTTP_PROXY: {"server": "squid/5.7"},
    Weakness.OPEN_SOCKS: {},
}
PORTS = {Weakness.OPEN_RELAY: 25, Weakness.OPEN_HTTP_PROXY: 3128, Weakness.OPEN_SOCKS: 1080}


@dataclass(kw_only=True)
class Held:
    """What the reader of a letter holds: secrets that the database does not know."""

    letter: Letter
    secret: str
    stop: str
    cases: list[Case] = field(default_factory=list)
    case_secrets: list[str] = field(default_factory=list)


def a_running_campaign(*, exercise: bool = True) -> Campaign:
    slug = "exercise" if exercise else "real"
    return a_campaign(slug, exercise=exercise, state=CampaignState.RUNNING)


def some_cases(
    campaign: Campaign, addresses: list[tuple[str, Weakness]], *, at: datetime = NOW
) -> list[Case]:
    """Cases that two sources speak of; the newest statement carries a banner."""
    world = campaign if campaign.exercise else None
    seen = [
        Observation.objects.bulk_create(
            _observation(part, ip, weakness, number, at) for ip, weakness in addresses
        )
        for number, part in enumerate(_part(campaign, number, at) for number in (0, 1))
    ]
    findings = Finding.objects.bulk_create(
        Finding(
            exercise=world, ip=ip, weakness=weakness, ports=[PORTS[weakness]],
            state=FindingState.OPEN, confidence=0.9, families=[name for name, _ in SOURCES],
            rows=[one.id for one in rows], rule_version="1", first_seen=at - timedelta(days=5),
            last_seen=at, weighed_at=at,
        )
        for (ip, weakness), *rows in zip(addresses, *seen, strict=True)
    )  # fmt: skip
    return Case.objects.bulk_create(
        Case(
            campaign=campaign, exercise=campaign.exercise, partner=campaign.lead, ip=finding.ip,
            weakness=finding.weakness, finding=finding, reference=new_reference(), opened_at=at,
            last_evidence_at=at,
            judged_at=at,
            judged_by=knobs_of(campaign).knobs,
        )
        for finding in findings
    )  # fmt: skip


def _observation(part: Part, ip: str, weakness: Weakness, number: int, at: datetime) -> Observation:
    return Observation(
        batch=part.batch, part=part, exercise=part.batch.exercise, source=part.source, row=1,
        line=2, ip=ip, port=PORTS[weakness], protocol="tcp", weakness=weakness, role="entry",
        code="127.0.0.2" if number == 0 else None, seen_at=at - timedelta(days=number),
        dated_by="row", address_class="documentation", judgement="accept", says="accept",
        reason="says-open", about=BANNERS[weakness],
    )  # fmt: skip


def _part(campaign: Campaign, number: int, at: datetime) -> Part:
    world = campaign if campaign.exercise else None
    name, title = SOURCES[number]
    source, _ = Source.objects.get_or_create(
        id=name, defaults={"name": title, "family": name, "terms": {"redistribute": number == 0}}
    )
    batch, _ = Batch.objects.get_or_create(
        sha256=hashlib.sha256(name.encode()).digest(), exercise=world,
        defaults={"name": f"{name}.csv", "source": source, "stored_at": at, "state": "done"},
    )  # fmt: skip
    part, _ = Part.objects.get_or_create(
        batch=batch,
        file=batch.name,
        defaults={"outcome": "ok", "source": source, "feed_at": at, "read_at": at},
    )
    return part


def a_letter(
    campaign: Campaign,
    *,
    count: int = 1,
    mailbox: str = "abuse@duinwijk.example",
    language: str = "nl",
    net: str = "2001:db8::{}",
    weakness: Weakness | None = None,
    state: DeliveryState = DeliveryState.DELIVERED,
) -> Held:
    """A letter about `count` addresses that has left, with everything that only its reader has."""
    wave, _ = Wave.objects.get_or_create(
        campaign=campaign, kind=WaveKind.FIRST, defaults={"opens_at": NOW}
    )
    secret, stop = new_secret(), new_secret()
    kinds = [weakness] if weakness else list(Weakness)
    cases = some_cases(
        campaign,
        [(net.format(number), kinds[(number - 1) % len(kinds)]) for number in range(1, count + 1)],
    )
    secrets = [new_secret() for _ in cases]
    raw = _raw(mailbox, campaign, secrets)
    letter = Letter.objects.create(
        campaign=campaign, wave=wave, partner=campaign.lead, mailbox=mailbox, recipient=mailbox,
        reader="provider", languages=[language, "en"], country="NL", reference=new_reference(),
        secret_hash=secret_hash(secret), message_id=f"<{secret}@campaign.example>",
        envelope_from=f"b+{stop}@bounce.campaign.example", subject="Open server",
        raw=raw, body_sha256=hashlib.sha256(raw).digest(), wording_version="1", composed_at=NOW,
        delivery=_delivery(campaign, mailbox, raw, state),
    )  # fmt: skip
    _rows(letter, cases, secrets)
    MailToken.objects.create(letter=letter, purpose=TokenPurpose.STOP, token_hash=secret_hash(stop))
    return Held(letter=letter, secret=secret, stop=stop, cases=cases, case_secrets=secrets)


def _raw(mailbox: str, campaign: Campaign, secrets: list[str]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = campaign.sender_address, mailbox
    message["Subject"] = "Open server"
    message.set_content(
        "\n".join(f"{campaign.site_url}/nl/c/{secret}" for secret in secrets), cte="base64"
    )
    return bytes(message)


def _delivery(campaign: Campaign, mailbox: str, raw: bytes, state: DeliveryState) -> Delivery:
    return Delivery.objects.create(
        campaign=campaign, exercise=campaign.exercise, partner=campaign.lead, purpose="letter",
        mailbox=mailbox, recipient=mailbox, envelope_from="b@bounce.campaign.example",
        message_id=f"<{new_secret()}@campaign.example>",
        body_sha256=hashlib.sha256(raw).digest(), state=state, cleared_at=NOW,
        handed_at=NOW + timedelta(minutes=7), settled_at=NOW + timedelta(minutes=7),
    )  # fmt: skip


def _rows(letter: Letter, cases: list[Case], secrets: list[str]) -> None:
    choices = Choice.objects.bulk_create(
        Choice(
            case=case, partner=letter.partner, outcome="chosen", mailbox=letter.mailbox,
            address=letter.mailbox, reader="provider", languages=letter.languages,
            rule_version="1", chosen_at=NOW,
        )
        for case in cases
    )  # fmt: skip
    links = CaseLink.objects.bulk_create(
        CaseLink(case=case, secret_hash=secret_hash(secret), made_at=NOW)
        for case, secret in zip(cases, secrets, strict=True)
    )
    LetterCase.objects.bulk_create(
        LetterCase(
            letter=letter, wave=letter.wave, case=choice.case, choice=choice, link=link,
            number=number,
        )
        for number, (choice, link) in enumerate(zip(choices, links, strict=True), start=1)
    )  # fmt: skip
