"""When a feed shows that it is ill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter import catalogue
from openletter.evidence.rules.illness import ENOUGH, WORLD, Shown, illness

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (Shown(rows=1_000, before=1_100), ""),
        (Shown(rows=251, before=1_000), ""),
        (Shown(rows=250, before=1_000), "feed-collapsed"),
        (Shown(rows=0, before=1_000), "feed-collapsed"),
        (Shown(rows=1, before=150), ""),
        (Shown(rows=250, before=None), ""),
        (Shown(rows=20_000, before=1_000), "feed-exploded"),
        (Shown(rows=19_999, before=900), ""),
        (Shown(rows=20_000, before=1_001), ""),
        (Shown(rows=500, seconds=500, first=NOW, last=NOW), "feed-of-one-moment"),
        (Shown(rows=500, seconds=500, first=NOW, last=NOW + HOUR), ""),
        (Shown(rows=500, seconds=199, first=NOW, last=NOW), ""),
        (Shown(rows=2, covered=WORLD), "feed-lists-the-world"),
        (Shown(rows=2, covered=WORLD - 1), ""),
        (Shown(rows=200, unchanged=14 * DAY), "feed-frozen"),
        (Shown(rows=200, unchanged=14 * DAY - HOUR), ""),
        (Shown(rows=199, unchanged=40 * DAY), ""),
    ],
)
def test_signs(shown: Shown, code: str) -> None:
    reason = illness(shown)
    assert (reason.code if reason else "") == code
    for language in ("en", "nl"):
        if reason is not None:
            assert catalogue.sentence("openletter.evidence", reason, language) != code


@given(st.integers(0, 10**7), st.integers(0, ENOUGH - 1))
def test_small_feeds_never_collapse_and_growth_alone_needs_many_rows(
    rows: int, before: int
) -> None:
    reason = illness(Shown(rows=rows, before=before))
    assert reason is None or (reason.code, rows >= 20_000) == ("feed-exploded", True)
