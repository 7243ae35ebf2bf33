"""When sending stops by itself, and when it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.replies.rules.breaker import (
    Count,
    judge,
    letters_that_matter,
    needs_comparison,
)

NOTHING = Count()
WELL = Count(letters=1_000, bounced=40)


@pytest.mark.parametrize(
    ("letters", "complaints", "stops"),
    [
        (40, 1, False),  # one angry reader is a person to answer
        (40, 2, True),
        (999, 1, False),
        (1_000, 1, True),  # 0.1 %
        (5_000, 4, False),
        (5_000, 5, True),
        (0, 0, False),
    ],
)
def test_complaints_stop_from_one_in_a_thousand_on(letters, complaints, stops) -> None:
    reason = judge(Count(letters=letters, complaints=complaints), NOTHING)
    assert (reason is not None) is stops
    if reason is not None:
        assert reason.code == "breaker-complaints"


@pytest.mark.parametrize(
    ("lately", "before", "stops"),
    [
        (Count(letters=49, bounced=49), WELL, False),  # too few to say anything
        (Count(letters=100, bounced=9), WELL, False),
        (Count(letters=100, bounced=12), WELL, True),  # from 4 % to 12 %
        (Count(letters=100, bounced=12), Count(letters=1_000, bounced=100), False),
        (Count(letters=100, bounced=12), NOTHING, False),  # nothing to rise from
        (Count(letters=100, bounced=20), NOTHING, True),
        (Count(letters=149, bounced=7), NOTHING, False),
    ],
)
def test_a_rising_share_of_bounces_stops(lately, before, stops) -> None:
    reason = judge(lately, before)
    assert (reason is not None) is stops
    if reason is not None:
        assert reason.code == "breaker-bounces"


@given(letters=st.integers(0, 10**6), bounced=st.integers(0, 10**6), complaints=st.integers(0, 99))
def test_worse_never_goes_on_where_better_stopped(letters, bounced, complaints) -> None:
    bounced = min(letters, bounced)
    if judge(Count(letters=letters, bounced=bounced, complaints=complaints), WELL):
        more = Count(letters=letters, bounced=min(letters, bounced + 1), complaints=complaints + 1)
        assert judge(more, WELL)


COUNTS = st.tuples(st.integers(0, 10_000), st.integers(0, 600), st.integers(0, 12))


@given(COUNTS, st.tuples(st.integers(0, 500), st.integers(0, 500)))
def test_counting_no_further_than_matters_changes_no_judgement(found, earlier) -> None:
    """Neither of the window's letters nor of those before it."""
    letters, bounced, complaints = found[0], min(found[:2]), found[2]
    whole = Count(letters=letters, bounced=bounced, complaints=complaints)
    before = Count(letters=max(earlier), bounced=min(earlier))
    most = letters_that_matter(bounced=bounced, complaints=complaints)
    counted = Count(letters=min(letters, most), bounced=bounced, complaints=complaints)
    assert judge(counted, before) == judge(whole, before)
    if not needs_comparison(counted):
        assert judge(counted, NOTHING) == judge(whole, before)
