"""Who has to say so before a server counts as open (mission R1, R6 to R8)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter import catalogue
from openletter.evidence import sourcebook
from openletter.evidence.rules.origins import Origins
from openletter.evidence.rules.spaces import Space
from openletter.evidence.rules.weigh import (
    CHECKED_CLOSED,
    CONTRADICTS,
    RULE_VERSION,
    Listing,
    Policy,
    Weighed,
    was_ever_open,
    weigh,
)
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
    **more: object,
) -> Listing:
    """One source's statement, so many days ago."""
    return Listing(
        key=hash((family, source, role, says, port, days, *more.items())),
        source=source or family,
        family=family,
        says=says,
        role=role,
        port=port,
        seen_at=None if days is None else NOW - days * DAY,
        **more,  # type: ignore[arg-type]
    )


def weighed(*listings: Listing, **copies: str) -> Weighed:
    policy = Policy(origins=Origins(copies={name: frozenset({of}) for name, of in copies.items()}))
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
    assert weighed(said("a"), said("b"), said("c"), a="b", b="c").families == ("a",)
    assert weighed(said("a"), said("b"), a="b", b="a").families == ("a",)


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


@pytest.mark.parametrize(
    ("more", "days", "counts"),
    [
        ({"role": Role.UNKNOWN}, 4, True),
        ({"role": Role.UNKNOWN}, 4.1, False),
        ({"is_ipv6": True}, 2, True),
        ({"is_ipv6": True}, 2.1, False),
        ({"space": Space.DYNAMIC_BY_NAME}, 2, True),
        ({"space": Space.SHARED_BY_LIST}, 2.1, False),
        ({"space": Space.DYNAMIC_BY_NAME, "dated_by": "day"}, 1, False),
        ({"space": Space.DYNAMIC_BY_NAME, "dated_by": "fetch"}, 0, False),
        ({"dated_by": "fetch"}, 6, True),
        ({"space": Space.TOR_EXIT}, 0, False),
        ({"space": Space.OWN_HOST}, 0, False),
        ({"taken_back": True}, 0, False),
    ],
)
def test_each_kind_of_evidence_has_its_own_time(
    more: dict[str, object], days: float, *, counts: bool
) -> None:
    conclusion = weighed(said("a"), said("b", days=days, **more))  # type: ignore[arg-type]
    assert (conclusion.state is OPEN) is counts


def test_an_address_that_one_row_knows_to_move_moves_for_all_rows() -> None:
    named = said("a", days=1, space=Space.DYNAMIC_BY_NAME)
    assert weighed(named, said("b", days=1)).state is OPEN
    assert weighed(named, said("b", days=3)).state is SUSPECTED
    conclusion = weighed(named, said("b", days=1, dated_by="fetch"))
    assert conclusion.state is SUSPECTED
    assert {"moving-without-second", "dynamic-by-name"} <= codes(conclusion)


def test_what_speaks_against_it_is_shown_and_lowers_the_confidence() -> None:
    agreed = weighed(said("a"), said("b"))
    asks = said("c", says=Judgement.REACHABLE_ONLY, reason="asks-for-sign-in", days=2)
    contradicted = weighed(said("a"), said("b"), asks)
    assert contradicted.state is OPEN
    assert 0.5 < contradicted.confidence < agreed.confidence
    assert "contradicted" in codes(contradicted)
    elsewhere = said("c", says=Judgement.REACHABLE_ONLY, reason="asks-for-sign-in", port=1)
    assert weighed(said("a"), said("b"), elsewhere).confidence == agreed.confidence
    apart = weighed(said("a", port=8080), said("b"))
    assert "ports-differ" in codes(apart)
    assert apart.confidence < agreed.confidence


def test_a_check_that_found_it_closed_after_everything_else_outweighs_it() -> None:
    closed = {"says": Judgement.WITHDRAWN, "reason": CHECKED_CLOSED}
    later = weighed(said("a"), said("b"), said("partner", days=0.5, **closed))  # type: ignore[arg-type]
    assert later.state is SUSPECTED
    assert "closed-after-all" in codes(later)
    before = weighed(said("a"), said("b"), said("partner", days=1.5, **closed))  # type: ignore[arg-type]
    assert before.state is OPEN
    assert "contradicted" in codes(before)


def test_what_was_taken_back_says_so_and_counts_for_nothing() -> None:
    conclusion = weighed(said("a"), said("b", taken_back=True))
    assert (conclusion.state, len(conclusion.rows)) == (SUSPECTED, 1)
    assert "taken-back" in codes(conclusion)
    assert weighed(said("a", taken_back=True)).state is NONE


def test_what_only_national_teams_may_hold_is_marked() -> None:
    both = weighed(said("a"), said("b", cert_only=True))
    assert (both.state, both.needs_cert) == (OPEN, True)
    without = weighed(said("a"), said("b"), said("c", cert_only=True))
    assert (without.state, without.needs_cert) == (OPEN, False)


def test_it_is_open_until_too_few_of_those_who_say_so_are_fresh() -> None:
    unsaid = said("b", days=1, role=Role.UNKNOWN)
    assert weighed(said("a", days=3), unsaid).fresh_until == NOW + 3 * DAY
    assert weighed(said("a", days=6), unsaid).fresh_until == NOW + 1 * DAY
    assert weighed(said("a", days=6), unsaid, said("c")).fresh_until == NOW + 3 * DAY
    assert weighed(said("a"), said("b", days=6), said("c")).fresh_until == NOW + 6 * DAY
    alone = weighed(said("a", days=3), said("a", days=2, source="a2"))
    assert (alone.state, alone.fresh_until) == (SUSPECTED, NOW + 5 * DAY)
    assert weighed(said("a", days=9)).fresh_until is None


def test_no_entry_left_is_not_open_either() -> None:
    unsaid = [said(name, days=0, role=Role.UNKNOWN) for name in "bc"]
    assert weighed(said("a", days=6.5), *unsaid).fresh_until == NOW + 0.5 * DAY


def test_it_was_open_once_if_what_is_left_agreed_at_some_moment() -> None:
    def ever(*listings: Listing, since: float) -> bool:
        return was_ever_open(listings, policy=Policy(), since=NOW - since * DAY, until=NOW)

    assert ever(said("a", days=20), said("b", days=19), since=21)
    assert not ever(said("a", days=20), said("b", days=5), since=21)
    assert not ever(said("a", days=20), said("b", days=19, taken_back=True), since=21)
    assert ever(said("a", days=20), said("b", days=19), since=15)
    assert not ever(said("a", days=20), said("b", days=19), since=12)


LISTINGS = st.lists(
    st.builds(
        said,
        st.sampled_from("abcd"),
        says=st.sampled_from(list(Judgement)),
        role=st.sampled_from(list(Role)),
        days=st.one_of(st.none(), st.floats(-3, 30)),
        port=st.one_of(st.none(), st.sampled_from([1080, 3128, 8080])),
        dated_by=st.sampled_from(["row", "day", "file", "fetch"]),
        reason=st.sampled_from(["", *sorted(CONTRADICTS)]),
        space=st.sampled_from(["", *Space]),
        is_ipv6=st.booleans(),
        cert_only=st.booleans(),
        taken_back=st.booleans(),
    ),
    max_size=12,
)
GRADES = {NONE: 0, SUSPECTED: 1, OPEN: 2}


@given(LISTINGS, st.data())
def test_a_copy_of_what_is_said_never_raises_the_conclusion(
    listings: list[Listing], data: st.DataObject
) -> None:
    before = weighed(*listings, mirror="a")
    if listings:
        copied = data.draw(st.sampled_from(listings))
        copy = replace(copied, key=1, source="mirror-list", family="mirror")
        again = replace(copied, key=2)
        same = [one for one in (copy, again) if copied.family == "a" or one is again]
        after = weighed(*listings, *same, mirror="a")
        assert GRADES[after.state] <= GRADES[before.state]
        assert len(after.families) <= max(1, len(before.families))


@given(LISTINGS, LISTINGS)
def test_what_is_no_fresh_entry_or_list_never_opens(
    listings: list[Listing], others: list[Listing]
) -> None:
    """Exits, reachable, corroborating, set aside, taken back: nothing of them, however many."""
    silent = [
        replace(one, role=Role.EXIT) if one.says is Judgement.ACCEPT else one for one in others
    ]
    assert GRADES[weighed(*listings, *silent).state] <= max(1, GRADES[weighed(*listings).state])


@given(LISTINGS, st.sampled_from(["fresh_for", "fresh_unsaid", "fresh_ipv6", "fresh_moving"]))
def test_a_longer_memory_never_lowers_the_conclusion(listings: list[Listing], knob: str) -> None:
    short = Policy()
    longer = replace(short, **{knob: getattr(short, knob) * 3})
    before = weigh(listings, policy=short, now=NOW)
    after = weigh(listings, policy=longer, now=NOW)
    if not any(one.reason == CHECKED_CLOSED for one in listings):
        assert GRADES[after.state] >= GRADES[before.state]


@given(LISTINGS, st.floats(0, 40))
def test_time_alone_never_opens(listings: list[Listing], days: float) -> None:
    """Nothing in the future: then waiting only lets statements expire."""
    past = [one for one in listings if one.seen_at is None or one.seen_at <= NOW]
    later = weigh(past, policy=Policy(), now=NOW + days * DAY)
    assert GRADES[later.state] <= GRADES[weigh(past, policy=Policy(), now=NOW).state]


@given(LISTINGS)
def test_it_stays_open_until_then_and_no_longer(listings: list[Listing]) -> None:
    past = [one for one in listings if one.seen_at is None or one.seen_at <= NOW]
    conclusion = weighed(*past)
    if conclusion.state is not OPEN:
        return
    until = conclusion.fresh_until
    assert until is not None
    assert weigh(past, policy=Policy(), now=until).state is OPEN
    assert weigh(past, policy=Policy(), now=until + timedelta(microseconds=1)).state is not OPEN


@given(LISTINGS, st.floats(0, 20), st.floats(0, 1))
def test_if_it_was_open_at_any_moment_it_was_ever_open(
    listings: list[Listing], days: float, share: float
) -> None:
    since = NOW - days * DAY
    moment = since + (NOW - since) * share
    if weigh(listings, policy=Policy(), now=moment).state is OPEN:
        assert was_ever_open(listings, policy=Policy(), since=since, until=NOW)


@given(LISTINGS)
def test_taking_rows_back_never_raises_and_leaves_no_trace(listings: list[Listing]) -> None:
    """Unless what is taken back is what spoke against it, or knew that the address moves."""
    if any(one.reason in CONTRADICTS or one.is_moving for one in listings):
        return
    taken = [replace(one, taken_back=True) for one in listings]
    conclusion = weighed(*taken)
    assert (conclusion.state, conclusion.rows, conclusion.ports) == (NONE, (), ())
    half = weighed(*listings[::2], *taken[1::2])
    assert GRADES[half.state] <= GRADES[weighed(*listings).state]
    gone = weighed(*listings[::2])
    assert (half.state, half.rows, half.last_seen) == (gone.state, gone.rows, gone.last_seen)


@given(LISTINGS, st.sampled_from("abcd"))
def test_what_nobody_named_adds_no_voice_where_ports_are_told(
    listings: list[Listing], name: str
) -> None:
    """Whatever it says: a file without a name is never the second that makes it open."""
    policy = Policy(origins=Origins(unnamed=frozenset({name})))
    conclusion = weigh(listings, policy=policy, now=NOW)
    named = [one for one in listings if one.family != name]
    if conclusion.state is OPEN:
        assert len(weigh(named, policy=policy, now=NOW).families) >= 2
    both = replace(policy, origins=Origins(unnamed=frozenset("abcd")))
    assert weigh(listings, policy=both, now=NOW).state is not OPEN


@given(LISTINGS, st.dictionaries(st.sampled_from("abcd"), st.frozensets(st.sampled_from("abcd"))))
def test_more_said_never_lowers_the_count(
    listings: list[Listing], copies: dict[str, frozenset[str]]
) -> None:
    policy = Policy(origins=Origins(copies=copies))
    still = [one for one in listings if not one.is_moving]
    half = weigh(still[::2], policy=policy, now=NOW)
    whole = weigh(still, policy=policy, now=NOW)
    assert len(half.families) <= len(whole.families)
    if not any(one.reason == CHECKED_CLOSED for one in still):
        assert GRADES[half.state] <= GRADES[whole.state]


@given(LISTINGS)
def test_an_earlier_version_of_the_rule_can_be_replayed(listings: list[Listing]) -> None:
    before = replace(Policy(origins=Origins(copies={"c": frozenset("ab")})), rule="weigh-2")
    old, new = weigh(listings, policy=before, now=NOW), weighed(*listings)
    assert (old.rule_version, new.rule_version) == ("weigh-2", RULE_VERSION)
    assert old.rows == new.rows
    counting = [said(name) for name in "abc"]
    assert weigh(counting, policy=before, now=NOW).state is SUSPECTED
    assert weigh(counting, policy=replace(before, rule=RULE_VERSION), now=NOW).state is OPEN


@given(LISTINGS, st.randoms())
def test_the_order_of_listings_does_not_matter(listings: list[Listing], random: object) -> None:
    shuffled = sorted(listings, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = weighed(*listings), weighed(*shuffled)
    assert (one.state, one.ports, one.families) == (other.state, other.ports, other.families)
    assert (one.confidence, one.fresh_until) == (other.confidence, other.fresh_until)
    assert set(map(repr, one.reasons)) == set(map(repr, other.reasons))


@given(LISTINGS)
def test_nothing_but_fresh_entries_of_two_families_opens(listings: list[Listing]) -> None:
    conclusion = weighed(*listings)
    good = [
        one
        for one in listings
        if one.says is Judgement.ACCEPT
        and one.seen_at is not None
        and -DAY / 12 <= NOW - one.seen_at <= 7 * DAY
        and not one.taken_back
        and not one.is_set_aside
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
