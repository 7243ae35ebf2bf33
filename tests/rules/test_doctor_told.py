"""What `openletter doctor` prints: whole records, on a terminal within its width."""

from __future__ import annotations

import click
import pytest

from openletter.cli.doctor import _as_text
from openletter.doctor.rules.check import Check, Look
from openletter.letters.rules.dkim import zone_text

RECORD = zone_text("v=DKIM1; k=rsa; h=sha256; p=" + "MIIBIjANBgkq" * 33)
LOOK = Look("dkim", "a1._domainkey.example.org")
CHECKS = (
    LOOK.bad("dkim-missing", record=RECORD),
    Look("law", "alpha").bad("law-not-approved", partner="alpha"),
    Look("clock", "kernel").not_asked("clock-kernel-silent"),
    Look("trial", "<x@y.example>").good("trial-sent", answer="250 ok", recipient="me@x.example"),
)


@pytest.mark.parametrize("lang", ["en", "nl"])
@pytest.mark.parametrize("width", [0, 60, 80])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.seen.code)
def test_nothing_is_cut_and_lines_keep_within_the_terminal(
    check: Check, width: int, lang: str
) -> None:
    text = click.unstyle(_as_text(check, lang, width=width))
    assert "…" not in text
    lines = [line for line in text.splitlines() if RECORD not in line]
    assert not width or max(map(len, lines)) < width
    assert check is not CHECKS[0] or f"a1._domainkey.example.org. TXT {RECORD}" in text


def test_what_is_to_be_done_is_said_though_all_is_well() -> None:
    assert "openletter doctor --received FILE" in _as_text(CHECKS[-1], "en")


def test_what_a_stranger_wrote_colours_nothing() -> None:
    check = Look("alarm", "x").bad("alarm", text="away \x1b[31m", todo="Look.")
    assert "\\u001b[31m" in _as_text(check, "en", width=80)
