"""Whom an installation asks: by default nobody; keys are secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from openletter.shell.configuration import BadSettingError, Endpoint, Reader
from openletter.shell.outside import Outside, read_outside


def outside(**environment: str) -> Outside:
    named = {f"OPENLETTER_{name}": value for name, value in environment.items()}
    return read_outside(Reader(environment=named))


def test_by_default_nobody_is_asked() -> None:
    assert outside() == Outside(resolver=None, zones=(), keys={})


def test_zones_are_names_and_each_is_asked_once() -> None:
    told = outside(RESOLVER="[::1]:53", DNSBL_ZONES="Dnsbl.Example. other.example,dnsbl.example")
    assert told.zones == ("dnsbl.example", "other.example")
    assert told.resolver == Endpoint(host="::1", port=53)


@pytest.mark.parametrize(
    "wrong",
    [
        {"RESOLVER": "localhost:53"},
        {"RESOLVER": "127.0.0.1"},
        {"DNSBL_ZONES": "not_a_zone..example"},
        {"DNSBL_KEYS": "zone.example"},
        {"DNSBL_KEYS": "zone.example=two.words secret key"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadSettingError):
        outside(**wrong)


def test_a_key_is_asked_with_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("zen.example=s3cretkey\n")
    reader = Reader(environment={"OPENLETTER_DNSBL_KEYS_FILE": str(file)})
    told = read_outside(reader)
    assert told.asked_as("zen.example") == "s3cretkey.zen.example"
    assert told.asked_as("free.example") == "free.example"
    assert "s3cret" not in repr(told) + str([one.shown for one in reader.seen.values()])


def test_a_bad_key_is_refused_without_being_told() -> None:
    with pytest.raises(BadSettingError) as refused:
        outside(DNSBL_KEYS="zen.example=s3cret/key")
    assert "s3cret" not in str(refused.value)
