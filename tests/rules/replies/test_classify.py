"""What a mail is: by its envelope, its report, its headers, its words, in this order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.replies.rules.causes import cause_of
from openletter.replies.rules.classify import classify
from openletter.replies.rules.kinds import Cause, Intent, Kind
from openletter.replies.rules.people import intent_of
from openletter.replies.rules.quoting import new_words

REPORT = """Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b

Your mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; abuse@example.net
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--b--
"""


def report(action: str = "failed", status: str = "5.1.1", said: str = "550 5.1.1 unknown") -> bytes:
    return REPORT.format(action=action, status=status, said=said).encode()


def mail(text: str, *, subject: str = "Re: your letter", **headers: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return f"From: Jo <jo@example.net>\nSubject: {subject}\n{extra}\n{text}\n".encode()


def test_a_report_of_an_unknown_user_is_a_hard_bounce() -> None:
    verdict = classify(report())
    assert verdict.kind is Kind.BOUNCE
    assert verdict.hard
    assert [one.address for one in verdict.failed] == ["abuse@example.net"]


@pytest.mark.parametrize(
    ("status", "said", "cause"),
    [
        ("5.2.2", "552 mailbox full", Cause.MAILBOX_FULL),
        ("5.7.1", "550 blocked by our policy", Cause.POLICY),
        ("5.3.4", "552 message too big", Cause.TOO_BIG),
        ("4.4.1", "connection timed out", Cause.NETWORK),
        ("5.1.1", "550 5.1.1 over quota", Cause.MAILBOX_FULL),
    ],
)
def test_what_says_nothing_of_the_mailbox_is_not_hard(status: str, said: str, cause: Cause) -> None:
    verdict = classify(report(status=status, said=said))
    assert verdict.kind is Kind.BOUNCE
    assert not verdict.hard
    assert verdict.failed[0].cause is cause


def test_a_delay_is_no_bounce() -> None:
    assert classify(report("delayed", "4.4.7")).kind is Kind.DELAYED


def test_a_positive_report_is_a_delivery() -> None:
    assert classify(report("relayed", "2.0.0", "250 ok")).kind is Kind.DELIVERED


def test_a_dead_mailbox_needs_every_recipient_dead() -> None:
    assert cause_of("5.0.0", "550 No such user here") is Cause.USER_UNKNOWN
    assert cause_of("", "") is Cause.UNCLEAR


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"X_Autoreply": "yes"}, {"Precedence": "auto_reply"},
        {"X_Zendesk_From_Account_Id": "1"}, {"X_OTRS_Ticket": "1"}, {"List_Id": "<x.example.net>"},
    ],
)  # fmt: skip
def test_a_machine_that_says_so_is_believed(headers: dict[str, str]) -> None:
    verdict = classify(mail("We fixed it.", **headers))
    assert verdict.kind is Kind.AUTOREPLY
    assert verdict.is_automatic
    assert not verdict.needs_person


def test_a_ticket_receipt_keeps_its_number() -> None:
    verdict = classify(
        mail(
            "Wij hebben uw melding ontvangen. Dit is een automatisch bericht.",
            subject="[Ticket#2026112400017] Re: open proxy",
        )
    )
    assert (verdict.kind, verdict.intent) == (Kind.AUTOREPLY, Intent.TICKET)
    assert verdict.tickets == ("Ticket#2026112400017",)


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("Thank you, the proxy has been closed.", Intent.FIXED),
        ("Dank u wel, de proxy is inmiddels gesloten.", Intent.FIXED),
        ("Opgelost!", Intent.FIXED),
        ("It is not fixed yet, we are waiting for a part.", Intent.QUESTION),
        ("We will fix it next week.", Intent.QUESTION),
        ("How can I see that it is fixed?", Intent.QUESTION),
        ("This address does not belong to us.", Intent.NOT_OURS),
        ("Dit adres is niet van ons.", Intent.NOT_OURS),
        ("Wij beheren dit netwerk niet.", Intent.NOT_OURS),
        ("We forwarded this to our customer.", Intent.FORWARDED),
        ("Ik heb uw brief doorgestuurd naar de klant.", Intent.FORWARDED),
        ("Please unsubscribe us.", Intent.OPT_OUT),
        ("Stuur ons geen brieven meer.", Intent.OPT_OUT),
        ("Please stop sending these letters.", Intent.OPT_OUT),
        ("Hoe sluit ik poort 3128 af in Squid?", Intent.QUESTION),
        ("Not ours, and please unsubscribe us.", Intent.QUESTION),
        ("Wat bedoelt u hiermee", Intent.QUESTION),
    ],
)  # fmt: skip
def test_a_person_is_understood_or_asked(words: str, intent: Intent) -> None:
    verdict = classify(mail(words))
    assert verdict.kind is Kind.HUMAN
    assert verdict.intent is intent
    assert verdict.needs_person == (intent is Intent.QUESTION)


def test_quoted_words_are_not_the_writers_own() -> None:
    words = new_words(
        "We zoeken het uit.\n\nOp 24 nov 2026 schreef het team <x@example.org>:\n> it is fixed\n"
    )
    assert words == "We zoeken het uit."
    assert intent_of(words)[0] is Intent.QUESTION


def test_the_null_sender_without_a_report_goes_to_a_person() -> None:
    verdict = classify(mail("Our office is closed."), envelope_from="")
    assert verdict.confidence < 0.5
    assert verdict.is_automatic


PIECES = st.sampled_from(
    [
        "From: <>\n", "Return-Path: <>\n", "Subject: failure notice\n", "X-Failed-Recipients: a@b.test\n",
        "\n", "<a@b.test>:\n", "550 5.1.1 User unknown\n", "--- Below this line is a copy\n",
        '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{}]}}', "could not be delivered\n",
        "Final-Recipient: x\nAction: failed\nStatus: 5.\n", "Auto-Submitted: auto-replied\n", "?\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=30), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_nothing_raises(text: str) -> None:
    classify(text.encode("utf-8", "surrogatepass"))
