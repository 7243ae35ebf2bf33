"""Addresses of one network are decided together, and come out as if each were decided alone."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, TimelineEntry
from openletter.campaigns.steps import verify_chain
from openletter.cases.models import Case
from openletter.contacts import finding, steps
from openletter.contacts.models import Choice, Holder
from tests.builders import NOW, a_campaign, a_partner
from tests.contacts_builders import a_case, a_dump

pytestmark = pytest.mark.django_db
EQUALS = """
inetnum:        203.0.113.0 - 203.0.113.127
netname:        TWINS
country:        NL
org:            ORG-TW1-TEST
remarks:        abuse reports to noc@twins.example or to cert@twins.example
tech-c:         TW1-TEST
admin-c:        TW2-TEST
status:         ASSIGNED PA
source:         TEST

organisation:   ORG-TW1-TEST
org-name:       Twins
country:        NL
source:         TEST

role:           Twins NOC
nic-hdl:        TW1-TEST
e-mail:         noc@twins.example
source:         TEST

role:           Twins CERT
nic-hdl:        TW2-TEST
e-mail:         cert@twins.example
source:         TEST

inetnum:        203.0.113.128 - 203.0.113.255
netname:        TWINS-TOO
country:        NL
org:            ORG-TW1-TEST
tech-c:         TW2-TEST
admin-c:        TW1-TEST
status:         ASSIGNED PA
source:         TEST
"""
ADDRESSES = [
    f"{net}.{last}"
    for net in ("198.51.100", "192.0.2", "203.0.113")
    for last in (3, 4, 66, 67, 70, 130, 131, 200, 201)
]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    from tests.contacts_builders import DUMP

    made = a_campaign()
    other = a_partner("beta", country="BE")
    CampaignPartner.objects.create(campaign=made, partner=other)
    Constituency.objects.create(partner=other, network=ip_network("198.51.100.64/30"))
    steps.load_registry(a_dump(tmp_path, text=DUMP + EQUALS), exercise=made, now=NOW)
    for ip in ADDRESSES:
        a_case(made, ip)
    return made


def test_decisions_are_those_of_each_address_alone(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = list(Case.objects.order_by("pk"))
    together = finding.decide_for(cases, campaign=campaign)
    monkeypatch.setattr(finding, "_what_decides", lambda *_: None)
    alone = finding.decide_for(cases, campaign=campaign)
    assert together == alone
    assert len({id(one) for one in alone.values()}) == len(cases)
    assert len({id(one) for one in together.values()}) < len(cases)


def test_choices_are_kept_with_all_that_they_rest_on(campaign: Campaign) -> None:
    assert steps.find(campaign, now=NOW, limit=100) == len(ADDRESSES)
    decisions = finding.decide_for(list(Case.objects.all()), campaign=campaign)
    for choice in Choice.objects.select_related("case", "holder"):
        made = decisions[choice.case_id]
        assert choice.outcome == made.outcome
        assert choice.mailbox == (made.chosen.mailbox if made.chosen else "")
        assert choice.languages == list(made.languages)
        assert choice.reasons == [one.as_json() for one in made.reasons]
        assert (choice.holder.key if choice.holder else None) == (
            made.holder.key if made.holder else None
        )
        assert choice.case.partner_id == choice.partner_id
        assert choice.superseded_at is None
        assert choice.superseded_because == ""
    told = TimelineEntry.objects.filter(actor="step:find")
    assert told.count() == len(ADDRESSES)
    assert verify_chain(campaign.pk) is None
    assert Holder.objects.filter(campaign=campaign).count() == len(
        {one.holder.key for one in decisions.values() if one.holder}
    )


def test_a_batch_asks_no_more_than_a_small_one(campaign: Campaign) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        steps.find(campaign, now=NOW, limit=9)
    with CaptureQueriesContext(connection) as many:
        steps.find(campaign, now=NOW, limit=18)
    assert len(many) <= len(few) + 3
