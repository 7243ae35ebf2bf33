"""Drafts: from piles of cases to signed letters in rows.

Tokens and link secrets are drawn here. The bytes hold them; the database holds their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign, Partner
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases.steps import new_links
from openletter.contacts import wishes
from openletter.letters import approvals, keys, library, selectors
from openletter.letters.gather import Pile, in_order, letter_facts, observations_of
from openletter.letters.models import Letter, LetterCase, MailToken
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.letters.rules.message import Addressing, Message, Unsigned, addr_spec
from openletter.letters.rules.text import Written
from openletter.letters.standing import UNTOLD, standings
from openletter.letters.vouching import vouchers_of
from openletter.words import TokenPurpose, WaveKind, new_secret, secret_hash

LOG = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A letter written, before it is a row."""

    pile: Pile
    facts: LetterFacts
    unsigned: Unsigned
    to: Addressing
    tokens: dict[TokenPurpose, str]


def store(piles: Sequence[Pile], *, campaign: Campaign, now: datetime) -> None:
    if not piles:
        return
    rows = observations_of(choice for pile in piles for choice in pile.choices)
    vouchers = vouchers_of(campaign)
    stands = standings(campaign, (pile.mailbox for pile in piles))
    plain = wishes.without_files((pile.mailbox for pile in piles), world=campaign.world)
    sign_with = _keys(campaign)
    drafts = []
    for unsorted in piles:
        standing = stands.get(unsorted.mailbox, UNTOLD)
        pile = in_order(unsorted, standing)
        try:
            facts = letter_facts(
                pile, rows=rows, vouchers=vouchers, domain=_domain(campaign), standing=standing,
                no_files=pile.mailbox in plain,
            )  # fmt: skip
            drafts.append(_draft(pile, facts, partner=pile.partner))
        except LetterError as error:  # one mailbox that can't be written to must not stop the rest
            LOG.warning("letter-not-written", campaign=campaign.slug, reason=error.code)
    messages = [draft.unsigned.sign(sign_with) for draft in drafts]
    letters = Letter.objects.bulk_create(
        _letter(draft, message, told=stands.get(draft.pile.mailbox, UNTOLD).told, now=now)
        for draft, message in zip(drafts, messages, strict=True)
    )
    _store_rows(letters, drafts, now=now)
    record(
        Entry(
            subject=f"letter:{letter.pk}", actor="step:compose", action="composed", at=now,
            campaign_id=campaign.pk, partner_id=letter.partner_id, after=_traced(letter, draft),
        )
        for letter, draft in zip(letters, drafts, strict=True)
    )  # fmt: skip


def _draft(pile: Pile, facts: LetterFacts, *, partner: Partner) -> Draft:
    tokens = {purpose: new_secret() for purpose in TokenPurpose}
    tokens[TokenPurpose.STOP] = facts.stop_token
    to = _addressing(pile, facts, partner=partner, tokens=tokens)
    unsigned = _SPLICER.unsigned(facts, to)
    return Draft(pile=pile, facts=facts, unsigned=unsigned, to=to, tokens=tokens)


_SPLICER = library.splicer()
"""What this process has learnt of the shapes that its letters have."""


def in_words(pile: Pile) -> Written:
    """A letter of this pile as it would be written now; nothing is kept of it."""
    campaign = pile.campaign
    stands = standings(campaign, [pile.mailbox])
    return library.written(
        letter_facts(
            pile,
            rows=observations_of(pile.choices),
            vouchers=vouchers_of(campaign),
            domain=_domain(campaign),
            standing=stands.get(pile.mailbox, UNTOLD),
            no_files=bool(wishes.without_files([pile.mailbox], world=campaign.world)),
        )
    )


def _addressing(
    pile: Pile, facts: LetterFacts, *, partner: Partner, tokens: dict[TokenPurpose, str]
) -> Addressing:
    campaign = pile.campaign
    back = campaign.reply_domain
    return Addressing(
        recipient=addr_spec(pile.choices[0].address),
        sender_name=campaign.sender_name,
        sender_address=campaign.sender_address,
        reply_to=f"reply+{tokens[TokenPurpose.REPLY]}@{back}",
        message_id=f"<{new_secret()}.{facts.reference.lower()}@{facts.domain}>",
        stop_url=f"{facts.site}/o/{facts.stop_token}",
        stop_mailto=f"stop+{facts.stop_token}@{back}",
        feedback_id=f"{campaign.slug}:{facts.languages[0]}:{facts.kind}:{partner.slug}",
        languages=facts.languages,
        date=clock.wall(),
        thread=pile.before[0].message_id if pile.before else "",
    )


def _letter(draft: Draft, message: Message, *, told: list[str], now: datetime) -> Letter:
    pile, facts = draft.pile, draft.facts
    bounce = f"b+{draft.tokens[TokenPurpose.BOUNCE]}@{pile.campaign.bounce_domain}"
    return Letter(
        campaign=pile.campaign,
        wave=pile.wave,
        kind=facts.kind,
        partner=pile.partner,
        mailbox=pile.mailbox,
        recipient=draft.to.recipient,
        reader=facts.reader,
        languages=list(facts.languages),
        country=pile.country,
        reference=facts.reference,
        secret_hash=secret_hash(facts.secret),
        message_id=draft.to.message_id,
        envelope_from=bounce,
        subject=message.subject,
        raw=message.raw,
        body_sha256=message.body_sha256,
        wording_version=library.version(facts.kind, facts.languages),
        wordings=[approvals.version(kind, tag) for kind in facts.kinds for tag in facts.languages],
        told=[] if facts.kind is WaveKind.FIRST else told,
        thread=draft.to.thread,
        composed_at=now,
    )


def _store_rows(letters: Sequence[Letter], drafts: Sequence[Draft], *, now: datetime) -> None:
    """Rows, links and tokens of new letters; of a secret only its hash."""
    MailToken.objects.bulk_create(
        MailToken(letter=letter, purpose=purpose, token_hash=secret_hash(token))
        for letter, draft in zip(letters, drafts, strict=True)
        for purpose, token in draft.tokens.items()
    )
    listed = [
        (letter, choice, facts)
        for letter, draft in zip(letters, drafts, strict=True)
        for choice, facts in zip(draft.pile.choices, draft.facts.cases, strict=True)
    ]
    links = new_links(
        ((choice.case, secret_hash(facts.secret)) for _, choice, facts in listed), now=now
    )
    LetterCase.objects.bulk_create(
        [
            LetterCase(
                letter=letter, wave=letter.wave, case=choice.case, choice=choice, link=link,
                number=facts.row,
            )
            for (letter, choice, facts), link in zip(listed, links, strict=True)
        ],
        batch_size=2_000,
    )  # fmt: skip


def _traced(letter: Letter, draft: Draft) -> dict[str, object]:
    """What a letter can be traced by: rule and wording versions, beside its rows."""
    choices = draft.pile.choices
    return {
        "reference": letter.reference,
        "wave": letter.wave_id,
        "kind": draft.facts.kind,
        "cases": len(choices),
        "languages": letter.languages,
        "wording": letter.wording_version,
        "find": sorted({choice.rule_version for choice in choices}),
        "weigh": sorted({choice.case.finding.rule_version for choice in choices}),
    }


def _domain(campaign: Campaign) -> str:
    return campaign.sender_address.rpartition("@")[2].lower()


def _keys(campaign: Campaign) -> tuple[SigningKey, ...]:
    folder = Path(settings.STATE) / "keys"
    selector = selectors.signing(folder, named=settings.DKIM_SELECTOR)
    if campaign.exercise:
        selector = keys.EXERCISE
    elif selector == keys.EXERCISE:
        raise LetterError("real-letters-need-a-real-key", selector)
    return _loaded(folder, _domain(campaign), selector)


@cache
def _loaded(folder: Path, domain: str, selector: str) -> tuple[SigningKey, ...]:
    return keys.load(folder, domain=domain, selector=selector)
