"""Whom to write to: all candidates of the ladder sorted, the first one that may be written to.

Owns: the order. A handler's override; then abuse contacts from the most specific netblock up
through its parents; then functional boxes in the same order. Within a netblock the tier decides,
then depth, the registry's validation, preference and name. Somebody's own box is never chosen:
if nothing else is left, a person decides. The same input gives the same order, always.
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


def rank(candidates: Iterable[Candidate], *, history: History = NOTHING_KNOWN) -> Ranking:
    """Sort the ladder's candidates and choose the first that nothing speaks against."""
    every = _one_a_mailbox(sorted(candidates, key=_key))
    order = tuple(
        Ranked(place=place, candidate=each, skipped=_speaks_against(each, history))
        for place, each in enumerate((e for e in every if _is_shown(e)), start=1)
    )
    free = [each.candidate for each in order if not each.candidate.refused and not each.skipped]
    persons = [each for each in every if each.refused is Refusal.PERSON]
    return Ranking(
        chosen=free[0] if free else None,
        order=order,
        rejected=tuple(each for each in every if each.refused),
        needs_person=not free and any(not _speaks_against(each, history) for each in persons),
    )


def _key(each: Candidate) -> tuple[int, int, int, str]:
    if each.refused:
        band = 3
    elif each.tier is Tier.OVERRIDE:
        band = 0
    else:
        band = 2 if each.tier is Tier.FUNCTIONAL else 1
    return band, each.level, each.weight, each.mailbox or each.address


def _one_a_mailbox(every: list[Candidate]) -> list[Candidate]:
    kept: dict[str, Candidate] = {}
    for each in every:
        kept.setdefault(each.mailbox or each.address, each)
    return list(kept.values())


def _is_shown(each: Candidate) -> bool:
    """Among the candidates: what may be written to, and abuse contacts that a person may free."""
    if each.refused is None:
        return True
    return each.refused in (Refusal.PERSON, Refusal.OTHER_ROLE) and each.for_abuse


def _speaks_against(each: Candidate, history: History) -> Reason | None:
    if each.mailbox in history.suppressed:
        scope = history.suppressed[each.mailbox]
        return Reason(code="skipped-suppressed", values={"scope": scope})
    if each.mailbox in history.dead:
        return Reason(code="skipped-dead")
    return Reason(code="skipped-not-ours") if each.mailbox in history.not_ours else None
