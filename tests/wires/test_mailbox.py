"""The built-in mailbox keeps what arrives; exercise mail goes there and real mail never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from openletter.net.mailbox import Mailbox, known_port, received
from openletter.net.smtp_client import Door, DoorClosedError, Session, Timeouts
from openletter.net.smtp_server import NotLoopbackError, SmtpServer
from openletter.wire.smtp import Envelope, Outcome, Stage

FAST = Timeouts(connect=2, reply=2, dot=0.5)


def letter(number: int = 1, recipient: str = "abuse@duin.example") -> Envelope:
    raw = f"Message-ID: <{number}@example.net>\r\nSubject: x\r\n\r\n.dot\r\n".encode()
    return Envelope(sender="b+t@bounce.example.net", recipient=recipient, raw=raw)


def door(port: int, *, exercise: bool = True) -> Door:
    return Door(
        host="127.0.0.1", port=port, exercise=exercise, ehlo_name="t.example", timeouts=FAST
    )


def test_what_arrives_is_kept_and_counted(tmp_path: Path) -> None:
    with Mailbox(tmp_path) as box, Session(door(box.port)) as session:
        fates = [session.hand_over(letter(number)) for number in (1, 2)]
        assert known_port(tmp_path) == box.port
    assert [fate.outcome for fate in fates] == [Outcome.ACCEPTED] * 2
    assert fates[0].queue_id == "MB00000001"
    first, second = received(tmp_path)
    assert (first.rcpt, first.message_id) == ("abuse@duin.example", "<1@example.net>")
    assert first.envelope_from == "b+t@bounce.example.net"
    assert second.raw(tmp_path) == letter(2).raw
    assert [one.number for one in received(tmp_path, after=1)] == [2]
    assert known_port(tmp_path) is None


def test_counts_survive_a_restart_and_a_torn_line(tmp_path: Path) -> None:
    for number in (1, 2):
        with Mailbox(tmp_path) as box, Session(door(box.port)) as session:
            session.hand_over(letter(number))
        with (tmp_path / "index.ndjson").open("a") as index:
            index.write('{"rcpt": "torn')
    assert [one.message_id for one in received(tmp_path)] == ["<1@example.net>", "<2@example.net>"]


def test_refusals_are_scripted_and_the_session_goes_on(tmp_path: Path) -> None:
    told = {
        "gone@duin.example": (550, "5.1.1 no such user"),
        "busy@duin.example": (450, "4.2.1 later"),
    }
    with Mailbox(tmp_path, refuse=told.get) as box, Session(door(box.port)) as session:
        fates = [session.hand_over(letter(1, to)) for to in (*told, "ok@duin.example")]
    assert [fate.outcome for fate in fates] == [Outcome.REFUSED, Outcome.DEFERRED, Outcome.ACCEPTED]
    assert fates[0].stage is Stage.RCPT
    assert [one.rcpt for one in received(tmp_path)] == ["ok@duin.example"]


def test_real_mail_is_not_handed_to_the_mailbox(tmp_path: Path) -> None:
    with (
        Mailbox(tmp_path) as box,
        pytest.raises(DoorClosedError, match="built-in mailbox"),
        Session(door(box.port, exercise=False)),
    ):
        pass


def test_exercise_mail_is_not_handed_to_any_other_server() -> None:
    with (
        SmtpServer(object(), size_limit=1000) as server,
        pytest.raises(DoorClosedError, match="no built-in mailbox"),
        Session(door(server.port)),
    ):
        pass


def test_nobody_listens_where_strangers_can_reach() -> None:
    with pytest.raises(NotLoopbackError):
        SmtpServer(object(), host="0.0.0.0", size_limit=1)


def test_a_closed_port_is_no_door(tmp_path: Path) -> None:
    with Mailbox(tmp_path) as box:
        port = box.port
    with pytest.raises(DoorClosedError) as refused, Session(door(port)):
        pass
    assert refused.value.fate.outcome is Outcome.DEFERRED


@contextmanager
def server_that(behaves: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of a few lines that answers one connection as the test wants."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                behaves(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def until(connection: socket.socket, ending: bytes) -> None:
    seen = b""
    while not seen.endswith(ending):
        chunk = connection.recv(4096)
        if not chunk:
            return
        seen += chunk


def as_far_as_body(connection: socket.socket) -> None:
    connection.sendall(b"220 x\r\n")
    for ending, answer in (
        (b"\r\n", b"250 x\r\n"), (b">\r\n", b"250 x\r\n"), (b">\r\n", b"250 x\r\n"),
        (b"DATA\r\n", b"354 x\r\n"),
    ):  # fmt: skip
        until(connection, ending)
        connection.sendall(answer)


def closes_after_the_dot(connection: socket.socket) -> None:
    as_far_as_body(connection)
    until(connection, b"\r\n.\r\n")


def hangs_after_the_dot(connection: socket.socket) -> None:
    closes_after_the_dot(connection)
    until(connection, b"never")


def closes_before_data(connection: socket.socket) -> None:
    connection.sendall(b"220 x\r\n")
    until(connection, b"\r\n")
    connection.sendall(b"250 x\r\n")
    until(connection, b">\r\n")


@pytest.mark.parametrize(
    ("behaves", "outcome"),
    [
        (closes_after_the_dot, Outcome.UNKNOWN),
        (hangs_after_the_dot, Outcome.UNKNOWN),
        (closes_before_data, Outcome.DEFERRED),
    ],
)
def test_the_fate_of_a_broken_hand_over(
    behaves: Callable[[socket.socket], None], outcome: Outcome
) -> None:
    with server_that(behaves) as port, Session(door(port, exercise=False)) as session:
        assert session.hand_over(letter()).outcome is outcome
        assert not session.is_open
