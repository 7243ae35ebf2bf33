"""At the door each campaign's own knobs hold, of what is said by then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from openletter.campaigns.models import Campaign
from openletter.cases import steps as cases
from openletter.cases.knobs import unjudged
from openletter.cases.models import Case
from openletter.evidence import weighing
from openletter.evidence.models import Finding, Observation
from openletter.letters import sending
from openletter.letters.models import Delivery, Letter
from openletter.words import FindingState
from tests.builders import NOW
from tests.records.evidence_builders import a_scan, a_zone, proxy_list, take_in
from tests.records.recall_builders import (
    RIGHT,
    WRONG,
    a_world,
    claim,
    compose,
    open_and_choose,
    the_case,
    weigh,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    """One letter waits: about WRONG, named by two sources, and RIGHT, named by three."""
    made = a_world(tmp_path)
    open_and_choose(made)
    compose(made)
    assert Letter.objects.count() == 1
    return made


def may_leave(campaign: Campaign, *, at: timedelta = HOUR) -> bool:
    """Whether the letter would be claimed then; it stays."""
    with transaction.atomic():
        found = claim(campaign, now=NOW + at)
        transaction.set_rollback(True)
    return bool(found)


def judge(campaign: Campaign, *, at: timedelta = HOUR) -> None:
    campaign.refresh_from_db()
    while cases.open_cases(campaign, now=NOW + at, limit=100):
        pass


def back(campaign: Campaign, *, at: timedelta = HOUR) -> dict[str, int]:
    return sending.send_back(campaign, now=NOW + at)


def test_a_letter_leaves_when_its_cases_are_judged_and_stand(campaign: Campaign) -> None:
    assert not unjudged(campaign).exists()
    assert may_leave(campaign)


def test_what_was_weighed_since_waits_until_the_campaign_has_looked(campaign: Campaign) -> None:
    take_in(proxy_list(RIGHT, at=NOW + HOUR), "again.txt", campaign)
    weigh(campaign, now=NOW + HOUR)
    assert [case.ip for case in unjudged(campaign)] == [the_case(RIGHT).ip]
    assert not may_leave(campaign)
    assert back(campaign) == {}
    assert Delivery.objects.get().state == "cleared"
    judge(campaign)
    assert may_leave(campaign)
    assert the_case(RIGHT).judged_at == NOW + HOUR


def test_a_campaign_that_asks_more_than_it_did_is_asked_again(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(families_needed=3)
    campaign.refresh_from_db()
    assert not may_leave(campaign)
    judge(campaign)
    assert (the_case(WRONG).falls_short, the_case(RIGHT).falls_short) == (True, False)
    assert not may_leave(campaign)
    assert back(campaign) == {"campaign-asks-more": 1}
    compose(campaign, now=NOW + HOUR)
    text = bytes(Letter.objects.get(delivery__state="cleared").raw).decode()
    assert RIGHT in text
    assert WRONG not in text
    assert may_leave(campaign)


@pytest.mark.parametrize(
    "knob", ["fresh_days", "fresh_days_unsaid", "fresh_days_ipv6", "fresh_hours_moving"]
)
def test_each_knob_counts(campaign: Campaign, knob: str) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(**{knob: 1})
    campaign.refresh_from_db()
    assert unjudged(campaign).count() == 2
    assert not may_leave(campaign)
    judge(campaign)
    assert may_leave(campaign)
    assert the_case(WRONG).judged_by == weighing.knobs_of(campaign).knobs


def test_the_shared_finding_may_stand_while_a_stricter_campaign_s_case_does_not(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the real world, where the laxest campaign's knobs make the finding."""
    lax = weighing.policy_of(campaign)
    monkeypatch.setattr(weighing, "world_policy", lambda _: lax)
    Campaign.objects.filter(pk=campaign.pk).update(families_needed=3)
    campaign.refresh_from_db()
    a_scan(WRONG, campaign=campaign, now=NOW + HOUR)
    weigh(campaign, now=NOW + HOUR)
    judge(campaign)
    assert Finding.objects.get(ip=WRONG).state == FindingState.OPEN
    assert the_case(WRONG).falls_short
    assert back(campaign) == {"campaign-asks-more": 1}
    compose(campaign, now=NOW + HOUR)
    assert Letter.objects.get().rows.get().case.ip == the_case(RIGHT).ip


def test_two_fresh_sources_are_asked_for_until_the_letter_leaves(campaign: Campaign) -> None:
    """The zone counts for four days, the scan for seven; after five days one is too little."""
    Campaign.objects.update(door_fresh_days=7)
    campaign.refresh_from_db()
    assert the_case(WRONG).fresh_until == NOW + 4 * DAY
    assert may_leave(campaign, at=4 * DAY - HOUR)
    assert not may_leave(campaign, at=4 * DAY)
    assert back(campaign, at=5 * DAY) == {"evidence-old": 1}
    compose(campaign, now=NOW + 5 * DAY)
    assert Letter.objects.get().rows.get().case.ip == the_case(RIGHT).ip
    a_zone(WRONG, campaign=campaign, now=NOW + 5 * DAY)
    weigh(campaign, now=NOW + 5 * DAY)
    judge(campaign, at=5 * DAY)
    assert not the_case(WRONG).falls_short
    assert the_case(WRONG).fresh_until == NOW - HOUR + 7 * DAY


def test_a_conclusion_of_an_older_rule_is_judged_by_today_s(campaign: Campaign) -> None:
    """After an update: what was open by weigh-2 must be open by today's rule before it leaves."""
    Finding.objects.update(rule_version="weigh-2")
    Case.objects.update(judged_at=None)
    origins = weighing.policy_of(campaign).origins
    assert not origins.unnamed & {"shadowserver", "example-dnsbl", "spysme"}
    assert not may_leave(campaign)
    judge(campaign)
    assert may_leave(campaign)
    Finding.objects.filter(ip=WRONG).update(families=["xarf", "unnamed-list"], rows=[])
    Observation.objects.filter(ip=WRONG, source="example-dnsbl").delete()
    Case.objects.update(judged_at=None)
    judge(campaign)
    assert the_case(WRONG).falls_short
    assert back(campaign) == {"campaign-asks-more": 1}
