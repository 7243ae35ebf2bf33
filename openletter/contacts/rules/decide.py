"""The decision about one case: whom to write to, as whom, in what, under which partner.

Pure, so that every choice in the database can be worked out again from what is kept with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from openletter.contacts.rules.candidates import RULE_VERSION, Candidate
from openletter.contacts.rules.holders import (
    Claim,
    Responsibility,
    holder_key,
    responsible,
    stratum,
)
from openletter.contacts.rules.language import ENGLISH, Known, languages
from openletter.contacts.rules.ownregister import languages_of
from openletter.contacts.rules.rank import (
    NOT_OF_A_NETWORK,
    NOTHING_KNOWN,
    History,
    Ranked,
    Ranking,
    is_level,
    rank,
)
from openletter.contacts.rules.scope import reader_of
from openletter.wire.registry import IPAddress
from openletter.words import Reader, Reason


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A netblock of the ladder; `level` 0 is the most specific, equal ranges share a level."""

    first: IPAddress
    last: IPAddress
    level: int
    handle: str = ""
    name: str = ""
    holder: str = ""
    holder_key: str = ""
    country: str | None = None
    registry: str = ""
    is_delegation: bool = False
    """From delegated statistics: a country and an opaque holder, no contacts."""
    is_aside: bool = False
    """Beside the ladder (a partner's register, guesses): contacts, but no network's holder."""
    partner: int | None = None
    """The partner whose own register it stands in; counts where that partner is responsible."""
    candidates: tuple[Candidate, ...] = ()

    @property
    def is_network(self) -> bool:
        """A registered network with a holder, not a mere delegation or a register beside."""
        return not (self.is_delegation or self.is_aside)


@dataclass(frozen=True, kw_only=True)
class MailboxFacts:
    """What is kept of mailboxes that could be chosen."""

    stored_language: dict[str, str] = field(default_factory=dict)
    language_of_reply: dict[str, str] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    """in how many countries its networks are"""
    declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """languages that a team's page names; a partner's register names them with the network"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything the decision about one address rests on."""

    address: IPAddress
    rungs: Sequence[Rung]
    claims: Sequence[Claim]
    lead: int
    handed_to: int | None = None
    """The partner to whom a person gave the case; that settles a conflict too."""
    overrides: Sequence[Candidate] = ()
    csirts: Sequence[Candidate] = ()
    """National teams that may be written to, whatever their country: the rules pick."""
    history: History = NOTHING_KNOWN
    mailboxes: MailboxFacts = field(default_factory=MailboxFacts)


@dataclass(frozen=True, kw_only=True)
class HolderFacts:
    """Who is counted as one holder."""

    key: str
    name: str
    country: str | None
    stratum: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided, with every reason."""

    outcome: str
    ranking: Ranking
    responsibility: Responsibility
    holder: HolderFacts | None
    nearest: Rung | None
    reader: Reader | None
    languages: tuple[str, ...]
    language_reason: Reason
    reasons: tuple[Reason, ...]
    rule_version: str = RULE_VERSION

    @property
    def chosen(self) -> Candidate | None:
        """The contact, where one was chosen."""
        return self.ranking.chosen if self.outcome == "chosen" else None


def decide(facts: Facts) -> Decision:
    """Rank the ladder and settle reader, languages, holder and partner."""
    country = organisation_country(facts.rungs)
    responsibility = _responsibility(facts, country)
    ranking = rank(_candidates(facts, responsibility, country), history=facts.history)
    outcome, why = _outcome(ranking, responsibility, facts.rungs, country)
    reader = _reader(ranking, outcome)
    tags, language_reason = _languages(facts, ranking)
    return Decision(
        outcome=outcome,
        ranking=ranking,
        responsibility=responsibility,
        holder=holder_of(facts.rungs),
        nearest=next((rung for rung in facts.rungs if rung.is_network), None),
        reader=reader,
        languages=tags,
        language_reason=language_reason,
        reasons=(*why, *_reasons(ranking, outcome, reader), responsibility.reason),
    )


def rests_on_other_networks(facts: Facts) -> bool:
    """Whether the decision could differ by where the holder's other networks are written to."""
    country = organisation_country(facts.rungs)
    candidates = _candidates(facts, _responsibility(facts, country), country)
    return is_level(candidates, facts.history)


def _responsibility(facts: Facts, country: str | None) -> Responsibility:
    if facts.handed_to is not None:
        reason = Reason(code="partner-handed-over", values={"country": country})
        return Responsibility(partner=facts.handed_to, conflict=(), reason=reason)
    return responsible(facts.address, country=country, claims=facts.claims, lead=facts.lead)


def organisation_country(rungs: Sequence[Rung]) -> str | None:
    """The country of the nearest organisation that tells one, else of the delegation."""
    own = (rung.country for rung in rungs if rung.is_network and rung.country)
    return next(own, None) or next((r.country for r in rungs if r.country), None)


def _candidates(
    facts: Facts, responsibility: Responsibility, country: str | None
) -> Iterator[Candidate]:
    """Everybody who could be written to: what stands beside the ladder counts only in its place."""
    yield from facts.overrides
    for rung in facts.rungs:
        if rung.partner is not None and rung.partner != responsibility.partner:
            continue
        yield from (
            each if each.level == rung.level else replace(each, level=rung.level)
            for each in rung.candidates
        )
    if not _wants_none(facts):
        yield from (each for each in facts.csirts if each.object == country)


def _wants_none(facts: Facts) -> bool:
    """Whoever wants no letters is not told on to his country's team."""
    suppressed = facts.history.suppressed
    return bool(suppressed) and any(
        each.mailbox in suppressed
        for rung in facts.rungs
        for each in rung.candidates
        if each.refused is None
    )


def candidates_as_json(
    order: Sequence[Ranked], rejected: Sequence[Candidate]
) -> list[dict[str, object]]:
    """All of the ladder as kept with the choice: places, reasons, refusals."""
    shown = [_kept(each.candidate, each.place, each.skipped) for each in order]
    listed = {each.candidate.mailbox for each in order}
    return shown + [_kept(each, None, None) for each in rejected if each.mailbox not in listed]


def _outcome(
    ranking: Ranking, responsibility: Responsibility, rungs: Sequence[Rung], country: str | None
) -> tuple[str, tuple[Reason, ...]]:
    if responsibility.conflict:
        return "conflict", ()
    if ranking.chosen:
        return "chosen", ()
    if ranking.needs_person:
        return "needs-person", (Reason(code="only-persons"),)
    code = "no-contact" if any(rung.is_network for rung in rungs) else "no-netblock"
    return "nobody", (Reason(code=code), Reason(code="no-team", values={"country": country}))


def _reader(ranking: Ranking, outcome: str) -> Reader | None:
    if ranking.chosen is None or outcome != "chosen":
        return None
    return reader_of(ranking.chosen.scope, level=ranking.chosen.level)


def _reasons(ranking: Ranking, outcome: str, reader: Reader | None) -> tuple[Reason, ...]:
    if ranking.chosen is None or reader is None:
        return ()
    chosen = ranking.chosen
    is_above = chosen.level > 0 and chosen.tier not in NOT_OF_A_NETWORK
    level = (Reason(code="from-parent", values={"level": chosen.level}),) if is_above else ()
    skipped = tuple(
        Reason(code=each.skipped.code, values={**each.skipped.values, "rank": each.place})
        for each in ranking.order
        if each.skipped and not each.candidate.refused
    )
    values = {"scope": str(chosen.scope)}
    return (chosen.reason, *level, *skipped, Reason(code=f"reader-{reader}", values=values))


def _languages(facts: Facts, ranking: Ranking) -> tuple[tuple[str, ...], Reason]:
    if ranking.chosen is None:
        return (ENGLISH,), Reason(code="language-unknown")
    mailbox, level = ranking.chosen.mailbox, ranking.chosen.level
    own = [rung.country for rung in facts.rungs if rung.level >= level and rung.is_network]
    delegated = [rung.country for rung in facts.rungs if rung.is_delegation]
    return languages(
        Known(
            stored=facts.mailboxes.stored_language.get(mailbox),
            of_reply=facts.mailboxes.language_of_reply.get(mailbox),
            organisation=next(filter(None, own), None),
            delegated=next(filter(None, delegated), None),
            declared=languages_of(ranking.chosen) or facts.mailboxes.declared.get(mailbox, ()),
            registry=next((rung.registry for rung in facts.rungs if rung.is_network), None),
            countries_of_contact=facts.mailboxes.countries.get(mailbox, 1),
        )
    )


def holder_of(rungs: Sequence[Rung]) -> HolderFacts | None:
    """The nearest organisation with a handle; failing that the nearest block's own name."""
    known = [rung for rung in rungs if rung.is_network]
    if not known:
        return None
    found = next((rung for rung in known if rung.holder_key), known[0])
    country = found.country or next((rung.country for rung in rungs if rung.country), None)
    return HolderFacts(
        key=holder_key(
            registry=found.registry, handle=found.holder_key, name=found.holder,
            first=found.first, last=found.last,
        ),
        name=found.holder or found.name,
        country=country,
        stratum=stratum(country=country),
    )  # fmt: skip


def _kept(each: Candidate, place: int | None, skipped: Reason | None) -> dict[str, object]:
    return {
        "address": each.address,
        "mailbox": each.mailbox,
        "source": each.source,
        "registry": each.registry,
        "object": each.object,
        "role": each.role,
        "depth": each.depth,
        "level": each.level,
        "scope": each.scope,
        "rank": place,
        "reason": each.reason.as_json(),
        "refused": each.refused,
        "skipped": skipped.as_json() if skipped else None,
    }
