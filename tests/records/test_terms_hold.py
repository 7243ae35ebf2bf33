"""Terms travel with the data: one source's data is put everywhere, and must come out nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState, MemberRole
from openletter.cases import steps as cases_steps
from openletter.cases.models import Case, Skipped
from openletter.evidence.models import Observation, Source
from openletter.letters import steps as letters
from openletter.letters.models import Letter
from openletter.words import Weakness
from tests.builders import NOW, a_campaign, a_user
from tests.letter_builders import ABUSE, a_campaign_with_wave, chosen_cases, text_of
from tests.records.evidence_builders import a_zone, take_in
from tests.site_builders import a_letter

pytestmark = pytest.mark.django_db
PORT, CODE, BANNER = 31337, "127.0.0.99", "Exim 4.96-leaked"
SEEN = NOW - timedelta(hours=5, minutes=43, seconds=17)
NAME = "Secretive list"
DATA = (str(PORT), CODE, "leaked", f"{SEEN:%H:%M}", "4.96")


@dataclass
class World:
    campaign: Campaign
    cases: list[Case]
    observations: list[int]


def secretive(terms: dict[str, object]) -> Source:
    return Source.objects.create(id="secretive", name=NAME, family="secretive", terms=terms)


def slip_in(cases: list[Case], source: Source) -> list[int]:
    """The secretive source says something of every case, newest of all, and its port counts."""
    keys = []
    for case in cases:
        row = Observation.objects.filter(pk__in=case.finding.rows).order_by("-id")[0]
        row.pk, row._state.adding = None, True
        row.source, row.port, row.code, row.seen_at = source, PORT, CODE, SEEN
        row.about = {"banner": f"220 mail.example ESMTP {BANNER}"}
        row.save()
        Observation.objects.filter(pk__in=case.finding.rows).update(
            seen_at=SEEN - timedelta(days=1, minutes=7), about={}
        )
        case.finding.rows = [*case.finding.rows, row.pk]
        case.finding.ports = [PORT, *case.finding.ports]
        case.finding.last_seen = SEEN
        case.finding.reasons = [
            {"code": "says-open", "values": {"source": "secretive", "port": PORT, "at": str(SEEN)}}
        ]
        case.finding.save()
        keys.append(row.pk)
    return keys


def leaks(text: str) -> list[str]:
    return [mark for mark in DATA if mark in text]


def letter_texts(campaign: Campaign) -> Iterator[str]:
    """Everything that a letter holds: its text and every attachment."""
    import email
    import email.policy

    while letters.compose(campaign, now=NOW, limit=100):
        pass
    for letter in Letter.objects.filter(campaign=campaign):
        message = email.message_from_bytes(bytes(letter.raw), policy=email.policy.SMTP)
        for part in message.walk():
            if not part.is_multipart():
                yield str(part.get_content())


TERMS = {
    "name only": ({"redistribute": False, "to_holder": "name"}, False, True),
    "nothing": ({"to_holder": "nothing"}, False, False),
    "teams only, to others": ({"cert_only": True}, False, False),
    "teams only, to a team, name only": ({"cert_only": True, "to_holder": "name"}, True, True),
}


@pytest.mark.parametrize(("terms", "is_cert", "named"), TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("inline", [50, 1], ids=["in the text", "as a table"])
def test_letters_tell_no_more_than_terms_allow(
    terms: dict[str, object], *, is_cert: bool, named: bool, inline: int
) -> None:
    campaign = a_campaign_with_wave(state=CampaignState.PLANNED, inline_rows=inline)
    campaign.lead.is_cert = is_cert
    campaign.lead.save()
    choices = chosen_cases(campaign, ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    slip_in([choice.case for choice in choices], secretive(terms))
    texts = list(letter_texts(campaign))
    assert texts
    assert [leaks(text) for text in texts if leaks(text)] == []
    assert any(NAME in text for text in texts) is named
    assert any("Wierhaven relay list" in text for text in texts)


def test_what_may_be_told_is_told_with_whom_to_name() -> None:
    """The same search finds everything where terms allow it: it can fail."""
    campaign = a_campaign_with_wave(state=CampaignState.PLANNED)
    (choice,) = chosen_cases(campaign, ["192.0.2.1"])
    terms = {"redistribute": True, "attribution": "Secretive list, CC BY 4.0"}
    slip_in([choice.case], secretive(terms))
    list(letter_texts(campaign))
    text = text_of(Letter.objects.get(mailbox=ABUSE))
    assert {str(PORT), CODE, f"{SEEN:%H:%M}"} <= set(leaks(text))
    assert "CC BY 4.0" in text


@pytest.mark.parametrize(("terms", "is_cert", "named"), TERMS.values(), ids=TERMS)
@pytest.mark.parametrize("count", [1, 3])
def test_pages_behind_links_tell_no_more_either(
    terms: dict[str, object], *, is_cert: bool, named: bool, count: int
) -> None:
    campaign = a_campaign_with_wave()
    campaign.lead.is_cert = is_cert
    campaign.lead.save()
    held = a_letter(campaign, count=count, weakness=Weakness.OPEN_RELAY)
    slip_in(held.cases, secretive(terms))
    browser, told = Client(), ""
    reference = held.cases[0].reference
    for path in (
        f"/nl/l/{held.secret}",
        f"/nl/l/{held.secret}/all/pass-on",
        f"/nl/l/{held.secret}/{reference}",
        f"/nl/l/{held.secret}/{reference}/pass-on",
        f"/nl/c/{held.case_secrets[0]}",
        f"/nl/c/{held.case_secrets[0]}/pass-on",
    ):
        answer = browser.get(path, follow=True)
        assert answer.status_code == 200, path
        text = answer.content.decode()
        assert leaks(text) == [], path
        told += text
    assert (NAME in told) is named


@pytest.mark.parametrize("is_cert", [False, True])
def test_inside_the_house_only_teams_see_what_is_for_teams(*, is_cert: bool) -> None:
    campaign = a_campaign_with_wave()
    campaign.lead.is_cert = is_cert
    campaign.lead.save()
    (choice,) = chosen_cases(campaign, ["192.0.2.1"])
    slip_in([choice.case], secretive({"cert_only": True}))
    browser = Client()
    browser.force_login(a_user("h", partner=campaign.lead, role=MemberRole.HANDLER))
    page = browser.get(reverse("desk:case", args=[choice.case.reference])).content.decode()
    assert (CODE in page) is is_cert
    assert (NAME in page) is is_cert
    assert (BANNER in page) is is_cert
    assert (str(PORT) in page) is is_cert
    answer = browser.get(reverse("desk:export", kwargs={"slug": campaign.slug}))
    table = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "192.0.2.1" in table
    assert leaks(table) == []


def test_a_feed_for_teams_opens_cases_of_teams_only() -> None:
    """It may be the second origin only where a national team answers for the address."""
    definition = {
        "id": "teams-feed", "name": "Teams' feed", "family": "teams-feed", "format": "plain",
        "role": "entry", "weakness": ["open-http-proxy"], "terms": {"cert_only": True},
    }  # fmt: skip
    campaign = a_campaign("teams", state=CampaignState.RUNNING)
    Source.objects.create(
        id="teams-feed", name="Teams' feed", family="teams-feed",
        terms={"cert_only": True}, definition=definition,
    )  # fmt: skip
    a_zone("192.0.2.7", campaign=campaign)
    take_in("192.0.2.7:3128\n", f"list-{NOW:%Y-%m-%d}.txt", campaign, source="teams-feed")
    weigh_all(campaign, NOW)
    cases_steps.open_cases(campaign, now=NOW, limit=10)
    assert not Case.objects.exists()
    assert Skipped.objects.get().reason == "needs-national-team"
    campaign.lead.is_cert = True
    campaign.lead.save()
    Skipped.objects.all().delete()
    cases_steps.open_cases(campaign, now=NOW, limit=10)
    assert str(Case.objects.get().ip) == "192.0.2.7"


def weigh_all(campaign: Campaign, now: datetime) -> None:
    from openletter.evidence import steps

    while steps.weigh(campaign, now=now, limit=1000):
        pass
