"""Partners' own registers: who may load one, where it wins, and that it can be taken back."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, TimelineEntry
from openletter.campaigns.rules import MemberRole
from openletter.cli import app
from openletter.contacts import steps
from openletter.contacts.models import Choice
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.words import Reader
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.contacts_builders import a_case, a_dump
from tests.mail_builders import letters_ready

pytestmark = pytest.mark.django_db

REGISTER = """\
network,address,scope,language
198.51.100.64/27,security@dekorst.example,end-user,fr
198.51.100.0/24,duty@laagland.example,provider,nl
203.0.113.0/24,desk@elsewhere.example,end-user,
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["partner", "contacts", *arguments])
    return result.exit_code, result.output


def choice_of(campaign: Campaign, ip: str) -> Choice:
    steps.find(campaign, now=NOW, limit=10)
    return Choice.objects.get(case__campaign=campaign, case__ip=ip, superseded_at=None)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """An exercise of a lead and of beta, which answers for the Netherlands' one network."""
    made = a_campaign()
    beta = a_partner("beta", country="BE")
    CampaignPartner.objects.create(campaign=made, partner=beta)
    Constituency.objects.get_or_create(partner=made.lead, country="NL", network=None)
    Constituency.objects.get_or_create(
        partner=beta, country="", network=ipaddress.ip_network("198.51.100.0/25")
    )
    a_user("bea", partner=beta, role=MemberRole.ADMINISTRATOR)
    a_user("ben", partner=beta, role=MemberRole.APPROVER)
    a_user("ada", partner=made.lead, role=MemberRole.ADMINISTRATOR)
    steps.load_registry(a_dump(tmp_path), exercise=made, now=NOW)
    return made


def a_register(folder: Path, text: str = REGISTER) -> str:
    path = folder / "register.csv"
    path.write_text(text)
    return str(path)


def told(choice: Choice, *, state: str) -> None:
    """A letter about the choice's case, as far as it has come."""
    campaign = choice.case.campaign
    (draft,) = letters_ready(campaign, 1)
    Letter.objects.filter(pk=draft.letter.pk).update(mailbox=choice.mailbox)
    LetterCase.objects.filter(letter=draft.letter).update(case=choice.case, choice=choice)
    Delivery.objects.update(state=state)


def test_it_wins_where_its_partner_answers_and_nowhere_else(
    campaign: Campaign, tmp_path: Path
) -> None:
    for ip in ("198.51.100.70", "198.51.100.10", "198.51.100.200"):
        a_case(campaign, ip)
    before = choice_of(campaign, "198.51.100.70")
    assert before.mailbox == "abuse@dekorst.example"
    code, told = run("beta", a_register(tmp_path), "--exercise", campaign.slug, "--by", "bea")
    assert (code, "2 cases are looked at again" in told) == (0, True), told
    near = choice_of(campaign, "198.51.100.70")
    assert (near.mailbox, near.reader) == ("security@dekorst.example", Reader.OWNER)
    assert (near.languages, near.language_reason["code"]) == (["fr", "en"], "language-declared")
    assert near.netblock["handle"] == before.netblock["handle"]
    assert near.holder == before.holder
    assert choice_of(campaign, "198.51.100.10").mailbox == "duty@laagland.example"
    assert choice_of(campaign, "198.51.100.200").mailbox == "abuse@laagland.example"
    assert TimelineEntry.objects.filter(action="register-loaded", actor="user:bea").count() == 1
    before.refresh_from_db()
    assert before.superseded_because == "register-changed"


@pytest.mark.parametrize(("state", "moves"), [("cleared", True), ("accepted", False)])
def test_a_case_that_was_told_of_stays_with_whom_it_was_told_to(
    campaign: Campaign, tmp_path: Path, state: str, moves: bool
) -> None:
    case = a_case(campaign, "198.51.100.70")
    before = choice_of(campaign, "198.51.100.70")
    told(before, state=state)
    register = a_register(tmp_path)
    for action in ((register,), ("--take-back",)):
        code, said = run("beta", *action, "--exercise", campaign.slug, "--by", "bea")
        assert code == 0, said
    assert (Choice.objects.get(pk=before.pk).superseded_at is not None) is moves
    choice_of(campaign, str(case.ip))
    assert Choice.objects.filter(case=case).count() == 1 + moves


def test_taken_back_the_one_before_counts_and_then_the_registries(
    campaign: Campaign, tmp_path: Path
) -> None:
    a_case(campaign, "198.51.100.70")
    world = ("--exercise", campaign.slug, "--by", "bea")
    assert run("beta", "--take-back", *world)[0] == 2
    assert run("beta", a_register(tmp_path), *world)[0] == 0
    newer = "network,address\n198.51.100.70,new@dekorst.example\n"
    assert run("beta", a_register(tmp_path, newer), *world)[0] == 0
    assert choice_of(campaign, "198.51.100.70").mailbox == "new@dekorst.example"
    assert run("beta", "--take-back", *world)[0] == 0
    assert choice_of(campaign, "198.51.100.70").mailbox == "security@dekorst.example"
    assert run("beta", "--take-back", *world)[0] == 0
    assert choice_of(campaign, "198.51.100.70").mailbox == "abuse@dekorst.example"


def test_suppressed_and_dead_boxes_of_a_register_are_passed_over(
    campaign: Campaign, tmp_path: Path
) -> None:
    a_case(campaign, "198.51.100.70")
    assert run("beta", a_register(tmp_path), "--exercise", campaign.slug, "--by", "bea")[0] == 0
    steps.note_bounce(choice_of(campaign, "198.51.100.70"), permanent=True, now=NOW)
    choice = choice_of(campaign, "198.51.100.70")
    assert choice.mailbox == "duty@laagland.example"
    steps.suppress("duty@laagland.example", campaign=campaign, actor="h", how="reply", now=NOW)
    steps.send_back(Choice.objects.all(), because="suppressed", actor="h", now=NOW)
    assert choice_of(campaign, "198.51.100.70").mailbox == "abuse@dekorst.example"


def test_a_wrong_line_or_person_changes_nothing(campaign: Campaign, tmp_path: Path) -> None:
    a_case(campaign, "198.51.100.70")
    good = a_register(tmp_path)
    world = ("--exercise", campaign.slug)
    for person in ("ben", "ada"):
        code, told = run("beta", good, *world, "--by", person)
        assert (code, "administrator" in told) == (2, True), told
    assert run("beta", good, "--by", "bea")[0] == 2, "an invented partner has an exercise"
    code, told = run("beta", a_register(tmp_path, REGISTER + "x,y,,\n"), *world, "--by", "bea")
    assert (code, "Line 5" in told) == (2, True), told
    assert run("beta", a_register(tmp_path, "network,address\n"), *world, "--by", "bea")[0] == 2
    assert run("beta", *world, "--by", "bea")[0] == 2
    assert run("beta", good, "--exercise", "no-such", "--by", "bea")[0] == 2
    assert choice_of(campaign, "198.51.100.70").mailbox == "abuse@dekorst.example"
