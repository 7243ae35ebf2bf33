"""Ways to a second letter that reviewers found: each is a test, and none is open."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation, Wave
from openletter.contacts import finding, wishes
from openletter.contacts import steps as contacts
from openletter.contacts.wish_rows import ContactWish, SameContact
from openletter.contacts.wishes import Asked
from openletter.letters import heeding, jobs, sending, settle
from openletter.letters.clearing import clear_letters
from openletter.letters.journal import mailbox_hash
from openletter.letters.models import Delivery, HandedElsewhere
from openletter.letters.recording import Told
from openletter.net.mailbox import Mailbox, received
from openletter.words import DeliveryState, Wish
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready, mailbox_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def state(tmp_path: Path, settings: Settings) -> Path:
    settings.STATE = tmp_path
    an_installation(tmp_path)
    return tmp_path


def arrived(state: Path) -> int:
    return len(list(received(jobs.mailbox_folder(state))))


def test_a_draft_of_the_backup_that_left_since_does_not_leave_again(state: Path) -> None:
    """The backup holds it as a draft, with the very Message-ID that the journal knows."""
    campaign = a_sending_campaign()
    before = Installation.objects.get().journal_position
    (one,) = letters_ready(campaign, 1)
    with Mailbox(jobs.mailbox_folder(state)):
        jobs.hand_over(campaign, now=NOW, limit=10)
        one.letter.delivery = None
        one.letter.save()
        one.delivery.delete()
        Installation.objects.update(journal_position=before)
        assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
        settle.go_on(state, by="jo", now=NOW)
        clear_letters([one.letter.pk], campaign=campaign, now=NOW)
        jobs.hand_over(campaign, now=NOW, limit=10)
    assert arrived(state) == 1
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN


def test_whoever_lost_its_database_hands_over_nothing_more(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn went with the connection: another sender may be at work, or a backup be back."""
    campaign = a_sending_campaign()
    letters_ready(campaign, 4)
    monkeypatch.setattr(jobs, "FIRST_CLAIM", 1)
    known, away = sending.record_all, [True]

    def lost_once(told: Sequence[Told], *, now: datetime) -> int:
        if away and away.pop():
            raise OperationalError("the server closed the connection")
        return known(told, now=now)

    monkeypatch.setattr(sending, "record_all", lost_once)
    with Mailbox(jobs.mailbox_folder(state)):
        assert jobs.hand_over(campaign, now=NOW, limit=10) == 1
        assert arrived(state) == 1
        assert jobs.hand_over(campaign, now=NOW, limit=10) == 3
    assert arrived(state) == 4


# -- the door is asked with the time it is --------------------------------------------------------


def test_a_wave_that_closes_during_a_run_lets_nothing_more_out(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each claim asks anew: the run's own beginning is no answer to that."""
    campaign = a_sending_campaign()
    letters_ready(campaign, 3)
    Wave.objects.update(closes_at=NOW + timedelta(seconds=0.6))
    monkeypatch.setattr(jobs, "FIRST_CLAIM", 1)
    with Mailbox(jobs.mailbox_folder(state), refuse=lambda _: time.sleep(0.7)):
        jobs.hand_over(campaign, now=NOW, limit=10)
    assert arrived(state) == 1
    reasons = Delivery.objects.filter(state=DeliveryState.CANCELLED)
    assert list(reasons.values_list("reason", flat=True)) == ["wave-closed"] * 2


def test_a_claim_that_a_slow_server_outlasts_is_asked_anew(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not let begin goes back, and the wave is closed by then."""
    campaign = a_sending_campaign()
    letters_ready(campaign, 4)
    Wave.objects.update(closes_at=NOW + timedelta(seconds=0.5))
    monkeypatch.setattr(jobs, "CLAIM_HOLDS", 0.3)
    with Mailbox(jobs.mailbox_folder(state), refuse=lambda _: time.sleep(0.6)):
        jobs.hand_over(campaign, now=NOW, limit=10)
    states = list(Delivery.objects.order_by("id").values_list("state", "attempt", "reason"))
    assert states[0] == (DeliveryState.DELIVERED, 1, "")
    assert states[1:] == [(DeliveryState.CANCELLED, 0, "wave-closed")] * 3
    assert arrived(state) == 1


def test_a_slow_server_gets_all_letters_in_smaller_claims(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = a_sending_campaign()
    letters_ready(campaign, 4)
    monkeypatch.setattr(jobs, "CLAIM_HOLDS", 0.05)
    monkeypatch.setattr(jobs, "A_CLAIM", 0.05)
    with Mailbox(jobs.mailbox_folder(state), refuse=lambda _: time.sleep(0.1)):
        assert jobs.hand_over(campaign, now=NOW, limit=10) == 4
    assert arrived(state) == 4
    assert set(Delivery.objects.values_list("state", "attempt")) == {(DeliveryState.DELIVERED, 1)}


def test_a_stop_ends_every_hand_over_within_two_seconds(state: Path) -> None:
    """Pressed by somebody else, while four connections carry letters."""
    campaign = a_sending_campaign()
    letters_ready(campaign, 160)
    times: list[float] = []
    pressed: list[float] = []

    def press() -> None:
        while len(times) < 20:
            time.sleep(0.01)
        campaigns.pause_leaving(because="stop", now=NOW)
        connection.close()
        pressed.append(time.monotonic())

    def slow(_: str) -> None:
        time.sleep(0.02)
        times.append(time.monotonic())

    with Mailbox(jobs.mailbox_folder(state), refuse=slow):
        button = threading.Thread(target=press)
        button.start()
        jobs.hand_over(campaign, now=NOW, limit=200)
        button.join()
    assert max(times) - pressed[0] < 2
    left = Delivery.objects.filter(state=DeliveryState.DELIVERED).count()
    assert 20 <= left < 160
    assert left == arrived(state)
    assert Delivery.objects.filter(state=DeliveryState.CLEARED).count() == 160 - left
    assert not Delivery.objects.filter(state=DeliveryState.CLEARED, handed_at__isnull=False)


# -- a wish comes in between ----------------------------------------------------------------------

OTHER = "desk@elsewhere.example"


def a_wish(campaign: Campaign) -> ContactWish:
    asked = Asked(
        mailbox=mailbox_of(campaign, 1), wish=Wish.OTHER_MAILBOX, said_by="mail", address=OTHER
    )
    return wishes.keep(asked, world=campaign, actor="user:hanna", now=NOW)


def taken_back(row: ContactWish) -> bool:
    return heeding.take_back(row, because="mistake", actor="user:hanna", now=NOW)


@contextmanager
def held_beside(statement: str, *values: int) -> Iterator[None]:
    """Another process is in the middle of something; ours waits a tenth of a second for it."""
    other = connection.copy()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute(statement, values)
            yield
    finally:
        other.close()


def test_a_wish_ends_only_between_two_claims(state: Path) -> None:
    """A claim that began before would let a letter leave by it; the first mailbox got another."""
    campaign = a_sending_campaign()
    row = a_wish(campaign)
    with pytest.raises(OperationalError), held_beside("SELECT FROM installation FOR UPDATE"):
        taken_back(row)
    assert taken_back(row)


def test_a_wish_waits_for_who_chooses_without_knowing_of_it(state: Path) -> None:
    """A choice made beside it would keep its case with a mailbox that is written to no more."""
    campaign = a_sending_campaign()
    choosing = "SELECT pg_advisory_xact_lock_shared(%s, %s)"
    values = (finding.FINDING, campaign.pk)
    with pytest.raises(OperationalError), held_beside(choosing, *values):
        a_wish(campaign)
    row = a_wish(campaign)
    with pytest.raises(OperationalError), held_beside(choosing, *values):
        taken_back(row)
    alone = "SELECT pg_advisory_xact_lock(%s, %s)"
    with pytest.raises(OperationalError), held_beside(alone, *values):
        contacts.find(campaign, now=NOW, limit=10)


def test_a_wish_by_which_a_letter_left_after_the_backup_leaves_one_contact(state: Path) -> None:
    """The journal alone knows of that letter; the first mailbox must not get it once more."""
    campaign = a_sending_campaign()
    row = a_wish(campaign)
    HandedElsewhere.objects.create(
        message_id="<x@y.example>", campaign=campaign.slug, kind="first", at=NOW,
        mailbox_hash=bytes.fromhex(mailbox_hash(OTHER)),
    )  # fmt: skip
    assert taken_back(row)
    assert SameContact.objects.count() == 2
