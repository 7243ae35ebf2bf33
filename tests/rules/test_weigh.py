"""Who has to say so before a server counts as open (mission R1, R6 to R8)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter import catalogue
from openletter.evidence import sourcebook
from openletter.evidence.rules.weigh import Listing, Policy, Weighed, independent, weigh
from openletter.words import FindingState, Judgement, Reason, Role

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROOM = Path(__file__).parents[2] / "openletter" / "evidence"


def said(
    family: str = "a",
    *,
    says: Judgement = Judgement.ACCEPT,
    role: Role = Role.ENTRY,
    days: float | None = 1,
    port: int | None = 3128,
    source: str = "",
) -> Listing:
    """One source's statement, so many days ago."""
    return Listing(
        key=hash((family, source, role, says, port, days)),
        source=source or family,
        family=family,
        says=says,
        role=role,
        port=port,
        seen_at=None if days is None else NOW - days * DAY,
    )


def weighed(*listings: Listing, **copies: str) -> Weighed:
    policy = Policy(copies={name: frozenset({of}) for name, of in copies.items()})
    return weigh(listings, policy=policy, now=NOW)


def codes(conclusion: Weighed) -> set[str]:
    return {reason.code for reason in conclusion.reasons}


OPEN, SUSPECTED, NONE = FindingState.OPEN, FindingState.SUSPECTED, FindingState.NONE


@pytest.mark.parametrize(
    ("listings", "state", "code"),
    [
        ([], NONE, "nothing-fresh-says-open"),
        ([said("a")], SUSPECTED, "families-missing"),
        ([said("a"), said("b")], OPEN, "families-agree"),
        ([said("a"), said("a", source="a2")], SUSPECTED, "copies-count-once"),
        ([said("a"), said("b", days=8)], SUSPECTED, "too-old"),
        ([said("a"), said("b", days=7)], OPEN, "families-agree"),
        ([said("a"), said("b", days=None)], SUSPECTED, "time-unknown"),
        ([said("a"), said("b", days=-1)], SUSPECTED, "from-the-future"),
        ([said("a"), said("b", role=Role.EXIT)], SUSPECTED, "exit-only"),
        ([said("a", role=Role.EXIT), said("b", role=Role.EXIT)], SUSPECTED, "exit-only"),
        ([said("a"), said("b", role=Role.UNKNOWN)], OPEN, "families-agree"),
        (
            [said("a", role=Role.UNKNOWN), said("b", role=Role.UNKNOWN)],
            SUSPECTED,
            "no-entry-seen",
        ),
        ([said("a"), said("b", says=Judgement.REACHABLE_ONLY)], SUSPECTED, "reachable-not-open"),
        ([said("a"), said("b", says=Judgement.CORROBORATES)], SUSPECTED, "corroborates-only"),
        ([said("a", says=Judgement.REACHABLE_ONLY)], NONE, "reachable-not-open"),
        ([said("a"), said("b", says=Judgement.WITHDRAWN)], SUSPECTED, "set-aside"),
    ],
)
def test_two_fresh_independent_families_one_of_which_saw_the_door(
    listings: list[Listing], state: FindingState, code: str
) -> None:
    conclusion = weighed(*listings)
    assert conclusion.state is state
    assert code in codes(conclusion)


def test_lists_that_copy_each_other_count_once() -> None:
    assert weighed(said("a"), said("mirror"), mirror="a").state is SUSPECTED
    assert weighed(said("m1"), said("m2"), m1="origin", m2="origin").state is SUSPECTED
    assert weighed(said("a"), said("m1"), said("c"), m1="a").state is OPEN
    assert independent({"a", "b", "c"}, {"a": frozenset({"b"}), "b": frozenset({"c"})}) == {"a"}
    assert independent({"a", "b"}, {"a": frozenset({"b"}), "b": frozenset({"a"})}) == {"a"}


def test_the_port_most_families_name_comes_first() -> None:
    conclusion = weighed(
        said("a", port=8080), said("b", port=3128), said("c", port=3128), said("d", port=None)
    )
    assert conclusion.ports == (3128, 8080)
    assert conclusion.port == 3128


def test_the_newest_row_that_counts_is_the_evidence_of_the_letter() -> None:
    conclusion = weighed(said("a", days=3), said("b", days=1), said("c", days=0.1, role=Role.EXIT))
    assert conclusion.last_seen == NOW - DAY
    assert conclusion.first_seen == NOW - 3 * DAY
    assert len(conclusion.rows) == 2


def test_more_families_give_more_confidence_and_open_is_above_half() -> None:
    one, two, three = (weighed(*[said(name) for name in "abc"[:count]]) for count in (1, 2, 3))
    assert 0 < one.confidence < 0.5 < two.confidence < three.confidence < 1


LISTINGS = st.lists(
    st.builds(
        said,
        st.sampled_from("abcd"),
        says=st.sampled_from(list(Judgement)),
        role=st.sampled_from(list(Role)),
        days=st.one_of(st.none(), st.floats(-3, 30)),
        port=st.one_of(st.none(), st.integers(1, 65535)),
    ),
    max_size=12,
)


@given(LISTINGS, st.randoms())
def test_the_order_of_listings_does_not_matter(listings: list[Listing], random: object) -> None:
    shuffled = sorted(listings, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = weighed(*listings), weighed(*shuffled)
    assert (one.state, one.ports, one.families) == (other.state, other.ports, other.families)


@given(LISTINGS)
def test_nothing_but_fresh_entries_of_two_families_opens(listings: list[Listing]) -> None:
    conclusion = weighed(*listings)
    good = [
        one
        for one in listings
        if one.says is Judgement.ACCEPT
        and one.seen_at is not None
        and -DAY / 12 <= NOW - one.seen_at <= 7 * DAY
    ]
    counting = {one.family for one in good if one.role is not Role.EXIT}
    if conclusion.state is OPEN:
        assert len(counting) >= 2
        assert any(one.role is Role.ENTRY for one in good)
        assert conclusion.last_seen is not None
    for language in ("en", "nl"):
        for reason in conclusion.reasons:
            assert catalogue.sentence("openletter.evidence", reason, language) != reason.code


def test_every_reason_that_the_rules_can_give_is_a_sentence_in_both_languages() -> None:
    known = catalogue.sentences("openletter.evidence", "en")
    dutch = catalogue.sentences("openletter.evidence", "nl")
    assert set(known) == set(dutch)
    feeds = list(sourcebook.packaged())
    meanings = [
        meaning
        for feed in feeds
        for table in (feed.tags, feed.codes, feed.phrases)
        for told in table.values()
        for meaning in told
    ]
    given_by_data = {feed.reason for feed in feeds} | {meaning.reason for meaning in meanings}
    assert given_by_data <= set(known)
    sources = [*ROOM.glob("rules/*.py"), *(ROOM.parent / "wire").glob("*.py")]
    pattern = re.compile(
        r'(?:code|reason|_refused\(row,|NotAddress\(|UnreadableFileError\()\W*"([a-z-]+)"'
    )
    for path in sources:
        if path.name in {"address.py", "unpack.py", "judge.py", "recognise.py", "weigh.py"}:
            for code in pattern.findall(path.read_text("utf-8")):
                assert code in known, f"{path.name}: {code}"


def test_a_sentence_asks_for_the_values_it_needs() -> None:
    whole = Reason(code="too-old", values={"source": "x", "days": 9, "limit": 7})
    assert "9 days" in catalogue.sentence("openletter.evidence", whole, "en")
    assert "9 dagen" in catalogue.sentence("openletter.evidence", whole, "nl")
    with pytest.raises(KeyError):
        catalogue.sentence("openletter.evidence", Reason(code="too-old"), "en")
    assert catalogue.sentence("openletter.evidence", Reason(code="no-such"), "fr") == "no-such"
    assert catalogue.advice("openletter.evidence", "bad-time", "nl")
    assert not catalogue.advice("openletter.evidence", "says-open", "en")
