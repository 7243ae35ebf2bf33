"""Rotation of the signing keys: two pairs side by side, and no letter that can't be verified."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dkim
import pytest

from openletter.letters import keys, selectors
from openletter.letters.rules.dkim import zone_text
from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.message import build
from openletter.letters.rules.text import Written
from tests.letter_samples import addressing

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DOMAIN = "campaign.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys.make(tmp_path, selector="main")
    return tmp_path


def a_letter(folder: Path) -> bytes:
    """Signed by whichever selector signs now."""
    chosen = selectors.signing(folder, named="main")
    pair = keys.load(folder, domain=DOMAIN, selector=chosen)
    return build(Written(subject="x", body="Hello\n"), addressing(), keys=pair).raw


def believed(raw: bytes, folder: Path) -> set[bool]:
    """What a verifier says who looks up all that we publish."""
    records = selectors.dns_records(folder, domain=DOMAIN, named="main")
    zone = {f"{name}.".encode(): text.encode() for name, text in records}

    def is_believed(index: int) -> bool:
        try:
            return bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=lambda name, **_: zone.get(name)))
        except dkim.ValidationError:
            return False

    return {is_believed(0), is_believed(1)}


def test_before_any_rotation_the_settings_pair_signs_and_nothing_is_written(folder: Path) -> None:
    state = selectors.condition(folder, named="main", now=NOW)
    assert state.signing is not None
    assert state.signing.selector == "main"
    assert (state.following, state.leaving) == (None, ())
    assert not (folder / "selectors.json").exists()


def test_the_new_pair_is_published_before_it_signs(folder: Path) -> None:
    selectors.add(folder, named="main", now=NOW)
    names = {name for name, _ in selectors.dns_records(folder, domain=DOMAIN, named="main")}
    assert names == {
        f"{name}._domainkey.{DOMAIN}"
        for name in ("main", "main-ed25519", "main-202611", "main-202611-ed25519")
    }
    assert b"s=main;" in a_letter(folder)
    assert selectors.condition(folder, named="main", now=NOW).following is not None


def test_a_letter_signed_before_the_switch_is_believed_after_it(folder: Path) -> None:
    before = a_letter(folder)
    selectors.add(folder, named="main", now=NOW)
    selectors.switch(folder, named="main", now=NOW + DAY)
    after = a_letter(folder)
    assert b"s=main-202611;" in after
    assert believed(before, folder) == believed(after, folder) == {True}
    selectors.retire(folder, named="main", selector="main", now=NOW + 9 * DAY)
    assert believed(after, folder) == {True}
    assert believed(before, folder) == {False}


def test_no_pair_retires_while_its_letters_may_be_on_their_way(folder: Path) -> None:
    selectors.add(folder, named="main", selector="second", now=NOW)
    for selector, why in (("main", "in-use"), ("second", "in-use"), ("third", "no-such")):
        with pytest.raises(LetterError, match=why):
            selectors.retire(folder, named="main", selector=selector, now=NOW + 99 * DAY)
    old, _ = selectors.switch(folder, named="main", now=NOW)
    assert old.retires == NOW + selectors.QUEUE_LIFE
    with pytest.raises(LetterError, match="on-their-way"):
        selectors.retire(folder, named="main", selector="main", now=NOW + 6 * DAY)
    assert keys.exists(folder, selector="main")
    selectors.retire(folder, named="main", selector="main", now=NOW + 7 * DAY)
    assert not keys.exists(folder, selector="main")
    assert [pair.selector for pair in selectors.pairs(folder, named="main")] == ["second"]


def test_the_condition_says_which_signs_and_how_old_it_is(folder: Path) -> None:
    selectors.add(folder, named="main", selector="second", now=NOW)
    selectors.switch(folder, named="main", now=NOW + DAY)
    state = selectors.condition(folder, named="main", now=NOW + 182 * DAY)
    assert state.signing is not None
    assert (state.signing.selector, state.age, state.is_old) == ("second", 181 * DAY, True)
    assert [pair.selector for pair in state.leaving] == ["main"]
    assert not selectors.condition(folder, named="main", now=NOW + 30 * DAY).is_old


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ("exercise", "not-a-selector"),
        ("a.b", "not-a-selector"),
        ("../up", "not-a-selector"),
        ("Main", "not-a-selector"),
        ("x-ed25519", "not-a-selector"),
        ("-x", "not-a-selector"),
        ("main", "selector-taken"),
    ],
)
def test_a_selector_is_a_label_of_our_own(folder: Path, selector: str, why: str) -> None:
    with pytest.raises(LetterError, match=why):
        selectors.add(folder, named="main", selector=selector, now=NOW)
    assert [pair.selector for pair in selectors.pairs(folder, named="main")] == ["main"]


def test_one_pair_waits_at_a_time_and_none_waits_for_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LetterError, match="no-pair-waits"):
        selectors.switch(folder, named="main", now=NOW)
    selectors.add(folder, named="main", now=NOW)
    with pytest.raises(LetterError, match="waits-already"):
        selectors.add(folder, named="main", now=NOW)
    with pytest.raises(LetterError, match="no-signing-key"):
        selectors.add(tmp_path / "empty", named="main", now=NOW)
    assert selectors.condition(tmp_path / "empty", named="main", now=NOW).signing is None


def test_names_drawn_from_the_date_differ(folder: Path) -> None:
    for number in range(3):
        selectors.add(folder, named="main", now=NOW)
        selectors.switch(folder, named="main", now=NOW + number * DAY)
    found = [pair.selector for pair in selectors.pairs(folder, named="main")]
    assert found == ["main", "main-202611", "main-202611-2", "main-202611-3"]


def test_the_file_is_private_and_a_broken_one_is_refused(folder: Path) -> None:
    selectors.add(folder, named="main", now=NOW)
    file = folder / "selectors.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text('[{"selector": "main"}]')
    with pytest.raises(LetterError, match="selectors-file-broken"):
        selectors.signing(folder, named="main")


def test_a_record_stands_in_a_zone_file_in_strings_that_fit(folder: Path) -> None:
    (_, rsa) = selectors.dns_records(folder, domain=DOMAIN, named="main")[1]
    strings = zone_text(rsa).strip('"').split('" "')
    assert "".join(strings) == rsa
    assert max(map(len, strings)) <= 255
