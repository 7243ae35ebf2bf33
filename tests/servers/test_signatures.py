"""Strangers' programs believe our signatures, and none believes a letter that somebody changed.

OpenDKIM and Mail::DKIM know RSA and look the keys up in a DNS of their own; dkimpy with libsodium
verifies both signatures.
"""

from __future__ import annotations

from collections.abc import Sequence

import dkim
import pytest

from openletter.letters import library, preview
from openletter.words import Reader, WaveKind
from tests.servers.judges import court, letters

KEYS = preview.fresh_keys()
ZONE = {f"{key.dns_name()}.".encode(): key.dns_record().encode() for key in KEYS}
ABOUT = ("open-relay", "several")


def believed_by_dkimpy(raw: bytes) -> list[bool]:
    """Whether each signature holds, Ed25519's first."""

    def is_believed(index: int) -> bool:
        try:
            return bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=lambda name, **_: ZONE[name]))
        except dkim.ValidationError:
            return False

    return [is_believed(index) for index in range(len(KEYS))]


def assert_believed(pile: dict[str, bytes]) -> None:
    records = letters.records_of(KEYS)
    assert set(court.judged(pile, by="opendkim", records=records).values()) == {True}
    for name, told in court.judged(pile, by="perl", records=records).items():
        assert told["rsa-sha256"] == "pass", name
    for name, raw in pile.items():
        assert believed_by_dkimpy(raw) == [True, True], name


def assert_refused(pile: dict[str, bytes]) -> None:
    records = letters.records_of(KEYS)
    assert set(court.judged(pile, by="opendkim", records=records).values()) == {False}
    for name, told in court.judged(pile, by="perl", records=records).items():
        assert set(told) == {"rsa-sha256", "ed25519-sha256"}, name
        assert "pass" not in told.values(), name
    for name, raw in pile.items():
        assert believed_by_dkimpy(raw) == [False, False], name


def some(languages: Sequence[str]) -> list[preview.Asked]:
    """Each language once, kinds, readers and subjects in turn."""
    kinds, readers = library.kinds(), tuple(Reader)
    return [
        preview.Asked(
            language=tag, kind=kinds[number % len(kinds)], to=readers[number % len(readers)],
            about=ABOUT[number % len(ABOUT)],
        )
        for number, tag in enumerate(languages)
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def judges() -> None:
    court.skip_without("opendkim", "perl")


def test_three_verifiers_believe_every_language() -> None:
    assert_believed(dict(letters.signed(some(library.languages()), KEYS)))


def test_none_believes_a_changed_letter() -> None:
    asked = some(library.languages())
    chosen = {one.language: one for one in asked}
    wanted = [chosen[tag] for tag in ("en", "ja", "ar") if tag in chosen]
    pile = {}
    for name, raw in letters.signed(wanted, KEYS):
        pile |= {f"{name} {what}": changed for what, changed in letters.tampered(raw).items()}
    assert_refused(pile)


def test_a_verifier_without_our_zone_believes_nothing() -> None:
    """The judges look keys up; none of them simply says yes."""
    pile = dict(letters.signed([preview.Asked()], KEYS))
    assert set(court.judged(pile, by="opendkim", records={}).values()) == {False}
    (told,) = court.judged(pile, by="perl", records={}).values()
    assert told["rsa-sha256"] != "pass"


@pytest.mark.full
@pytest.mark.parametrize("language", library.languages())
def test_every_letter_of_a_language_is_believed_and_no_changed_one(language: str) -> None:
    asked = list(preview.every([language]))
    pile = dict(letters.signed(asked, KEYS))
    assert {one.kind for one in asked} == set(library.kinds()) >= {WaveKind.FIRST}
    assert_believed(pile)
    changed = {}
    for number, (name, raw) in enumerate(pile.items()):
        ways = list(letters.tampered(raw).items())
        what, spoiled = ways[number % len(ways)]
        changed[f"{name} {what}"] = spoiled
    assert_refused(changed)
