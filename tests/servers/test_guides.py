"""The guides, followed to the letter on the real servers: open, closed, still useful, taken back."""

from __future__ import annotations

import pytest

from tests.servers import following
from tests.servers.laboratory import why_not

QUICK = ("postfix", "exim", "squid", "tinyproxy", "dante")
"""Followed in `make test`; the others only in the full matrix."""


def every_check_held(name: str, *, only_first: bool) -> None:
    if reason := why_not(name):
        pytest.skip(reason)
    outcome = following.follow(name, only_first=only_first)
    cases = outcome["cases"]
    assert isinstance(cases, dict)
    assert cases
    assert not [(case, what) for case, told in cases.items() for what in told if not told[what]]


@pytest.mark.parametrize("name", [name for name in following.executed() if name in QUICK])
def test_the_guide_closes_the_usual_mistake_and_can_be_taken_back(name: str) -> None:
    every_check_held(name, only_first=True)


@pytest.mark.full
@pytest.mark.parametrize("name", following.executed())
def test_the_guide_closes_every_bad_state_of_every_lived_in_configuration(name: str) -> None:
    every_check_held(name, only_first=False)
