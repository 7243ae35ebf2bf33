"""Later looks at the sources, from planning to the outcome."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign
from openletter.cases import steps as cases
from openletter.cases.models import Case
from openletter.evidence import steps as evidence
from openletter.outcomes import steps
from openletter.outcomes.models import Outcome, Recheck
from openletter.words import CaseState
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_scan, a_zone, said_open

pytestmark = pytest.mark.django_db
OTHERS = ("198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def a_campaign_with_cases() -> Campaign:
    """Five cases, opened today, that nobody will write to; looks after 1, 7 and 28 days."""
    campaign = a_campaign()
    said_open("192.0.2.1", *OTHERS, campaign=campaign)
    cases.open_cases(campaign, now=NOW, limit=100)
    return campaign


def feeds(campaign: Campaign, *addresses: str, at: float) -> None:
    """Both sources come again, complete."""
    a_scan(*addresses, campaign=campaign, now=day(at))
    a_zone(*addresses, campaign=campaign, now=day(at))
    evidence.weigh(campaign, now=day(at), limit=1000)
    cases.open_cases(campaign, now=day(at), limit=1000)


def look_again(campaign: Campaign, *, at: float) -> None:
    while steps.recheck(campaign, now=day(at), limit=100):
        pass
    while steps.conclude(campaign, now=day(at), limit=100):
        pass


def the_case() -> Case:
    return Case.objects.get(ip="192.0.2.1")


def seen(number: int) -> str:
    return Recheck.objects.get(case=the_case(), day=number).seen


def test_looks_are_planned_once() -> None:
    campaign = a_campaign_with_cases()
    assert steps.plan(campaign, now=day(1), limit=100) == 0
    assert steps.plan(campaign, now=day(2), limit=100) == 5
    assert steps.plan(campaign, now=day(2), limit=100) == 0
    due = Recheck.objects.filter(case=the_case()).order_by("day").values_list("due_at", flat=True)
    assert list(due) == [day(1), day(7), day(28)]


def test_what_left_all_sources_twice_is_gone() -> None:
    campaign = a_campaign_with_cases()
    feeds(campaign, "192.0.2.1", *OTHERS, at=1.5)
    look_again(campaign, at=2)
    assert seen(1) == "still-there"
    feeds(campaign, *OTHERS, at=6)
    look_again(campaign, at=7)
    assert seen(7) == "gone"
    assert not Outcome.objects.exists()
    feeds(campaign, *OTHERS, at=27)
    look_again(campaign, at=28)
    outcome = Outcome.objects.get(case=the_case())
    assert (outcome.result, outcome.censored, outcome.not_after) == ("gone", False, day(7))
    assert the_case().state == CaseState.CLOSED
    assert Outcome.objects.get(case__ip=OTHERS[0]).result == "still-open"


def test_a_holder_who_said_fixed_and_whom_the_sources_dropped_has_closed() -> None:
    campaign = a_campaign_with_cases()
    cases.announce_fixed(the_case(), until=day(20), actor="holder", now=day(2))
    feeds(campaign, *OTHERS, at=6)
    look_again(campaign, at=7)
    outcome = Outcome.objects.get()
    assert (outcome.case, outcome.result) == (the_case(), "closed")
    assert the_case().state == CaseState.CLOSED


def test_a_holder_who_said_fixed_and_is_seen_open_later_is_open() -> None:
    campaign = a_campaign_with_cases()
    cases.announce_fixed(the_case(), until=day(20), actor="holder", now=day(2))
    feeds(campaign, "192.0.2.1", *OTHERS, at=6)
    look_again(campaign, at=7)
    assert (the_case().state, the_case().announced_at) == (CaseState.OPEN, None)
    assert not Outcome.objects.exists()


def test_silence_to_the_end_is_no_closure() -> None:
    campaign = a_campaign_with_cases()
    for at in (2, 7, 28):
        look_again(campaign, at=at)
    outcome = Outcome.objects.get(case=the_case())
    assert (outcome.result, outcome.censored) == ("unreachable", True)
    assert the_case().state == CaseState.OPEN


def test_a_feed_that_lost_most_of_its_rows_closes_nothing() -> None:
    campaign = a_campaign_with_cases()
    look_again(campaign, at=2)
    feeds(campaign, OTHERS[0], at=6)
    look_again(campaign, at=7)
    assert seen(7) == "silence"


def test_an_end_that_did_not_last_is_counted() -> None:
    campaign = a_campaign_with_cases()
    cases.announce_fixed(the_case(), until=day(20), actor="holder", now=day(2))
    feeds(campaign, *OTHERS, at=6)
    look_again(campaign, at=7)
    feeds(campaign, "192.0.2.1", *OTHERS, at=9)
    look_again(campaign, at=10)
    outcome = Outcome.objects.get(case=the_case())
    assert the_case().state == CaseState.OPEN
    assert (outcome.result, outcome.reopened_at) == ("closed", day(10))


def test_one_source_alone_closes_nothing() -> None:
    campaign = a_campaign_with_cases()
    look_again(campaign, at=2)
    a_scan(*OTHERS, campaign=campaign, now=day(6))
    look_again(campaign, at=7)
    assert seen(7) == "silence"
    reasons = Recheck.objects.get(case=the_case(), day=7).reasons
    assert {reason["code"] for reason in reasons} == {"source-silent", "no-longer-named"}


def test_withdrawn_cases_are_left_alone() -> None:
    campaign = a_campaign_with_cases()
    from openletter.words import Reason

    cases.withdraw(the_case(), actor="user:h", now=NOW, reason=Reason(code="seen-again"))
    look_again(campaign, at=7)
    assert not Recheck.objects.filter(case=the_case()).exists()
