"""Whom to write to: all candidates of the ladder sorted, the first one that may be written to.

Owns: the order, in bands. The responsible partner's own register; a handler's override; abuse
contacts of the registries from the most specific netblock up through its parents; functional
boxes in the same order; a second opinion; the national response team; guesses, so only where
nothing else exists. Within a netblock the tier decides, then depth, the registry's validation,
preference and name; a mailbox that bounced comes after one that did not, and of equals the newer.
Somebody's own box is never chosen: if nothing else is left, a person decides. The same input
gives the same order, always, and a worse candidate more changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.refuse import Refusal
from openletter.words import Reason


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of mailboxes beyond the registries; it outlives every reload."""

    dead: frozenset[str] = frozenset()
    suppressed: Mapping[str, str] = field(default_factory=dict)
    """mailbox -> scope of the standing "do not write here" """
    not_ours: frozenset[str] = frozenset()
    """mailboxes that said of this very network that it is not theirs"""
    bounced: Mapping[str, int] = field(default_factory=dict)
    """living mailbox -> how often mail to it came back for the time being"""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A candidate in its place; `skipped` says why a writable one was passed over."""

    place: int
    candidate: Candidate
    skipped: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The decision with everything that led to it."""

    chosen: Candidate | None
    order: tuple[Ranked, ...]
    rejected: tuple[Candidate, ...]
    needs_person: bool
    """Nobody chosen, but somebody's own box is there: a person may decide to use it."""


NOTHING_KNOWN = History()

_BANDS = {
    Tier.PARTNER: 0, Tier.OVERRIDE: 1, Tier.FUNCTIONAL: 3, Tier.SECOND_OPINION: 4, Tier.CSIRT: 5,
    Tier.GUESS: 6,
}  # fmt: skip
_ABUSE, _REFUSED = 2, 7
NOT_OF_A_NETWORK = frozenset({Tier.PARTNER, Tier.OVERRIDE, Tier.CSIRT})
"""Whose level says nothing: they are not a registry's word about a block."""


def rank(candidates: Iterable[Candidate], *, history: History = NOTHING_KNOWN) -> Ranking:
    """Sort the ladder's candidates and choose the first that nothing speaks against."""
    bounced = history.bounced
    every = _one_a_mailbox(sorted(candidates, key=lambda each: _key(each, bounced)))
    order: list[Ranked] = []
    rejected: list[Candidate] = []
    chosen, persons = None, False
    for each in every:
        skipped = _speaks_against(each, history)
        if each.refused is None:
            if chosen is None and skipped is None:
                chosen = each
        else:
            rejected.append(each)
            persons = persons or (each.refused is Refusal.PERSON and skipped is None)
        if each.refused is None or (each.for_abuse and each.refused in _FREED_BY_A_PERSON):
            order.append(Ranked(place=len(order) + 1, candidate=each, skipped=skipped))
    return Ranking(
        chosen=chosen,
        order=tuple(order),
        rejected=tuple(rejected),
        needs_person=chosen is None and persons,
    )


_FREED_BY_A_PERSON = (Refusal.PERSON, Refusal.OTHER_ROLE)
"""Shown among the candidates where the registry declares them for abuse."""


def _key(each: Candidate, bounced: Mapping[str, int]) -> tuple[int, int, int, int, int, str]:
    band = _REFUSED if each.refused else _BANDS.get(each.tier, _ABUSE)
    return (
        band, each.level, bounced.get(each.mailbox, 0) if bounced else 0, each.weight, -each.as_of,
        each.mailbox or each.address,
    )  # fmt: skip


def _one_a_mailbox(every: list[Candidate]) -> list[Candidate]:
    kept: dict[str, Candidate] = {}
    for each in every:
        kept.setdefault(each.mailbox or each.address, each)
    return list(kept.values())


def _speaks_against(each: Candidate, history: History) -> Reason | None:
    if history is NOTHING_KNOWN:
        return None
    if each.mailbox in history.suppressed:
        scope = history.suppressed[each.mailbox]
        return Reason(code="skipped-suppressed", values={"scope": scope})
    if each.mailbox in history.dead:
        return Reason(code="skipped-dead")
    return Reason(code="skipped-not-ours") if each.mailbox in history.not_ours else None
