"""Copies in a journal mailbox prove what left; absence proves nothing."""

from __future__ import annotations

import mailbox
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from pytest_django import Settings

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.letters import trails
from openletter.letters.models import Delivery, Letter
from openletter.letters.rules.copies import copy_of
from openletter.letters.settle import from_copies
from openletter.wire.mailfile import mails_of
from openletter.wire.mime import read_mail
from openletter.words import print_reference
from tests.builders import NOW
from tests.mail_builders import Ready, a_sending_campaign, an_installation, letters_ready


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    return a_sending_campaign("real", exercise=False)


@pytest.fixture
def letters(campaign: Campaign) -> list[Ready]:
    """Three of unknown fate and one accepted."""
    made = letters_ready(campaign, 4)
    Delivery.objects.update(state="unknown", handed_at=NOW, reason="crash")
    Delivery.objects.filter(pk=made[3].delivery.pk).update(state="accepted", reason="")
    return made


def settled(*raws: bytes) -> dict[str, int]:
    told = from_copies((copy_of(read_mail(raw)) for raw in raws), by="user:jo", now=NOW)
    return {**told.by_state, "still_unknown": told.still_unknown}


def raw_of(one: Ready) -> bytes:
    return bytes(one.delivery.letter.raw)


def state_of(one: Ready) -> tuple[str, str]:
    row = Delivery.objects.get(pk=one.delivery.pk)
    return row.state, row.reason


def without(raw: bytes, name: bytes) -> bytes:
    return b"\r\n".join(
        line for line in raw.split(b"\r\n") if not line.lower().startswith(name.lower() + b":")
    )


def test_the_message_id_is_enough(letters: list[Ready]) -> None:
    assert settled(raw_of(letters[0])) == {"accepted": 1, "still_unknown": 2}
    assert state_of(letters[0]) == ("accepted", "journal-mailbox")
    assert state_of(letters[1]) == ("unknown", "crash")
    entry = TimelineEntry.objects.get(subject=f"delivery:{letters[0].delivery.pk}")
    assert (entry.actor, entry.action) == ("user:jo", "accepted")
    assert settled(raw_of(letters[0])) == {"still_unknown": 2}


def test_a_service_that_writes_its_own_message_id_is_tied_by_reply_to(letters: list[Ready]) -> None:
    raw = without(raw_of(letters[0]), b"Message-ID").replace(
        b"From:", b"Message-ID: <01000@service.example>\r\nFrom:", 1
    )
    settled(raw)
    assert state_of(letters[0])[0] == "accepted"


def test_reference_and_recipient_together_tie_it_and_neither_alone(letters: list[Ready]) -> None:
    reference = print_reference(letters[0].letter.reference)
    head = f"Subject: [{reference}] Open server\r\nTo: {{}}\r\n\r\nx\r\n"
    settled(head.format("abuse@other.nl").encode())
    assert state_of(letters[0])[0] == "unknown"
    settled(f"Subject: x\r\nTo: {letters[0].letter.recipient}\r\n\r\nx\r\n".encode())
    assert state_of(letters[0])[0] == "unknown"
    settled(head.format(letters[0].letter.recipient.upper()).encode())
    assert state_of(letters[0])[0] == "accepted"


def test_a_journal_report_holds_the_letter_inside(letters: list[Ready]) -> None:
    report = EmailMessage()
    report["From"] = "journal@service.example"
    report.set_content("Sender: x\nRecipient: y\n")
    inner = EmailMessage()
    inner["Reply-To"] = f"reply+{letters[0].tokens.reply}@reply.campaign.example"
    inner.set_content("x")
    report.add_attachment(inner)
    settled(report.as_bytes())
    assert state_of(letters[0])[0] == "accepted"


def test_an_accepted_letter_is_noted_as_passed_on(letters: list[Ready]) -> None:
    assert settled(raw_of(letters[3])) == {"still_unknown": 3}
    assert state_of(letters[3]) == ("accepted", "journal-mailbox")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\0\xff", b"Message-ID: <nobody@x>\r\nReply-To: reply+aaaaaaaaaaaaaaaaaaaa@x.nl\r\n\r\n",
        b"Subject: [0000-0000]\r\nTo: abuse@net1.nl\r\n\r\n",
    ],
)  # fmt: skip
def test_strangers_and_nonsense_settle_nothing(letters: list[Ready], raw: bytes) -> None:
    assert settled(raw) == {"still_unknown": 3}


def test_absence_never_proves_that_a_letter_did_not_leave(letters: list[Ready]) -> None:
    assert settled() == {"still_unknown": 3}
    assert not Delivery.objects.exclude(not_sent_at=None).exists()


def an_mbox(path: Path, letters: list[Ready]) -> Path:
    box = mailbox.mbox(path)
    for one in letters:
        box.add(raw_of(one))
    box.close()
    return path


def test_mbox_and_maildir_are_read_alike(letters: list[Ready], tmp_path: Path) -> None:
    maildir = mailbox.Maildir(tmp_path / "maildir")
    for one in letters[:2]:
        maildir.add(raw_of(one))
    found = [list(trails.copies_in(tmp_path / "maildir"))]
    found.append(list(trails.copies_in(an_mbox(tmp_path / "mbox", letters[:2]))))
    ids = {one.delivery.message_id for one in letters[:2]}
    for copies in found:
        assert {one for copy in copies for one in copy.message_ids} == ids


def test_it_is_read_on_while_letters_leave(
    letters: list[Ready], tmp_path: Path, settings: Settings
) -> None:
    box = an_mbox(tmp_path / "mbox", letters[:1])
    trails.read_journal_mailbox(tmp_path, box, now=NOW)
    an_mbox(box, letters[1:2])
    trails.read_journal_mailbox(tmp_path, box, now=NOW)  # too soon
    assert [state_of(one)[0] for one in letters[:2]] == ["accepted", "unknown"]
    trails.read_journal_mailbox(tmp_path, box, now=NOW + timedelta(minutes=1))
    assert [state_of(one)[0] for one in letters[:3]] == ["accepted", "accepted", "unknown"]
    trails.read_journal_mailbox(tmp_path, tmp_path / "none", now=NOW + timedelta(minutes=2))


def test_a_log_is_read_on_and_ties_by_the_queue_id(campaign: Campaign, tmp_path: Path) -> None:
    """The Message-ID stood in what was read before."""
    (one,) = letters_ready(campaign, 1)
    Delivery.objects.update(state="accepted", handed_at=NOW, queue_id="4XyZ1a2b3c")
    log, stamp = (
        tmp_path / "mail.log",
        f"{NOW + timedelta(seconds=9):%Y-%m-%dT%H:%M:%S}+00:00 mx postfix",
    )
    log.write_text(f"{stamp}/cleanup[1]: 4XyZ1a2b3c: message-id={one.delivery.message_id}\n")
    trails.read_smarthost_log(tmp_path, log, now=NOW + timedelta(minutes=1))
    with log.open("a") as more:
        more.write(
            f"{stamp}/smtp[1]: 4XyZ1a2b3c: to=<else@x.nl>, dsn=5.1.1, status=bounced (no)\n"
            f"{stamp}/smtp[1]: 4XyZ1a2b3d: to=<abuse@net1.nl>, dsn=2.0.0, status=sent (ok)\n"
        )
    trails.read_smarthost_log(tmp_path, log, now=NOW + timedelta(minutes=2))
    assert state_of(one)[0] == "accepted"
    with log.open("a") as more:
        more.write(
            f"{stamp}/smtp[1]: 4XyZ1a2b3c: to=<abuse@net1.nl>, dsn=2.0.0, status=sent (ok)\n"
        )
    trails.read_smarthost_log(tmp_path, log, now=NOW + timedelta(minutes=3))
    assert state_of(one)[0] == "delivered"
    assert Letter.objects.exists()


def test_an_mbox_is_split_at_its_from_lines_and_nothing_grows_without_bound() -> None:
    lines = [
        b"From a Mon\n", b"A: 1\n", b"\n", b">From x\n", b"text\n", b"\n", b"From b Mon\n",
        b"B: 2\n", b"\n", b"y" * 50 + b"\n",
    ]  # fmt: skip
    assert list(mails_of(lines, largest=1000)) == [
        b"A: 1\n\n>From x\ntext\n\n", b"B: 2\n\n" + b"y" * 50 + b"\n",
    ]  # fmt: skip
    assert [len(one) for one in mails_of(lines, largest=10)] == [10, 10]
    assert list(mails_of([b"A: 1\n", b"\n", b"x\n"], largest=99)) == [b"A: 1\n\nx\n"]
