"""Who wants no letters from any campaign, and what counts as yes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.replies.rules.everywhere import asks_for_all, confirms, question


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("no letters from any campaign", True),
        ("Stop sending mail, for all campaigns.", True),
        ("remove us from all your mailings", True),
        ("Wij willen van geen enkele campagne brieven.", True),
        ("geen brieven meer, van alle campagnes", True),
        ("keine Briefe mehr, aus allen Kampagnen", True),
        ("keine Briefe mehr von dieser Kampagne", False),
        ("plus de lettres, de toutes les campagnes", True),
        ("no more letters of this campaign", False),
        ("stuur ons geen brieven meer", False),
        ("", False),
    ],
)
def test_who_asks_for_all(words: str, expected: bool) -> None:
    assert asks_for_all(words) is expected


@pytest.mark.parametrize("words", ["STOP", "stop", "Stop.", "Yes: STOP\nRegards, Jo"])
def test_the_word_we_asked_for(words: str) -> None:
    assert confirms(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "yes",
        "don't stop",
        "nooit STOP",
        "STOP?",
        "unstoppable",
        "stop@isp.example",
        "nicht STOP",
    ],
)
def test_anything_that_doubts_is_no_yes(words: str) -> None:
    assert not confirms(words)


@given(st.text(max_size=2_000))
def test_any_text_is_read(words: str) -> None:
    asks_for_all(words)
    confirms(words)


def test_the_question_is_in_the_letters_language_and_english() -> None:
    subject, text = question("abuse@isp.example", languages=["nl", "en"])
    assert "Geen brieven" in subject
    assert text.count("abuse@isp.example") == 2
    assert text.index("namens") < text.index("in the name of")
    assert "namens" not in question("abuse@isp.example", languages=["fr", "en"])[1]
