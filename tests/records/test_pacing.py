"""Pace in the database: by provider, partner, warm-up and hours; and why each letter waits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Partner
from openletter.letters import routes, sending
from openletter.letters.models import Delivery, Letter, MailRoute, PaceBucket
from openletter.wire.smtp import Fate, Outcome, Stage
from openletter.words import DeliveryState
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready

ACCEPTED = Fate(outcome=Outcome.ACCEPTED, stage=Stage.DOT, code=250, queue_id="4Xyz")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    return a_sending_campaign("real", exercise=False)


def knob(campaign: Campaign, **columns: object) -> Campaign:
    Campaign.objects.filter(pk=campaign.pk).update(**columns)
    campaign.refresh_from_db()
    return campaign


def claim(campaign: Campaign, *, later: timedelta = timedelta()) -> list[str]:
    """Who is written to."""
    held = sending.claim(campaign, worker="w", now=NOW + later, limit=100)
    return [one.recipient for one in held]


def behind(provider: str, *domains: str) -> None:
    told = [routes.Told(domain=one, records=((10, f"mx.{provider}"),), ttl=60) for one in domains]
    routes.keep(told, now=NOW)


def test_a_provider_gets_so_many_letters_and_the_others_theirs(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=24)  # two at once
    letters_ready(campaign, 6)
    behind("bigmail.nl", *(f"net{number}.nl" for number in (1, 2, 3, 4)))
    assert claim(campaign) == [f"abuse@net{number}.nl" for number in (1, 2, 5, 6)]
    assert claim(campaign) == []
    assert sending.why_waiting(campaign, now=NOW) == {"waits-for-provider": 2}
    assert claim(campaign, later=3 * MINUTE) == ["abuse@net3.nl"]


def test_without_an_answer_a_domain_is_its_own_provider(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=6)
    letters_ready(campaign, 3)
    assert len(claim(campaign)) == 3
    assert set(PaceBucket.objects.values_list("key", flat=True)) == {
        "net1.nl",
        "net2.nl",
        "net3.nl",
    }


def test_one_provider_has_a_rate_of_its_own(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=0, provider_rates={"bigmail.nl": 6, "odd": "x"})
    letters_ready(campaign, 4)
    behind("bigmail.nl", "net1.nl", "net2.nl")
    assert claim(campaign) == ["abuse@net1.nl", "abuse@net3.nl", "abuse@net4.nl"]


def test_providers_count_over_campaigns_and_worlds_stay_apart(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=12)
    other = knob(a_sending_campaign("other", exercise=False), provider_per_hour=12)
    letters_ready(campaign, 1)
    letters_ready(other, 1, start=2)
    behind("bigmail.nl", "net1.nl", "net2.nl")
    assert claim(campaign) == ["abuse@net1.nl"]
    assert claim(other) == []
    assert not PaceBucket.objects.filter(exercise=True).exists()


def test_a_partner_has_a_pace_over_all_its_campaigns(campaign: Campaign) -> None:
    Partner.objects.filter(pk=campaign.lead_id).update(letters_per_hour=36)
    letters_ready(campaign, 5)
    assert len(claim(campaign)) == 3
    assert claim(campaign) == []
    assert sending.why_waiting(campaign, now=NOW) == {"waits-for-partner": 2}
    assert len(claim(campaign, later=2 * MINUTE)) == 1


def test_the_warm_up_grows_and_then_is_no_bound(campaign: Campaign) -> None:
    knob(campaign, warm_up_letters=2, warm_up_growth=50)
    letters_ready(campaign, 9)
    day = timedelta(days=1)
    assert len(claim(campaign)) == 2
    assert claim(campaign, later=day - MINUTE) == []
    assert sending.why_waiting(campaign, now=NOW) == {"waits-for-warm-up": 7}
    assert len(claim(campaign, later=day)) == 3
    assert len(claim(campaign, later=2 * day)) == 4


def test_letters_leave_while_somebody_may_read_them(campaign: Campaign) -> None:
    """NOW is noon UTC on a Monday: one o'clock in the Netherlands, nine in the evening in Japan."""
    knob(campaign, hours_from=8, hours_until=18)
    ready = letters_ready(campaign, 4)
    for one, country in zip(ready, ("NL", "JP", "US", ""), strict=True):
        Letter.objects.filter(pk=one.letter.pk).update(country=country)
    assert claim(campaign) == ["abuse@net1.nl", "abuse@net3.nl", "abuse@net4.nl"]
    assert sending.why_waiting(campaign, now=NOW) == {"waits-for-hours": 1}
    assert claim(campaign, later=timedelta(hours=12)) == ["abuse@net2.nl"]


def test_why_letters_wait_is_told_one_reason_each(campaign: Campaign) -> None:
    knob(campaign, letters_per_hour=2)
    letters_ready(campaign, 5)
    assert sending.why_waiting(campaign, now=NOW) == {"": 2, "waits-for-pace": 3}
    held = sending.claim(campaign, worker="w", now=NOW, limit=100)
    sending.record(held[0], Fate(outcome=Outcome.DEFERRED, stage=Stage.RCPT, code=450), now=NOW)
    assert sending.why_waiting(campaign, now=NOW) == {"waits-for-pace": 3, "waits-for-retry": 1}
    campaigns.pause(campaign, actor="user:x", because="stop", now=NOW)
    assert sending.why_waiting(campaign, now=NOW) == {"campaign-paused": 4}
    campaigns.pause_leaving(because="stop", now=NOW)
    assert sending.why_waiting(campaign, now=NOW) == {"leaving-paused": 4}


def test_two_hundred_beyond_recall_wait_for_the_mail_server(campaign: Campaign) -> None:
    letters_ready(campaign, 3)
    Delivery.objects.filter(mailbox="abuse@net1.nl").update(state="accepted")
    bound, sending.MOST_BEYOND_RECALL = sending.MOST_BEYOND_RECALL, 1
    try:
        assert claim(campaign) == []
        assert sending.why_waiting(campaign, now=NOW) == {"waits-for-recall": 2}
        Delivery.objects.filter(state="accepted").update(reason="journal-mailbox")
        assert len(claim(campaign)) == 1
    finally:
        sending.MOST_BEYOND_RECALL = bound


def test_a_sender_keeps_its_room_over_several_claims(campaign: Campaign) -> None:
    knob(campaign, letters_per_hour=3)
    letters_ready(campaign, 5)
    room = sending.room_now(campaign, now=NOW)
    first = sending.claim(campaign, worker="w", now=NOW, limit=2, room=room)
    second = sending.claim(campaign, worker="w", now=NOW, limit=9, room=room.without(2))
    assert (len(first), len(second)) == (2, 1)
    assert sending.claim(campaign, worker="w", now=NOW, limit=9, room=room.without(3)) == []


# -- who takes a domain's mail ------------------------------------------------------------------


def test_domains_of_the_next_letters_are_asked_once_and_again_when_old(campaign: Campaign) -> None:
    letters_ready(campaign, 3)
    assert routes.unasked(campaign, now=NOW, limit=2) == ["net1.nl", "net2.nl"]
    behind("bigmail.nl", "net1.nl", "net2.nl")
    assert routes.unasked(campaign, now=NOW, limit=9) == ["net3.nl"]
    assert "net1.nl" in routes.unasked(campaign, now=NOW + timedelta(days=2), limit=9)


def test_a_fault_keeps_what_was_known_and_is_tried_again(campaign: Campaign) -> None:
    behind("bigmail.nl", "net1.nl")
    for wait in (10, 20):
        routes.keep([routes.Told(domain="net1.nl", fault="timeout")], now=NOW)
        row = MailRoute.objects.get(domain="net1.nl")
        assert (row.provider, row.fault) == ("bigmail.nl", "timeout")
        assert row.again_at == NOW + wait * MINUTE
    routes.keep([routes.Told(domain="new.nl", fault="timeout")], now=NOW)
    assert MailRoute.objects.get(domain="new.nl").provider == "new.nl"


# -- writing down many at once ------------------------------------------------------------------


def test_fates_are_written_in_one_go_and_only_for_those_still_held(campaign: Campaign) -> None:
    letters_ready(campaign, 4)
    held = sending.claim(campaign, worker="w", now=NOW, limit=9)
    Delivery.objects.filter(pk=held[3].id).update(worker="another")
    fates = [
        ACCEPTED,
        Fate(outcome=Outcome.DEFERRED, stage=Stage.RCPT, code=450, text="4.2.1 la\0ter"),
        Fate(outcome=Outcome.UNKNOWN, stage=Stage.PIPELINED, text="connection lost"),
        ACCEPTED,
    ]
    assert sending.record_all(list(zip(held, fates, strict=True)), now=NOW) == 3
    rows = [Delivery.objects.get(pk=one.id) for one in held]
    assert [row.state for row in rows] == ["accepted", "deferred", "unknown", "handing"]
    assert rows[0].queue_id == "4Xyz"
    assert (rows[1].reason, rows[1].smtp_text) == ("smtp-rcpt", "4.2.1 later")
    assert rows[1].not_before == NOW + 5 * MINUTE
    assert rows[2].reason == "smtp-pipelined"
    assert sending.record_all([], now=NOW) == 0
    assert rows[3].state == DeliveryState.HANDING


def test_what_was_claimed_and_not_begun_has_spent_no_pace(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=24, letters_per_hour=10)
    Partner.objects.update(letters_per_hour=120)
    one, _, _ = letters_ready(campaign, 3)
    behind("bigmail.nl", "net1.nl", "net2.nl", "net3.nl")
    one.delivery.state, one.delivery.not_before = DeliveryState.DEFERRED, NOW - MINUTE
    one.delivery.handed_at = NOW - 90 * MINUTE
    one.delivery.save()
    before = [sending.room_now(campaign, now=NOW).letters, sending.why_waiting(campaign, now=NOW)]
    held = sending.claim(campaign, worker="w", now=NOW, limit=100)
    assert len(held) == 2  # of one provider at once
    assert sending.room_now(campaign, now=NOW).letters == 8

    sending.put_back(held, now=NOW)
    assert before == [
        sending.room_now(campaign, now=NOW).letters,
        sending.why_waiting(campaign, now=NOW),
    ]
    assert not PaceBucket.objects.filter(spent_until__gt=NOW).exists()
    times = Delivery.objects.order_by("id").values_list("handed_at", "attempt")
    assert list(times) == [(NOW - 90 * MINUTE, 0), (None, 0), (None, 0)]
    assert len(claim(campaign)) == 2


def test_only_what_is_still_held_gives_its_pace_back(campaign: Campaign) -> None:
    knob(campaign, provider_per_hour=24)
    letters_ready(campaign, 2)
    behind("bigmail.nl", "net1.nl", "net2.nl")
    held = sending.claim(campaign, worker="w", now=NOW, limit=100)
    sending.record(held[0], ACCEPTED, now=NOW)
    sending.put_back(held, now=NOW)
    assert PaceBucket.objects.get(kind="provider").spent_until == NOW + MINUTE * 60 / 24
    assert Delivery.objects.get(pk=held[0].id).state == DeliveryState.ACCEPTED
