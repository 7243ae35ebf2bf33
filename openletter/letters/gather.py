"""From rows to facts: what the database knows of a mailbox's cases, as one letter tells it.

Fresh references, secrets and tokens are drawn here; of the secrets only their hashes and the
letter's own bytes remain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from openletter.campaigns.models import Campaign, Partner, Wave
from openletter.contacts.models import Choice
from openletter.evidence.models import Observation
from openletter.evidence.telling import attribution_of, ports_told, told_to_holder
from openletter.guides import library as guides
from openletter.guides.recognise import Candidate, Facts
from openletter.letters import hours, library
from openletter.letters.models import Letter
from openletter.letters.rules.facts import (
    CaseFacts,
    Earlier,
    EarlierRow,
    LetterFacts,
    RowState,
    Seen,
    Writer,
)
from openletter.letters.standing import UNTOLD, Standing
from openletter.letters.vouching import Vouchers
from openletter.words import (
    DeliveryState,
    Protocol,
    Reader,
    Role,
    WaveKind,
    Weakness,
    new_reference,
    new_secret,
)

SOURCES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Pile:
    """What one letter is written from: a mailbox, its wave and its choices in row order."""

    campaign: Campaign
    wave: Wave
    mailbox: str
    choices: Sequence[Choice]
    before: Sequence[Letter]
    """Letters that this mailbox got earlier in the campaign, the first one first."""

    @property
    def partner(self) -> Partner:
        """The one partner that answers for the letter: that of most of its cases."""
        counted = Counter(choice.partner_id for choice in self.choices)
        most = min(counted, key=lambda pk: (-counted[pk], pk))
        return next(choice.partner for choice in self.choices if choice.partner_id == most)

    @property
    def reader(self) -> Reader:
        """A mailbox that is anybody's provider is written to as a provider."""
        readers = {choice.reader for choice in self.choices}
        for reader in (Reader.PROVIDER, Reader.CSIRT):
            if reader in readers:
                return reader
        return Reader.OWNER

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of most of its cases, as far as there are wordings; English last."""
        counted = Counter(tuple(choice.languages) for choice in self.choices)
        wished = max(counted, key=lambda tags: counted[tags])
        local = [tag for tag in wished if tag != "en" and tag in library.languages()]
        return (*dict.fromkeys(local), "en")

    @property
    def country(self) -> str:
        holder = self.choices[0].holder
        return holder.country if holder else ""

    @property
    def one_country(self) -> str:
        """The country of all its cases that have one; nothing where they lie in several."""
        found = {one.holder.country for one in self.choices if one.holder and one.holder.country}
        return found.pop() if len(found) == 1 else ""

    @property
    def kind(self) -> WaveKind:
        """A mailbox that never got a letter gets a first one, whatever the wave."""
        return WaveKind(self.wave.kind) if self.before else WaveKind.FIRST


def in_order(pile: Pile, standing: Standing) -> Pile:
    """The pile as its letter tells it: what closed, what remains, what is new; by number."""
    order = list(RowState)
    most = max(standing.numbers.values(), default=0) + 1

    def place(choice: Choice) -> tuple[int, int]:
        state = standing.states.get(choice.case_id, RowState.NEW)
        return order.index(state), standing.numbers.get(choice.case_id, most)

    return replace(pile, choices=sorted(pile.choices, key=place))


def letters_before(campaign: Campaign, mailboxes: Iterable[str]) -> dict[str, list[Letter]]:
    """Earlier letters of each mailbox, oldest first; a cancelled one never existed."""
    found: dict[str, list[Letter]] = defaultdict(list)
    rows = (
        Letter.objects.filter(campaign=campaign, mailbox__in=set(mailboxes), delivery__isnull=False)
        .exclude(delivery__state=DeliveryState.CANCELLED)
        .select_related("delivery")
        .defer("raw", "delivery__raw")
        .order_by("composed_at", "pk")
    )
    for row in rows:
        found[row.mailbox].append(row)
    return found


def observations_of(choices: Iterable[Choice]) -> dict[int, list[Observation]]:
    """The rows that each case's finding rests on, newest first, by finding."""
    rests = {choice.case.finding_id: choice.case.finding.rows for choice in choices}
    wanted = {pk for rows in rests.values() for pk in rows}
    rows = Observation.objects.filter(pk__in=wanted).select_related("source")
    by_id = {row.pk: row for row in rows}
    return {
        finding: sorted(
            (by_id[pk] for pk in pks if pk in by_id),
            key=lambda row: (row.seen_at, row.pk),
            reverse=True,
        )
        for finding, pks in rests.items()
    }


def case_facts(
    choice: Choice,
    rows: Sequence[Observation],
    *,
    row: int = 0,
    state: RowState = RowState.NEW,
) -> CaseFacts:
    """One case as the letter tells it, with a fresh link secret; no more than terms allow."""
    case = choice.case
    weakness = Weakness(case.weakness)
    rows = told_to_holder(rows, partner=choice.partner)
    known = recognised(weakness, rows)
    protocols = [one.protocol for one in rows if one.protocol]
    return CaseFacts(
        reference=case.reference,
        secret=new_secret(),
        ip=str(case.ip),
        weakness=weakness,
        ports=tuple(sorted(ports_told(case.finding, rows))),
        protocol=Protocol(protocols[0]) if protocols else Protocol.TCP,
        seen=tuple(_seen(rows, country=choice.holder.country if choice.holder else "")),
        guide_id=known.guide_id if known else "unknown",
        introduced=known.cut if known else "",
        exit_only=bool(rows) and all(one.role == Role.EXIT for one in rows),
        row=row,
        state=state,
    )


def _seen(rows: Sequence[Observation], *, country: str) -> Iterable[Seen]:
    """The newest statement of each source, with whom it wants to be named."""
    newest: dict[str, Observation] = {}
    for row in rows:
        newest.setdefault(row.source_id, row)
    for row in list(newest.values())[:SOURCES_SHOWN]:
        yield Seen(
            source=row.source.name,
            at=row.seen_at,
            port=row.port,
            detail="; ".join(filter(None, (row.code, attribution_of(row)))),
            local=_by_clock(country, row.seen_at),
        )


def _by_clock(country: str, at: datetime | None) -> datetime | None:
    """The moment as that country's clock showed it; nothing where the time may not be told."""
    return hours.local_time(country, at) if at else None


def recognised(weakness: Weakness, rows: Sequence[Observation]) -> Candidate | None:
    """The one product that the evidence speaks of; two different ones are none."""
    found: dict[str, Candidate] = {}
    for row in rows:
        said = {key: str(row.about.get(key, "")) for key in ("banner", "server", "via")}
        known = guides.recognised(Facts(weakness=weakness, **said)) if any(said.values()) else None
        if known is not None:
            found.setdefault(known.guide_id, known)
    return next(iter(found.values())) if len(found) == 1 else None


def letter_facts(
    pile: Pile,
    *,
    rows: Mapping[int, Sequence[Observation]],
    vouchers: Vouchers,
    domain: str,
    standing: Standing = UNTOLD,
    no_files: bool = False,
) -> LetterFacts:
    """Everything that the letter of this pile says; raises where it must not be written."""
    campaign, partner = pile.campaign, pile.partner
    numbers = standing.numbered(choice.case_id for choice in pile.choices)
    return LetterFacts(
        kind=pile.kind,
        reader=pile.reader,
        languages=pile.languages,
        reference=new_reference(),
        secret=new_secret(),
        stop_token=new_secret(),
        site=campaign.site_url.rstrip("/"),
        campaign=campaign.name,
        writer=writer_of(partner),
        together_with=tuple(one.name for one in vouchers.partners if one.pk != partner.pk),
        authority=vouchers.authority(pile.one_country, writer=partner.pk),
        responder="" if pile.reader is Reader.CSIRT else vouchers.responder(pile.one_country),
        domain=domain,
        cases=tuple(
            case_facts(
                choice,
                rows[choice.case.finding_id],
                row=number,
                state=standing.states.get(choice.case_id, RowState.NEW),
            )
            for choice, number in zip(pile.choices, numbers, strict=True)
        ),
        exercise=campaign.exercise,
        earlier=_earlier(pile, standing),
        inline_rows=campaign.inline_rows,
        no_files=no_files,
    )


def writer_of(partner: Partner) -> Writer:
    law = partner.legal_text if partner.legal_approved_at else {}
    return Writer(
        name=partner.name,
        email=partner.email,
        website=partner.website,
        country=partner.country,
        legal={str(tag): str(text) for tag, text in law.items()},
    )


def _earlier(pile: Pile, standing: Standing) -> Earlier | None:
    """The last letter to the mailbox before this one, and what became of all it was told of."""
    if not pile.before:
        return None
    last = pile.before[-1]
    sent_at = last.delivery.handed_at if last.delivery else None
    return Earlier(
        sent_at=sent_at or last.composed_at,
        reference=last.reference,
        rows=tuple(
            EarlierRow(row=standing.numbers[case], state=state)
            for case, state in standing.states.items()
        ),
    )
