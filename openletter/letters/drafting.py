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
from openletter.campaigns.copying import check_keys, copy_binary, new_ids
from openletter.campaigns.models import Campaign, Partner
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases.steps import new_links
from openletter.contacts import wishes
from openletter.letters import approvals, keys, library, pgpkeys, selectors
from openletter.letters.columns import LETTER, ROW, TOKEN
from openletter.letters.gather import Pile, in_order, letter_facts, observations_of
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.letters.rules.message import Addressing, Message, Unsigned, addr_spec
from openletter.letters.rules.text import Written
from openletter.letters.standing import UNTOLD, Standing, standings
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


def store(piles: Sequence[Pile], *, campaign: Campaign, now: datetime) -> int:
    """Write and keep a draft for each pile; how many cases stand in them."""
    if not piles:
        return 0
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
    numbers = new_ids("letter", len(drafts))
    rows_of = (
        (number, *_letter(draft, message, stands.get(draft.pile.mailbox, UNTOLD), now=now))
        for number, draft, message in zip(numbers, drafts, messages, strict=True)
    )
    copy_binary("letter", LETTER, rows_of)
    _store_rows(numbers, drafts, now=now)
    check_keys()
    record(_composed(number, draft, now=now) for number, draft in zip(numbers, drafts, strict=True))
    return sum(len(draft.pile.choices) for draft in drafts)


def _draft(pile: Pile, facts: LetterFacts, *, partner: Partner) -> Draft:
    tokens = {purpose: new_secret() for purpose in TokenPurpose}
    tokens[TokenPurpose.STOP] = facts.stop_token
    to = _addressing(pile, facts, partner=partner, tokens=tokens)
    unsigned = pgpkeys.signed(
        _SPLICER.unsigned(facts, to), campaign=pile.campaign, partner=partner,
        folder=Path(settings.STATE) / "keys", passphrase=settings.OPENPGP_PASSPHRASE,
    )  # fmt: skip
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


def _letter(
    draft: Draft, message: Message, standing: Standing, *, now: datetime
) -> tuple[object, ...]:
    """What `LETTER` copies, behind the letter's number."""
    pile, facts = draft.pile, draft.facts
    bounce = f"b+{draft.tokens[TokenPurpose.BOUNCE]}@{pile.campaign.bounce_domain}"
    return (
        pile.campaign.pk, pile.wave.pk, str(facts.kind), pile.partner.pk, pile.mailbox,
        draft.to.recipient, str(facts.reader), list(facts.languages), pile.country,
        facts.reference, secret_hash(facts.secret), draft.to.message_id, bounce, message.subject,
        message.raw, message.body_sha256, library.version(facts.kind, facts.languages),
        [approvals.version(kind, tag) for kind in facts.kinds for tag in facts.languages],
        [] if facts.kind is WaveKind.FIRST else standing.told, draft.to.thread, now,
    )  # fmt: skip


def _store_rows(numbers: Sequence[int], drafts: Sequence[Draft], *, now: datetime) -> None:
    """Rows, links and tokens of new letters; of a secret only its hash."""
    copy_binary(
        "mail_token",
        TOKEN,
        (
            (number, str(purpose), secret_hash(token))
            for number, draft in zip(numbers, drafts, strict=True)
            for purpose, token in draft.tokens.items()
        ),
    )
    listed = [
        (number, draft.pile.wave.pk, choice, facts)
        for number, draft in zip(numbers, drafts, strict=True)
        for choice, facts in zip(draft.pile.choices, draft.facts.cases, strict=True)
    ]
    links = new_links(
        [(choice.case_id, secret_hash(facts.secret)) for _, _, choice, facts in listed], now=now
    )
    copy_binary(
        "letter_case",
        ROW,
        (
            (number, wave, choice.case_id, choice.pk, link, facts.row)
            for link, (number, wave, choice, facts) in zip(links, listed, strict=True)
        ),
    )


def _composed(number: int, draft: Draft, *, now: datetime) -> Entry:
    """What a letter can be traced by: rule and wording versions, beside its rows."""
    choices, facts = draft.pile.choices, draft.facts
    return Entry(
        subject=f"letter:{number}", actor="step:compose", action="composed", at=now,
        campaign_id=draft.pile.campaign.pk, partner_id=draft.pile.partner.pk,
        after={
            "reference": facts.reference,
            "wave": draft.pile.wave.pk,
            "kind": facts.kind,
            "cases": len(choices),
            "languages": list(facts.languages),
            "wording": library.version(facts.kind, facts.languages),
            "find": sorted({choice.rule_version for choice in choices}),
            "weigh": sorted({choice.case.finding.rule_version for choice in choices}),
        },
    )  # fmt: skip


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
