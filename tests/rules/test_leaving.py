"""Settings of where letters leave, and the recipe for who stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.letters.rules.recipe import Tls, postfix
from openletter.shell.configuration import BadSettingError, Reader
from openletter.shell.smarthost import Leaving, read_leaving


def leaving(**given: str) -> Leaving:
    return read_leaving(
        Reader(environment={f"OPENLETTER_{name}": one for name, one in given.items()})
    )


def test_a_local_smarthost_needs_nothing() -> None:
    found = leaving()
    assert (found.tls, found.user, found.connections, found.log) == ("never", "", 4, "")


def test_a_password_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Tr0ub4dor\n")
    reader = Reader(
        environment={
            "OPENLETTER_SMARTHOST_TLS": "implicit", "OPENLETTER_SMARTHOST_USER": "letters",
            "OPENLETTER_SMARTHOST_PASSWORD_FILE": str(secret),
        }
    )  # fmt: skip
    found = read_leaving(reader)
    assert found.password == "Tr0ub4dor"
    shown = reader.seen["OPENLETTER_SMARTHOST_PASSWORD"]
    assert (shown.shown, shown.default) == ("(set)", "")
    assert "Tr0ub4dor" not in f"{found!r} {shown!r}"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"SMARTHOST_USER": "jo", "SMARTHOST_TLS": "starttls"}, "go together"),
        ({"SMARTHOST_PASSWORD": "x", "SMARTHOST_TLS": "starttls"}, "go together"),
        ({"SMARTHOST_USER": "jo", "SMARTHOST_PASSWORD": "x"}, "needs OPENLETTER_SMARTHOST_TLS"),
        ({"SMARTHOST_CA": "/nowhere/ca.pem"}, "no such file"),
        ({"SMARTHOST_TLS": "sometimes"}, "one of these"),
        ({"SMARTHOST_OUTGOING": "192.0.2.1 mail.example"}, "IP addresses were expected"),
    ],
)
def test_what_does_not_fit_together_ends_the_start(given: dict[str, str], problem: str) -> None:
    with pytest.raises(BadSettingError, match=problem) as refused:
        leaving(**given)
    assert refused.value.name.startswith("OPENLETTER_SMARTHOST")


def test_the_recipe_is_printed_or_written(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["smarthost", "recipe", "bounce.example.org"])
    assert printed.exit_code == 0
    assert "{@bounce.example.org=letters:}" in printed.stdout
    written = CliRunner().invoke(
        app, ["smarthost", "recipe", "bounce.example.org", "--tls", "dane", "--out", str(tmp_path)]
    )
    assert written.exit_code == 0
    assert (tmp_path / "main.cf.letters").read_text() == postfix("bounce.example.org").main
    made = postfix("bounce.example.org", tls=Tls.DANE)
    assert (tmp_path / "master.cf.letters").read_text() == made.master
    assert CliRunner().invoke(app, ["smarthost", "recipe", "no domain"]).exit_code == 2
