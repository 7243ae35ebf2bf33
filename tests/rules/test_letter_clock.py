"""A letter says UTC, and what the clock showed where the server stands, if there is one clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from openletter.guides.layout import COLUMNS, width
from openletter.letters import hours, library, preview
from openletter.letters.rules.facts import by_its_clock, utc
from openletter.words import Reader, WaveKind
from tests.letter_samples import SEEN, a_case_of, some_facts, table_of, written

EVENING = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
WINTER = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
"""One second before Europe's clocks go forward."""


@pytest.mark.parametrize(
    ("country", "at", "said"),
    [
        ("NL", WINTER, "01:59:59 +01:00"),
        ("NL", WINTER + timedelta(seconds=1), "03:00:00 +02:00"),
        ("DE", EVENING, "2026-04-01 00:30:00 +02:00"),
        ("IN", EVENING, "2026-04-01 04:00:00 +05:30"),
        ("BR", EVENING, None),
        ("GB", WINTER, ""),
        ("GB", EVENING, "23:30:00 +01:00"),
        ("CN", EVENING, None),
        ("", EVENING, None),
        ("ZZ", EVENING, None),
    ],
)
def test_the_clock_of_a_country_that_keeps_one(country, at, said) -> None:
    local = hours.local_time(country, at)
    assert (local is None) is (said is None)
    if local is not None:
        assert local == at
        assert by_its_clock(local, behind=utc(at)).replace("\u00a0", " ") == said


def test_both_times_stand_in_letter_and_text_but_files_for_machines_have_utc_alone() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    seen = tuple(replace(one, local=one.at and one.at.astimezone(zone)) for one in SEEN)
    cases = [a_case_of("192.0.2.4", seen=seen), a_case_of("192.0.2.5", seen=seen)]
    letter = written(some_facts(cases, reader=Reader.PROVIDER))
    texts = [letter.body, *(file.text for file in letter.files if file.name.endswith(".txt"))]
    assert len(texts) == 3
    for text in (" ".join(text.split()) for text in texts):
        assert " 2026-03-01 04:10:03 UTC (09:40:03 +05:30)" in text
        assert " 2026-02-28 22:41:00 UTC (2026-03-01 04:11:00 +05:30)" in text
    for file in letter.files:
        assert ("+05:30" in file.text) is file.name.endswith(".txt")
    assert "2026-03-01T04:10:03Z" in table_of(letter)


@pytest.mark.parametrize("language", library.languages())
def test_both_times_fit_in_every_language(language: str) -> None:
    asked = preview.Asked(language=language, about="several", to=Reader.PROVIDER)
    facts, letter = preview.written(asked)
    shown = [line for line in letter.body.split("\n") if " UTC (" in line]
    has_clock = any(one.local and one.local.utcoffset() for one in facts.cases[0].seen)
    assert bool(shown) is has_clock
    assert all(width(line) <= COLUMNS for line in shown)


def test_an_update_says_what_closed_then_what_remains_then_what_is_new() -> None:
    for kind in (WaveKind.UPDATE, WaveKind.REMINDER):
        asked = preview.Asked(kind=kind, about="several", to=Reader.PROVIDER)
        facts, letter = preview.written(asked)
        places = [letter.body.index(f"\n  {word} ") for word in ("Closed", "Open, as far as we")]
        places += [letter.body.index(f"\n{facts.cases[0].row}.   Address")]
        assert places == sorted(places)
