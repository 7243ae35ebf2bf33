"""The guides, followed to the letter on the real servers: open, closed, still useful, taken back."""

from __future__ import annotations

import pytest

from openletter.guides import library
from tests.servers import following
from tests.servers.laboratory import laboratory, why_not

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


def test_what_is_open_over_ipv6_is_closed_in_the_firewall_and_the_rest_goes_on() -> None:
    """As far as the fix; the restart and the way back are in the full matrix."""
    name, last = "nftables", "after the fix: use-web"
    if reason := why_not(name):
        pytest.skip(reason)
    seen: dict[str, following.Check] = {}
    with laboratory(name) as lab:
        follower = following.Follower(guide=library.guide(name), lab=lab)
        follower.set_up()
        for check in follower.follow("over-six", "bare"):
            seen[check.what] = check
            if check.what == last:
                break
    assert {"as it was: open from outside", "after the fix: closed from outside", last} <= set(seen)
    assert not [(check.what, check.printed) for check in seen.values() if not check.held]


@pytest.mark.full
@pytest.mark.parametrize("name", following.executed())
def test_the_guide_closes_every_bad_state_of_every_lived_in_configuration(name: str) -> None:
    every_check_held(name, only_first=False)
