"""Intake behind a real Postfix, set up as docs/howto/after-a-crash.md says."""

from __future__ import annotations

import smtplib
import time

import pytest

from openletter.net.intake import intake
from tests.servers import run

KNOWN = "reply+abcdefghij2345672222@reply.example.net"
MAIL = "From: jo@net1.example\r\nSubject: Re: x\r\n\r\nHoe?\r\n"


def test_known_addresses_come_through_and_others_are_refused_at_rcpt() -> None:
    stored: list[tuple[str, str]] = []

    def store(raw: bytes, *, envelope_from: str, rcpt: str) -> None:
        stored.append((envelope_from, rcpt))

    server = intake(host="127.0.0.1", port=0, accepts=lambda rcpt: rcpt == KNOWN, store=store)
    with server, run.postfix(settings=in_front_of(server.port)) as postfix:
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=60) as client:
            client.sendmail("", [KNOWN], MAIL)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail("", ["reply+zzzzzzzzzzzzzzzzzzzz@reply.example.net"], MAIL)
        ((code, _),) = refused.value.recipients.values()
        assert code == 550
        deadline = time.monotonic() + 20
        while not stored and time.monotonic() < deadline:
            time.sleep(0.1)
    assert stored == [("", KNOWN)]


def in_front_of(port: int) -> dict[str, str]:
    """The lines of main.cf that the how-to gives."""
    return {
        "relay_domains": "bounce.example.net reply.example.net",
        "transport_maps": "inline:{ "
        + ", ".join(
            f"{{{name}.example.net=smtp:[127.0.0.1]:{port}}}" for name in ("bounce", "reply")
        )
        + " }",
        "mynetworks": "192.0.2.1/32",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
        "smtpd_recipient_restrictions": "reject_unauth_destination, reject_unverified_recipient",
        "unverified_recipient_reject_code": "550",
        "address_verify_map": "",
        "address_verify_poll_count": "10",
    }
