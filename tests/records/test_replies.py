"""What comes back does something small and reversible to one letter, or goes to a person."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.cases.models import Case
from openletter.contacts import steps as contacts
from openletter.contacts.models import MailboxHealth, Suppression
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.replies import steps
from openletter.replies.models import Answer, Mail, Reply, ReplyKind
from openletter.words import DeliveryState, print_reference
from tests.builders import NOW, a_user
from tests.mail_builders import Ready, a_sending_campaign, letters_ready

DOMAIN = "campaign.example"


@pytest.fixture
def campaign(db: None) -> Campaign:
    return a_sending_campaign()


@pytest.fixture
def ready(campaign: Campaign) -> Ready:
    """A letter that was delivered."""
    (one,) = letters_ready(campaign, 1)
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    return one


def bounce(address: str, *, status: str = "5.1.1", said: str = "550 5.1.1 unknown") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\nContent-Type: multipart/report;"
        ' report-type=delivery-status; boundary="b"\n\n--b\n\nno\n--b\nContent-Type: '
        f"message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {address}\n"
        f"Action: failed\nStatus: {status}\nDiagnostic-Code: smtp; {said}\n\n--b--\n"
    ).encode()


def person(text: str, *, extra: str = "") -> bytes:
    return (
        f"From: Jo <jo@net1.example>\nSubject: Re: Open server\nMessage-ID: <q1@net1.example>\n{extra}\n{text}\n"
    ).encode()


def comes(
    campaign: Campaign, raw: bytes, to: str, *, sender: str = "jo@net1.example"
) -> Reply | None:
    mail = steps.store_mail(raw, envelope_from=sender, rcpt=to, now=NOW)
    steps.read(campaign, now=NOW, limit=10)
    return Reply.objects.filter(mail=mail).first()


def at(purpose: str, token: str) -> str:
    return f"{purpose}+{token}@{'bounce' if purpose == 'b' else 'reply'}.{DOMAIN}"


def case_state(ready: Ready) -> str:
    return Case.objects.get(pk=ready.case.pk).state


def test_a_hard_bounce_kills_the_mailbox_and_sends_the_case_on(
    campaign: Campaign, ready: Ready
) -> None:
    reply = comes(campaign, bounce(ready.letter.mailbox), at("b", ready.tokens.bounce), sender="")
    assert reply is not None
    assert reply.kind == ReplyKind.BOUNCE_HARD
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_because == "mailbox-dead"
    assert Delivery.objects.get().state == DeliveryState.BOUNCED
    steps.undo(reply, user=a_user("jo"), now=NOW)
    assert MailboxHealth.objects.get(mailbox=ready.letter.mailbox).dead_at is None


@pytest.mark.parametrize("purpose", ["reply", "stop"])
def test_a_bounce_to_another_address_is_a_hint_only(
    campaign: Campaign, ready: Ready, purpose: str
) -> None:
    token = ready.tokens.reply if purpose == "reply" else ready.tokens.stop
    reply = comes(campaign, bounce(ready.letter.mailbox), at(purpose, token), sender="")
    assert reply is not None
    assert (reply.kind, reply.needs_person) == (ReplyKind.BOUNCE_SOFT, True)
    assert not MailboxHealth.objects.exists()


def test_a_bounce_in_prose_is_a_hint_only(campaign: Campaign, ready: Ready) -> None:
    raw = (
        f"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n<{ready.letter.mailbox}>:\n"
        "550 5.1.1 User unknown\n"
    ).encode()
    reply = comes(campaign, raw, at("b", ready.tokens.bounce), sender="")
    assert reply is not None
    assert (reply.kind, reply.needs_person) == (ReplyKind.BOUNCE_SOFT, True)
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_at is None


def test_a_wrong_token_is_kept_and_changes_nothing(campaign: Campaign, ready: Ready) -> None:
    wrong = at("b", "a" * 20)
    assert not steps.accepts(wrong)
    assert comes(campaign, bounce(ready.letter.mailbox), wrong, sender="") is None
    assert Mail.objects.get().letter is None
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_at is None


def test_the_same_mail_twice_is_one_mail(campaign: Campaign, ready: Ready) -> None:
    for _ in range(2):
        comes(campaign, person("It is fixed."), at("reply", ready.tokens.reply))
    assert (Mail.objects.count(), Reply.objects.count()) == (1, 1)


def test_a_policy_bounce_never_kills_a_mailbox(campaign: Campaign, ready: Ready) -> None:
    raw = bounce(ready.letter.mailbox, status="5.7.1", said="550 blocked by policy")
    comes(campaign, raw, at("b", ready.tokens.bounce), sender="")
    assert not MailboxHealth.objects.exists()
    assert Delivery.objects.get().state == DeliveryState.BOUNCED


def test_a_full_mailbox_counts(campaign: Campaign, ready: Ready) -> None:
    raw = bounce(ready.letter.mailbox, status="5.2.2", said="552 mailbox full")
    comes(campaign, raw, at("b", ready.tokens.bounce), sender="")
    health = MailboxHealth.objects.get()
    assert (health.bounces, health.dead_at) == (1, None)


def test_an_auto_reply_is_filed_and_asks_nobody(campaign: Campaign, ready: Ready) -> None:
    raw = person(
        "We are away; ticket [Abuse #4711] was created.", extra="Auto-Submitted: auto-replied\n"
    )
    reply = comes(campaign, raw, at("reply", ready.tokens.reply))
    assert reply is not None
    assert (reply.kind, reply.needs_person, reply.automatic) == (ReplyKind.AUTO_REPLY, False, True)
    assert reply.tickets == ["Abuse #4711"]
    with pytest.raises(steps.Refused, match="no-person-to-answer"):
        steps.answer(reply, text="Thanks", user=a_user("jo"), now=NOW)


def test_fixed_by_mail_and_taken_back_by_a_person(campaign: Campaign, ready: Ready) -> None:
    reply = comes(campaign, person("De proxy is gesloten."), at("reply", ready.tokens.reply))
    assert reply is not None
    assert case_state(ready) == "announced-fixed"
    steps.undo(reply, user=a_user("jo"), now=NOW)
    assert case_state(ready) == "open"


def test_not_ours_goes_to_the_next_contact(campaign: Campaign, ready: Ready) -> None:
    reply = comes(campaign, person("Dit adres is niet van ons."), at("reply", ready.tokens.reply))
    assert reply is not None
    assert reply.kind == ReplyKind.NOT_OURS
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_because == "not-ours"


def test_no_more_letters_in_this_campaign_only(campaign: Campaign, ready: Ready) -> None:
    reply = comes(campaign, person("Stuur ons geen brieven meer."), at("reply", ready.tokens.reply))
    assert reply is not None
    row = Suppression.objects.get()
    assert (row.campaign, row.mailbox) == (campaign, ready.letter.mailbox)
    steps.undo(reply, user=a_user("jo"), now=NOW)
    row.refresh_from_db()
    assert row.undone_at == NOW


def test_undoing_one_reply_leaves_the_stops_of_others(campaign: Campaign, ready: Ready) -> None:
    steps.one_click(ready.tokens.stop, now=NOW)
    reply = comes(campaign, person("Stuur ons geen brieven meer."), at("reply", ready.tokens.reply))
    assert reply is not None
    steps.undo(reply, user=a_user("jo"), now=NOW)
    assert Suppression.objects.filter(undone_at=None).count() == 1
    pressed = Reply.objects.get(channel=Reply.Channel.ONE_CLICK)
    steps.undo(pressed, user=a_user("jan"), now=NOW)
    assert Suppression.objects.filter(undone_at=None).count() == 0


def test_undoing_a_reply_leaves_what_a_handler_wrote_down(campaign: Campaign, ready: Ready) -> None:
    contacts.suppress(
        ready.letter.mailbox, campaign=campaign, actor="user:han", how="telephone", now=NOW
    )
    reply = comes(campaign, person("Stuur ons geen brieven meer."), at("reply", ready.tokens.reply))
    assert reply is not None
    steps.undo(reply, user=a_user("jo"), now=NOW)
    assert Suppression.objects.get().undone_at is None


def test_anything_to_the_stop_address_means_no_more_letters(
    campaign: Campaign, ready: Ready
) -> None:
    comes(campaign, person("unsubscribe"), at("stop", ready.tokens.stop))
    assert Suppression.objects.count() == 1


def test_a_mail_that_names_one_case_is_about_that_case(campaign: Campaign) -> None:
    first, second = letters_ready(campaign, 2)
    LetterCase.objects.filter(letter=second.letter).update(letter=first.letter)
    text = f"{print_reference(second.case.reference)} is closed now."
    reply = comes(campaign, person(text), at("reply", first.tokens.reply))
    assert reply is not None
    assert (reply.kind, reply.case) == (ReplyKind.FIXED, second.case)
    assert (case_state(first), case_state(second)) == ("open", "announced-fixed")


def test_a_question_reaches_a_person_and_is_answered_once_it_leaves(
    campaign: Campaign, ready: Ready
) -> None:
    reply = comes(campaign, person("Hoe sluit ik poort 3128?"), at("reply", ready.tokens.reply))
    assert reply is not None
    assert reply.needs_person
    answer = steps.answer(reply, text="Zo: café", user=a_user("handler"), now=NOW)
    raw = bytes(answer.delivery.raw).decode()
    assert "To: jo@net1.example\r\n" in raw
    assert "In-Reply-To: <q1@net1.example>\r\n" in raw
    assert "Auto-Submitted: no\r\n" in raw
    assert f"Reply-To: reply+{ready.tokens.reply}@reply.{DOMAIN}" in raw
    assert answer.delivery.state == DeliveryState.CLEARED
    assert reply.handled_by == "handler"
    assert ready.tokens.bounce not in answer.delivery.envelope_from


def test_an_answer_that_came_back_does_not_touch_the_letter(
    campaign: Campaign, ready: Ready
) -> None:
    reply = comes(campaign, person("Hoe?"), at("reply", ready.tokens.reply))
    assert reply is not None
    answer = steps.answer(reply, text="Zo", user=a_user("handler"), now=NOW)
    came = comes(campaign, bounce("jo@net1.example"), answer.delivery.envelope_from, sender="")
    assert came is not None
    assert came.needs_person
    assert Delivery.objects.get(letter=ready.letter).state == DeliveryState.DELIVERED
    assert not MailboxHealth.objects.exists()


def test_an_answer_goes_to_no_address_of_the_other_world(campaign: Campaign, ready: Ready) -> None:
    raw = person("Hoe?").replace(b"jo@net1.example", b"jo@somebody.nl")
    reply = comes(campaign, raw, at("reply", ready.tokens.reply))
    assert reply is not None
    with pytest.raises(steps.Refused, match="address-of-another-world"):
        steps.answer(reply, text="Zo", user=a_user("handler"), now=NOW)
    assert Answer.objects.count() == 0


def test_a_person_corrects_the_class(campaign: Campaign, ready: Ready) -> None:
    reply = comes(campaign, person("De proxy is gesloten."), at("reply", ready.tokens.reply))
    assert reply is not None
    steps.correct(reply, kind=ReplyKind.OPT_OUT, user=a_user("jo"), now=NOW)
    assert case_state(ready) == "open"
    assert Suppression.objects.filter(undone_at=None).count() == 1
    assert TimelineEntry.objects.filter(action="corrected:opt-out", actor="user:jo").exists()


# -- pages --------------------------------------------------------------------------------------


def test_a_button_twice_is_one_press_and_can_be_taken_back(
    campaign: Campaign, ready: Ready
) -> None:
    assert steps.from_page(letter=ready.letter, action="fixed", now=NOW) is not None
    assert steps.from_page(letter=ready.letter, action="fixed", now=NOW) is None
    assert case_state(ready) == "announced-fixed"
    assert steps.from_page(letter=ready.letter, action="not-fixed", now=NOW) is not None
    assert case_state(ready) == "open"
    assert steps.from_page(letter=ready.letter, action="fixed", now=NOW) is not None
    assert Reply.objects.count() == 2


def test_stop_and_go_on(campaign: Campaign, ready: Ready) -> None:
    steps.from_page(letter=ready.letter, action="stop", now=NOW)
    assert Suppression.objects.filter(undone_at=None).count() == 1
    steps.from_page(letter=ready.letter, action="go-on", now=NOW)
    assert Suppression.objects.filter(undone_at=None).count() == 0


def test_one_click_twice_is_once(campaign: Campaign, ready: Ready) -> None:
    assert steps.letter_of_stop(ready.tokens.stop) == ready.letter
    for _ in range(2):
        assert steps.one_click(ready.tokens.stop, now=NOW) == ready.letter
    assert (Suppression.objects.count(), Reply.objects.count()) == (1, 1)
    assert steps.one_click(ready.tokens.reply, now=NOW) is None


@pytest.mark.parametrize("action", ["stop", "go-on"])
def test_the_holder_of_one_case_has_no_say_about_the_mailbox(
    campaign: Campaign, ready: Ready, action: str
) -> None:
    assert steps.from_page(case=ready.case, action=action, now=NOW) is None
    assert not Suppression.objects.exists()


def test_the_holder_of_one_case_never_touches_the_contact(campaign: Campaign, ready: Ready) -> None:
    reply = steps.from_page(case=ready.case, action="not-mine", now=NOW)
    assert reply is not None
    assert reply.needs_person
    ready.choice.refresh_from_db()
    assert ready.choice.superseded_at is None
    steps.from_page(case=ready.case, action="fixed", now=NOW)
    assert case_state(ready) == "announced-fixed"


def test_a_letters_reader_speaks_for_its_own_cases_only(campaign: Campaign) -> None:
    first, second = letters_ready(campaign, 2)
    assert steps.from_page(letter=first.letter, case=second.case, action="fixed", now=NOW) is None
    assert case_state(second) == "open"


def test_one_case_of_an_answered_letter_is_taken_back(campaign: Campaign) -> None:
    first, second = letters_ready(campaign, 2)
    LetterCase.objects.filter(letter=second.letter).update(letter=first.letter)
    steps.from_page(letter=first.letter, action="fixed", now=NOW)
    steps.from_page(
        letter=first.letter, case=second.case, action="not-fixed", now=NOW + timedelta(1)
    )
    assert (case_state(first), case_state(second)) == ("announced-fixed", "open")


def test_unread_waits_per_campaign(campaign: Campaign, ready: Ready, tmp_path: Path) -> None:
    other = a_sending_campaign("other")
    steps.store_mail(person("x"), envelope_from="", rcpt=at("reply", ready.tokens.reply), now=NOW)
    assert steps.unread(campaign, now=NOW).count() == 1
    assert steps.unread(other, now=NOW).count() == 0
    assert Letter.objects.count() == 1
