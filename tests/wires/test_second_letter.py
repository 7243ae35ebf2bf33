"""Ways to a second letter that reviewers found: each is a test, and none is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from openletter.campaigns.models import Installation
from openletter.letters import jobs, sending, settle
from openletter.letters.clearing import clear_letters
from openletter.letters.models import Delivery
from openletter.letters.recording import Told
from openletter.net.mailbox import Mailbox, received
from openletter.words import DeliveryState
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready

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
        clear_letters([one.letter], campaign=campaign, now=NOW)
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
