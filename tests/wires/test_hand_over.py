"""The send step against real servers on loopback: what leaves, stops, comes back, is journaled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dkim
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import Settings

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation
from openletter.letters import jobs, keys, sending, settle, trails
from openletter.letters.journal import Journal
from openletter.letters.mark import _mark_file
from openletter.letters.models import Delivery, HandedElsewhere
from openletter.net.mailbox import Mailbox, received
from openletter.replies import steps as replies
from openletter.words import DeliveryState
from tests.builders import NOW, a_user
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready
from tests.records.test_replies import at, comes, person
from tests.rules.test_journal import room_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def state(tmp_path: Path, settings: Settings) -> Path:
    settings.STATE = tmp_path
    an_installation(tmp_path)
    return tmp_path


@pytest.fixture
def box(state: Path) -> Iterator[Mailbox]:
    with Mailbox(jobs.mailbox_folder(state)) as running:
        yield running


@pytest.fixture
def campaign() -> Campaign:
    return a_sending_campaign()


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_letters_leave_once_and_are_journaled_first(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    letters_ready(campaign, 3)
    assert jobs.hand_over(campaign, now=NOW, limit=2) == 2
    assert jobs.hand_over(campaign, now=NOW, limit=2) == 1
    assert jobs.hand_over(campaign, now=NOW, limit=2) == 0
    assert states() == {DeliveryState.DELIVERED: 3}
    arrived = list(received(jobs.mailbox_folder(state)))
    sent = set(Delivery.objects.values_list("message_id", flat=True))
    assert {one.message_id for one in arrived} == sent
    assert set(Journal(state).left()) == sent
    assert Installation.objects.get().journal_position == Journal(state).tail()[0]


def test_nothing_leaves_an_exercise_without_its_mailbox(state: Path, campaign: Campaign) -> None:
    letters_ready(campaign, 1)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.CLEARED: 1}


def test_a_full_disk_under_the_journal_leaves_letters_cleared(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    """Many tries in a row: nothing is said, nothing is `unknown`, and no journal looks lost."""
    letters_ready(campaign, 12)
    size = Journal(state).path.stat().st_size
    for attempt in range(12):  # 144 numbers: more than a crash may cost
        with room_for(size + 100 * attempt), pytest.raises(OSError, match="too large"):
            jobs.hand_over(campaign, now=NOW, limit=12)
    assert states() == {DeliveryState.CLEARED: 12}
    assert list(received(jobs.mailbox_folder(state))) == []
    assert Journal(state).path.stat().st_size == size
    assert jobs.hand_over(campaign, now=NOW, limit=20) == 12
    assert states() == {DeliveryState.DELIVERED: 12}
    assert Installation.objects.get().journal_position == Journal(state).tail()[0]
    assert Delivery.objects.values_list("attempt", flat=True).distinct().get() == 1


def test_a_closed_smarthost_claims_nothing(state: Path, settings: Settings) -> None:
    from openletter.shell.configuration import Endpoint

    settings.SMARTHOST = Endpoint(host="127.0.0.1", port=1)
    real = a_sending_campaign("real", exercise=False)
    letters_ready(real, 1)
    assert jobs.hand_over(real, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.CLEARED: 1}
    assert Journal(state).left() == {}


def test_a_stop_in_the_middle_puts_back_what_was_not_begun(
    state: Path, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third is said as far as its recipient; of its content nothing leaves any more."""
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0)
    letters_ready(campaign, 5)

    def stop_at_third(rcpt: str) -> None:
        if rcpt.startswith("abuse@net3."):
            campaigns.pause(campaign, actor="user:x", because="stop", now=NOW)
            connection.close()  # the mailbox's thread has its own

    with Mailbox(jobs.mailbox_folder(state), refuse=stop_at_third):
        assert jobs.hand_over(campaign, now=NOW, limit=10) == 2
    assert states() == {DeliveryState.DELIVERED: 2, DeliveryState.CLEARED: 3}
    assert len(Journal(state).left()) == 2


def test_refusals_at_the_door(state: Path, campaign: Campaign) -> None:
    letters_ready(campaign, 3)
    told = {
        "abuse@net1.example": (550, "5.1.1 no such user"),
        "abuse@net2.example": (450, "4.2.1 busy"),
    }
    with Mailbox(jobs.mailbox_folder(state), refuse=told.get):
        jobs.hand_over(campaign, now=NOW, limit=10)
    assert states() == {
        DeliveryState.BOUNCED: 1,
        DeliveryState.DEFERRED: 1,
        DeliveryState.DELIVERED: 1,
    }
    with Mailbox(jobs.mailbox_folder(state)):
        assert jobs.hand_over(campaign, now=NOW + timedelta(minutes=4), limit=10) == 0
        assert jobs.hand_over(campaign, now=NOW + timedelta(minutes=6), limit=10) == 1
    assert len(list(received(jobs.mailbox_folder(state)))) == 2


def test_refusals_about_us_pause_the_campaign(state: Path, campaign: Campaign) -> None:
    letters_ready(campaign, 8)
    with Mailbox(jobs.mailbox_folder(state), refuse=lambda _: (554, "5.7.1 relay access denied")):
        assert jobs.hand_over(campaign, now=NOW, limit=10) == jobs.REFUSALS_IN_A_ROW
    campaign.refresh_from_db()
    assert "refuses us" in campaign.paused_because
    assert states()[DeliveryState.CLEARED] == 3


def test_an_answer_leaves_signed_and_only_to_its_person(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    (ready,) = letters_ready(campaign, 1)
    jobs.hand_over(campaign, now=NOW, limit=10)
    reply = comes(campaign, person("Hoe?"), at("reply", ready.tokens.reply))
    assert reply is not None
    answer = replies.answer(reply, text="Zo.", user=a_user("jo"), now=NOW)
    jobs.hand_over(campaign, now=NOW, limit=10)
    answer.delivery.refresh_from_db()
    assert answer.delivery.state == DeliveryState.DELIVERED
    folder = jobs.mailbox_folder(state)
    last = list(received(folder))[-1]
    assert last.rcpt == "jo@net1.example"
    zone = dict(
        keys.dns_records(
            Path(settings.STATE) / "keys", domain="campaign.example", selector="exercise"
        )
    )
    found = {f"{name}.".encode(): text.encode() for name, text in zone.items()}
    message = dkim.DKIM(last.raw(folder))
    assert message.verify(idx=1, dnsfunc=lambda name, **_: found.get(name))  # the RSA one


# -- restart, restore, copy ---------------------------------------------------------------------


def test_what_a_crash_left_in_hand_becomes_unknown(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    letters_ready(campaign, 2)
    sending.claim(campaign, worker="gone", now=NOW, limit=1)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 1
    assert states() == {DeliveryState.UNKNOWN: 1, DeliveryState.DELIVERED: 1}
    assert Delivery.objects.get(state="unknown").reason == "crash"


def restored(state: Path, before: int) -> None:
    """The database as it was when its position was `before`."""
    Installation.objects.update(journal_position=before)


def test_a_database_behind_its_journal_pauses_everything(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    before = Installation.objects.get().journal_position
    letters_ready(campaign, 4)
    jobs.hand_over(campaign, now=NOW, limit=2)
    restored(state, before)
    Delivery.objects.update(state=DeliveryState.CLEARED)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.UNKNOWN: 4}
    assert Installation.objects.get().leaving_paused_because == "database-behind-journal"
    settle.go_on(state, by="jo", now=NOW)
    jobs.hand_over(campaign, now=NOW, limit=10)
    assert len(list(received(jobs.mailbox_folder(state)))) == 2


def test_letters_composed_anew_after_a_restore_do_not_leave_again(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    """The backup is from before the letters were written: only the journal knows of them."""
    before = Installation.objects.get().journal_position
    first = letters_ready(campaign, 3)
    jobs.hand_over(campaign, now=NOW, limit=2)
    for one in first:
        one.letter.rows.all().delete()
        one.letter.delete()
        one.delivery.delete()
        one.choice.delete()
        one.case.links.all().delete()
        one.case.delete()
    restored(state, before)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert HandedElsewhere.objects.count() == 2
    settle.go_on(state, by="jo", now=NOW)
    before_copy = len(list(received(jobs.mailbox_folder(state))))
    type(first[0].case.finding).objects.all().delete()
    letters_ready(campaign, 3)
    jobs.hand_over(campaign, now=NOW, limit=10)
    assert before_copy == 2
    assert len(list(received(jobs.mailbox_folder(state)))) == 3
    assert states() == {DeliveryState.UNKNOWN: 2, DeliveryState.DELIVERED: 1}
    assert set(Delivery.objects.filter(state="unknown").values_list("reason", flat=True)) == {
        "handed-elsewhere"
    }


def test_another_place_pauses_everything(state: Path, box: Mailbox, campaign: Campaign) -> None:
    """A copied folder has another inode; it never sends what the first one will send."""
    letters_ready(campaign, 2)
    text = _mark_file(state).read_text()
    copy = state / "copy"
    copy.write_text(text)
    copy.replace(_mark_file(state))
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.UNKNOWN: 2}
    assert Installation.objects.get().leaving_paused_because == "place-differs"
    letters_ready(campaign, 1, start=3)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.UNKNOWN: 3}
    settle.go_on(state, by="jo", now=NOW)
    letters_ready(campaign, 1, start=4)
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 1


def test_a_lost_mark_or_journal_pauses_everything(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    letters_ready(campaign, 1)
    _mark_file(state).unlink()
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert Installation.objects.get().leaving_paused_because == "mark-missing"
    settle.go_on(state, by="jo", now=NOW)
    Journal(state).path.unlink()
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert Installation.objects.get().leaving_paused_because == "journal-lost"


def test_a_clock_set_back_changes_nothing(state: Path, box: Mailbox, campaign: Campaign) -> None:
    letters_ready(campaign, 4)
    jobs.hand_over(campaign, now=NOW, limit=2)
    for _ in range(3):
        jobs.hand_over(campaign, now=NOW - timedelta(days=400), limit=10)
        jobs.hand_over(campaign, now=NOW, limit=10)
    arrived = [one.message_id for one in received(jobs.mailbox_folder(state))]
    assert len(arrived) == len(set(arrived)) == 4


def test_after_restore_makes_unknown_what_was_about_to_leave(
    state: Path, box: Mailbox, campaign: Campaign
) -> None:
    letters_ready(campaign, 2)
    assert settle.after_restore(state, now=NOW).code == "backup-restored"
    assert jobs.hand_over(campaign, now=NOW, limit=10) == 0
    assert states() == {DeliveryState.UNKNOWN: 2}


def test_the_smarthosts_log_tells_what_was_delivered(state: Path, settings: Settings) -> None:
    """So that the two hundred beyond recall become fewer without a person."""
    real = a_sending_campaign("real", exercise=False)
    (one,) = letters_ready(real, 1)
    Delivery.objects.update(state="accepted", handed_at=NOW, queue_id="4XyZ1a2b3c")
    log = state / "mail.log"
    stamp = f"{NOW:%Y-%m-%dT%H:%M:%S}+00:00 mx postfix"
    log.write_text(
        f"cut off\n{stamp}/cleanup[1]: 4XyZ1a2b3c: message-id={one.delivery.message_id}\n"
        f"{stamp}/smtp[1]: 4XyZ1a2b3c: to=<abuse@net1.nl>, dsn=2.0.0, status=sent (250 ok)\n"
    )
    trails.read_smarthost_log(state, log, now=NOW + timedelta(days=300))
    assert states() == {DeliveryState.DELIVERED: 1}
    assert settings.LEAVING.log == ""
