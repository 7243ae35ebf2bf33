"""The table of national response teams: read strictly, signed by digest, nothing from memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files

import pytest

from openletter.contacts.rules.csirts import (
    TableError,
    Team,
    candidate_of,
    read,
    team_of,
    without_entry,
)
from openletter.contacts.rules.language import OURS
from openletter.contacts.rules.refuse import World
from openletter.wire import countries
from openletter.words import Scope

ENTRY = """
[[team]]
country = "NL"
name = "Made up"
mailbox = "cert@team.example"
languages = ["nl", "en"]
source = "https://team.example/rfc2350"
seen = 2026-01-02
reviewed-by = ""
"""


def test_the_repositorys_table_is_whole_and_signed_by_nobody() -> None:
    text = (files("openletter.contacts") / "csirts.toml").read_text(encoding="utf-8")
    teams = read(text, world=World.REAL)
    assert teams
    for team in teams.values():
        assert team.source.startswith("https://")
        assert set(team.languages) <= OURS
        assert team.languages[-1] == "en"
    assert text.count('reviewed-by = ""') == len(teams)
    assert set(without_entry(teams)) == countries.CODES - teams.keys()


def test_an_entry_becomes_the_last_rung() -> None:
    team = read(ENTRY, world=World.EXERCISE)["NL"]
    assert team.seen == date(2026, 1, 2)
    found = candidate_of(team, reviewed_by="ada")
    assert (found.mailbox, found.scope, found.object) == ("cert@team.example", Scope.CSIRT, "NL")
    assert found.source == "csirt"


def test_every_field_is_under_the_signature() -> None:
    team = read(ENTRY, world=World.EXERCISE)["NL"]
    changed = [
        replace(team, country="BE"), replace(team, name="x"), replace(team, mailbox="a@b.example"),
        replace(team, languages=("nl",)), replace(team, source="https://x.example"),
        replace(team, seen=date(2026, 1, 3)),
    ]  # fmt: skip
    assert len({each.digest for each in [team, *changed]}) == len(Team.__dataclass_fields__) + 1
    assert team_of(team.as_json(), world=World.EXERCISE) == team


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"NL"', '"XX"'), ("cert@", "no-reply@"), ("cert@team.example", "cert"), ('"nl", "en"', ""),
        ("https://", "http://"), ("2026-01-02", '"soon"'), ('reviewed-by = ""', 'reviewed-by = "x"'),
        ('name = "Made up"', 'name = ""'), ("[[team]]", "[team]"), ('"nl"', "3"), ("=", ""),
    ],
)  # fmt: skip
def test_a_wrong_entry_refuses_the_table(old: str, new: str) -> None:
    with pytest.raises(TableError):
        read(ENTRY.replace(old, new), world=World.EXERCISE)


def test_a_country_stands_there_once() -> None:
    with pytest.raises(TableError):
        read(ENTRY + ENTRY, world=World.EXERCISE)
    with pytest.raises(TableError):
        read(ENTRY, world=World.REAL)  # a reserved mail domain is no team's
