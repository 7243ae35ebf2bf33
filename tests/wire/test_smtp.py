"""What a broken connection means at every point of a hand-over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire.smtp import (
    Done,
    Envelope,
    HandOver,
    LocalProtocolError,
    NeedMore,
    Opened,
    Opening,
    Outcome,
    Replies,
    Send,
    Stage,
    dot_stuffed,
)

LETTER = Envelope(
    sender="b+x@example.net", recipient="abuse@example.org", raw=b"A: b\r\n\r\n.x\r\n"
)
OK = b"250 2.1.0 ok\r\n"


def at(stage: Stage, *, pipelined: bool = False) -> HandOver:
    """A hand-over that has come as far as that stage."""
    dialogue = HandOver(LETTER, extensions=frozenset({"PIPELINING"} if pipelined else ()))
    dialogue.start()
    answers = {Stage.MAIL: OK, Stage.RCPT: OK, Stage.DATA: b"354 go\r\n"}
    while dialogue.stage is not stage:
        if dialogue.stage is Stage.BODY:
            dialogue.dot()
        else:
            dialogue.feed(answers[dialogue.stage])
    return dialogue


def test_the_words_of_a_hand_over() -> None:
    dialogue = HandOver(LETTER)
    assert dialogue.start() == Send(data=b"MAIL FROM:<b+x@example.net>\r\n")
    assert dialogue.feed(OK) == Send(data=b"RCPT TO:<abuse@example.org>\r\n")
    assert dialogue.feed(OK) == Send(data=b"DATA\r\n")
    assert dialogue.feed(b"354 go") == NeedMore()
    assert dialogue.feed(b" on\r\n") == Send(data=b"A: b\r\n\r\n..x\r\n")
    assert dialogue.dot() == Send(data=b".\r\n", dot=True)
    done = dialogue.feed(b"250 2.0.0 Ok: queued as 4Xyz12\r\n")
    assert isinstance(done, Done)
    assert (done.fate.outcome, done.fate.queue_id) == (Outcome.ACCEPTED, "4Xyz12")


def test_mail_and_rcpt_go_together_where_the_server_pipelines() -> None:
    dialogue = HandOver(LETTER, extensions=frozenset({"PIPELINING"}))
    assert dialogue.start().data.count(b"\r\n") == 2
    assert dialogue.feed(OK + OK) == Send(data=b"DATA\r\n")


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY])
def test_before_the_dot_a_lost_connection_means_not_accepted(stage: Stage) -> None:
    assert at(stage).end().outcome is Outcome.DEFERRED


def test_after_the_dot_a_lost_connection_means_unknown() -> None:
    assert at(Stage.DOT).end().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("stage", "reply", "outcome"),
    [
        (Stage.MAIL, b"550 no\r\n", Outcome.DEFERRED),
        (Stage.RCPT, b"550 5.1.1 no such user\r\n", Outcome.REFUSED),
        (Stage.RCPT, b"450 4.2.1 later\r\n", Outcome.DEFERRED),
        (Stage.DATA, b"554 no valid recipients\r\n", Outcome.REFUSED),
        (Stage.DOT, b"451 later\r\n", Outcome.DEFERRED),
        (Stage.DOT, b"554 content refused\r\n", Outcome.REFUSED),
        (Stage.DOT, b"hello\r\n", Outcome.UNKNOWN),
        (Stage.DOT, b"999 what\r\n", Outcome.UNKNOWN),
    ],
)
def test_what_an_answer_means(stage: Stage, reply: bytes, outcome: Outcome) -> None:
    done = at(stage).feed(reply)
    assert isinstance(done, Done)
    assert done.fate.outcome is outcome
    assert done.fate.is_about_us == (stage is Stage.MAIL)


def test_an_opening_tells_the_extensions() -> None:
    opening = Opening("box.example.net")
    assert opening.feed(b"220 hi\r\n") == Send(data=b"EHLO box.example.net\r\n")
    ready = opening.feed(b"250-mx\r\n250-PIPELINING\r\n250 SIZE 100\r\n")
    assert ready == Opened(extensions=frozenset({"PIPELINING", "SIZE"}))


def test_a_server_that_does_not_want_us_is_no_fate_of_a_letter() -> None:
    done = Opening("x").feed(b"554 go away\r\n")
    assert isinstance(done, Done)
    assert done.fate.outcome is Outcome.DEFERRED
    assert done.fate.is_about_us


@pytest.mark.parametrize("word", ["a@b\r\nDATA", "a b@c", "a>@b", "ü@example.net", "a\x00@b"])
def test_an_address_is_never_a_command(word: str) -> None:
    with pytest.raises(LocalProtocolError):
        HandOver(Envelope(sender="", recipient=word, raw=b""))


@given(st.binary(max_size=300).map(lambda raw: raw.replace(b"\n", b"\r\n")))
def test_stuffing_is_undone_by_a_server(raw: bytes) -> None:
    sent = dot_stuffed(raw)
    assert b"\r\n.\r\n" not in b"\r\n" + sent
    lines = [line[1:] if line.startswith(b".") else line for line in sent.split(b"\r\n")]
    wanted = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    assert b"\r\n".join(lines) == wanted


@given(
    st.lists(
        st.sampled_from([OK, b"354 x\r\n", b"\n", b"250-", b"5", b"\xff\r\n"])
        | st.binary(max_size=9)
    )
)
@settings(deadline=None)
def test_a_hostile_server_raises_nothing(chunks: list[bytes]) -> None:
    dialogue = HandOver(LETTER, extensions=frozenset({"PIPELINING"}))
    dialogue.start()
    for chunk in chunks:
        event = dialogue.feed(chunk)
        if isinstance(event, Done):
            return
        if dialogue.stage is Stage.BODY:
            dialogue.dot()
    assert dialogue.end().outcome in (Outcome.DEFERRED, Outcome.UNKNOWN)


def test_zero_bytes_are_not_heard() -> None:
    """A database takes none, and between the letters of a secret they would hide it."""
    replies = Replies()
    assert replies.feed(b"550 5.1.1 no\0 such us\0er\r\n") == (550, ("5.1.1 no such user",))


def test_after_starttls_there_is_no_greeting() -> None:
    opening = Opening("x", greeted=True)
    assert opening.start() == Send(data=b"EHLO x\r\n")
    assert opening.feed(b"250") == NeedMore()
    assert opening.end().outcome is Outcome.DEFERRED


def test_the_dot_only_follows_the_body() -> None:
    with pytest.raises(LocalProtocolError):
        HandOver(LETTER).dot()


def test_a_reply_without_end_is_cut() -> None:
    opening = Opening("x")
    assert opening.start() == NeedMore()
    assert isinstance(opening.feed(b"220-" + b"x" * 70_000), Done)
