"""The password of a submission service is written nowhere, whatever the service says back."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from openletter.letters import doorway, jobs
from openletter.letters.models import Delivery
from openletter.shell.configuration import Endpoint
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready
from tests.wires.loopback import Authority
from tests.wires.test_mailbox import server_that

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "C4nary-of-the-coal-mine"
LINE, GREETING = b"\r\n", b"250-service.example\r\n250 AUTH %s\r\n"
WORDS = (CANARY, b64encode(CANARY.encode()).decode()[:-2])
Said = Callable[[bytes], bytes]


def heard(secure: ssl.SSLSocket) -> bytes:
    line = b""
    while not line.endswith(LINE):
        if not (data := secure.recv(4096)):
            raise ConnectionError
        line += data
    return line


def service(
    certificate: ssl.SSLContext, answer: Callable[[bytes, list[bytes]], bytes], offers: bytes
) -> Callable[[socket.socket], None]:
    """Talks TLS; answers each line as the test wants, with all lines so far; b"" hangs up."""

    def behaves(plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            certificate.wrap_socket(plain, server_side=True) as secure,
        ):
            secure.sendall(b"220 service.example\r\n")
            lines: list[bytes] = []
            while True:
                lines.append(heard(secure))
                if lines[-1].startswith(b"EHLO"):
                    secure.sendall(GREETING % offers)
                elif not (said := answer(lines[-1], lines)):
                    return
                else:
                    secure.sendall(said)

    return behaves


def secret_in(lines: list[bytes]) -> bytes:
    """What the service has learnt, as sent and as read."""
    word = next(one for one in lines if one.startswith(b"AUTH PLAIN")).split()[2]
    return word + b" " + b64decode(word).rpartition(b"\0")[2]


def echoes_at_auth(line: bytes, lines: list[bytes]) -> bytes:
    return b"535 5.7.8 bad: " + secret_in(lines) + LINE


def echoes_cut_off(line: bytes, lines: list[bytes]) -> bytes:
    """The text is stored to 300 octets; the secret lies across its end."""
    return b"535 " + b"x" * 285 + secret_in(lines).split()[1] + LINE


def breaks_off(line: bytes, lines: list[bytes]) -> bytes:
    return b""


def asks_user_then_refuses(line: bytes, lines: list[bytes]) -> bytes:
    if len(lines) < 4:
        return b"334 UGFzc3dvcmQ6\r\n"
    return b"535 5.7.8 " + line.strip() + b" " + b64decode(line.strip()) + LINE


def knows_us_and_later_not(line: bytes, lines: list[bytes]) -> bytes:
    """535 for every MAIL, long after it said 235."""
    if line.startswith(b"AUTH"):
        return b"235 2.7.0 welcome\r\n"
    return (
        b"535 5.7.8 not " + secret_in(lines) + LINE if line.startswith(b"MAIL") else b"250 ok\r\n"
    )


def takes_and_tells(line: bytes, lines: list[bytes]) -> bytes:
    """Accepts, and names its queue file by our password."""
    if line.startswith(b"AUTH"):
        return b"235 2.7.0 welcome\r\n"
    if line.startswith(b"DATA"):
        return b"354 go\r\n"
    return b"250 2.0.0 Ok: queued as " + secret_in(lines).split()[1] + LINE


def everything_stored() -> str:
    """Every row of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.parametrize(
    ("answer", "offers", "state"),
    [
        (echoes_at_auth, b"PLAIN", "cleared"), (echoes_cut_off, b"PLAIN", "cleared"),
        (breaks_off, b"PLAIN", "cleared"), (asks_user_then_refuses, b"LOGIN", "cleared"),
        (knows_us_and_later_not, b"PLAIN", "deferred"), (takes_and_tells, b"PLAIN", "accepted"),
    ],
)  # fmt: skip
def test_a_password_is_in_no_log_no_table_and_no_file(
    answer: Callable[[bytes, list[bytes]], bytes],
    offers: bytes,
    state: str,
    *,
    tmp_path: Path,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    authority = Authority(tmp_path)
    settings.STATE = tmp_path / "state"
    an_installation(settings.STATE)
    campaign = a_sending_campaign("real", exercise=False)
    letters_ready(campaign, 1)
    with server_that(service(authority.serving("localhost"), answer, offers)) as port:
        settings.SMARTHOST = Endpoint(host="localhost", port=port)
        settings.LEAVING = dataclasses.replace(
            settings.LEAVING, tls="implicit", user="letters", password=CANARY,
            authority=authority.file,
        )  # fmt: skip
        jobs.hand_over(campaign, now=NOW, limit=10)
    assert Delivery.objects.get().state == state
    written = "".join(
        path.read_text(errors="replace") for path in settings.STATE.rglob("*") if path.is_file()
    )
    told = "".join(capfd.readouterr()) + caplog.text + repr(doorway.real_door())
    for word in (*WORDS, CANARY[:12]):
        assert word not in told
        assert word not in written
        assert word not in everything_stored()
