"""Foreign servers answer on loopback, and leave nothing behind that listens."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.samples import ROOT
from tests.servers import debian, run


@pytest.fixture(autouse=True)
def nothing_listens_afterwards() -> Iterator[None]:
    before = run.listening()
    yield
    assert run.still_listening(before) == set()


def test_postfix_takes_a_mail_and_logs_its_message_id() -> None:
    with run.postfix() as server, smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
        client.sendmail(
            "b+x@bounce.example.net",
            ["abuse@example.org"],
            "Message-ID: <one@example.net>\r\nSubject: x\r\n\r\nHello\r\n",
        )
        assert "<one@example.net>" in (server.home / "log").read_text()


@pytest.mark.parametrize(("is_open", "status"), [(True, b"503"), (False, b"403")])
def test_squid_is_open_or_closed(is_open: bool, status: bytes) -> None:
    nobody_there = run.free_port()
    with (
        run.squid(is_open=is_open) as server,
        socket.create_connection(("127.0.0.1", server.port), 10) as client,
    ):
        client.sendall(f"CONNECT 127.0.0.1:{nobody_there} HTTP/1.1\r\n\r\n".encode())
        assert status in client.recv(100)


def test_rbldnsd_lists_an_address() -> None:
    import dns.message
    import dns.query

    with run.rbldnsd(
        "bl.test", ["$SOA 60 ns.test. a.test. 0 600 300 86400 60", ":127.0.0.2:listed", "192.0.2.7"]
    ) as server:
        question = dns.message.make_query("7.2.0.192.bl.test", "A")
        answer = dns.query.udp(question, "127.0.0.1", port=server.port, timeout=5)
        assert "127.0.0.2" in str(answer.answer)


def test_the_rows_hold_on_debians_postgresql() -> None:
    """The same migrations and rules on 15, the oldest version we claim."""
    initdb = run.needs("postgresql-15")
    environment = {**debian.environment(), "OPENLETTER_PG_BIN": str(initdb.parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    tests = ["tests/records/test_campaigns.py", "tests/servers/asks_version.py"]
    done = subprocess.run(
        [*command, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_ports_are_compared_at_all() -> None:
    before = run.listening()
    with socket.create_server(("127.0.0.1", 0)):
        assert len(run.listening() - before) == 1
