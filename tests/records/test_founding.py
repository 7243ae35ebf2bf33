"""Before the first letter: partners, what they answer for, their law, a small new campaign."""

from __future__ import annotations

import ipaddress

import pytest
from django.contrib.auth.models import User

from openletter.campaigns import founding, steps
from openletter.campaigns.models import Campaign, Constituency, Member, Partner, TimelineEntry
from openletter.campaigns.rules import CampaignState, MemberRole
from tests.builders import NOW, a_partner, a_user

pytestmark = pytest.mark.django_db

FACTS = {"slug": "beta", "name": "Agency Beta", "email": "help@beta.test", "language": "nl"}
SENDER = founding.Sender(domain="letters.test", site_url="https://letters.test")


@pytest.fixture
def lead() -> Partner:
    return a_partner("real", exercise=False)


@pytest.fixture
def admin(lead: Partner) -> User:
    return a_user("ada", partner=lead, role=MemberRole.ADMINISTRATOR)


def test_a_partner_answers_for_what_nobody_else_answers_for(lead: Partner, admin: User) -> None:
    network = ipaddress.ip_network("198.51.100.0/24")
    made = founding.add_partner(FACTS, countries=["BE"], networks=[network], user=admin, now=NOW)
    assert made.country == "BE"
    assert Constituency.objects.filter(partner=made).count() == 2
    for countries, networks in ((["NL"], []), (["LU"], [network])):
        with pytest.raises(steps.CampaignError) as taken:
            founding.add_partner(
                {**FACTS, "slug": "gamma"}, countries=countries, networks=networks, user=admin,
                now=NOW,
            )  # fmt: skip
        assert taken.value.reason.code == "constituency-taken"


@pytest.mark.parametrize("role", [MemberRole.READER, MemberRole.HANDLER, MemberRole.APPROVER])
def test_only_an_administrator_adds_partners_and_founds(lead: Partner, role: str) -> None:
    person = a_user("eve", partner=lead, role=role)
    with pytest.raises(steps.CampaignError) as no_partner:
        founding.add_partner(FACTS, countries=["BE"], user=person, now=NOW)
    with pytest.raises(steps.CampaignError) as no_campaign:
        founding.found("spring", name="Spring", lead=lead, sender=SENDER, user=person, now=NOW)
    assert {no_partner.value.reason.code, no_campaign.value.reason.code} == {"no-right"}


def test_a_new_campaign_begins_small(lead: Partner, admin: User) -> None:
    founding.found("spring", name="Spring", lead=lead, sender=SENDER, user=admin, now=NOW)
    campaign = Campaign.objects.get(slug="spring")
    assert campaign.state == CampaignState.DRAFT
    assert not campaign.exercise
    assert (campaign.letters_per_hour, campaign.first_batch, campaign.reminders) == (20, 50, False)
    assert campaign.bounce_domain == "bounce.letters.test"
    assert list(campaign.partners.all()) == [lead]
    assert TimelineEntry.objects.filter(campaign=campaign, action="founded").count() == 1


def test_invented_partners_lead_no_real_campaign(admin: User) -> None:
    invented = a_partner("toy")
    Member.objects.create(user=admin, partner=invented, role=MemberRole.ADMINISTRATOR)
    with pytest.raises(steps.CampaignError) as refused:
        founding.found("spring", name="Spring", lead=invented, sender=SENDER, user=admin, now=NOW)
    assert refused.value.reason.code == "partner-is-invented"


def test_changed_law_must_be_approved_again(lead: Partner, admin: User) -> None:
    with pytest.raises(steps.CampaignError) as nothing:
        founding.approve_law(lead, user=admin, now=NOW)
    assert nothing.value.reason.code == "law-without-english"
    founding.write_law(lead, language="en", text="We  are\nresponsible.", user=admin, now=NOW)
    founding.approve_law(lead, user=admin, now=NOW)
    lead.refresh_from_db()
    assert lead.legal_text == {"en": "We are responsible."}
    assert lead.legal_approved_by == "ada"
    founding.write_law(lead, language="nl", text="Wij zijn het.", user=admin, now=NOW)
    lead.refresh_from_db()
    assert lead.legal_approved_at is None


def test_an_administrator_says_who_is_a_national_team(lead: Partner, admin: User) -> None:
    handler = a_user("hal", partner=lead, role=MemberRole.APPROVER)
    with pytest.raises(steps.CampaignError):
        founding.set_team(lead, is_cert=True, user=handler, now=NOW)
    founding.set_team(lead, is_cert=True, user=admin, now=NOW)
    lead.refresh_from_db()
    assert lead.is_cert
    entry = TimelineEntry.objects.get(action="partner-team")
    assert (entry.before, entry.after) == ({"is_cert": False}, {"is_cert": True})
