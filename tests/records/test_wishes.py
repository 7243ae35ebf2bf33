"""What contacts ask for is done: no files, another mailbox; and never a letter too many by it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, TimelineEntry, Wave
from openletter.cases.models import Case
from openletter.cli import app
from openletter.contacts import steps as contacts
from openletter.contacts import wishes
from openletter.contacts.errors import ContactError
from openletter.contacts.models import Choice
from openletter.contacts.wish_rows import ContactWish, SameContact
from openletter.contacts.wishes import Asked
from openletter.letters import heeding, plan, sending, steps
from openletter.letters.journal import mailbox_hash
from openletter.letters.models import Delivery, HandedElsewhere, Letter
from openletter.words import DeliveryState, WaveKind, Weakness, Wish
from tests.builders import NOW, a_user
from tests.contacts_builders import a_dump, an_rdap_answer
from tests.letter_builders import ABUSE as BOX
from tests.letter_builders import a_campaign_with_wave, chosen_cases, text_of, the_letter
from tests.mail_builders import an_installation
from tests.site_builders import some_cases

pytestmark = pytest.mark.django_db

OWN, PARENT, OTHER = "abuse@dekorst.example", "abuse@laagland.example", "desk@elsewhere.example"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    return a_campaign_with_wave()


@pytest.fixture
def registered(campaign: Campaign, tmp_path: Path) -> Campaign:
    """With a registry that names OWN for 198.51.100.70, and PARENT around it."""
    contacts.load_registries(
        [a_dump(tmp_path), an_rdap_answer(tmp_path)], exercise=campaign, now=NOW
    )
    return campaign


def wish(
    campaign: Campaign, mailbox: str, what: Wish, *, to: str = "", at: datetime = NOW
) -> ContactWish:
    asked = Asked(mailbox=mailbox, wish=what, said_by="A. Tester, mail of today", address=to)
    return wishes.keep(asked, world=campaign, actor="user:hanna", now=at)


def moved(campaign: Campaign, mailbox: str = OWN, *, at: datetime = NOW) -> ContactWish:
    return wish(campaign, mailbox, Wish.OTHER_MAILBOX, to=OTHER, at=at)


def opened(campaign: Campaign, *addresses: str) -> None:
    some_cases(campaign, [(ip, Weakness.OPEN_RELAY) for ip in addresses], at=NOW)


def step(campaign: Campaign, *, now: datetime = NOW) -> None:
    contacts.find(campaign, now=now, limit=100)
    steps.compose(campaign, now=now, limit=100)


def left(mailbox: str, *, at: datetime = NOW) -> None:
    """The letter of this mailbox has left."""
    Delivery.objects.filter(mailbox=mailbox).update(state=DeliveryState.ACCEPTED, handed_at=at)


def written_to() -> set[str]:
    return set(Letter.objects.values_list("mailbox", flat=True))


def of_case(ip: str) -> Choice:
    return Choice.objects.get(case__ip=ip, superseded_at=None)


# -- no attachment -------------------------------------------------------------------------------


def test_who_wants_no_attachment_gets_every_row_in_the_letter(campaign: Campaign) -> None:
    campaign.inline_rows = 2
    campaign.save()
    addresses = [f"192.0.2.{host}" for host in range(1, 5)]
    chosen_cases(campaign, addresses)
    wish(campaign, BOX, Wish.NO_ATTACHMENT)
    steps.compose(campaign, now=NOW + MINUTE, limit=100)
    raw = bytes(the_letter().raw)
    assert b"multipart" not in raw
    assert b"Content-Disposition" not in raw
    assert all(ip in text_of(the_letter()) for ip in addresses)
    assert plan.plan_of(campaign, now=NOW).wishes == {Wish.NO_ATTACHMENT: 1}


def test_a_letter_that_waits_is_written_anew_by_a_wish_and_by_its_end(campaign: Campaign) -> None:
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    steps.compose(campaign, now=NOW, limit=100)
    assert b"multipart/mixed" in bytes(the_letter().raw)
    row = wish(campaign, BOX, Wish.NO_ATTACHMENT, at=NOW + MINUTE)
    assert sending.claim(campaign, worker="w1", now=NOW + 2 * MINUTE, limit=100) == []
    assert sending.send_back(campaign, now=NOW + 2 * MINUTE) == {"wish-changed": 1}
    steps.compose(campaign, now=NOW + 3 * MINUTE, limit=100)
    assert b"multipart" not in bytes(the_letter().raw)
    heeding.take_back(row, because="mistake", actor="user:hanna", now=NOW + 4 * MINUTE)
    assert sending.send_back(campaign, now=NOW + 5 * MINUTE) == {"wish-changed": 1}
    steps.compose(campaign, now=NOW + 6 * MINUTE, limit=100)
    assert b"multipart/mixed" in bytes(the_letter().raw)
    assert len(sending.claim(campaign, worker="w1", now=NOW + 7 * MINUTE, limit=100)) == 1


# -- another mailbox -----------------------------------------------------------------------------


def test_letters_go_where_the_contact_wants_them(registered: Campaign) -> None:
    opened(registered, "198.51.100.70", "198.51.100.71")
    step(registered)
    assert written_to() == {OWN}
    moved(registered, at=NOW + MINUTE)
    sending.send_back(registered, now=NOW + 2 * MINUTE)
    step(registered, now=NOW + 2 * MINUTE)
    assert written_to() == {OTHER}
    assert b"To: desk@elsewhere.example" in bytes(the_letter(OTHER).raw)
    choice = of_case("198.51.100.70")
    assert choice.reasons[0]["code"] == "contact-asked-elsewhere"
    assert choice.reasons[0]["values"]["instead_of"] == OWN
    assert plan.plan_of(registered, now=NOW).wishes == {Wish.OTHER_MAILBOX: 1}


def test_what_one_mailbox_was_told_the_other_is_not_told_again(registered: Campaign) -> None:
    opened(registered, "198.51.100.70")
    step(registered)
    left(OWN)
    row = moved(registered, at=NOW + MINUTE)
    step(registered, now=NOW + 2 * MINUTE)
    assert written_to() == {OWN}
    heeding.take_back(row, because="mistake", actor="user:hanna", now=NOW + 3 * MINUTE)
    step(registered, now=NOW + 4 * MINUTE)
    assert Letter.objects.count() == 1


def test_the_contact_gets_one_letter_a_wave_whatever_its_mailboxes(registered: Campaign) -> None:
    opened(registered, "198.51.100.70")
    step(registered)
    left(OWN)
    moved(registered, at=NOW + MINUTE)
    opened(registered, "198.51.100.71")
    step(registered, now=NOW + 2 * MINUTE)
    assert written_to() == {OWN}, "its letter of the first wave has left"
    Wave.objects.create(campaign=registered, kind=WaveKind.UPDATE, opens_at=NOW + 40 * DAY)
    later = NOW + 40 * DAY + MINUTE
    Case.objects.update(last_evidence_at=later - DAY, fresh_until=None)
    step(registered, now=later)
    letter = the_letter(OTHER)
    assert letter.wave.kind == WaveKind.UPDATE
    assert [str(row.case.ip) for row in letter.rows.all()] == ["198.51.100.71"]


def test_the_door_itself_lets_no_second_mailbox_of_a_contact_pass(campaign: Campaign) -> None:
    chosen_cases(campaign, ["192.0.2.1"])
    chosen_cases(campaign, ["192.0.2.2"], OTHER)
    steps.compose(campaign, now=NOW, limit=100)
    for mailbox in (BOX, OTHER):
        SameContact.objects.create(exercise=campaign, mailbox=mailbox, contact=1)
    (one,) = sending.claim(campaign, worker="w1", now=NOW + MINUTE, limit=100)
    assert one.recipient in {BOX, OTHER}
    assert sending.send_back(campaign, now=NOW + MINUTE) == {"contact-had-its-letter": 1}


def handed_elsewhere(campaign: Campaign, mailbox: str) -> None:
    """A backup was played back that did not hold this letter yet."""
    HandedElsewhere.objects.create(
        message_id="<x@y.example>", campaign=campaign.slug, wave=Wave.objects.get().pk,
        kind=WaveKind.FIRST, mailbox_hash=bytes.fromhex(mailbox_hash(mailbox)), at=NOW,
    )  # fmt: skip


def test_what_left_to_one_mailbox_after_the_backup_leaves_to_no_other(registered: Campaign) -> None:
    handed_elsewhere(registered, OWN)
    moved(registered)
    opened(registered, "198.51.100.70")
    step(registered, now=NOW + MINUTE)
    assert not written_to()


def test_a_letter_that_waits_is_not_sent_where_the_other_mailbox_got_it(
    registered: Campaign,
) -> None:
    moved(registered)
    opened(registered, "198.51.100.70")
    step(registered, now=NOW + MINUTE)
    assert written_to() == {OTHER}
    handed_elsewhere(registered, OWN)
    later = NOW + 2 * MINUTE
    assert sending.claim(registered, worker="w1", now=later, limit=100) == []
    assert sending.send_back(registered, now=later) == {}
    assert sending.find_elsewhere(registered, now=later) == 1
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN


@pytest.mark.parametrize("who", [OWN, OTHER])
def test_a_stop_of_either_mailbox_stops_both(registered: Campaign, who: str) -> None:
    moved(registered)
    opened(registered, "198.51.100.70")
    step(registered, now=NOW + MINUTE)
    assert written_to() == {OTHER}
    contacts.suppress(who, campaign=registered, actor="reply", how="button", now=NOW + MINUTE)
    assert sending.claim(registered, worker="w1", now=NOW + MINUTE, limit=100) == []
    assert sending.send_back(registered, now=NOW + MINUTE) == {"suppressed": 1}
    step(registered, now=NOW + 2 * MINUTE)
    assert not written_to()
    opened(registered, "198.51.100.71")
    contacts.find(registered, now=NOW + 2 * MINUTE, limit=100)
    assert of_case("198.51.100.71").mailbox not in {OWN, OTHER}


def test_a_dead_other_mailbox_gives_way_to_the_next_contact(registered: Campaign) -> None:
    moved(registered)
    opened(registered, "198.51.100.70")
    step(registered, now=NOW + MINUTE)
    contacts.note_bounce(of_case("198.51.100.70"), permanent=True, now=NOW + MINUTE)
    contacts.find(registered, now=NOW + MINUTE, limit=100)
    assert of_case("198.51.100.70").mailbox == PARENT


def test_a_wish_taken_back_before_any_letter_leaves_two_contacts(registered: Campaign) -> None:
    row = moved(registered)
    opened(registered, "198.51.100.70")
    step(registered, now=NOW + MINUTE)
    assert heeding.take_back(row, because="typed wrongly", actor="user:hanna", now=NOW + MINUTE)
    assert not SameContact.objects.exists()
    sending.send_back(registered, now=NOW + 2 * MINUTE)
    step(registered, now=NOW + 2 * MINUTE)
    assert written_to() == {OWN}
    again = heeding.take_back(row, because="x", actor="user:hanna", now=NOW + MINUTE)
    assert not again


def test_a_wish_holds_in_its_own_world_only(campaign: Campaign) -> None:
    wishes.keep(
        Asked(mailbox="a@net1.nl", wish=Wish.NO_ATTACHMENT, said_by="x"),
        world=None, actor="user:hanna", now=NOW,
    )  # fmt: skip
    assert wishes.without_files(["a@net1.nl"], world=None) == {"a@net1.nl"}
    assert not wishes.without_files(["a@net1.nl"], world=campaign)


# -- stored by a person --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mailbox", "to", "said_by", "code"),
    [
        (OWN, OWN.upper(), "x", "wish-same-mailbox"),
        (OWN, "no address", "x", "override-no-address"),
        (OWN, "a@b.example\r\nBcc: c@d.example", "x", "override-no-address"),
        (OWN, OTHER, " ", "wish-nobody-said"),
        (OTHER, PARENT, "x", "wish-in-a-row"),
        (PARENT, "first@elsewhere.example", "x", "wish-in-a-row"),
        ("first@elsewhere.example", "third@elsewhere.example", "x", "wish-stands"),
    ],
)
def test_what_is_refused(
    campaign: Campaign, mailbox: str, to: str, said_by: str, code: str
) -> None:
    wish(campaign, "first@elsewhere.example", Wish.OTHER_MAILBOX, to=OTHER)
    with pytest.raises(ContactError) as caught:
        wishes.keep(
            Asked(mailbox=mailbox, wish=Wish.OTHER_MAILBOX, said_by=said_by, address=to),
            world=campaign, actor="user:hanna", now=NOW,
        )  # fmt: skip
    assert caught.value.reason.code == code
    assert ContactWish.objects.count() == 1


def test_the_command_keeps_lists_and_takes_back(campaign: Campaign) -> None:
    a_user("hanna")
    run = CliRunner().invoke
    world = ["--campaign", campaign.slug]
    kept = run(
        app,
        ["contact-wish", "store", OWN, "other-mailbox", "--to", OTHER, "--said-by", "mail of 3 May",
         "--by", "hanna", *world],
    )  # fmt: skip
    assert kept.exit_code == 0, kept.output
    told = json.loads(run(app, ["contact-wish", "list", "--json", *world]).stdout)
    assert (told["mailbox"], told["wish"], told["to"]) == (OWN, "other-mailbox", OTHER)
    assert (told["said_by"], told["by"]) == ("mail of 3 May", "user:hanna")
    back = ["contact-wish", "take-back", OWN, "other-mailbox", "--by", "hanna", *world]
    assert run(app, [*back, "--reason", " "]).exit_code == 2
    assert run(app, [*back, "--reason", "typed wrongly"]).exit_code == 0
    assert run(app, [*back, "--reason", "typed wrongly"]).exit_code == 2
    actions = TimelineEntry.objects.filter(action__startswith="wish-").values_list(
        "action", "actor"
    )
    assert list(actions) == [("wish-stored", "user:hanna"), ("wish-taken-back", "user:hanna")]
