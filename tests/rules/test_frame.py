"""How codes, times and addresses read on a page; every closed set has its words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest

from openletter.frame import labels
from openletter.frame.templatetags import frame
from openletter.words import CaseState, OutcomeResult, Reader, Role, WaveKind, Weakness


@pytest.mark.parametrize(
    ("words", "mapping"),
    [
        (Weakness, labels.WEAKNESS),
        (Weakness, labels.SAYS),
        (CaseState, labels.CASE_STATE),
        (CaseState, labels.CASE_CHIP),
        (Role, labels.ROLE),
        (OutcomeResult, labels.OUTCOME),
        (Reader, labels.READER),
        (WaveKind, labels.WAVE),
    ],
)
def test_every_word_has_a_label(words: type[StrEnum], mapping: dict[StrEnum, object]) -> None:
    assert set(mapping) == set(words)


def test_a_time_is_printed_in_utc_with_its_zone() -> None:
    amsterdam = timezone(timedelta(hours=1))
    printed = frame.utc(datetime(2026, 11, 24, 11, 12, tzinfo=amsterdam))
    assert "2026-11-24 10:12 UTC" in printed
    assert 'datetime="2026-11-24T10:12:00Z"' in printed
    assert frame.utc(None) == "–"
    assert frame.utc(datetime(2026, 1, 1, tzinfo=UTC)).startswith("<time")


def test_a_mailbox_is_masked_to_its_first_letters() -> None:
    assert frame.masked("abuse@example.net") == "a•••@e•••.net"
    assert "hoster" not in frame.masked("noc@mail.hoster.example")
    assert frame.masked("a@b.example").count("•") == 6


def test_what_comes_from_outside_stays_text() -> None:
    assert "<b>" not in frame.address("<b>192.0.2.1</b>")
    assert "&lt;b&gt;" in frame.reference("<b>12345")


def test_a_mark_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Exception, match="no mark"):
        frame.mark("../../secrets")
