"""No line of log opens anything or repeats a mail."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest
import structlog

from openletter.shell import logs
from openletter.words import new_secret

SECRET = "k3bq7zt2mvx5hn4ycd6r"  # of the form of `new_secret`, the same on every worker


@pytest.mark.parametrize(
    "text",
    [
        f"GET /nl/l/{SECRET} 200",
        f"GET /en/c/{SECRET}/fixed 302",
        f"POST /o/{SECRET}",
        f"MAIL FROM:<b+{SECRET}@bounce.example.net>",
        f"rcpt=reply+{SECRET}@reply.example.net",
        f"stop+{SECRET}@reply.example.net",
        f"token {SECRET} looked up",
        f"postgresql://openletter:{SECRET}@%2Ftmp%2Fx/openletter",
    ],
)
def test_what_opens_something_is_hidden_wherever_it_stands(text: str) -> None:
    assert SECRET not in logs.hide(text)
    assert logs.HIDDEN in logs.hide(text)


@pytest.mark.parametrize(
    "text", ["192.0.2.7:3128 open-http-proxy", "7K3Q-D9MX", "abuse@example.net"]
)
def test_what_opens_nothing_stays(text: str) -> None:
    assert logs.hide(text) == text


def test_fresh_secrets_are_of_that_form() -> None:
    assert logs.hide(new_secret()) == logs.HIDDEN


def test_keys_that_name_secrets_or_bodies_lose_their_value() -> None:
    event = {
        "event": "stored",
        "password": "x1",
        "link_secret": "x2",
        "raw": b"Subject: x3",
        "body": "x4",
        "headers": {"Cookie": "x5", "list": ["ok", {"token": "x6"}]},
        "bytes": b"x7",
        "number": 3,
    }
    told = json.dumps(logs.redact(None, "info", dict(event)))
    assert not any(f"x{number}" in told for number in range(1, 8))
    assert '"number": 3' in told


def test_our_lines_and_the_libraries_lines_are_json_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logging.config.dictConfig(logs.logging_config(level="info"))
    try:
        structlog.get_logger("ours").info("handed over", token=SECRET, letter=7)
        logging.getLogger("library").warning("GET /nl/l/%s", SECRET)
    finally:
        root.handlers[:], root.level = before
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (lines[0]["event"], lines[0]["letter"]) == ("handed over", 7)
    assert SECRET not in json.dumps(lines)
