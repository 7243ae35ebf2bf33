"""Two partners in one campaign, each with one of everything that a desk shows.

Every word that a page could show of a partner's rows carries the partner's mark (`mark`), so a
test can say: no page of alpha ever shows beta's mark.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from django.contrib.auth.models import User

from openletter.campaigns.models import (
    Campaign,
    CampaignPartner,
    Exclusion,
    Installation,
    LineState,
    Partner,
    Wave,
)
from openletter.campaigns.rules import CampaignState, Entry, MemberRole
from openletter.campaigns.steps import record
from openletter.cases.models import Case, CaseLink
from openletter.contacts.models import Choice, Holder, Suppression
from openletter.evidence.models import Batch, Finding, Observation, Part, Source, Withdrawal
from openletter.evidence.weighing import knobs_of
from openletter.letters.models import Correction, Delivery, Letter, LetterCase
from openletter.outcomes.models import Outcome, Recheck
from openletter.replies.models import Answer, Reply
from openletter.words import (
    DeliveryState,
    StepName,
    WaveKind,
    Weakness,
    new_reference,
    new_secret,
    secret_hash,
)
from tests.builders import NOW, a_campaign, a_partner, a_user


@dataclass(kw_only=True)
class Rows:
    """One partner's rows: what the routes of the desk are asked for."""

    partner: Partner
    mark: str
    case: Case
    drafted: Case
    letter: Letter
    draft: Letter
    unknown: Delivery
    reply: Reply
    suppression: Suppression


@dataclass(kw_only=True)
class Desk:
    campaign: Campaign
    alpha: Rows
    beta: Rows
    exclusion: Exclusion
    withdrawal: Withdrawal


def a_desk(*, state: str = CampaignState.RUNNING) -> Desk:
    """The campaign is led by alpha; beta takes part."""
    Installation.objects.get_or_create(id=1, defaults={"mark": "0" * 32})
    alpha, beta = a_partner("alpha"), a_partner("beta", country="DE")
    campaign = a_campaign(lead=alpha, state=state)
    CampaignPartner.objects.create(campaign=campaign, partner=beta)
    Wave.objects.create(campaign=campaign, kind=WaveKind.FIRST, opens_at=NOW)
    for place, name in enumerate(StepName):
        LineState.objects.create(
            campaign=campaign, step=name, waiting=place * 3, rate=12.5, done=100 * place, at=NOW,
            oldest=NOW - timedelta(hours=place) if place else None,
        )  # fmt: skip
    rows = {
        "alpha": rows_of(alpha, campaign, mark="alphaonly", net="192.0.2.{}"),
        "beta": rows_of(beta, campaign, mark="betaonly", net="198.51.100.{}"),
    }
    return Desk(
        campaign=campaign,
        **rows,
        withdrawal=_withdrawal(campaign),
        exclusion=Exclusion.objects.create(
            network="203.0.113.0/24", who="holder", how="proved by mail", at=NOW
        ),
    )


def _withdrawal(campaign: Campaign) -> Withdrawal:
    """Taken back before any of these rows was seen; its corrections wait."""
    made = Withdrawal.objects.create(
        exercise=campaign, source=Source.objects.get(pk="wierhaven"), reason="a wrong scan",
        since=NOW - timedelta(days=60), until=NOW - timedelta(days=50), by="user:someone", at=NOW,
        counts={"rows": 3, "campaigns": {campaign.slug: {"cases_our_mistake": 1}}},
    )  # fmt: skip
    Correction.objects.create(campaign=campaign, withdrawal=made, asked_at=NOW)
    return made


def a_member(role: MemberRole, partner: Partner) -> User:
    return a_user(f"{role}-{partner.slug}", partner=partner, role=role)


def rows_of(partner: Partner, campaign: Campaign, *, mark: str, net: str) -> Rows:
    """One of everything of one partner."""
    holder = Holder.objects.create(
        campaign=campaign, key=mark, name=f"Holder {mark}", country=partner.country,
        stratum="all", arm="letter", assigned_at=NOW,
    )  # fmt: skip
    case = _case(partner, campaign, mark, net.format(7))
    drafted = _case(partner, campaign, mark, net.format(8))
    choice, later = _choice(case, holder, mark), _choice(drafted, holder, f"other-{mark}")
    letter = _letter(choice, mark, delivery=_delivery(partner, campaign, mark))
    draft = _letter(later, f"other-{mark}", delivery=None)
    unknown = _delivery(partner, campaign, mark, state=DeliveryState.UNKNOWN)
    unknown.not_sent_at = NOW
    unknown.save()
    reply = _reply(letter, case, mark)
    _afterwards(case, mark)
    suppression = Suppression.objects.create(
        mailbox=choice.mailbox, campaign=campaign, who=f"holder of {mark}", how="one-click", at=NOW
    )
    return Rows(
        partner=partner, mark=mark, case=case, drafted=drafted, letter=letter, draft=draft,
        unknown=unknown, reply=reply, suppression=suppression,
    )  # fmt: skip


def _case(partner: Partner, campaign: Campaign, mark: str, ip: str) -> Case:
    seen = [_observation(campaign, mark, ip, number) for number in (0, 1)]
    finding = Finding.objects.create(
        exercise=campaign, ip=ip, weakness=Weakness.OPEN_RELAY, ports=[25], state="open",
        confidence=0.9, families=["wierhaven", "nachtlamp"], rows=[row.pk for row in seen],
        reasons=[{"code": "two-families", "values": {"count": 2}}], rule_version="1",
        first_seen=NOW - timedelta(days=4), last_seen=NOW, weighed_at=NOW,
    )  # fmt: skip
    return Case.objects.create(
        campaign=campaign, exercise=True, partner=partner, ip=ip, weakness=Weakness.OPEN_RELAY,
        finding=finding, reference=new_reference(), opened_at=NOW, last_evidence_at=NOW,
        judged_at=NOW, judged_by=knobs_of(campaign).knobs,
    )  # fmt: skip


def _observation(campaign: Campaign, mark: str, ip: str, number: int) -> Observation:
    name = ("wierhaven", "nachtlamp")[number]
    source, _ = Source.objects.get_or_create(
        id=name, defaults={"name": name.title(), "family": name}
    )
    batch, _ = Batch.objects.get_or_create(
        sha256=hashlib.sha256(name.encode()).digest(), exercise=campaign,
        defaults={
            "name": f"{name}.csv", "source": source, "stored_at": NOW, "fetched_at": NOW,
            "state": "done",
        },
    )  # fmt: skip
    part, _ = Part.objects.get_or_create(
        batch=batch,
        file=batch.name,
        defaults={"outcome": "ok", "source": source, "feed_at": NOW, "read_at": NOW},
    )
    return Observation.objects.create(
        batch=batch, part=part, exercise=campaign, source=source, row=7, line=8, ip=ip, port=25,
        protocol="tcp", weakness=Weakness.OPEN_RELAY, role="entry", code="127.0.0.2",
        seen_at=NOW - timedelta(days=number), dated_by="row", address_class="documentation",
        judgement="accept", says="accept", reason="says-open",
        about={"banner": f"220 mail.{mark}.example ESMTP <script>alert(1)</script>"},
    )  # fmt: skip


def _choice(case: Case, holder: Holder, mark: str) -> Choice:
    mailbox = f"abuse@{mark}.example"
    candidates = [
        {"address": mailbox, "mailbox": mailbox, "source": "rdap", "registry": "ripe",
         "object": "AR1", "role": "abuse", "depth": 0, "scope": "provider", "rank": 10,
         "reason": {"code": "abuse-role", "values": {}}, "refused": ""},
        {"address": f"info@{mark}.example", "mailbox": "", "source": "whois", "registry": "ripe",
         "object": "AR2", "role": "tech", "depth": 1, "scope": "provider", "rank": 90,
         "reason": {"code": "other-role", "values": {}}, "refused": "other-role"},
    ]  # fmt: skip
    return Choice.objects.create(
        case=case, partner=case.partner, outcome="chosen", mailbox=mailbox, address=mailbox,
        reader="provider", holder=holder, netblock={"first": "192.0.2.0", "holder": mark},
        candidates=candidates, languages=["nl", "en"], language_reason={"text": "country"},
        reasons=[{"text": f"closest netblock of {mark}"}], rule_version="1", chosen_at=NOW,
    )  # fmt: skip


def _mail(mark: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "letters@campaign.example", f"abuse@{mark}.example"
    message["Subject"] = f"Open server {mark}"
    message.set_content(f"Dear {mark},\n\nyour <b>server</b> is open.\n")
    return bytes(message).replace(b"\n", b"\r\n")


def _delivery(
    partner: Partner,
    campaign: Campaign,
    mark: str,
    *,
    purpose: str = "letter",
    state: DeliveryState = DeliveryState.DELIVERED,
) -> Delivery:
    raw = _mail(mark)
    return Delivery.objects.create(
        campaign=campaign, exercise=True, partner=partner, purpose=purpose,
        mailbox=f"abuse@{mark}.example", recipient=f"abuse@{mark}.example",
        envelope_from="b@bounce.campaign.example", message_id=f"<{new_secret()}@x.example>",
        raw=raw if purpose == "answer" else None, body_sha256=hashlib.sha256(raw).digest(),
        state=state, cleared_at=NOW, handed_at=NOW, settled_at=NOW, smtp_code=250,
        smtp_text=f"queued {mark}",
    )  # fmt: skip


def _letter(choice: Choice, mark: str, *, delivery: Delivery | None) -> Letter:
    campaign, raw = choice.case.campaign, _mail(mark)
    letter = Letter.objects.create(
        campaign=campaign, wave=Wave.objects.get(campaign=campaign), partner=choice.partner,
        mailbox=choice.mailbox, recipient=choice.mailbox, reader="provider",
        languages=["nl", "en"], country=choice.partner.country, reference=new_reference(),
        secret_hash=secret_hash(new_secret()), message_id=f"<{new_secret()}@x.example>",
        envelope_from="b@bounce.campaign.example", subject=f"Open server {mark}", raw=raw,
        body_sha256=hashlib.sha256(raw).digest(), wording_version="1", composed_at=NOW,
        delivery=delivery,
    )  # fmt: skip
    link = CaseLink.objects.create(
        case=choice.case, secret_hash=secret_hash(new_secret()), made_at=NOW
    )
    LetterCase.objects.create(
        letter=letter, wave=letter.wave, case=choice.case, choice=choice, link=link, number=1
    )
    return letter


def _reply(letter: Letter, case: Case, mark: str) -> Reply:
    reply = Reply.objects.create(
        campaign=case.campaign, partner=case.partner, letter=letter, case=None, channel="mail",
        kind="question", confidence=0.6, reasons=[{"text": f"a question mark by {mark}"}],
        sender=f"person@{mark}.example", subject=f"Which server? {mark}",
        text=f"Hello,\nwhich server of {mark} do you mean?\n<img src=x> \u202egnitsixe", language="nl",
        tickets=[f"T-{mark}"], at=NOW, needs_person=True,
    )  # fmt: skip
    Answer.objects.create(
        token_hash=secret_hash(new_secret()),
        reply=reply, partner=case.partner, text=f"The one at {case.ip}, {mark}.", by="somebody",
        at=NOW, delivery=_delivery(case.partner, case.campaign, mark, purpose="answer"),
    )  # fmt: skip
    return reply


def _afterwards(case: Case, mark: str) -> None:
    Recheck.objects.create(
        campaign=case.campaign, case=case, partner=case.partner, day=7, due_at=NOW + timedelta(days=7), done_at=NOW,
        seen="still-there", reasons=[{"text": f"seen again, {mark}"}],
    )  # fmt: skip
    Outcome.objects.create(
        campaign=case.campaign, partner=case.partner, case=case, result="still-open",
        censored=True, not_before=NOW, reasons=[{"text": mark}], concluded_at=NOW,
    )  # fmt: skip
    record([
        Entry(
            subject=f"case:{case.pk}", actor="step:open", action="opened", at=NOW,
            campaign_id=case.campaign_id, partner_id=case.partner_id,
            before=None, after={"state": "open"}, reason={"text": f"noted for {mark}"},
        )
    ])  # fmt: skip
