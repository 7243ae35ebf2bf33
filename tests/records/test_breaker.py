"""The breaker in the database: it pauses once, says why, and a person begins the count anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.letters.models import Delivery
from openletter.letters.sending import is_stopped
from openletter.replies import breaker
from openletter.replies.models import Reply, ReplyKind
from openletter.words import DeliveryState
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, letters_ready

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def left(campaign: Campaign, number: int, *, bounced: int = 0) -> None:
    letters_ready(campaign, number)
    ids = list(Delivery.objects.filter(campaign=campaign).values_list("pk", flat=True))
    rows = Delivery.objects.filter(campaign=campaign)
    rows.update(state=DeliveryState.ACCEPTED, handed_at=NOW - HOUR)
    rows.filter(pk__in=ids[:bounced]).update(state=DeliveryState.BOUNCED)


def complained(campaign: Campaign, number: int, *, kind: str = ReplyKind.COMPLAINT) -> None:
    for _ in range(number):
        Reply.objects.create(
            campaign=campaign, partner=campaign.lead, channel=Reply.Channel.MAIL, kind=kind,
            confidence=1.0, at=NOW - HOUR,
        )  # fmt: skip


def test_two_complaints_about_few_letters_pause_the_campaign_and_it_says_why() -> None:
    campaign = a_sending_campaign()
    left(campaign, 60)
    complained(campaign, 1)
    assert breaker.check(campaign, now=NOW) is None
    complained(campaign, 1, kind=ReplyKind.FEEDBACK)
    reason = breaker.check(campaign, now=NOW)
    assert reason is not None
    assert is_stopped(campaign)
    campaign.refresh_from_db()
    assert campaign.paused_because == (
        "Paused by itself: 2 complaints about 60 letters of the last seven days."
    )
    entry = TimelineEntry.objects.filter(campaign=campaign, action="paused").get()
    assert entry.actor == "step:breaker"


def test_letters_that_come_back_pause_it_too() -> None:
    campaign = a_sending_campaign()
    left(campaign, 60, bounced=12)
    reason = breaker.check(campaign, now=NOW)
    assert reason is not None
    assert reason.code == "breaker-bounces"


def test_a_person_who_looked_and_goes_on_begins_the_count_anew() -> None:
    campaign = a_sending_campaign()
    left(campaign, 60)
    complained(campaign, 2)
    assert breaker.check(campaign, now=NOW)
    assert breaker.check(campaign, now=NOW) is None, "once, not at every tick"
    campaigns.resume(campaign, actor="user:ann", now=NOW)
    assert breaker.check(campaign, now=NOW + HOUR) is None
    Reply.objects.update(at=NOW + HOUR)
    assert breaker.check(campaign, now=NOW + 2 * HOUR)


def test_a_complaint_that_a_handler_took_back_does_not_count() -> None:
    campaign = a_sending_campaign()
    left(campaign, 60)
    complained(campaign, 2)
    Reply.objects.update(undone_at=NOW)
    assert breaker.check(campaign, now=NOW) is None


def test_what_is_older_than_the_window_does_not_count() -> None:
    campaign = a_sending_campaign()
    left(campaign, 60)
    complained(campaign, 2)
    assert breaker.check(campaign, now=NOW + timedelta(days=8)) is None


def test_a_campaign_that_goes_well_counts_few_letters() -> None:
    """It is asked every ten seconds: not all letters of a week, and never those before."""
    campaign = a_sending_campaign()
    left(campaign, 40)
    with CaptureQueriesContext(connection) as none:
        assert breaker.check(campaign, now=NOW) is None
    Delivery.objects.filter(pk=Delivery.objects.earliest("pk").pk).update(
        state=DeliveryState.BOUNCED
    )
    with CaptureQueriesContext(connection) as one:
        assert breaker.check(campaign, now=NOW) is None
    assert (len(none), len(one)) == (3, 4)  # bounces, complaints; then as many letters as matter
    assert "LIMIT 11" in one[-1]["sql"]
