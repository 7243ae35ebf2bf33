"""The last rung: a national response team, only if a named person of ours signed its entry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.campaigns.rules import MemberRole
from openletter.cli import app
from openletter.contacts import steps, teams
from openletter.contacts.errors import ContactError
from openletter.contacts.models import Choice
from openletter.contacts.rules.csirts import Team
from openletter.contacts.team_rows import CsirtReview
from openletter.words import Reader
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.contacts_builders import a_case, a_dump

pytestmark = pytest.mark.django_db

TABLE = """
[[team]]
country = "NL"
name = "Made up"
mailbox = "cert@team.example"
languages = ["sv", "en"]
source = "https://team.example/rfc2350"
seen = 2026-01-02
"""


def choice_of(campaign: Campaign, ip: str = "198.51.100.70") -> Choice:
    steps.find(campaign, now=NOW, limit=10)
    found = Choice.objects.filter(case__campaign=campaign, case__ip=ip, superseded_at=None).first()
    assert found is not None
    return found


def test_dead_contacts_go_up_to_the_parent_and_then_to_the_team(tmp_path: Path) -> None:
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    assert teams.load_invented(TABLE, exercise=campaign, by="test", now=NOW) == 1
    case = a_case(campaign, "198.51.100.70")
    went: list[str] = []
    for _ in range(6):
        choice = choice_of(campaign)
        went.append(choice.mailbox)
        if choice.reader == Reader.CSIRT:
            break
        steps.note_bounce(choice, permanent=True, now=NOW)
    assert went == [
        "abuse@dekorst.example", "abuse@laagland.example", "noc@laagland.example",
        "info@laagland.example", "cert@team.example",
    ]  # fmt: skip
    assert choice.languages == ["sv", "en"]
    assert choice.language_reason["code"] == "language-declared"
    assert "contact-csirt" in [reason["code"] for reason in choice.reasons]
    history = Choice.objects.filter(case=case).order_by("id")
    assert [each.superseded_because for each in history] == ["mailbox-dead"] * 4 + [""]


def test_whoever_wants_no_letters_is_not_told_on_to_the_team(tmp_path: Path) -> None:
    campaign = a_campaign()
    solo = "inetnum: 198.51.100.64 - 198.51.100.95\ncountry: NL\nabuse-c: A-TEST\n\n"
    solo += "role: A\nnic-hdl: A-TEST\nabuse-mailbox: abuse@solo.example\n"
    steps.load_registry(a_dump(tmp_path, text=solo), exercise=campaign, now=NOW)
    teams.load_invented(TABLE, exercise=campaign, by="test", now=NOW)
    steps.suppress("abuse@solo.example", campaign=campaign, actor="holder", how="reply", now=NOW)
    a_case(campaign, "198.51.100.70")
    choice = choice_of(campaign)
    assert (choice.outcome, choice.mailbox) == (Choice.Outcome.NOBODY, "")


def test_another_countrys_team_and_an_unsigned_one_are_nobody(tmp_path: Path) -> None:
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    teams.load_invented(TABLE.replace('"NL"', '"BE"'), exercise=campaign, by="test", now=NOW)
    a_case(campaign, "203.0.113.9")
    choice = choice_of(campaign, "203.0.113.9")
    assert choice.outcome == Choice.Outcome.NOBODY
    assert [reason["code"] for reason in choice.reasons][:2] == ["no-netblock", "no-team"]
    assert teams.candidates(a_campaign("other")) == []


@pytest.fixture
def signer() -> str:
    partner = a_partner("real", exercise=False)
    a_user("ada", partner=partner, role=MemberRole.APPROVER)
    a_user("bob", partner=partner, role=MemberRole.HANDLER)
    return "ada"


def test_real_campaigns_write_only_to_what_a_person_signed(
    signer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = a_campaign("real", lead=a_partner("real", exercise=False), exercise=False)
    country, team = next(iter(teams.table().items()))
    assert teams.candidates(campaign) == []
    user = a_user(signer)
    with pytest.raises(ContactError):
        teams.review(country, user=a_user("bob"), now=NOW)
    with pytest.raises(ContactError):
        teams.review("XX", user=user, now=NOW)
    row = teams.review(country.lower(), user=user, now=NOW)
    assert teams.review(country, user=user, now=NOW).pk == row.pk
    assert [each.mailbox for each in teams.candidates(campaign)] == [team.mailbox]
    assert TimelineEntry.objects.filter(action="csirt-reviewed", actor="user:ada").count() == 1

    changed = Team(**{**vars_of(team), "mailbox": "else@team.invalid-but-new.se"})
    monkeypatch.setattr(teams, "table", lambda: {country: changed})
    assert teams.candidates(campaign) == []
    again = teams.review(country, user=user, now=NOW)
    assert again.pk != row.pk
    assert [each.mailbox for each in teams.candidates(campaign)] == [changed.mailbox]
    assert teams.withdraw_review(country, user=user, now=NOW)
    assert not teams.withdraw_review(country, user=user, now=NOW)
    assert teams.candidates(campaign) == []
    assert CsirtReview.objects.filter(undone_at=None).count() == 0


def vars_of(team: Team) -> dict[str, object]:
    return {name: getattr(team, name) for name in Team.__dataclass_fields__}


def test_the_command_lists_signs_and_counts_what_is_absent(signer: str) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["csirt", *arguments])
        return result.exit_code, result.output

    country = next(iter(teams.table()))
    code, told = run("list")
    assert code == 0
    assert "0 signed here" in told
    assert run("review", country, "--by", "bob")[0] == 2
    assert run("review", "ZZ", "--by", "ada")[0] == 2
    assert run("review", country, "--by", "ada")[0] == 0
    rows = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    assert rows[-1]["type"] == "absent"
    assert rows[-1]["count"] == len(rows[-1]["countries"])
    assert [row["reviewed_by"] for row in rows[:-1]].count("ada") == 1
    assert run("review", country, "--by", "ada", "--withdraw")[0] == 0


def test_a_wrong_table_changes_nothing(tmp_path: Path) -> None:
    campaign = a_campaign()
    teams.load_invented(TABLE, exercise=campaign, by="test", now=NOW)
    wrong = tmp_path / "teams.toml"
    wrong.write_text(TABLE.replace("cert@", "no-reply@"))
    result = CliRunner().invoke(app, ["csirt", "load", str(wrong), "--exercise", campaign.slug])
    assert result.exit_code == 2
    assert len(teams.candidates(campaign)) == 1
    wrong.write_text(TABLE.replace('"NL"', '"DE"'))
    result = CliRunner().invoke(app, ["csirt", "load", str(wrong), "--exercise", campaign.slug])
    assert result.exit_code == 0, result.output
    assert [each.object for each in teams.candidates(campaign)] == ["DE"]


def test_one_holder_of_two_networks_gets_one_contact(tmp_path: Path) -> None:
    text = """\
inetnum: 198.51.100.0 - 198.51.100.127
org: ORG-A-TEST
abuse-c: ONE-TEST
abuse-c: TWO-TEST

inetnum: 198.51.100.128 - 198.51.100.255
org: ORG-A-TEST
abuse-c: TWO-TEST
abuse-c: THREE-TEST

organisation: ORG-A-TEST
org-name: Two Blocks
country: NL

role: One
nic-hdl: ONE-TEST
abuse-mailbox: abuse@one.example

role: Two
nic-hdl: TWO-TEST
abuse-mailbox: abuse@two.example

role: Three
nic-hdl: THREE-TEST
abuse-mailbox: abuse@three.example
"""
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path, text=text), exercise=campaign, now=NOW)
    a_case(campaign, "198.51.100.200")
    later = choice_of(campaign, "198.51.100.200").mailbox
    a_case(campaign, "198.51.100.7")
    first = choice_of(campaign, "198.51.100.7").mailbox
    assert later in ("abuse@two.example", "abuse@three.example")
    assert later in (first, "abuse@three.example")
    steps.override(
        a_case(campaign, "198.51.100.9"), address="abuse@new.example", reason="asked",
        user=a_user("ada"), now=NOW,
    )  # fmt: skip
    assert choice_of(campaign, "198.51.100.9").mailbox == "abuse@new.example"
