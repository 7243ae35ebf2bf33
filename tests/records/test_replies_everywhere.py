"""No letters from any campaign: only the mailbox's own yes to our one question does that."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openletter.campaigns.models import Campaign
from openletter.contacts.models import Suppression
from openletter.letters.models import Delivery
from openletter.replies import everywhere, steps
from openletter.replies.models import Answer, Mail, Reply, ReplyKind, StopQuestion
from openletter.wire.mime import read_mail
from openletter.words import DeliveryState
from tests.builders import NOW, a_user
from tests.mail_builders import Ready, a_sending_campaign, letters_ready

pytestmark = pytest.mark.django_db

WANTS = "Please stop sending us mail. We want no letters from any campaign."


@pytest.fixture
def campaign(db: None) -> Campaign:
    return a_sending_campaign()


@pytest.fixture
def ready(campaign: Campaign) -> Ready:
    (one,) = letters_ready(campaign, 1)
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    return one


def person(text: str, *, sender: str = "jo@net1.example", extra: str = "") -> bytes:
    return f"From: Jo <{sender}>\nSubject: Re: x\n{extra}\n{text}\n".encode()


def comes(campaign: Campaign, raw: bytes, to: str, *, after: int = 0) -> Reply | None:
    now = NOW + timedelta(minutes=after)
    mail = steps.store_mail(raw, envelope_from="jo@net1.example", rcpt=to, now=now)
    steps.read(campaign, now=now, limit=10)
    return Reply.objects.filter(mail=mail).first()


def reply_to(ready: Ready) -> str:
    return f"reply+{ready.tokens.reply}@reply.campaign.example"


def question_of(ready: Ready) -> str:
    """The reply address of the one question that was asked."""
    row = StopQuestion.objects.get()
    return read_mail(bytes(row.answer.delivery.raw)).get("reply-to")


def everywhere_stopped(ready: Ready) -> bool:
    rows = Suppression.objects.filter(mailbox=ready.letter.mailbox, campaign=None, undone_at=None)
    return rows.exists()


def test_the_mailbox_itself_is_asked_once_and_its_yes_stops_all(
    campaign: Campaign, ready: Ready
) -> None:
    asked = comes(campaign, person(WANTS), reply_to(ready))
    assert asked is not None
    assert (asked.kind, asked.needs_person) == (ReplyKind.OPT_OUT, False)
    assert [reason["code"] for reason in asked.reasons][-1] == "stop-all-asked"
    delivery = Answer.objects.get().delivery
    mail = read_mail(bytes(delivery.raw))
    assert delivery.recipient == ready.letter.recipient
    assert delivery.state == DeliveryState.CLEARED
    assert mail.get("auto-submitted") == "auto-replied"
    assert mail.get("in-reply-to") == ready.letter.message_id
    assert not everywhere_stopped(ready)

    again = comes(campaign, person(WANTS + " Really."), reply_to(ready), after=1)
    assert again is not None
    assert again.needs_person
    assert StopQuestion.objects.count() == 1 == Answer.objects.count()

    yes = comes(
        campaign, person("STOP\n\n> Somebody asked", sender=ready.letter.mailbox),
        question_of(ready), after=2,
    )  # fmt: skip
    assert yes is not None
    assert (yes.kind, yes.needs_person) == (ReplyKind.OPT_OUT, False)
    row = Suppression.objects.get(campaign=None)
    assert (row.mailbox, row.how) == (ready.letter.mailbox, everywhere.HOW)
    assert row.who == f"holder:{ready.letter.mailbox}"
    kept = StopQuestion.objects.get()
    assert (kept.confirmed_at, kept.confirmed_by_id) == (NOW + timedelta(minutes=2), yes.mail_id)
    steps.undo(yes, user=a_user("jo"), now=NOW)
    assert not everywhere_stopped(ready)


@pytest.mark.parametrize(
    ("text", "headers", "needs"),
    [
        ("STOP", {"extra": "Auto-Submitted: auto-replied\n"}, False),
        ("I am away until Monday. Your STOP", {"extra": "Precedence: auto_reply\n"}, False),
        ("Do not STOP them", {}, True),
        ("Was it you who wants to stop?", {}, True),
        ("We never asked for that", {}, True),
        ("STOP", {"sender": "colleague@net1.example"}, True),
        ("", {}, True),
    ],
)
def test_anything_else_stops_nothing(
    campaign: Campaign, ready: Ready, text: str, headers: dict[str, str], needs: bool
) -> None:
    comes(campaign, person(WANTS), reply_to(ready))
    raw = person(text, **{"sender": ready.letter.mailbox, **headers})
    reply = comes(campaign, raw, question_of(ready), after=1)
    assert reply is not None
    assert reply.needs_person is needs
    assert not everywhere_stopped(ready)


def test_a_forged_or_foreign_token_is_read_as_nothing(campaign: Campaign, ready: Ready) -> None:
    comes(campaign, person(WANTS), reply_to(ready))
    for address in (f"all+{ready.tokens.reply}@reply.campaign.example",
                    f"all+{'a' * 20}@reply.campaign.example"):  # fmt: skip
        assert not steps.accepts(address)
        comes(campaign, person("STOP", sender=ready.letter.mailbox), address)
    assert Mail.objects.filter(letter=None).count() == 2
    assert not everywhere_stopped(ready)


def test_a_bounce_of_our_question_reaches_a_person_and_no_letter(
    campaign: Campaign, ready: Ready
) -> None:
    comes(campaign, person(WANTS), reply_to(ready))
    envelope = Answer.objects.get().delivery.envelope_from
    assert steps.accepts(envelope)
    letter = Delivery.objects.get(pk=ready.letter.delivery_id)
    assert letter.state == DeliveryState.DELIVERED


def test_only_plain_opt_outs_of_persons_make_us_ask(campaign: Campaign, ready: Ready) -> None:
    comes(campaign, person("Stuur ons geen brieven meer."), reply_to(ready))
    comes(campaign, person("Which campaigns are there? All campaigns?"), reply_to(ready))
    comes(campaign, person(WANTS, extra="Auto-Submitted: auto-generated\n"), reply_to(ready))
    assert not StopQuestion.objects.exists()


def test_no_more_than_so_many_are_asked_an_hour(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everywhere, "MOST_AN_HOUR", 1)
    first, second = letters_ready(campaign, 2)
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    assert comes(campaign, person(WANTS), reply_to(first)) is not None
    held = comes(campaign, person(WANTS), reply_to(second))
    assert held is not None
    assert held.needs_person
    assert StopQuestion.objects.count() == 1


def test_the_letters_link_lifts_only_its_own_campaigns_stop(
    campaign: Campaign, ready: Ready
) -> None:
    comes(campaign, person(WANTS), reply_to(ready))
    comes(campaign, person("stop", sender=ready.letter.mailbox), question_of(ready), after=1)
    assert everywhere_stopped(ready)
    steps.from_page(letter=ready.letter, action="go-on", now=NOW)
    assert everywhere_stopped(ready)
    assert not Suppression.objects.filter(campaign=campaign, undone_at=None).exists()
