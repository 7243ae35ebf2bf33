"""Weighing many targets by their company comes out as weighing each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from openletter.evidence.rules import plainly
from openletter.evidence.rules.origins import Origins
from openletter.evidence.rules.plainly import Weigher
from openletter.evidence.rules.weigh import Listing, Policy, weigh
from openletter.words import Role
from tests.rules.test_weigh import LISTINGS, NOW, said

PLAIN = st.lists(
    st.builds(
        said,
        st.sampled_from("abcd"),
        role=st.sampled_from([Role.ENTRY, Role.UNKNOWN]),
        days=st.floats(-0.04, 7.5),
        port=st.sampled_from([None, 1080, 3128]),
        source=st.sampled_from(["", "x", "y"]),
        is_ipv6=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
POLICIES = st.builds(
    Policy,
    families_needed=st.integers(1, 3),
    fresh_unsaid=st.sampled_from([timedelta(days=4), timedelta(days=9)]),
    origins=st.builds(
        Origins,
        copies=st.dictionaries(st.sampled_from("abcd"), st.frozensets(st.sampled_from("abcd"))),
        portless=st.frozensets(st.sampled_from("abcd")),
        unnamed=st.frozensets(st.sampled_from("ab")),
    ),
)


def later(listings: list[Listing], hours: list[float]) -> list[Listing]:
    """The same company at other times, in other rows."""
    return [
        replace(one, key=one.key + 1, seen_at=one.seen_at and one.seen_at - timedelta(hours=back))
        for one, back in zip(listings, hours, strict=False)
    ]


@given(st.lists(st.one_of(PLAIN, LISTINGS), max_size=4), POLICIES)
@example([[said("a", days=1)], [said("a", days=2)]], Policy())
@example([[said("a"), said("b", days=0.5)], [said("a", days=6), said("b", days=3)]], Policy())
def test_whatever_was_weighed_before(told: list[list[Listing]], policy: Policy) -> None:
    weigher = Weigher(policy, now=NOW)
    for listings in told:
        assert weigher.weigh(listings) == weigh(listings, policy=policy, now=NOW)


@given(PLAIN, st.lists(st.floats(0, 60), min_size=6, max_size=6), POLICIES)
def test_the_same_company_at_another_time(
    listings: list[Listing], hours: list[float], policy: Policy
) -> None:
    weigher = Weigher(policy, now=NOW)
    for told in (listings, later(listings, hours), listings[::-1]):
        assert weigher.weigh(told) == weigh(told, policy=policy, now=NOW)


def test_a_company_is_weighed_once(monkeypatch: object) -> None:
    asked: list[int] = []

    def counted(*listings: object, **given: object) -> object:
        asked.append(1)
        return weigh(*listings, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(plainly, "weigh", counted)  # type: ignore[attr-defined]
    weigher = Weigher(Policy(), now=NOW)
    for days in (1, 2, 3):
        weigher.weigh([said("a", days=days), said("b", days=days / 2)])
    assert len(asked) == 1
