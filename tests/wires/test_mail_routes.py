"""Who takes a domain's mail is asked of our own resolver before a claim, and kept as rows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pytest_django import Settings

from openletter.letters import jobs
from openletter.letters.models import MailRoute
from openletter.net.dns_ports import Limits, Server
from openletter.net.mx_client import ask_mx
from openletter.shell.configuration import Endpoint
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready

HASTY = Limits(waits=(0.1, 0.2, 0.3))
ZONE = {
    "net1.nl.": ["10 mx2.bigmail.nl.", "10 mx1.bigmail.nl.", "20 backup.else.nl."],
    "net2.nl.": ["5 net2-nl.in.bigmail.nl."],
    "null.nl.": ["0 ."],
}


@contextmanager
def resolver() -> Iterator[tuple[int, list[str]]]:
    """A few zones by dnspython; names with `away` get no answer, with `broken` SERVFAIL."""
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.05)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    data, whom = listening.recvfrom(4096)
                except TimeoutError:
                    continue
                question = dns.message.from_wire(data)
                name = question.question[0].name.to_text()
                asked.append(name)
                if "away" not in name:
                    listening.sendto(_reply(question, name), whom)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1], asked
        finally:
            ended.set()
            thread.join()


def _reply(question: dns.message.Message, name: str) -> bytes:
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.RA
    if name in ZONE:
        reply.answer.append(dns.rrset.from_text(name, 3600, "IN", "MX", *ZONE[name]))
    else:
        reply.set_rcode(dns.rcode.SERVFAIL if "broken" in name else dns.rcode.NXDOMAIN)
    return reply.to_wire()


def test_every_domain_has_one_answer() -> None:
    domains = ["net1.nl", "null.nl", "nothing.nl", "broken.nl", "away.nl", "no name"]
    with resolver() as (port, _):
        answers = ask_mx(domains, resolver=Server(host="127.0.0.1", port=port), limits=HASTY)
    told = {one.domain: (len(one.records), one.fault) for one in answers}
    assert told == {
        "net1.nl": (3, ""), "null.nl": (1, ""), "nothing.nl": (0, ""), "broken.nl": (0, "rcode 2"),
        "away.nl": (0, "timeout"), "no name": (0, "no name"),
    }  # fmt: skip


@pytest.mark.django_db
def test_the_job_asks_before_the_claim_and_never_for_an_exercise(
    tmp_path: Path, settings: Settings
) -> None:
    an_installation(tmp_path)
    settings.STATE = tmp_path
    settings.SMARTHOST = Endpoint(host="127.0.0.1", port=1)
    real, exercise = a_sending_campaign("real", exercise=False), a_sending_campaign()
    letters_ready(real, 2)
    letters_ready(exercise, 1, start=9)
    with resolver() as (port, asked):
        settings.OUTSIDE = replace(settings.OUTSIDE, resolver=Endpoint(host="127.0.0.1", port=port))
        jobs.hand_over(real, now=NOW, limit=5)
        jobs.hand_over(real, now=NOW, limit=5)
        jobs.hand_over(exercise, now=NOW, limit=5)
    assert sorted(asked) == ["net1.nl.", "net2.nl."]
    routes = MailRoute.objects.order_by("domain").values_list("domain", "provider")
    assert list(routes) == [("net1.nl", "bigmail.nl"), ("net2.nl", "bigmail.nl")]
