"""One case per campaign, address and weakness, in its own world, each move in the timeline."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, TimelineEntry
from openletter.campaigns.steps import exclude
from openletter.cases import steps
from openletter.cases.models import Case, Skipped
from openletter.evidence import steps as evidence
from openletter.evidence.models import Finding
from openletter.words import CaseState, FindingState, Reason, parse_reference
from tests.builders import NOW, a_campaign, a_partner
from tests.records.evidence_builders import a_scan, a_zone, said_open

pytestmark = pytest.mark.django_db
WHY = Reason(code="seen-again")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, settings: object) -> None:
    settings.STATE = tmp_path  # type: ignore[attr-defined]


def an_open_case(ip: str = "192.0.2.1", *, campaign: Campaign | None = None) -> Case:
    campaign = campaign or a_campaign()
    said_open(ip, campaign=campaign)
    steps.open_cases(campaign, now=NOW, limit=100)
    return Case.objects.get(ip=ip, campaign=campaign)


def actions(case: Case) -> list[str]:
    rows = TimelineEntry.objects.filter(subject=f"case:{case.pk}").order_by("id")
    return list(rows.values_list("action", flat=True))


def test_a_finding_becomes_one_case_with_its_own_reference() -> None:
    campaign = a_campaign()
    said_open("192.0.2.1", "192.0.2.2", "2001:db8::1", campaign=campaign)
    assert steps.findings_without_case(campaign, now=NOW).count() == 3
    assert steps.open_cases(campaign, now=NOW, limit=100) == 3
    assert steps.open_cases(campaign, now=NOW, limit=100) == 0
    references = set(Case.objects.values_list("reference", flat=True))
    assert len(references) == 3
    assert all(parse_reference(reference) == reference for reference in references)
    case = Case.objects.get(ip="2001:db8::1")
    assert (case.exercise, case.partner, case.state) == (True, campaign.lead, CaseState.OPEN)
    assert actions(case) == ["opened"]


def test_the_limit_holds() -> None:
    campaign = a_campaign()
    said_open(*[f"192.0.2.{n}" for n in range(1, 6)], campaign=campaign)
    assert [steps.open_cases(campaign, now=NOW, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_later_evidence_adds_to_the_case_and_opens_nothing() -> None:
    case = an_open_case()
    later = NOW + timedelta(days=3)
    said_open("192.0.2.1", campaign=case.campaign, now=later)
    assert steps.open_cases(case.campaign, now=later, limit=100) == 1
    assert Case.objects.count() == 1
    before = case.last_evidence_at
    case.refresh_from_db()
    assert case.last_evidence_at > before


def test_a_finding_of_which_one_source_grew_old_since_opens_nothing() -> None:
    """Weighed in time, opened too late: only one of its two sources is still fresh by then."""
    campaign = a_campaign()
    a_zone("192.0.2.1", campaign=campaign, now=NOW)
    a_scan("192.0.2.1", campaign=campaign, now=NOW + timedelta(days=3))
    while evidence.weigh(campaign, now=NOW + timedelta(days=3), limit=1000):
        pass
    assert Finding.objects.get().state == FindingState.OPEN
    assert Finding.objects.get().fresh_until == NOW + timedelta(days=4)
    late = NOW + timedelta(days=5)
    assert steps.open_cases(campaign, now=late, limit=100) == 0
    assert not Case.objects.exists()


def test_old_findings_open_nothing() -> None:
    campaign = a_campaign()
    said_open("192.0.2.1", campaign=campaign)
    assert steps.open_cases(campaign, now=NOW + timedelta(days=8), limit=100) == 0


@pytest.mark.parametrize("ip", ["8.8.8.8", "100.64.0.1", "224.0.0.1", "2606:4700::1"])
def test_an_exercise_leaves_real_addresses_alone(ip: str) -> None:
    campaign = a_campaign()
    said_open(ip, campaign=campaign)
    assert steps.open_cases(campaign, now=NOW, limit=100) == 1
    assert not Case.objects.exists()
    assert sum(steps.skipped_by_reason(campaign).values()) == 1
    assert steps.open_cases(campaign, now=NOW, limit=100) == 0


@pytest.mark.parametrize("ip", ["192.0.2.1", "10.1.1.1", "127.0.0.9", "2001:db8::1", "fc00::1"])
def test_the_database_refuses_an_invented_address_in_a_real_campaign(ip: str) -> None:
    case = an_open_case()
    real = a_campaign("real", exercise=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(
            campaign=real,
            exercise=False,
            partner=real.lead,
            ip=ip,
            weakness=case.weakness,
            finding=case.finding,
            reference="00000000",
            opened_at=NOW,
            last_evidence_at=NOW,
        )


def test_an_excluded_network_is_skipped_and_counted() -> None:
    campaign = a_campaign()
    said_open("192.0.2.1", "198.51.100.1", campaign=campaign)
    network = Finding.objects.get(ip="192.0.2.1").ip
    from ipaddress import ip_network

    exclude(ip_network(f"{network}/32"), campaign=None, who="holder", how="proof", now=NOW)
    steps.open_cases(campaign, now=NOW, limit=100)
    assert [str(ip) for ip in Case.objects.values_list("ip", flat=True)] == ["198.51.100.1"]
    assert steps.skipped_by_reason(campaign) == {"network-excluded": 1}
    assert Skipped.objects.get().finding.state == FindingState.OPEN


def test_the_partner_who_answers_for_the_network_gets_the_case() -> None:
    from ipaddress import ip_network

    campaign = a_campaign()
    beta = a_partner("beta", country="BE")
    CampaignPartner.objects.create(campaign=campaign, partner=beta)
    Constituency.objects.create(partner=beta, network=ip_network("192.0.2.0/24"))
    said_open("192.0.2.1", "198.51.100.1", campaign=campaign)
    steps.open_cases(campaign, now=NOW, limit=100)
    assert Case.objects.get(ip="192.0.2.1").partner == beta
    assert Case.objects.get(ip="198.51.100.1").partner == campaign.lead


def test_every_move_is_in_the_timeline_and_a_forbidden_one_changes_nothing() -> None:
    case = an_open_case()
    until = NOW + timedelta(days=14)
    assert steps.announce_fixed(case, until=until, actor="holder", now=NOW)
    assert (case.state, case.announced_until) == (CaseState.ANNOUNCED_FIXED, until)
    assert not steps.announce_fixed(case, until=until, actor="holder", now=NOW)
    assert steps.take_back_announcement(case, actor="holder", now=NOW)
    assert not steps.take_back_announcement(case, actor="holder", now=NOW)
    assert case.announced_at is None
    assert steps.close(case, result="gone", actor="step:conclude", now=NOW, reason=WHY)
    assert not steps.close(case, result="gone", actor="step:conclude", now=NOW, reason=WHY)
    assert not steps.withdraw(case, actor="user:h", now=NOW, reason=WHY)
    assert steps.reopen(case, actor="user:h", now=NOW, reason=WHY)
    assert steps.withdraw(case, actor="user:h", now=NOW, reason=WHY)
    assert actions(case) == [
        "opened",
        "announced-fixed",
        "announcement-taken-back",
        "closed:gone",
        "reopened",
        "withdrawn",
    ]


def test_a_closed_case_that_is_seen_again_opens_again() -> None:
    case = an_open_case()
    steps.close(case, result="gone", actor="step:conclude", now=NOW, reason=WHY)
    later = NOW + timedelta(days=2)
    said_open("192.0.2.1", campaign=case.campaign, now=later)
    steps.open_cases(case.campaign, now=later, limit=100)
    case.refresh_from_db()
    assert (case.state, case.closed_at) == (CaseState.OPEN, None)
    assert actions(case)[-1] == "reopened"


def test_another_partner_can_take_over_and_that_is_written_down() -> None:
    case = an_open_case()
    beta = a_partner("beta", country="BE")
    assert steps.assign_partner(case, beta, actor="step:find", now=NOW)
    assert not steps.assign_partner(case, beta, actor="step:find", now=NOW)
    case.refresh_from_db()
    assert case.partner == beta
    entry = TimelineEntry.objects.filter(action="partner-assigned").get()
    assert (entry.before, entry.after) == (
        {"partner": case.campaign.lead_id},
        {"partner": beta.pk},
    )


def test_links_are_kept_as_hashes_one_for_each_letter() -> None:
    case = an_open_case()
    (one,) = steps.new_links([(case.pk, b"a" * 32)], now=NOW)
    two, three = steps.new_links([(case.pk, b"b" * 32), (case.pk, b"c" * 32)], now=NOW)
    assert {link.pk for link in case.links.all()} == {one, two, three}
    assert bytes(case.links.get(pk=two).secret_hash) == b"b" * 32
