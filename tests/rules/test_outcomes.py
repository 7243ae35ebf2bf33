"""What a later look means: silence is no closure, and one healthy feed is not all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.outcomes.rules import (
    PastLook,
    Round,
    Seen,
    SourceWord,
    conclude,
    is_conclusive,
    look,
)
from openletter.words import OutcomeResult

DAY = timedelta(days=1)
LETTER = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def word(source: str = "a", *, seen: float = -1, feed: float | None = None) -> SourceWord:
    """Said `seen` days after the letter; the latest complete feed came `feed` days after it."""
    at = LETTER + seen * DAY
    latest = Round(at=LETTER + feed * DAY, rows=10, refused=0) if feed is not None else None
    return SourceWord(source=source, seen_at=at, feed_at=at, latest=latest)


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ([], Seen.SILENCE),
        ([word()], Seen.SILENCE),
        ([word(feed=-0.5)], Seen.SILENCE),
        ([word(feed=3)], Seen.GONE),
        ([word(seen=2, feed=3)], Seen.STILL_THERE),
        ([word("a", feed=3), word("b")], Seen.SILENCE),
        ([word("a", feed=3), word("b", feed=2)], Seen.GONE),
        ([word("a", feed=3), word("b", seen=1)], Seen.STILL_THERE),
    ],
)
def test_a_look_says_gone_only_when_every_source_has_come_again_without_it(
    words: list[SourceWord], seen: Seen
) -> None:
    assert look(words, since=LETTER).seen is seen


def carried_on(*, seen: float, feed: float, own_date: bool = True) -> SourceWord:
    """The latest feed still has the row, with this time."""
    at = LETTER + feed * DAY
    return SourceWord(
        source="a", seen_at=LETTER + seen * DAY, feed_at=at, own_date=own_date,
        latest=Round(at=at, rows=10, refused=0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (carried_on(seen=-1, feed=8), Seen.GONE),
        (carried_on(seen=-1, feed=5), Seen.SILENCE),
        (carried_on(seen=-1, feed=8, own_date=False), Seen.SILENCE),
        (carried_on(seen=1, feed=9), Seen.STILL_THERE),
        (carried_on(seen=-20, feed=-1), Seen.SILENCE),
    ],
)
def test_a_list_that_carries_a_row_on_with_an_old_date_saw_it_no_more(
    said: SourceWord, seen: Seen
) -> None:
    looked = look([said], since=LETTER)
    assert looked.seen is seen
    if seen is Seen.GONE:
        assert [reason.code for reason in looked.reasons] == ["carried-on-unseen"]


def test_files_of_one_round_are_one_feed() -> None:
    named_in_the_first = word(seen=2.6, feed=3)
    assert not named_in_the_first.has_dropped_it(LETTER)


@pytest.mark.parametrize(
    ("rows", "refused", "before", "healthy"),
    [
        (100, 0, None, True),
        (0, 0, None, False),
        (100, 51, None, False),
        (49, 0, 100, False),
        (50, 0, 100, True),
    ],
)
def test_a_feed_that_shrank_or_broke_is_not_believed(
    rows: int, refused: int, before: int | None, *, healthy: bool
) -> None:
    earlier = Round(at=LETTER, rows=before, refused=0) if before is not None else None
    assert Round(at=LETTER, rows=rows, refused=refused).is_healthy_after(earlier) is healthy


def test_gone_is_settled_by_a_second_look_or_by_the_holders_word() -> None:
    def settled(seen: Seen, before: Seen | None = None, *, announced: bool = False) -> bool:
        return is_conclusive(seen, before=before, is_announced=announced, is_last=False)

    assert not settled(Seen.GONE)
    assert settled(Seen.GONE, Seen.GONE)
    assert not settled(Seen.GONE, Seen.SILENCE)
    assert settled(Seen.GONE, announced=True)
    assert not settled(Seen.SILENCE, announced=True)
    assert not settled(Seen.STILL_THERE, Seen.GONE)
    assert is_conclusive(Seen.SILENCE, before=None, is_announced=False, is_last=True)


def looks(*seen: Seen) -> list[PastLook]:
    return [
        PastLook(at=LETTER + (n + 1) * DAY, seen=one, last_seen_at=LETTER)
        for n, one in enumerate(seen)
    ]


GONE, STILL, SILENCE = Seen.GONE, Seen.STILL_THERE, Seen.SILENCE


@pytest.mark.parametrize(
    ("seen", "announced", "result", "censored"),
    [
        ((SILENCE, SILENCE), False, OutcomeResult.UNREACHABLE, True),
        ((SILENCE, SILENCE), True, OutcomeResult.UNREACHABLE, True),
        ((STILL, STILL), False, OutcomeResult.STILL_OPEN, True),
        ((STILL, SILENCE), True, OutcomeResult.STILL_OPEN, True),
        ((STILL, GONE, GONE), False, OutcomeResult.GONE, False),
        ((STILL, GONE), True, OutcomeResult.CLOSED, False),
        ((GONE, STILL), False, OutcomeResult.STILL_OPEN, True),
        ((GONE, SILENCE), False, OutcomeResult.GONE, False),
    ],
)
def test_the_last_look_that_told_something_decides(
    seen: tuple[Seen, ...], result: OutcomeResult, *, announced: bool, censored: bool
) -> None:
    conclusion = conclude(looks(*seen), is_announced=announced)
    assert (conclusion.result, conclusion.censored) == (result, censored)


def test_the_end_lies_between_the_last_sight_and_the_first_look_without() -> None:
    conclusion = conclude(looks(STILL, GONE, SILENCE, GONE), is_announced=False)
    assert (conclusion.not_before, conclusion.not_after) == (LETTER, LETTER + 2 * DAY)


@given(st.lists(st.sampled_from(list(Seen)), max_size=8), st.booleans())
def test_silence_alone_never_closes(seen: list[Seen], announced: bool) -> None:
    conclusion = conclude(looks(*seen), is_announced=announced)
    if GONE not in seen:
        assert conclusion.result not in {OutcomeResult.CLOSED, OutcomeResult.GONE}
    assert conclusion.censored is (conclusion.not_after is None)
