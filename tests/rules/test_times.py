"""Times as sources write them; what could be two moments, or none, is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.evidence.rules.times import parse_time

MOMENT = datetime(2026, 3, 2, 6, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 06:15:30",
        "2026-03-02T06:15:30Z",
        "2026-03-02T06:15:30+00:00",
        "2026-03-02 07:15:30+01:00",
        "2026-03-02 07:15:30 +0100",
        "2026-03-02 02:15:30-04",
        "2026-03-02 06:15:30 UTC",
        "2026-03-02 06:15:30.000",
        "20260302T061530Z",
        "20260302061530",
        "2026/03/02 06:15:30",
        " 2026-03-02 06:15:30 ",
    ],
)
def test_many_looks_are_one_moment(text: str) -> None:
    assert parse_time(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    ["", "0000-01-01 00:00:00", "2026-02-30 00:00:00", "2026-03-02 25:00:00", "03/02/2026 06:15",
     "2026-03-02 06:15:30 CET", "1772432130", "2026-03-02 06:15:30+99:00", "yesterday",
     "2026-13-01", "0001-01-01 00:00:00+05:00"],
)  # fmt: skip
def test_what_names_no_moment_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_forms_and_zones_of_a_mapping() -> None:
    assert parse_time("1772432130", form="epoch") == MOMENT
    assert parse_time("99999999999999", form="epoch") is None
    assert parse_time("02/03/2026 07:15:30", form="%d/%m/%Y %H:%M:%S", zone="+01:00") == MOMENT
    assert parse_time("02/03/2026 06:15:30", form="%d/%m/%Y %H:%M:%S") == MOMENT
    assert parse_time("2026-03-02 07:15:30", zone="+01:00") == MOMENT
    assert parse_time("2026-03-02T06:15:30Z", zone="+01:00") == MOMENT
    assert parse_time("Mon, 02 Mar 2026 07:15:30 +0100", form="%a, %d %b %Y %H:%M:%S %z") == MOMENT
    assert parse_time("0001-01-01 +0100", form="%Y-%m-%d %z") is None
    assert parse_time("nonsense", form="%Y") is None
    assert parse_time("2026", form="%Q") is None


@given(st.text(max_size=30), st.sampled_from(["", "epoch", "%Y-%m-%d", "%c"]))
def test_no_text_is_an_accident(text: str, form: str) -> None:
    found = parse_time(text, form=form, zone="+14:00")
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))
def test_a_written_time_reads_back(moment: datetime) -> None:
    plain = moment.replace(microsecond=0)
    assert parse_time(str(plain)) == plain.replace(tzinfo=UTC)
