"""security.txt: who is named, where the file still holds."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import guessed, securitytxt
from openletter.wire.registry import UnreadableError

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
URL = "https://provider.example/.well-known/security.txt"
GOOD = (
    "# hello\nContact: mailto:security@provider.example\nContact: https://provider.example/form\n"
    "contact: MAILTO:psirt%40provider.example?subject=x\nExpires: 2027-01-01T00:00:00Z\n"
)
SIGNED = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nContact: mailto:a@provider.example\n"
    "- Contact: mailto:b@provider.example\nExpires: 2027-01-01T00:00:00.123+02:00\n"
    "-----BEGIN PGP SIGNATURE-----\nContact: mailto:forged@provider.example\n"
)


def read(text: str) -> securitytxt.SecurityTxt:
    return securitytxt.read(text.encode(), url=URL, now=NOW)


def test_mail_contacts_stand_in_their_order() -> None:
    found = read(GOOD)
    assert found.contacts == ("security@provider.example", "psirt@provider.example")
    assert found.code == ""
    assert not found.is_signed
    assert read(GOOD.replace("\n", "\r\n")).contacts == found.contacts


def test_the_armour_of_a_signed_file_is_taken_off() -> None:
    found = read(SIGNED)
    assert found.contacts == ("a@provider.example", "b@provider.example")
    assert found.is_signed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Contact: mailto:a@b.example\n", "no-expiry"), ("", "no-expiry"),
        (GOOD.replace("2027", "2025"), "expired"), (GOOD + "Expires: 2027-01-01T00:00:00Z\n", "no-expiry"),
        (GOOD.replace("2027-01-01T00:00:00Z", "next year"), "no-expiry"),
        (GOOD + "Canonical: https://else.example/security.txt\n", "of-another-place"),
        ("Contact: https://x.example/\nExpires: 2027-01-01T00:00:00Z\n", "no-mail-contact"),
        ("Contact: mailto:not an address\nExpires: 2027-01-01T00:00:00Z\n", "no-mail-contact"),
        ("Contact: mailto:a@b.example%0aBcc:c@d.example\nExpires: 2027-01-01T00:00:00Z\n", "no-mail-contact"),
        ("<html>Contact: mailto:a@b.example</html>", "no-expiry"),
    ],
)  # fmt: skip
def test_what_does_not_hold_gives_nobody(text: str, code: str) -> None:
    found = read(text)
    assert (found.contacts, found.code) == ((), code)


def test_its_own_address_may_be_named() -> None:
    assert read(GOOD + f"Canonical: {URL}\n").contacts


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_give_addresses_or_a_reason(document: bytes) -> None:
    found = securitytxt.read(document, url=URL, now=NOW)
    assert bool(found.contacts) != bool(found.code)


def test_facts_are_kept_and_read_again() -> None:
    facts = guessed.Guessed(about="192.0.2.1", second_opinion=("a@b.example",), name="h.b.example")
    assert guessed.read(facts.as_bytes()) == facts


@given(st.binary(max_size=80))
def test_any_kept_bytes_are_facts_or_refused(document: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        guessed.read(document)
