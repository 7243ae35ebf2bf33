"""The door, the claim and the record: what leaves, what goes back, and that nothing leaves twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connection

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry, Wave
from openletter.cases import steps as cases
from openletter.contacts import steps as contacts
from openletter.contacts.models import Choice, MailboxHealth
from openletter.evidence.models import Finding
from openletter.letters import sending
from openletter.letters.mark import at_start
from openletter.letters.models import Delivery, Letter
from openletter.wire.smtp import Fate, Outcome, Stage
from openletter.words import DeliveryState, FindingState, Reason
from tests.builders import NOW, a_user
from tests.mail_builders import Ready, a_sending_campaign, an_installation, letters_ready

ACCEPTED = Fate(outcome=Outcome.ACCEPTED, stage=Stage.DOT, code=250, queue_id="4Xyz")
LATER = Fate(outcome=Outcome.DEFERRED, stage=Stage.RCPT, code=450, text="4.2.1 later")
NO_SUCH = Fate(outcome=Outcome.REFUSED, stage=Stage.RCPT, code=550, text="5.1.1 no such user")
SILENCE = Fate(outcome=Outcome.UNKNOWN, stage=Stage.DOT, text="no answer")


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    return a_sending_campaign("real", exercise=False)


def claim(
    campaign: Campaign, *, later: timedelta = timedelta(), limit: int = 100
) -> list[sending.Claimed]:
    return sending.claim(campaign, worker="w1", now=NOW + later, limit=limit)


def test_a_cleared_letter_is_claimed_once(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    assert (one.id, one.attempt, one.recipient) == (ready.delivery.pk, 1, "abuse@net1.nl")
    assert claim(campaign) == []
    ready.delivery.refresh_from_db()
    assert ready.delivery.state == DeliveryState.HANDING


def test_numbers_rise_with_every_claim(campaign: Campaign) -> None:
    letters_ready(campaign, 3)
    first = claim(campaign, limit=2)
    second = claim(campaign)
    numbers = [one.number for one in (*first, *second)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def pause(campaign: Campaign, ready: Ready) -> None:
    campaigns.pause(campaign, actor="user:x", because="stop", now=NOW)


def pause_everything(campaign: Campaign, ready: Ready) -> None:
    campaigns.pause_leaving(because="restore", now=NOW)


def wave_to_come(campaign: Campaign, ready: Ready) -> None:
    Wave.objects.filter(campaign=campaign).update(opens_at=NOW + timedelta(days=1))


@pytest.mark.parametrize("change", [pause, pause_everything, wave_to_come])
def test_what_only_waits_stays_cleared(
    campaign: Campaign, change: Callable[[Campaign, Ready], None]
) -> None:
    (ready,) = letters_ready(campaign, 1)
    change(campaign, ready)
    assert claim(campaign) == []
    assert sending.send_back(campaign, now=NOW) == {}
    ready.delivery.refresh_from_db()
    assert ready.delivery.state == DeliveryState.CLEARED


def announce(campaign: Campaign, ready: Ready) -> None:
    cases.announce_fixed(ready.case, until=NOW + timedelta(days=7), actor="holder", now=NOW)


def close(campaign: Campaign, ready: Ready) -> None:
    cases.close(ready.case, result="gone", actor="step:conclude", now=NOW, reason=Reason(code="x"))


def suppress(campaign: Campaign, ready: Ready) -> None:
    contacts.suppress(ready.letter.mailbox, campaign=None, actor="holder", how="mail", now=NOW)


def suppress_here(campaign: Campaign, ready: Ready) -> None:
    contacts.suppress(ready.letter.mailbox, campaign=campaign, actor="holder", how="page", now=NOW)


def exclude(campaign: Campaign, ready: Ready) -> None:
    campaigns.exclude(ip_network("2a10::/16"), campaign=None, who="holder", how="proof", now=NOW)


def choose_anew(campaign: Campaign, ready: Ready) -> None:
    Choice.objects.filter(pk=ready.choice.pk).update(superseded_at=NOW)


def close_wave(campaign: Campaign, ready: Ready) -> None:
    Wave.objects.filter(campaign=campaign).update(opens_at=NOW - timedelta(days=2), closes_at=NOW)


def age(campaign: Campaign, ready: Ready) -> None:
    type(ready.case).objects.filter(pk=ready.case.pk).update(
        last_evidence_at=NOW - timedelta(days=7)
    )


def turn(campaign: Campaign, ready: Ready) -> None:
    Finding.objects.filter(pk=ready.case.finding_id).update(state=FindingState.SUSPECTED)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (turn, "evidence-turned"), (announce, "case-not-open"), (close, "case-not-open"), (suppress, "suppressed"),
        (suppress_here, "suppressed"), (exclude, "excluded"), (choose_anew, "choice-changed"),
        (close_wave, "wave-closed"), (age, "evidence-old"),
    ],
)  # fmt: skip
def test_what_fails_at_the_door_goes_back_with_its_reason(
    campaign: Campaign, change: Callable[[Campaign, Ready], None], reason: str
) -> None:
    (ready,) = letters_ready(campaign, 1)
    change(campaign, ready)
    assert claim(campaign) == []
    assert sending.send_back(campaign, now=NOW) == {reason: 1}
    ready.delivery.refresh_from_db()
    assert (ready.delivery.state, ready.delivery.reason) == (DeliveryState.CANCELLED, reason)
    assert not Letter.objects.exists()
    assert TimelineEntry.objects.filter(action="sent-back").exists()


def test_another_campaigns_suppression_and_exclusion_do_not_count(campaign: Campaign) -> None:
    other = a_sending_campaign("other", exercise=False)
    (ready,) = letters_ready(campaign, 1)
    suppress_here(other, ready)
    campaigns.exclude(ip_network("2a10::/16"), campaign=other, who="h", how="proof", now=NOW)
    assert len(claim(campaign)) == 1


def test_accepted_with_its_queue_id(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    assert sending.record(one, ACCEPTED, now=NOW) == DeliveryState.ACCEPTED
    ready.delivery.refresh_from_db()
    assert (ready.delivery.state, ready.delivery.queue_id) == ("accepted", "4Xyz")
    assert sending.beyond_recall(campaign) == 1
    entry = TimelineEntry.objects.get(subject=f"delivery:{ready.delivery.pk}")
    assert (entry.action, entry.before) == ("accepted", {"state": "handing"})


def test_deferred_waits_longer_each_time_and_is_claimed_again(campaign: Campaign) -> None:
    letters_ready(campaign, 1)
    for wait in (5, 10):
        (one,) = claim(campaign, later=timedelta(minutes=wait - 5 + wait % 10))
        sending.record(one, LATER, now=NOW)
        assert Delivery.objects.get().not_before == NOW + timedelta(minutes=wait)
    assert claim(campaign, later=timedelta(minutes=9)) == []
    assert len(claim(campaign, later=timedelta(minutes=10))) == 1


def test_a_dead_mailbox_sends_the_case_on(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    sending.record(one, NO_SUCH, now=NOW)
    ready.delivery.refresh_from_db()
    ready.choice.refresh_from_db()
    assert ready.delivery.state == DeliveryState.BOUNCED
    assert ready.choice.superseded_because == "mailbox-dead"
    assert MailboxHealth.objects.get(mailbox=ready.letter.mailbox).dead_at == NOW


def test_what_a_database_takes_not_keeps_no_fate_from_being_written(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    sending.record(one, replace(NO_SUCH, text=NO_SUCH.text + "\0"), now=NOW)
    ready.delivery.refresh_from_db()
    assert ready.delivery.state == DeliveryState.BOUNCED
    assert MailboxHealth.objects.get(mailbox=ready.letter.mailbox).dead_because == NO_SUCH.text


def test_a_policy_refusal_is_about_us_not_the_mailbox(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    refusal = Fate(outcome=Outcome.REFUSED, stage=Stage.RCPT, code=550, text="5.7.1 policy")
    sending.record(one, refusal, now=NOW)
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_at is None


def test_unknown_is_never_claimed_again_by_a_machine(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    (one,) = claim(campaign)
    sending.record(one, SILENCE, now=NOW)
    assert claim(campaign, later=timedelta(days=5)) == []
    ready.delivery.refresh_from_db()
    assert ready.delivery.state == DeliveryState.UNKNOWN
    with pytest.raises(sending.Refused, match="not-proved-unsent"):
        sending.clear_again(ready.delivery, user="jo", now=NOW)


def test_a_late_answer_is_better_than_unknown_but_only_from_its_own_sender(
    campaign: Campaign,
) -> None:
    letters_ready(campaign, 1)
    (one,) = claim(campaign)
    Delivery.objects.update(state=DeliveryState.UNKNOWN)
    stranger = sending.Claimed(**{**vars(one), "worker": "w2"})
    sending.record(stranger, ACCEPTED, now=NOW)
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN
    sending.record(one, ACCEPTED, now=NOW)
    assert Delivery.objects.get().state == DeliveryState.ACCEPTED


def test_a_person_clears_what_was_proved_unsent(campaign: Campaign) -> None:
    (ready,) = letters_ready(campaign, 1)
    claim(campaign)
    Delivery.objects.update(state=DeliveryState.UNKNOWN, not_sent_at=NOW)
    sending.clear_again(ready.delivery, user="jo", now=NOW)
    assert len(claim(campaign)) == 1
    assert TimelineEntry.objects.get(action="cleared-again").actor == "user:jo"


def test_put_back_is_as_if_never_claimed(campaign: Campaign) -> None:
    letters_ready(campaign, 1)
    held = claim(campaign)
    sending.put_back(held, now=NOW)
    (again,) = claim(campaign)
    assert again.attempt == 1


def test_pace_per_hour(campaign: Campaign) -> None:
    Campaign.objects.update(letters_per_hour=3)
    campaign.refresh_from_db()
    letters_ready(campaign, 5)
    assert len(claim(campaign)) == 3
    assert claim(campaign, later=timedelta(minutes=59)) == []
    assert len(claim(campaign, later=timedelta(minutes=61))) == 2


def test_at_most_two_hundred_are_beyond_recall(campaign: Campaign) -> None:
    ready = letters_ready(campaign, 4)
    Delivery.objects.filter(pk__in=[one.delivery.pk for one in ready[:2]]).update(state="accepted")
    assert sending.may_leave_now(campaign, now=NOW) == sending.MOST_BEYOND_RECALL - 2


def test_a_real_campaign_sends_its_first_letters_and_no_more(campaign: Campaign) -> None:
    Campaign.objects.update(first_batch=2)
    campaign.refresh_from_db()
    letters_ready(campaign, 3)
    assert len(claim(campaign)) == 2
    assert claim(campaign) == []
    user = a_user("jo", partner=campaign.lead, role="approver")
    campaigns.approve(campaign, user=user, what="go-on", now=NOW)
    assert len(claim(campaign)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_senders_never_hold_the_same_letter(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_sending_campaign("real", exercise=False)
    letters_ready(campaign, 40)
    barrier, held = Barrier(4), []

    def take(worker: str) -> None:
        barrier.wait()
        for _ in range(5):
            held.extend(sending.claim(campaign, worker=worker, now=NOW, limit=3))
        connection.close()

    threads = [Thread(target=take, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [one.id for one in held]
    assert len(ids) == len(set(ids)) == 40
    assert len({one.number for one in held}) == 40


@pytest.mark.django_db(transaction=True)
def test_one_sender_at_a_time(tmp_path: Path) -> None:
    seen: list[bool] = []

    def ask() -> None:
        with sending.alone() as mine:
            seen.append(mine)
        connection.close()

    with sending.alone() as mine:
        assert mine
        thread = Thread(target=ask)
        thread.start()
        thread.join()
    ask_again = Thread(target=ask)
    ask_again.start()
    ask_again.join()
    assert seen == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_start_leaves_alone_what_a_living_sender_holds(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_sending_campaign("real", exercise=False)
    letters_ready(campaign, 1)
    seen: list[str] = []

    def start() -> None:
        assert at_start(tmp_path, now=NOW) is None
        seen.append(Delivery.objects.get().state)
        connection.close()

    with sending.alone():
        sending.claim(campaign, worker="w", now=NOW, limit=1)
        thread = Thread(target=start)
        thread.start()
        thread.join()
    start()
    assert seen == [DeliveryState.HANDING, DeliveryState.UNKNOWN]
