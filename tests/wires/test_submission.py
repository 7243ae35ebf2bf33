"""A submission service: signed in over proved TLS or not at all, and the password shows nowhere."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from openletter.letters import doorway
from openletter.net.smtp_client import Door, DoorClosedError, Timeouts
from openletter.net.smtp_door import proving
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate, Outcome, Stage
from openletter.wire.smtp_auth import Login
from tests.servers import run
from tests.wires.test_mailbox import letter
from tests.wires.test_starttls import contexts

PATIENT = Timeouts(connect=2, opening=5, reply=10, dot=10)
SECRET = "Tr0ub4dor&3 é"
LOGIN = Login(user="letters", password=SECRET)


class Service:
    """aiosmtpd as a submission service; keeps what it took and who had signed in."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.tried: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append((session.auth_data or "", envelope.content))
        return "250 2.0.0 Ok: queued as 4Service01"

    def knows(self, server: Any, session: Any, envelope: Any, how: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.tried.append(how)
        good = (given.login, given.password) == (b"letters", SECRET.encode())
        return AuthResult(success=good, handled=False, auth_data="letters" if good else None)


@contextmanager
def a_service(
    server: ssl.SSLContext, *, at_once: bool, without: tuple[str, ...] = ()
) -> Iterator[tuple[Service, int]]:
    service = Service()
    given: dict[str, Any] = (
        {"ssl_context": server, "auth_require_tls": False}
        if at_once
        else {"tls_context": server, "require_starttls": True, "auth_required": True}
    )
    port = run.free_port()
    running = Controller(
        service, hostname="127.0.0.1", port=port,
        authenticator=service.knows, auth_exclude_mechanism=without, **given,
    )  # fmt: skip
    # its own trial of the port would want the certificate of a public authority
    running._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()  # type: ignore[method-assign]
    running.start()
    try:
        yield service, port
    finally:
        running.stop()


def a_door(port: int, client: ssl.SSLContext, *, at_once: bool, login: Login = LOGIN) -> Door:
    return Door(
        host="127.0.0.1", port=port, exercise=False, timeouts=PATIENT, tls=client, at_once=at_once,
        login=login,
    )  # fmt: skip


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("without", [(), ("PLAIN",)])
def test_letters_leave_signed_in_by_both_kinds_of_tls(
    tmp_path: Path, without: tuple[str, ...], *, at_once: bool
) -> None:
    server, client = contexts(tmp_path)
    fates: list[Fate] = []
    with a_service(server, at_once=at_once, without=without) as (service, port):
        with Fleet(a_door(port, client, at_once=at_once), connections=2) as fleet:
            fleet.hand_over(
                [letter(number) for number in range(12)],
                settled=lambda _, fate: fates.append(fate),
                look=lambda: True,
            )
        assert [who for who, _ in service.taken] == ["letters"] * 12
        assert set(service.tried) == {"LOGIN" if without else "PLAIN"}
    assert {fate.outcome for fate in fates} == {Outcome.ACCEPTED}


def test_a_large_letter_passes_tls_whole(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    raw = b"Message-ID: <1@x>\r\n\r\n" + b"x" * 70 + b"\r\n" * 2
    large = Envelope(
        sender="b@x.example", recipient="a@y.example", raw=raw + b"abcdefgh\r\n" * 90_000
    )
    fates: list[Fate] = []
    with a_service(server, at_once=True) as (service, port):
        with Fleet(a_door(port, client, at_once=True)) as fleet:
            fleet.hand_over([large], settled=lambda _, f: fates.append(f), look=lambda: True)
        assert service.taken[0][1] == large.raw
    assert fates[0].outcome is Outcome.ACCEPTED


def test_a_wrong_password_closes_the_door_and_is_told_without_it(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    login = Login(user="letters", password="not-the-one")
    with a_service(server, at_once=True) as (service, port):
        told = doorway.offers(a_door(port, client, at_once=True, login=login))
        assert not service.taken
    assert told.problem.startswith("535")
    assert "not-the-one" not in f"{told!r} {login!r} {a_door(1, client, at_once=True)!r}"


def test_a_certificate_for_another_name_hears_no_password(tmp_path: Path) -> None:
    server, client = contexts(tmp_path, "127.0.0.9")
    with a_service(server, at_once=True) as (service, port):
        with pytest.raises(DoorClosedError, match="not encrypted"):
            Fleet(a_door(port, client, at_once=True)).__enter__()
        assert not service.tried


def test_nobody_signs_in_without_proved_tls(tmp_path: Path) -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    for context in (None, careless):
        with pytest.raises(ValueError, match="proves"):
            Door(host="x", port=587, exercise=False, tls=context, login=LOGIN)


def test_what_a_door_offers_is_told(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    with a_service(server, at_once=False) as (_, port):
        told = doorway.offers(a_door(port, client, at_once=False))
    assert (told.signed_in, told.problem) == ("PLAIN", "")
    assert set(told.mechanisms) >= {"PLAIN", "LOGIN"}
    assert told.tls.startswith("TLSv1.")
    assert doorway.offers(a_door(port, client, at_once=False)).problem


def test_a_trial_goes_through_the_door_and_nowhere_else(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    with a_service(server, at_once=True) as (service, port):
        fate = doorway.trial(a_door(port, client, at_once=True), letter())
        assert len(service.taken) == 1
    assert (fate.outcome, fate.stage) == (Outcome.ACCEPTED, Stage.DOT)


def test_the_system_or_one_file_is_trusted(tmp_path: Path) -> None:
    contexts(tmp_path)
    assert proving(tmp_path / "cert.pem").verify_mode is ssl.CERT_REQUIRED
    assert proving().check_hostname
