"""What partners get of a guide: everything a reader needs, nothing of the laboratory, no blanks left out."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.guides import library, record
from openletter.guides.export import as_json, in_list
from openletter.guides.model import LAB_ROLES
from openletter.guides.values import BLANKS, TYPED, VARIABLE

NAMES = list(library.ids())


@pytest.mark.parametrize("name", NAMES)
def test_every_guide_is_told_whole_and_survives_json(name) -> None:
    page = library.guide(name)
    told = as_json(page, letter=library.for_letter(name, "nl"), tested=record.tested(page))
    assert json.loads(json.dumps(told)) == told
    letter = told["letter"]
    assert (letter is not None) == page.is_for_letters
    pieces = [p for s in (*told["sections"], *([letter] if letter else [])) for p in s["pieces"]]
    texts = [piece.get("text", piece.get("markdown")) for piece in pieces]
    used = {name for text in texts for name in VARIABLE.findall(text)}
    assert used == {*told["fill_in"], *told["left_blank"]}
    assert set(told["fill_in"]) <= set(TYPED)
    assert told["left_blank"].items() <= BLANKS.items()
    roles = {piece.get("role") for piece in pieces}
    assert not roles & {role.value for role in LAB_ROLES}


def test_what_changed_since_it_was_followed_is_not_proven() -> None:
    squid = library.guide("squid")
    run = {"digest": squid.followed, "version": "5.7", "date": "2026-03-02"}
    cases = {"cases": {"wide / plain": {"seen open": True}}}
    now = record.read_run(run | cases, digest=squid.followed)
    then = record.read_run(run | cases, digest="0" * 64)
    told = [as_json(squid, letter=squid, tested=each)["tested"]["proven"] for each in (now, then)]
    assert told == [True, False]
    assert [in_list(squid, tested=each)["proven"] for each in (now, then, None)] == [
        True, False, False,
    ]  # fmt: skip


def test_the_command_lists_and_shows_guides() -> None:
    ran = CliRunner()
    rows = [
        json.loads(line)
        for line in ran.invoke(app, ["guide", "list", "--json"]).stdout.splitlines()
    ]
    assert [row["id"] for row in rows] == NAMES
    shown = ran.invoke(app, ["guide", "show", "squid", "--json", "--lang", "nl"])
    assert json.loads(shown.stdout)["letter"]["language"] == "nl"
    assert ran.invoke(app, ["guide", "show", "squid"]).stdout.startswith("1. Look at the rules")
    assert ran.invoke(app, ["guide", "show", "still-open"]).exit_code == 3
    assert ran.invoke(app, ["guide", "show", "nothing"]).exit_code == 3


def test_the_command_checks_files_of_steps(tmp_path) -> None:
    ran = CliRunner()
    file = tmp_path / "tlh.md"
    file.write_text(ran.invoke(app, ["guide", "blocks", "tlh"]).stdout)
    told = ran.invoke(app, ["guide", "check", str(file)])
    assert told.exit_code == 1
    assert f"{file}:8: not translated: Look through every file" in told.stdout
    whole = tmp_path / "nl.md"
    whole.write_text(ran.invoke(app, ["guide", "blocks", "nl"]).stdout)
    assert ran.invoke(app, ["guide", "check", str(whole)]).exit_code == 0
