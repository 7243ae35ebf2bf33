"""Which of a letter's cases an answer names."""

from __future__ import annotations

import pytest

from openletter.replies.rules.actions import addresses_in

KNOWN = ("192.0.2.5", "192.0.2.55", "2001:db8::5")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("closed 192.0.2.5", {"192.0.2.5"}),
        ("192.0.2.5: closed. 192.0.2.55 is not ours.", {"192.0.2.5", "192.0.2.55"}),
        ("gesloten (2001:DB8:0:0::5).", {"2001:db8::5"}),
        ("closed 192.0.2.555", set()),
        ("closed 1192.0.2.5", set()),
        ("closed at 12:30, build 1.2.3", set()),
        ("", set()),
    ],
)
def test_an_address_names_its_case_and_no_other(text: str, named: set[str]) -> None:
    assert addresses_in(text, KNOWN) == named
