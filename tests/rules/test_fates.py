"""What a server's answer means for a letter, and what an answer looks like. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openletter.letters.rules.answers import AnswerMail, build, reply_subject
from openletter.letters.rules.fates import is_dead, state_of, wait_after
from openletter.wire.smtp import Fate, Outcome, Stage
from openletter.words import DeliveryState

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def refused(text: str, stage: Stage = Stage.RCPT) -> Fate:
    return Fate(outcome=Outcome.REFUSED, stage=stage, code=550, text=text)


@pytest.mark.parametrize(
    ("fate", "dead"),
    [
        (refused("5.1.1 unknown"), True), (refused("No such user here"), True),
        (refused("5.7.1 unknown user, spam"), False), (refused("go away"), False),
        (refused("5.1.1 unknown", Stage.DOT), False),
        (Fate(outcome=Outcome.DEFERRED, stage=Stage.RCPT, code=450, text="4.1.1 x"), False),
    ],
)  # fmt: skip
def test_only_a_recipient_that_does_not_exist_is_dead(fate: Fate, dead: bool) -> None:
    assert is_dead(fate) is dead


def test_what_the_built_in_mailbox_took_is_delivered() -> None:
    took = Fate(outcome=Outcome.ACCEPTED, stage=Stage.DOT, code=250)
    assert state_of(took, exercise=True) is DeliveryState.DELIVERED
    assert state_of(took, exercise=False) is DeliveryState.ACCEPTED
    assert state_of(refused("x"), exercise=True) is DeliveryState.BOUNCED


def test_waiting_doubles_to_four_hours() -> None:
    assert [wait_after(n) // timedelta(minutes=1) for n in (0, 1, 2, 3, 20)] == [5, 5, 10, 20, 240]


def answer(**changes: object) -> bytes:
    given: dict[str, object] = {
        "recipient": "jo@net1.example", "sender_name": "Close", "sender_address": "l@campaign.example",
        "reply_to": "reply+x@reply.campaign.example", "subject": "RE: Re: Vraag\r\nBcc: x@y.example",
        "message_id": "<a@campaign.example>", "text": "Zo.", "signed_by": "Agency", "date": AT,
    }  # fmt: skip
    return build(AnswerMail(**{**given, **changes}))  # type: ignore[arg-type]


def test_a_replys_subject_is_no_header() -> None:
    raw = answer()
    assert b"\r\nBcc:" not in raw
    assert b"Subject: Re: Vraag Bcc: x@y.example\r\n" in raw


@pytest.mark.parametrize("theirs", ["", "no id", "<a b@c>", "<x@y>\r\nBcc: z@y", "<x@y> <z@y>"])
def test_a_message_id_that_is_none_is_left_out(theirs: str) -> None:
    raw = answer(in_reply_to=theirs, references=("<first@campaign.example>",))
    assert b"In-Reply-To" not in raw
    assert b"References" not in raw


def test_a_thread_holds_both_ids() -> None:
    raw = answer(in_reply_to="<q@net1.example>", references=("<first@campaign.example>", "bad"))
    assert b"References: <first@campaign.example> <q@net1.example>\r\n" in raw


def test_an_empty_subject_still_reads() -> None:
    assert reply_subject("\x00 \r\n") == "Re: ?"
    assert reply_subject("") == "Re: your message"
