"""`openletter source` and the replay of `openletter weigh --at`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign
from openletter.cases import steps as cases
from openletter.cases.models import Case, Skipped
from openletter.cli import app
from openletter.evidence import weighing
from openletter.evidence.models import Batch, Finding, Observation, Withdrawal
from openletter.letters import corrections, recall, sending
from openletter.words import CaseState, FindingState, Weakness
from tests.builders import NOW, a_campaign, a_partner
from tests.records.evidence_builders import a_zone, take_in
from tests.records.recall_builders import (
    RIGHT,
    WRONG,
    ZONE,
    a_world,
    an_approver,
    claim,
    compose,
    open_and_choose,
    sent,
    the_case,
    weigh,
    withdraw,
)
from tests.site_builders import some_cases
from tests.wire.feed_files import proxy_report, proxy_row

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FROM = ("--from", (NOW - DAY).isoformat(), "--to", (NOW + DAY).isoformat())


@pytest.fixture
def campaign(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr("openletter.shell.setup", lambda: None)
    monkeypatch.setattr("openletter.campaigns.clock.now", lambda _campaign: NOW)
    return a_world(tmp_path)


def run(*arguments: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, list(arguments))
    return told.exit_code, told.stdout + told.stderr


def take_back(campaign: Campaign, *more: str) -> tuple[int, str]:
    return run(
        "source", "withdraw", ZONE, *FROM, "--reason", "wrong", "--campaign", campaign.slug, *more
    )


def test_it_is_shown_first_and_done_when_somebody_says_so(campaign: Campaign) -> None:
    sent(campaign)
    code, told = take_back(campaign)
    assert code == 1
    assert "cases that were our mistake: 1" in told
    assert "abuse@network.example: 1" in told
    assert "Nothing was changed" in told
    assert not Withdrawal.objects.exists()
    code, told = take_back(campaign, "--json")
    assert (code, json.loads(told)["withdrawal"]) == (1, None)
    code, told = take_back(campaign, "--yes", "--json")
    assert (code, json.loads(told)["withdrawal"]) == (0, Withdrawal.objects.get().pk)
    assert the_case().state == CaseState.WITHDRAWN
    assert take_back(campaign, "--yes")[0] == 2


def test_it_is_approved_by_an_approver_or_restored(campaign: Campaign) -> None:
    sent(campaign)
    take_back(campaign, "--yes")
    number = str(Withdrawal.objects.get().pk)
    assert run("source", "restore", number)[0] == 0
    assert the_case().state == CaseState.OPEN
    assert run("source", "restore", number)[0] == 2
    take_back(campaign, "--yes")
    again = str(Withdrawal.objects.latest("pk").pk)
    an_approver(campaign)
    assert run("source", "approve", again, "--by", "approver")[0] == 0
    code, told = run("source", "restore", again)
    assert (code, "can't be restored" in told) == (2, True)
    _, listed = run("source", "withdrawals", "--campaign", campaign.slug, "--json")
    states = [json.loads(line)["state"] for line in listed.splitlines()]
    assert states == ["approved", "restored"]
    assert corrections.due(campaign).count() == 1


def test_single_rows_and_files(campaign: Campaign) -> None:
    rows = list(Observation.objects.filter(source=ZONE).values_list("pk", flat=True))
    given = ("--reason", "x", "--campaign", campaign.slug, "--yes", "--json")
    code, told = run("source", "withdraw", ZONE, *given, "--rows", str(rows[0]))
    assert (code, json.loads(told)["rows"]) == (0, 1)
    file = Batch.objects.get(source=ZONE)
    code, told = run("source", "withdraw", ZONE, *given, "--batch", str(file.pk))
    assert (code, json.loads(told)["rows"]) == (0, 1)
    assert run("source", "withdraw", ZONE, *given)[0] == 2
    assert run("source", "withdraw", "nobody", *given, *FROM)[0] == 2


# -- replay --------------------------------------------------------------------------------------


def replayed(campaign: Campaign, at: str, ip: str = WRONG) -> dict[str, object]:
    _, told = run("weigh", ip, "--at", at, "--json", "--campaign", campaign.slug)
    answer: dict[str, object] = json.loads(told)
    return answer


def codes(answer: dict[str, object]) -> set[str]:
    return {reason["code"] for reason in answer["reasons"]}  # type: ignore[attr-defined]


def test_a_replay_knows_what_was_stored_by_then(campaign: Campaign) -> None:
    """A report that came two days later speaks of a time before; it was not known then."""
    late = proxy_report(proxy_row("192.0.2.77", time="2026-03-02 11:00:00"))
    a_zone("192.0.2.77", campaign=campaign)
    take_in(late, "2026-03-02-scan_http_proxy-z.csv", campaign, now=NOW + 2 * DAY)
    then = replayed(campaign, (NOW + DAY).isoformat(), "192.0.2.77")
    assert (then["finding"], len(then["rows"])) == ("suspected", 1)  # type: ignore[arg-type]
    later = replayed(campaign, (NOW + 2 * DAY).isoformat(), "192.0.2.77")
    assert later["finding"] == "open"


def test_what_was_taken_back_since_counts_in_a_replay_and_says_so(campaign: Campaign) -> None:
    made, _ = recall.withdraw(
        recall.Scope(source=Observation.objects.filter(source=ZONE)[0].source, exercise=campaign,
                     since=NOW - DAY), reason="x", by="user:x", now=NOW + DAY,
    )  # fmt: skip
    before = replayed(campaign, NOW.isoformat())
    assert before["finding"] == "open"
    assert "taken-back-since" in codes(before)
    after = replayed(campaign, (NOW + DAY).isoformat())
    assert after["finding"] == "suspected"
    assert "taken-back" in codes(after)
    recall.restore(made, by="user:x", now=NOW + 2 * DAY)
    assert replayed(campaign, (NOW + DAY).isoformat())["finding"] == "suspected"
    assert replayed(campaign, (NOW + 2 * DAY).isoformat())["finding"] == "open"


def test_every_finding_replays_to_itself_by_the_same_rules(campaign: Campaign) -> None:
    withdraw(campaign, rows=(Observation.objects.filter(source=ZONE)[0].pk,))
    weigh(campaign)
    for finding in Finding.objects.all():
        beside = weighing.stored_beside(finding.ip, exercise=campaign)
        assert beside[Weakness(finding.weakness)]["differs"] is False


def test_a_conclusion_of_older_rules_says_when_it_comes_out_differently(
    campaign: Campaign,
) -> None:
    Finding.objects.filter(ip=RIGHT).update(state=FindingState.SUSPECTED, rule_version="weigh-0")
    answer = replayed(campaign, NOW.isoformat(), RIGHT)
    stored = answer["stored"]
    assert (stored["finding"], stored["rule_version"], stored["differs"]) == (  # type: ignore[index]
        "suspected", "weigh-0", True,
    )  # fmt: skip
    told = run("weigh", RIGHT, "--at", NOW.isoformat(), "--campaign", campaign.slug)[1]
    assert "weigh-0" in told


# -- whose knobs ---------------------------------------------------------------------------------


def test_the_real_world_is_weighed_with_the_laxest_knobs_that_live(db: None) -> None:
    assert weighing.world_policy(None).families_needed == 2
    lead = a_partner("real", exercise=False)
    strict = a_campaign("strict", lead=lead, exercise=False)
    lax = a_campaign("lax", lead=lead, exercise=False)
    Campaign.objects.filter(pk=strict.pk).update(families_needed=3, fresh_days=3)
    Campaign.objects.filter(pk=lax.pk).update(families_needed=1, fresh_days=9)
    knobs = weighing.world_policy(None)
    assert (knobs.families_needed, knobs.fresh_for) == (1, 9 * DAY)
    Campaign.objects.filter(pk=lax.pk).update(state="finished")
    assert weighing.world_policy(None).families_needed == 3


def test_each_campaign_asks_its_own_knobs_before_it_opens_a_case(db: None) -> None:
    lead = a_partner("real", exercise=False)
    lax = a_campaign("lax", lead=lead, exercise=False)
    strict = a_campaign("strict", lead=lead, exercise=False)
    alike = a_campaign("alike", lead=lead, exercise=False)
    Campaign.objects.filter(pk=strict.pk).update(fresh_days_ipv6=1)
    strict.refresh_from_db()
    some_cases(lax, [("2a10::1", Weakness.OPEN_HTTP_PROXY)])
    later = NOW + DAY / 2
    for campaign in (strict, alike):
        while cases.open_cases(campaign, now=later, limit=10):
            pass
    assert not Case.objects.filter(campaign=strict).exists()
    assert Skipped.objects.get().reason == "campaign-asks-more"
    assert Case.objects.filter(campaign=alike).exists()


def test_a_partners_check_that_found_it_closed_after_all_holds_it_back(campaign: Campaign) -> None:
    head = "checked_at,ip,port,protocol,weakness,verdict,transcript_sha256\n"
    row = f"2026-03-02T12:30:00Z,{WRONG},3128,tcp,open-http-proxy,closed,{'a' * 64}\n"
    take_in(head + row, "checks.csv", campaign)
    weigh(campaign)
    finding = Finding.objects.get(ip=WRONG)
    assert finding.state == FindingState.SUSPECTED
    codes = {reason["code"] for reason in finding.reasons}
    assert {"closed-after-all", "contradicted"} <= codes


def test_a_check_that_finds_it_closed_stops_the_letter_that_waits(campaign: Campaign) -> None:
    """The case stays open, the letter does not leave and is not written again about it."""
    open_and_choose(campaign)
    compose(campaign)
    sending.send_back(campaign, now=NOW)
    head = "checked_at,ip,port,protocol,weakness,verdict,transcript_sha256\n"
    row = f"2026-03-02T12:30:00Z,{WRONG},3128,tcp,open-http-proxy,closed,{'a' * 64}\n"
    take_in(head + row, "checks.csv", campaign)
    weigh(campaign)
    assert claim(campaign) == []
    assert sending.send_back(campaign, now=NOW) == {"evidence-turned": 1}
    compose(campaign)
    (one,) = claim(campaign)
    assert RIGHT in one.raw.decode()
    assert WRONG not in one.raw.decode()
