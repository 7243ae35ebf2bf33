"""Settings: typed, from one of four places, and refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from openletter.shell import configuration as read
from openletter.shell.configuration import BadSettingError, Endpoint, Reader

NAME = "OPENLETTER_PACE"


def a_reader(environment: dict[str, str] | None = None, **table: object) -> Reader:
    return Reader(environment=environment or {}, table=table)


def pace(reader: Reader) -> int:
    return reader.read(NAME, read.to_number, default="20", about="How many an hour.")


def test_the_environment_wins_then_the_file_then_the_table_then_the_default(tmp_path: Path) -> None:
    secret = tmp_path / "pace"
    secret.write_text("3\n")
    everything = {NAME: "2", f"{NAME}_FILE": str(secret)}
    assert pace(a_reader(everything, pace=4)) == 2
    del everything[NAME]
    assert pace(a_reader(everything, pace=4)) == 3
    assert pace(a_reader({}, pace=4)) == 4
    assert pace(a_reader()) == 20


@pytest.mark.parametrize(
    ("environment", "origin"), [({NAME: "1"}, "environment"), ({}, "openletter.toml")]
)
def test_the_origin_is_remembered(environment: dict[str, str], origin: str) -> None:
    reader = a_reader(environment, pace=4)
    pace(reader)
    assert reader.seen[NAME].origin == origin


def test_a_secret_is_never_shown() -> None:
    reader = a_reader({"OPENLETTER_SECRET_KEY": "correct horse"})
    reader.read("OPENLETTER_SECRET_KEY", read.to_text, default="", about="x", secret=True)
    assert "horse" not in repr(reader.seen["OPENLETTER_SECRET_KEY"].shown)


def test_a_bad_value_is_refused_with_name_origin_and_what_was_expected() -> None:
    with pytest.raises(BadSettingError, match=r"OPENLETTER_PACE \(environment\).*whole number"):
        pace(a_reader({NAME: "fast"}))


def test_a_missing_secret_file_is_refused() -> None:
    with pytest.raises(BadSettingError, match="OPENLETTER_PACE"):
        pace(a_reader({f"{NAME}_FILE": "/nonexistent/pace"}))


def test_a_misspelt_key_is_refused() -> None:
    reader = a_reader({}, paec=4)
    pace(reader)
    with pytest.raises(BadSettingError, match="paec"):
        reader.refuse_unknown_keys()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("[::1]:25", "::1", 25),
        ("mail.example.net:2525", "mail.example.net", 2525),
    ],
)
def test_endpoints(text: str, host: str, port: int) -> None:
    assert read.to_endpoint(text) == Endpoint(host=host, port=port)
    assert str(read.to_endpoint(text)) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (read.to_endpoint, "8000"),
        (read.to_endpoint, "127.0.0.1"),
        (read.to_endpoint, "127.0.0.1:99999"),
        (read.to_endpoint, "127.0.0.1:80/x"),
        (read.to_number, "-1"),
        (read.to_flag, "maybe"),
        (read.to_web_address, "example.net"),
        (read.to_web_address, "https://example.net/path"),
        (read.to_database_url, "mysql://localhost/x"),
        (read.to_choice("a", "b"), "c"),
    ],
)
def test_values_that_are_none(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse(text)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("x.test", False),
    ],
)
def test_what_is_loopback(host: str, is_loopback: bool) -> None:
    assert Endpoint(host=host, port=1).is_loopback is is_loopback


def test_lists_and_yes_in_the_file_read_like_in_the_environment() -> None:
    reader = a_reader({}, hosts=["a", "b"], proxy=True)
    assert reader.read("OPENLETTER_HOSTS", read.to_words, default="", about="x") == ("a", "b")
    assert reader.read("OPENLETTER_PROXY", read.to_flag, default="no", about="x") is True
