"""What holds of the ranking whatever the facts: the promises of its docstring, by property."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.rank import History, Ranking, rank
from openletter.contacts.rules.refuse import Refusal
from openletter.words import Reason, Scope

BOXES = [f"{local}@{domain}.example" for local in ("abuse", "noc", "jo") for domain in "abc"]


@st.composite
def a_candidate(draw: st.DrawFn) -> Candidate:
    box = draw(st.sampled_from(BOXES))
    tier = draw(st.sampled_from(Tier))
    refused = draw(st.none() | st.sampled_from(Refusal)) if tier is not Tier.NOT_CHOSEN else (
        draw(st.sampled_from(Refusal))
    )  # fmt: skip
    return Candidate(
        address=box, mailbox=box, source=draw(st.sampled_from(["rdap", "rpsl", "rdns", "csirt"])),
        registry="", object=draw(st.sampled_from(["X", "Y"])), role="", depth=0,
        scope=draw(st.sampled_from(Scope)), tier=tier, refused=refused,
        weight=draw(st.integers(0, 5)) + 10_000 * tier, for_abuse=draw(st.booleans()),
        level=draw(st.integers(0, 3)), as_of=draw(st.integers(0, 3)),
        reason=Reason(code=tier.code),
    )  # fmt: skip


candidates = st.lists(a_candidate(), max_size=12)
histories = st.builds(
    History,
    dead=st.frozensets(st.sampled_from(BOXES), max_size=3),
    suppressed=st.dictionaries(st.sampled_from(BOXES), st.just("all"), max_size=3),
    not_ours=st.frozensets(st.sampled_from(BOXES), max_size=2),
    bounced=st.dictionaries(st.sampled_from(BOXES), st.integers(1, 2), max_size=3),
)


def chosen(found: Ranking) -> str | None:
    return found.chosen.mailbox if found.chosen else None


@given(candidates, histories, st.randoms(use_true_random=False))
def test_the_order_of_the_facts_changes_nothing(
    every: list[Candidate], history: History, chance: random.Random
) -> None:
    shuffled = list(every)
    chance.shuffle(shuffled)
    first, second = rank(every, history=history), rank(shuffled, history=history)
    assert chosen(first) == chosen(second)
    assert [each.candidate.mailbox for each in first.order] == [
        each.candidate.mailbox for each in second.order
    ]
    assert first.needs_person == second.needs_person


@given(candidates, histories)
def test_whom_anything_speaks_against_is_never_chosen(
    every: list[Candidate], history: History
) -> None:
    found = rank(every, history=history)
    if found.chosen is None:
        return
    assert found.chosen.refused is None
    box = found.chosen.mailbox
    assert box not in history.dead
    assert box not in history.suppressed
    assert box not in history.not_ours
    assert not found.needs_person


@given(candidates, histories)
def test_somebody_is_chosen_where_nothing_speaks_against_somebody(
    every: list[Candidate], history: History
) -> None:
    silent = history.dead | history.not_ours | history.suppressed.keys()
    free = [each for each in every if each.refused is None and each.mailbox not in silent]
    assert (chosen(rank(every, history=history)) is None) == (not free)


@given(candidates, histories, a_candidate())
def test_a_worse_candidate_more_changes_nothing(
    every: list[Candidate], history: History, more: Candidate
) -> None:
    before = rank(every, history=history)
    after = rank([*every, more], history=history)
    assume(before.chosen is not None)
    places = [each.candidate for each in after.order]
    if more in places and before.chosen in places:
        assume(places.index(more) > places.index(before.chosen))
    elif more in places:
        assume(False)
    assert chosen(after) == chosen(before)


@given(candidates, histories)
def test_a_guess_only_where_nothing_else_exists(every: list[Candidate], history: History) -> None:
    found = rank(every, history=history)
    assume(found.chosen is not None)
    assert found.chosen is not None
    if found.chosen.tier is Tier.GUESS:
        others = [each for each in every if each.tier is not Tier.GUESS and not each.refused]
        left = rank(others, history=history)
        assert left.chosen is None or left.chosen.mailbox == found.chosen.mailbox


@given(candidates, histories)
def test_partner_before_override_before_registry(every: list[Candidate], history: History) -> None:
    found = rank(every, history=history)
    free = [each.candidate.tier for each in found.order
            if each.candidate.refused is None and each.skipped is None]  # fmt: skip
    bands = [0 if t is Tier.PARTNER else 1 if t is Tier.OVERRIDE else 2 for t in free]
    assert bands == sorted(bands)


@given(candidates, histories)
def test_the_same_candidate_twice_is_once(every: list[Candidate], history: History) -> None:
    copies = [replace(each, as_of=0) for each in every]
    assert chosen(rank([*every, *copies], history=history)) == chosen(rank(every, history=history))
