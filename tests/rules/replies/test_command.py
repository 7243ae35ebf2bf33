"""`openletter classify`: NDJSON, exit codes, and no Django."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import typer
from typer.testing import CliRunner

from openletter.cli import mail


def app() -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    mail.register(made)
    return made


def test_one_object_a_line_and_a_missing_file_counts(tmp_path: Path) -> None:
    known = tmp_path / "a.eml"
    known.write_text("From: Jo <jo@example.net>\nSubject: Re\n\nDe proxy is gesloten.\n")
    result = CliRunner().invoke(app(), ["classify", str(known), str(tmp_path / "no"), "--json"])
    assert result.exit_code == 1
    row = json.loads(result.stdout)
    assert (row["kind"], row["intent"], row["hard"]) == ("human", "fixed", None)


def test_nothing_readable_is_refused_as_a_whole(tmp_path: Path) -> None:
    assert CliRunner().invoke(app(), ["classify", str(tmp_path / "no"), "--json"]).exit_code == 2


def test_a_line_for_people(tmp_path: Path) -> None:
    known = tmp_path / "a.eml"
    known.write_text("From: Jo <jo@example.net>\nSubject: Out of office\n\nBack on Monday.\n")
    assert "autoreply vacation" in CliRunner().invoke(app(), ["classify", str(known)]).stdout


def test_the_rules_load_no_django() -> None:
    code = "import sys, openletter.replies.rules.classify; assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
