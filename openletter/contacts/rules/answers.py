"""One question about an address or an AS answered from registries' answers: the whole decision.

Owns: the ladder (every registration that covers the question, smallest range first; the same
range from two sources is one rung), the country, the language, the ranking, and the form of
contracts §5. Also what `find` does with rows, so that a decision can be replayed from files.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from openletter.contacts.rules.candidates import Candidate, Tier, candidates_of
from openletter.contacts.rules.language import Known, languages
from openletter.contacts.rules.rank import NOTHING_KNOWN, History, Ranking, rank
from openletter.contacts.rules.refuse import Refusal, World
from openletter.contacts.rules.scope import reader_of
from openletter.wire.delegated import Delegation
from openletter.wire.registry import (
    IPAddress,
    Registration,
    Subject,
    parse_address,
    parse_as,
)
from openletter.words import Reason

Question = IPAddress | int | str | None
"""An address, an AS number, a handle, or None: whatever the one answer is about."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The decision about one question."""

    question: str | None
    ladder: tuple[Registration, ...]
    country: str | None
    ranking: Ranking
    languages: tuple[str, ...]
    language_reason: Reason


def parse_question(text: str) -> Question:
    """`192.0.2.1`, `AS64496`, or a handle as it stands."""
    address = parse_address(text)
    if address is not None:
        return address
    number = parse_as(text) if text[:2].upper() == "AS" else None
    return text.strip() if number is None else number


def answer(
    question: Question,
    registrations: Iterable[Registration],
    *,
    delegations: Sequence[Delegation] = (),
    world: World = World.REAL,
    history: History = NOTHING_KNOWN,
    beside: Sequence[Candidate] = (),
) -> Answer:
    """Rank everything that the registrations say about the question, and what others say."""
    ladder = ladder_of(question, registrations)
    every = [
        replace(each, level=level)
        for level, found in _levels(ladder)
        for each in _of_network(candidates_of(found, world=world), found.subject)
    ]
    delegated = _delegated(question, ladder, delegations)
    organisation = organisation_country(ladder)
    registry = ladder[0].registry if ladder else None
    tags, reason = languages(
        Known(organisation=organisation, delegated=delegated, registry=registry)
    )
    return Answer(
        question=_as_text(question, ladder),
        ladder=tuple(ladder),
        country=_shown_country(ladder) or delegated,
        ranking=rank([*every, *beside], history=history),
        languages=tags,
        language_reason=reason,
    )


def _of_network(every: list[Candidate], subject: Subject) -> list[Candidate]:
    """A domain's registrar runs no server of the domain: shown, never chosen."""
    if subject is not Subject.DOMAIN:
        return every
    return [
        each if each.refused else replace(each, refused=Refusal.OTHER_ROLE, tier=Tier.NOT_CHOSEN)
        for each in every
    ]


def ladder_of(question: Question, registrations: Iterable[Registration]) -> list[Registration]:
    """What covers the question, the smallest first; what answers another question is left out."""
    if question is None:
        registrations = list(registrations)
        return _around(registrations[0], registrations) if registrations else []
    fitting = [each for each in registrations if fits(question, each)]
    return sorted(fitting, key=lambda each: (each.size, each.source))


def _around(nearest: Registration, every: list[Registration]) -> list[Registration]:
    """A registration and those that cover it whole."""
    wider = [
        each
        for each in every
        if each is not nearest and nearest.first and nearest.last
        if each.covers(nearest.first) and each.covers(nearest.last)
    ]
    return [nearest, *sorted(wider, key=lambda each: each.size)]


def organisation_country(ladder: Sequence[Registration]) -> str | None:
    """The organisation's country: its record, its postal address, else the network's field."""
    for found in ladder:
        country = found.holder.country or found.holder.address_country or found.country
        if country:
            return country
    return None


def as_json(found: Answer) -> dict[str, object]:
    """The object of contracts §5; `reader`, `languages` and `needs_person` beyond it."""
    nearest = found.ladder[0] if found.ladder else None
    chosen, ranking = found.ranking.chosen, found.ranking
    place = next((each.place for each in ranking.order if each.candidate is chosen), None)
    return {
        "query": found.question,
        "netblock": _netblock(nearest),
        "holder": (nearest.holder.name or None) if nearest else None,
        "country": found.country,
        "chosen": _shown(chosen, place) | _reader(chosen) if chosen else None,
        "candidates": [
            _shown(each.candidate, each.place)
            | ({"skipped": each.skipped.code} if each.skipped else {})
            for each in ranking.order
        ],
        "rejected": [_shown(each, None) | {"reason": each.refused} for each in ranking.rejected],
        "needs_person": ranking.needs_person,
        "language": found.languages[0],
        "languages": list(found.languages),
        "language_reason": found.language_reason.code,
    }


def _shown(each: Candidate, place: int | None) -> dict[str, object]:
    return {
        "address": each.address,
        "source": each.source,
        "registry": each.registry,
        "object": each.object,
        "role": each.role,
        "depth": each.depth,
        "level": each.level,
        "scope": each.scope,
        "rank": place,
        "reason": each.refused or each.tier.code.removeprefix("contact-"),
    }


def _reader(chosen: Candidate) -> dict[str, object]:
    return {"reader": reader_of(chosen.scope, level=chosen.level)}


def _netblock(nearest: Registration | None) -> dict[str, object] | None:
    if nearest is None or nearest.first is None or nearest.last is None:
        return None
    cidrs = ipaddress.summarize_address_range(nearest.first, nearest.last)
    return {
        "first": str(nearest.first),
        "last": str(nearest.last),
        "cidrs": [str(each) for each in cidrs],
    }


def _levels(ladder: list[Registration]) -> list[tuple[int, Registration]]:
    """Rungs: the same range is the same level, whoever says it."""
    sizes = sorted({each.size for each in ladder})
    return [(sizes.index(each.size), each) for each in ladder]


def fits(question: Question, found: Registration) -> bool:
    """Whether the registration is about the question."""
    if isinstance(question, int):
        return found.covers_as(question)
    if isinstance(question, str):
        named = (found.handle, found.holder.handle, found.query or "")
        return question.upper() in (each.upper() for each in named)
    return question is not None and found.covers(question)


def _as_text(question: Question, ladder: list[Registration]) -> str | None:
    if question is None:
        return ladder[0].query if ladder else None
    return f"AS{question}" if isinstance(question, int) else str(question)


def _shown_country(ladder: Sequence[Registration]) -> str | None:
    """What the object itself says, else its holder's postal address (judged that way)."""
    nearest = ladder[0] if ladder else None
    if nearest is None:
        return None
    return nearest.country or nearest.holder.country or nearest.holder.address_country


def _delegated(
    question: Question, ladder: Sequence[Registration], delegations: Iterable[Delegation]
) -> str | None:
    """The country of the delegation around the question."""
    nearest = ladder[0] if ladder else None
    asked: IPAddress | int | None = nearest.first or nearest.first_as if nearest else None
    if question is not None and not isinstance(question, str):
        asked = question
    for each in delegations if asked is not None else ():
        if each.is_held and each.country and each.covers(asked):  # type: ignore[arg-type]
            return each.country
    return None
