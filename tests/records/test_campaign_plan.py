"""The plan says what would leave and why the rest would not; persons start it from the shell."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, Exclusion, Partner
from openletter.campaigns.rules import CampaignState, MemberRole
from openletter.cases.models import Case
from openletter.cli import app
from openletter.contacts.models import Choice, Suppression
from openletter.letters.plan import pace, plan_of
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.desk_builders import Desk, a_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    made = a_desk(state=CampaignState.PLANNED)
    Suppression.objects.all().delete()
    return made


def _left_out(desk: Desk) -> dict[str, int]:
    plan = plan_of(desk.campaign, now=NOW)
    return {one.reason.code: one.cases for one in plan.left_out}


def test_the_plan_counts_letters_that_have_not_left(desk: Desk) -> None:
    plan = plan_of(desk.campaign, now=NOW)
    assert (plan.letters, plan.cases, plan.gone, plan.unwritten) == (2, 2, 2, 0)
    assert {part.key: part.letters for part in plan.by_partner} == {
        "Agency Alpha": 1, "Agency Beta": 1,
    }  # fmt: skip
    assert {part.key: part.letters for part in plan.by_country} == {"NL": 1, "DE": 1}
    assert [part.key for part in plan.by_language] == ["nl"]
    assert [part.key for part in plan.by_reader] == ["provider"]
    assert {one.mailbox for one in plan.largest} == {
        "abuse@other-alphaonly.example", "abuse@other-betaonly.example",
    }  # fmt: skip


def test_a_partner_plans_with_its_own_rows_only(desk: Desk) -> None:
    plan = plan_of(desk.campaign, now=NOW, partners={desk.beta.partner.pk})
    assert plan.letters == 1
    assert [letter.pk for letter in plan.sample] == [desk.beta.draft.pk]


def test_the_same_seed_draws_the_same_letters(desk: Desk) -> None:
    drawn = [[one.pk for one in plan_of(desk.campaign, now=NOW, seed="7").sample] for _ in "ab"]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("excluded", lambda _: Exclusion.objects.create(
            network="192.0.2.8/32", who="holder", how="proof", at=NOW)),
        ("announced-fixed", lambda desk: _case(desk).update(state="announced-fixed")),
        ("stale", lambda desk: _case(desk).update(last_evidence_at=NOW - timedelta(days=8))),
        ("no-choice-yet", lambda desk: _choice(desk).update(superseded_at=NOW)),
        ("contact-nobody", lambda desk: _choice(desk).update(outcome="nobody", mailbox="")),
        ("contact-conflict", lambda desk: _choice(desk).update(outcome="conflict")),
        ("contact-needs-person", lambda desk: _choice(desk).update(outcome="needs-person")),
        ("suppressed", lambda _: Suppression.objects.create(
            mailbox="abuse@other-alphaonly.example", campaign=None, who="x", how="y", at=NOW)),
    ],
)  # fmt: skip
def test_each_case_is_left_out_by_the_first_reason_that_holds(
    desk: Desk, reason: str, change: object
) -> None:
    assert _left_out(desk) == {}
    change(desk)  # type: ignore[operator]
    assert _left_out(desk) == {reason: 1}


def _case(desk: Desk) -> object:
    return Case.objects.filter(pk=desk.alpha.drafted.pk)


def _choice(desk: Desk) -> object:
    return Choice.objects.filter(case=desk.alpha.drafted)


def test_the_pace_keeps_the_first_batch_apart() -> None:
    campaign = Campaign(letters_per_hour=20, first_batch=50)
    taken = pace(campaign, letters=110, gone=0)
    assert (taken.first, taken.rest) == (50, 60)
    assert taken.first_takes == timedelta(hours=2.5)
    assert taken.takes == timedelta(hours=5.5)
    assert pace(campaign, letters=60, gone=50).first == 0


# -- from the shell -------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("openletter.shell.setup", lambda: None)
    return CliRunner()


def test_the_command_shows_the_plan(desk: Desk, shell: CliRunner) -> None:
    answer = shell.invoke(app, ["campaign", "plan", desk.campaign.slug, "--json"])
    told = json.loads(answer.stdout)
    assert (told["letters"], told["left"]) == (2, 2)
    text = shell.invoke(app, ["campaign", "plan", desk.campaign.slug]).stdout
    assert "2 letters about 2 cases would leave" in text


def test_a_real_campaign_starts_from_the_shell_with_two_persons(shell: CliRunner) -> None:
    partner = a_partner("gamma", exercise=False)
    Partner.objects.update(
        legal_approved_at=NOW, legal_text={"en": "law"}, legal_approved_by="counsel"
    )
    campaign = a_campaign("real", lead=partner, exercise=False)
    for name in ("one", "two"):
        a_user(name, partner=partner, role=MemberRole.APPROVER)
    a_user("looks", partner=partner, role=MemberRole.READER)
    assert shell.invoke(app, ["campaign", "plan", "real", "--by", "one"]).exit_code == 0
    run = ["campaign", "start", "real", "--by"]
    assert shell.invoke(app, [*run, "looks"]).exit_code == 2
    assert shell.invoke(app, [*run, "nobody"]).exit_code == 2
    assert [shell.invoke(app, [*run, "one"]).exit_code for _ in "ab"] == [1, 1]
    assert shell.invoke(app, [*run, "two"]).exit_code == 0
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING
    paused = ["campaign", "pause", "real", "--by", "two", "--because", "to look"]
    assert shell.invoke(app, paused).exit_code == 0
    campaign.refresh_from_db()
    assert campaign.paused_because == "to look"
    assert shell.invoke(app, ["campaign", "resume", "real", "--by", "one"]).exit_code == 0
    assert shell.invoke(app, ["campaign", "go-on", "real", "--by", "one"]).exit_code == 2
