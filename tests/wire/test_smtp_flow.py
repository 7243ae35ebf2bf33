"""Many letters on one connection: what each answer and each silence means."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire.smtp import Done, Envelope, Fate, Outcome, Send, Stage
from openletter.wire.smtp_auth import Login, SignedIn, SigningIn
from openletter.wire.smtp_flow import Flow, Take

OK, GO, QUEUED = b"250 2.0.0 ok\r\n", b"354 go\r\n", b"250 2.0.0 Ok: queued as 4Xyz12\r\n"
PIPELINED = frozenset({"PIPELINING"})
SAID = ("mx.example hello", "PIPELINING")
HELLO, BUSY, BYE = (
    b"250-mx.example hello\r\n250 PIPELINING\r\n",
    b"451 4.3.0 busy\r\n",
    b"221 bye\r\n",
)


def letter(number: int = 1) -> Envelope:
    return Envelope(
        sender="b@x.example", recipient=f"a{number}@y.example", raw=b"A: b\r\n\r\n.c\r\n"
    )


def letters(count: int) -> Take:
    waiting = [(number, letter(number)) for number in range(1, count + 1)]
    return lambda: waiting.pop(0) if waiting else None


def said(flow: Flow, take: Take) -> bytes:
    return b"".join(flow.say(take))


def outcomes(fates: list[tuple[int, Fate]]) -> list[tuple[int, str]]:
    return [(key, str(fate.outcome)) for key, fate in fates]


def test_one_write_a_letter() -> None:
    flow, take = Flow(PIPELINED), letters(2)
    assert said(flow, take).count(b"\r\n") == 3  # MAIL, RCPT, DATA
    assert said(flow, take) == b""
    flow.feed(OK + OK + GO)
    content = said(flow, take)
    assert content.startswith(b"A: b\r\n\r\n..c\r\n.\r\nMAIL FROM:<b@x.example>\r\n")
    assert content.endswith(b"DATA\r\n")
    flow.feed(QUEUED)
    flow.feed(OK + OK + GO)
    assert flow.fates() == []  # until what is said from here on is in step
    assert said(flow, take).endswith(b"..c\r\n.\r\n")
    flow.feed(QUEUED)
    assert flow.fates() == []
    assert said(flow, take) == b"QUIT\r\n"  # whoever said nothing but its name is asked so
    flow.feed(BYE)
    assert outcomes(flow.fates()) == [(1, "accepted"), (2, "accepted")]
    assert flow.is_idle
    assert flow.is_over


def test_word_by_word_where_nothing_is_offered() -> None:
    flow, take = Flow(frozenset()), letters(1)
    for word, answer in (
        (b"MAIL FROM:<b@x.example>\r\n", OK), (b"RCPT TO:<a1@y.example>\r\n", OK),
        (b"DATA\r\n", GO), (b"A: b\r\n\r\n..c\r\n.\r\n", QUEUED),
    ):  # fmt: skip
        assert said(flow, take) == word
        flow.feed(answer)
    assert said(flow, take) == b"QUIT\r\n"
    flow.feed(BYE)
    ((key, fate),) = flow.fates()
    assert (key, fate.queue_id) == (1, "4Xyz12")


def begun(
    pipelined: frozenset[str] = PIPELINED, *, count: int = 3, said: tuple[str, ...] = ()
) -> tuple[Flow, Take]:
    """The first letter's content is said; with pipelining the second one's envelope, too."""
    flow, take = Flow(pipelined, said=said), letters(count)
    for answer in [OK + OK + GO] if pipelined else [OK, OK, GO]:
        flow.say(take)
        flow.feed(answer)
    flow.say(take)
    return flow, take


def test_a_lost_connection_makes_everything_begun_unknown() -> None:
    flow, _ = begun()
    assert outcomes(flow.end(dot_was_said=True)) == [(1, "unknown"), (2, "unknown")]


def test_a_verdict_heard_before_the_connection_broke_stands() -> None:
    flow, _ = begun()
    flow.feed(QUEUED)
    assert outcomes(flow.end(dot_was_said=True)) == [(1, "accepted"), (2, "unknown")]


def test_word_by_word_a_letter_before_its_dot_was_not_taken() -> None:
    flow, _ = begun(frozenset())
    assert outcomes(flow.end(dot_was_said=True)) == [(1, "unknown")]
    flow, _ = begun(frozenset())
    assert outcomes(flow.end(dot_was_said=False)) == [(1, "deferred")]


@pytest.mark.parametrize(
    "answers",
    [
        QUEUED + OK + GO + OK,
        QUEUED + OK + OK + OK,
        QUEUED + b"550 no\r\n" + OK + GO,
        QUEUED + OK + OK + GO + OK,
        GO,
        b"hello\r\n",
        b"999 what\r\n",
    ],
)
def test_a_server_out_of_step_is_believed_in_nothing(answers: bytes) -> None:
    flow, take = begun(count=2)
    flow.feed(answers)
    assert flow.broken
    assert said(flow, take) == b""
    assert {outcome for _, outcome in outcomes(flow.end(dot_was_said=True))} == {"unknown"}


def test_an_answer_too_many_makes_the_last_verdict_doubtful() -> None:
    """Was the letter put off, or taken? It is not sent again by a machine."""
    flow, _ = begun(count=1)
    flow.feed(BUSY + QUEUED)
    assert flow.broken
    assert outcomes(flow.end(dot_was_said=True)) == [(1, "unknown")]


@pytest.mark.parametrize("answer", [QUEUED, QUEUED + HELLO, HELLO + QUEUED, b"250-x\r\n250 y\r\n"])
def test_an_answer_too_many_is_seen_where_nothing_follows(answer: bytes) -> None:
    """Put off, then taken, in another packet: the question whether all is in step shows it."""
    flow, take = begun(count=1, said=SAID)
    flow.feed(BUSY)
    assert flow.fates() == []
    assert said(flow, take) == b"EHLO localhost\r\n"
    flow.feed(answer)
    if not flow.broken:
        assert said(flow, take) == b"QUIT\r\n"
        flow.feed(HELLO)
        flow.feed(BYE)
    assert flow.broken
    assert outcomes(flow.end(dot_was_said=True, is_clean=True)) == [(1, "unknown")]


@pytest.mark.parametrize("answers", [[HELLO], [b"503 already\r\n", BYE], [b"421 x\r\n", BYE]])
def test_a_refusal_stands_where_the_server_is_in_step(answers: list[bytes]) -> None:
    flow, take = begun(count=1, said=SAID)
    flow.feed(BUSY)
    for answer in answers:
        said(flow, take)
        flow.feed(answer)
    assert outcomes(flow.fates()) == [(1, "deferred")]
    assert flow.is_idle


def test_three_refusals_are_held_and_no_more() -> None:
    (flow, take), written = begun(count=9, said=SAID), b""
    for _ in range(3):
        flow.feed(BUSY + OK + OK + GO)
        assert flow.fates() == []
        written = said(flow, take)
    assert not written.endswith(b"DATA\r\n")
    flow.feed(QUEUED)
    assert said(flow, take).startswith(b"EHLO ")
    flow.feed(HELLO)
    states = ["deferred", "deferred", "deferred", "accepted"]
    assert outcomes(flow.fates()) == list(enumerate(states, start=1))
    assert said(flow, take).startswith(b"MAIL ")


@pytest.mark.parametrize(
    ("answer", "is_clean", "outcome"),
    [
        (BUSY, True, "unknown"), (b"554 5.7.1 no\r\n", True, "unknown"),
        (b"421 4.3.2 bye\r\n", True, "deferred"), (b"421 4.3.2 bye\r\n", False, "unknown"),
        (b"421 4.3.2 bye\r\n250 2", True, "unknown"), (QUEUED, False, "accepted"),
        (b"250 5.7.1 refused\r\n", True, "unknown"), (b"451 2.0.0 queued\r\n", True, "unknown"),
    ],
)  # fmt: skip
def test_a_verdict_followed_by_the_end(answer: bytes, outcome: str, *, is_clean: bool) -> None:
    flow, take = begun(frozenset(), count=1)
    flow.feed(answer)
    assert (said(flow, take) == b"") is answer.startswith(b"421")  # it hangs up by itself
    ended = flow.end(dot_was_said=True, is_clean=is_clean)
    assert outcomes(ended) == [(1, outcome)]


def test_a_refused_envelope_is_forgotten_by_the_question() -> None:
    flow, take = begun(count=3, said=SAID)
    flow.feed(QUEUED + OK + b"550 5.1.1 no such user\r\n" + b"554 no\r\n")
    assert outcomes(flow.fates()) == [(2, "refused")]
    assert said(flow, take) == b"EHLO localhost\r\n"
    flow.feed(HELLO)
    assert outcomes(flow.fates()) == [(1, "accepted")]
    assert said(flow, take).startswith(b"MAIL ")


def test_an_answer_before_the_content_is_no_answer_to_it() -> None:
    flow, take = Flow(frozenset()), letters(1)
    for answer in (OK, OK, GO + QUEUED):
        said(flow, take)
        flow.feed(answer)
    assert flow.broken
    assert outcomes(flow.end(dot_was_said=False)) == [(1, "deferred")]


def test_word_by_word_two_answers_to_one_word_are_one_too_many() -> None:
    """The second is no answer to what was not said yet."""
    flow, take = Flow(frozenset()), letters(1)
    said(flow, take)
    flow.feed(OK + OK)
    assert flow.broken
    assert said(flow, take) == b""
    assert outcomes(flow.end(dot_was_said=False)) == [(1, "deferred")]


def test_a_refused_letter_is_forgotten_before_the_next() -> None:
    flow, take = Flow(PIPELINED), letters(2)
    said(flow, take)
    flow.feed(OK + b"550 5.1.1 no such user\r\n" + b"554 no valid recipients\r\n")
    ((_, fate),) = flow.fates()
    assert (fate.outcome, fate.stage) == (Outcome.REFUSED, Stage.RCPT)
    assert said(flow, take).startswith(b"RSET\r\nMAIL ")


def test_a_server_that_wants_content_without_recipient_gets_none() -> None:
    flow, take = Flow(PIPELINED), letters(2)
    said(flow, take)
    flow.feed(OK + b"450 4.2.1 later\r\n" + GO)
    assert outcomes(flow.fates()) == [(1, "deferred")]
    assert said(flow, take) == b".\r\n"
    flow.feed(b"554 no valid recipients\r\n")
    assert said(flow, take).startswith(b"MAIL ")


def test_we_may_hang_up_before_the_content_and_nobody_is_harmed() -> None:
    flow, take = Flow(PIPELINED), letters(1)
    said(flow, take)
    flow.feed(OK + OK + GO)
    assert flow.wants_to_go_on
    assert flow.take_back() == 1
    assert flow.end(dot_was_said=True) == []


def test_an_address_that_is_no_address_is_refused_without_a_word() -> None:
    waiting = [(1, Envelope(sender="b@x.example", recipient="a b@y.example", raw=b""))]
    flow = Flow(PIPELINED)
    assert flow.say(lambda: waiting.pop() if waiting else None) == []
    assert outcomes(flow.fates()) == [(1, "refused")]


ANSWERS = st.sampled_from(
    [
        OK, GO, QUEUED, HELLO, BYE, b"450 x\r\n", b"550 x\r\n", b"421 x\r\n", b"\n", b"250-",
        b"\xff\r\n",
    ]
)  # fmt: skip


@given(st.lists(ANSWERS | st.binary(max_size=6), max_size=40), st.booleans())
@settings(deadline=None)
def test_whatever_a_server_says_each_letter_has_one_fate(
    chunks: list[bytes], pipelined: bool
) -> None:
    """And none is accepted, deferred or refused after its content without an answer to it."""
    flow, take = Flow(PIPELINED if pipelined else frozenset(), said=SAID), letters(6)
    fates: list[tuple[int, Fate]] = []
    written = said(flow, take)
    for chunk in chunks:
        flow.feed(chunk)
        fates += flow.fates()
        if flow.broken:
            break
        written += said(flow, take)
    fates += flow.end(dot_was_said=True)
    keys = [key for key, _ in fates]
    assert len(keys) == len(set(keys))
    assert set(keys) == {n for n in range(1, 7) if b"<a%d@y" % n in written} | set(keys)
    contents = written.count(b"..c\r\n.\r\n")
    assert sum(fate.stage is Stage.DOT for _, fate in fates) <= max(contents, len(keys))
    accepted = sum(fate.outcome is Outcome.ACCEPTED for _, fate in fates)
    assert accepted <= contents


@given(st.lists(ANSWERS, max_size=30))
@settings(deadline=None)
def test_it_does_not_matter_in_which_pieces_answers_come(answers: list[bytes]) -> None:
    """Good turns are read in one piece, everything else word by word: the fates are the same."""
    stream = (OK + OK + GO) + (QUEUED + OK + OK + GO) * 2 + b"".join(answers)

    def told(pieces: list[bytes]) -> tuple[list[tuple[int, Fate]], str]:
        flow, take = Flow(PIPELINED, said=SAID), letters(9)
        said(flow, take)
        fates: list[tuple[int, Fate]] = []
        for piece in pieces:
            flow.feed(piece)
            fates += flow.fates()
            if flow.broken:
                break
            said(flow, take)
        return fates + flow.end(dot_was_said=True), flow.broken

    turns = [OK + OK + GO, QUEUED + OK + OK + GO, QUEUED + OK + OK + GO, *answers]
    lines = stream.splitlines(keepends=True)
    by_line = told(lines)
    assert told(turns) == by_line


# -- signing in ---------------------------------------------------------------------------------

LOGIN = Login(user="jo", password="s3cret")


def test_plain_is_one_word() -> None:
    dialogue = SigningIn(LOGIN, ("LOGIN", "PLAIN"))
    told = dialogue.start()
    assert isinstance(told, Send)
    assert b64decode(told.data.split()[2]) == b"\0jo\0s3cret"
    assert dialogue.feed(b"235 2.7.0 hello\r\n") == SignedIn()


def test_login_is_asked_for_both() -> None:
    dialogue = SigningIn(LOGIN, ("LOGIN", "XOAUTH2"))
    assert dialogue.start() == Send(data=b"AUTH LOGIN\r\n")
    answers = [dialogue.feed(b"334 VXNlcm5hbWU6\r\n"), dialogue.feed(b"334 UGFzc3dvcmQ6\r\n")]
    words = [b64decode(one.data) for one in answers if isinstance(one, Send)]
    assert words == [b"jo", b"s3cret"]
    assert dialogue.feed(b"235 ok\r\n") == SignedIn()


def test_what_a_server_echoes_is_cut_out() -> None:
    dialogue = SigningIn(LOGIN, ("PLAIN",))
    told = dialogue.start()
    assert isinstance(told, Send)
    echo = told.data.split()[2]
    done = dialogue.feed(b"535 bad: s3cret czNjcmV0 " + echo + b"\r\n")
    assert isinstance(done, Done)
    assert done.fate.code == 535
    assert not {"s3cret", "czNjcmV0", echo.decode()} & set(done.fate.text.split())
    assert "s3cret" not in repr(LOGIN)


def test_a_server_without_a_way_we_know() -> None:
    done = SigningIn(LOGIN, ("GSSAPI",)).start()
    assert isinstance(done, Done)
    assert done.fate.is_about_us
    assert SigningIn(LOGIN, ("PLAIN",)).end().is_about_us


def test_a_login_needs_both() -> None:
    with pytest.raises(ValueError, match="password"):
        Login(user="jo", password="")
