"""The report on contacts: shares, kinds with ranks, bounces; conflicts and how they are settled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, TimelineEntry
from openletter.campaigns.rules import MemberRole
from openletter.campaigns.steps import viewer_of
from openletter.cases.models import Case
from openletter.cli import app
from openletter.contacts import handing, steps
from openletter.contacts.decision_rows import HandOver
from openletter.contacts.errors import ContactError
from openletter.contacts.lookup_rows import LookUp
from openletter.contacts.models import Choice
from openletter.desk.queries import contacts
from openletter.letters.models import Delivery
from openletter.letters.told import untold
from openletter.words import DeliveryState
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.contacts_builders import a_case, a_dump, an_rdap_answer
from tests.mail_builders import a_sending_campaign, letters_ready

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    found = a_campaign()
    steps.load_registries([a_dump(tmp_path), an_rdap_answer(tmp_path)], exercise=found, now=NOW)
    for ip in ("198.51.100.70", "198.51.100.7", "203.0.113.9", "192.0.2.7", "2001:db8::1"):
        a_case(found, ip)
    steps.find(found, now=NOW, limit=100)
    return found


def test_shares_by_country_and_registry_and_kinds_by_rank(campaign: Campaign) -> None:
    made = contacts.report(campaign, viewer=None)
    assert (made.total.addresses, made.total.chosen) == (5, 3)
    assert (made.total.needs_person, made.total.nobody) == (1, 1)
    by_country = {each.key: (each.addresses, each.chosen) for each in made.countries}
    assert by_country == {"NL": (2, 2), "US": (1, 1), "DE": (1, 0), "": (1, 0)}
    assert {each.key for each in made.registries} == {"test", "arin", ""}
    kinds = {each.code: (each.addresses, each.first) for each in made.kinds}
    assert kinds == {"contact-abuse-box": (2, 2), "contact-abuse-role": (1, 1)}
    steps.note_bounce(_choice(campaign, "198.51.100.70"), permanent=True, now=NOW)
    steps.find(campaign, now=NOW, limit=100)
    later = {each.code: each for each in contacts.report(campaign, viewer=None).kinds}
    assert later["contact-abuse-box"].second_or_third == 1


def _choice(campaign: Campaign, ip: str) -> Choice:
    return Choice.objects.get(case__campaign=campaign, case__ip=ip, superseded_at=None)


def test_bounces_are_counted_with_the_kind_that_was_written_to() -> None:
    campaign = a_sending_campaign()
    rows = letters_ready(campaign, 3)
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    Delivery.objects.filter(pk=rows[0].letter.delivery_id).update(state=DeliveryState.BOUNCED)
    Delivery.objects.filter(pk=rows[1].letter.delivery_id).update(state=DeliveryState.CLEARED)
    made = contacts.report(campaign, viewer=None)
    assert sum(each.letters for each in made.kinds) == 2
    assert sum(each.bounced for each in made.kinds) == 1
    told = [each.as_json() for each in made.kinds]
    assert [row["bounce_rate"] for row in told if row["letters"]] == [0.5]


def test_a_partner_counts_its_own_rows_only(campaign: Campaign) -> None:
    other = a_partner("beta", country="DE")
    stranger = viewer_of(a_user("ben", partner=other))
    made = contacts.report(campaign, viewer=stranger)
    assert (made.total.addresses, made.kinds) == (0, [])
    mine = viewer_of(a_user("ann", partner=campaign.lead))
    assert contacts.report(campaign, viewer=mine).total.addresses == 5


def test_the_command_says_the_same(campaign: Campaign) -> None:
    result = CliRunner().invoke(app, ["contacts", "report", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["campaign"] == campaign.slug
    assert told["total"] == contacts.report(campaign, viewer=None).total.as_json()
    assert CliRunner().invoke(app, ["contacts", "report", "--campaign", "no"]).exit_code == 2
    assert "3 of 5" in CliRunner().invoke(app, ["contacts", "report"]).stdout


# -- overlaps -----------------------------------------------------------------------------------


@pytest.fixture
def overlapping(campaign: Campaign) -> Case:
    """Two partners answer for the country of a new case."""
    rival = a_partner("rival", country="FR")
    CampaignPartner.objects.create(campaign=campaign, partner=rival)
    Constituency.objects.create(partner=rival, country="NL")
    case = a_case(campaign, "198.51.100.71")
    steps.find(campaign, now=NOW, limit=100)
    return case


def test_an_overlap_is_listed_and_a_hand_over_settles_it(
    campaign: Campaign, overlapping: Case
) -> None:
    viewer = viewer_of(a_user("ann", partner=campaign.lead))
    assert [each.case_id for each in contacts.conflicts(viewer)] == [overlapping.pk]
    rival = a_partner("rival", country="FR")
    handler = a_user("ann")
    choice = handing.hand_over(
        overlapping, rival, reason="agreed", user=handler, now=NOW, untold=untold
    )
    assert choice is not None
    assert (choice.outcome, choice.partner) == (Choice.Outcome.CHOSEN, rival)
    assert choice.reasons[-1]["code"] == "partner-handed-over"
    overlapping.refresh_from_db()
    assert overlapping.partner == rival
    assert not contacts.conflicts(viewer).exists()
    again = handing.hand_over(
        overlapping, rival, reason="again", user=handler, now=NOW, untold=untold
    )
    assert again is None
    assert HandOver.objects.count() == 1
    actions = TimelineEntry.objects.filter(subject=f"case:{overlapping.pk}")
    assert "partner-assigned" in actions.values_list("action", flat=True)
    steps.send_back(Choice.objects.all(), because="registry-loaded", actor="test", now=NOW)
    steps.find(campaign, now=NOW, limit=100)
    overlapping.refresh_from_db()
    assert overlapping.partner == rival


def test_a_hand_over_leaves_whom_a_letter_reached(campaign: Campaign) -> None:
    """Another partner answers from now on; no other mailbox is told about the same case."""
    case = a_case(campaign, "198.51.100.72")
    steps.find(campaign, now=NOW, limit=100)
    before = steps.current_choice(case)
    other = a_partner("other", country="FR")
    CampaignPartner.objects.create(campaign=campaign, partner=other)
    after = handing.hand_over(
        case, other, reason="agreed", user=a_user("ann"), now=NOW, untold=lambda told: told.none()
    )
    assert before is not None
    assert after is not None
    assert (after.pk, after.mailbox, after.partner) == (before.pk, before.mailbox, other)
    case.refresh_from_db()
    assert case.partner == other


def test_what_a_hand_over_refuses(campaign: Campaign, overlapping: Case) -> None:
    handler = a_user("ann")
    outsider = a_partner("outsider", country="SE")
    for partner, why in ((outsider, "x"), (campaign.lead, "  ")):
        with pytest.raises(ContactError):
            handing.hand_over(
                overlapping, partner, reason=why, user=handler, now=NOW, untold=untold
            )
    assert not HandOver.objects.exists()


def test_the_desk_hands_over_and_shows_the_ladder_with_dates(
    campaign: Campaign, overlapping: Case
) -> None:
    browser = Client()
    browser.force_login(a_user("ann", partner=campaign.lead, role=MemberRole.HANDLER))
    page = browser.get("/desk/contacts/").content.decode()
    assert "Partners overlap" in page
    assert f"/desk/cases/{overlapping.reference}/" in page
    assert "60 %" not in page  # 3 of 6
    assert "50 %" in page
    form = {"partner": campaign.lead.slug, "because": "ours by agreement"}
    browser.post(f"/desk/cases/{overlapping.reference}/hand-over/", form)
    shown = browser.get(f"/desk/cases/{overlapping.reference}/").content.decode()
    assert "The case was handed over to another partner." in shown
    assert shown.count("2026-03-02") > 1
    assert "The ladder" in shown


def test_a_case_shows_what_the_registries_said_when_asked(campaign: Campaign) -> None:
    case = Case.objects.get(campaign=campaign, ip="198.51.100.70")
    asked = [{"code": "asked-too-slow", "values": {"server": "rdap.slow.example"}}]
    LookUp.objects.create(
        case=case, state=LookUp.State.WAITING, tries=1, at=NOW, again_at=NOW, reasons=asked
    )
    browser = Client()
    browser.force_login(a_user("ann", partner=campaign.lead, role=MemberRole.READER))
    shown = browser.get(f"/desk/cases/{case.reference}/").content.decode()
    assert "rdap.slow.example took too long to answer." in shown
    assert "being asked" in shown
    assert "next try" in shown
