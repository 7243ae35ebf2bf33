"""Whom to write to: all candidates of the ladder sorted, the first one that may be written to.

Owns: the order, in bands. The responsible partner's own register; a handler's override; abuse
contacts of the registries from the most specific netblock up through its parents; functional
boxes in the same order; a second opinion; the national response team; guesses, so only where
nothing else exists. Within a netblock the tier decides, then depth, the registry's validation,
preference and name; a mailbox that bounced comes after one that did not; of one tier the mailbox
that the holder's other networks are written to comes first, so that a holder gets one letter where
registries name several equals; and of equals the newer.
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
    of_holder: frozenset[str] = frozenset()
    """mailboxes that the holder's other networks are written to: of equals, these"""


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
_OF_REGISTRIES = frozenset({_ABUSE, _BANDS[Tier.FUNCTIONAL]})
A_TIER = 10_000
"""What a tier is worth in a candidate's weight."""
NOT_OF_A_NETWORK = frozenset({Tier.PARTNER, Tier.OVERRIDE, Tier.CSIRT})
"""Whose level says nothing: they are not a registry's word about a block."""


def rank(candidates: Iterable[Candidate], *, history: History = NOTHING_KNOWN) -> Ranking:
    """Sort the ladder's candidates and choose the first that nothing speaks against."""
    every = _one_a_mailbox(sorted(candidates, key=lambda each: _key(each, history)))
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


def _key(each: Candidate, history: History) -> tuple[object, ...]:
    """The order; from the mailbox on only so that equal ones always come in the same one."""
    band = _REFUSED if each.refused else _BANDS.get(each.tier, _ABUSE)
    box = each.mailbox
    is_new = band in _OF_REGISTRIES and box not in history.of_holder
    return (
        band, each.level, history.bounced.get(box, 0), each.weight // A_TIER, is_new, each.weight,
        -each.as_of, box or each.address, not each.for_abuse, each.refused or "", each.source,
        each.object, each.role, each.scope,
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


def is_level(candidates: Iterable[Candidate], history: History) -> bool:
    """Whether two mailboxes stand so level that the holder's other networks decide between them."""
    places: dict[tuple[object, ...], str] = {}
    for each in candidates:
        box = each.mailbox or each.address
        if places.setdefault(_key(each, history)[:4], box) != box:
            return True
    return False
