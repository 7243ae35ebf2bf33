"""Guessing against a DNS server and a web server of our own: what is asked, believed, and not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address

import dns.message
import dns.rcode
import dns.rrset
import pytest

from openletter.net.dns_ports import Server
from openletter.net.guess_client import GuessClient, mailbox_of
from openletter.net.http_client import HttpClient, Limits
from openletter.net.reach import Reach
from openletter.wire.guessed import Guessed
from tests.wires.loopback import Authority, http_server, response

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ASKED = ip_address("192.0.2.9")
ZONE = "contacts.test"
SOA = "ns.provider.net. hostmaster.provider.net. 1 2 3 4 5"
HOST = [
    "9.2.0.192.in-addr.arpa. 60 IN PTR mail.provider.net.", "mail.provider.net. 60 IN A 192.0.2.9",
    f"provider.net. 60 IN SOA {SOA}", "provider.net. 60 IN MX 10 mail.provider.net.",
]  # fmt: skip
OPINION = [
    f"2.0.0.127.{ZONE}. 60 IN TXT abuse@test.example", f'9.2.0.192.{ZONE}. 60 IN TXT "abuse@isp.net"',
]  # fmt: skip
FILE = b"Contact: mailto:security@provider.net\nExpires: 2027-01-01T00:00:00Z\n"


class Zone(asyncio.DatagramProtocol):
    """Answers from a list of records; `broken` names get SERVFAIL."""

    def __init__(self, records: list[str], broken: frozenset[str]) -> None:
        parts = [record.split(" ", 4) for record in records]
        self.sets = [
            dns.rrset.from_text(name, int(ttl), kind, type_, value)
            for name, ttl, kind, type_, value in parts
        ]
        self.broken = broken
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name = str(question.name).rstrip(".").lower()
        self.asked.append(name)
        reply = dns.message.make_response(query, recursion_available=True)
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        reply.answer = [
            each
            for each in self.sets
            if each.name == question.name and each.rdtype == question.rdtype
        ] if name not in self.broken else []  # fmt: skip
        self.transport.sendto(reply.to_wire(), addr)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.serving("provider.net")


Guess = Callable[..., tuple[Guessed, list[str]]]


@pytest.fixture
def guess(tls: ssl.SSLContext, authority: Authority) -> Guess:
    def run(
        records: list[str],
        *,
        page: bytes = b"",
        zone: str = "",
        broken: frozenset[str] = frozenset(),
        about: str = str(ASKED),
    ) -> tuple[Guessed, list[str]]:
        pages: list[str] = []

        def respond(path: str, headers: dict[str, str]) -> bytes:
            pages.append(headers["host"] + path)
            return page or response(status="404 Not Found")

        async def talk(port: int) -> tuple[Guessed, list[str]]:
            loop = asyncio.get_running_loop()
            transport, served = await loop.create_datagram_endpoint(
                lambda: Zone(records, broken), local_addr=("127.0.0.1", 0)
            )
            own = transport.get_extra_info("sockname")[1]
            http = HttpClient(
                user_agent="x", reach=Reach(own_servers={("provider.net", 443): port}),
                trust=authority.trusted(), limits=Limits(total=2),
            )  # fmt: skip
            client = GuessClient(resolver=Server(host="127.0.0.1", port=own), http=http, zone=zone)
            found = await client.ask(ip_address(about), now=NOW)
            transport.close()
            return found, served.asked

        with http_server(respond, tls) as web:
            found, asked = asyncio.run(talk(web.port))
        return found, asked + pages

    return run


def test_everything_that_can_be_guessed(guess: Guess) -> None:
    page = response(FILE, content_type="text/plain; charset=utf-8")
    found, asked = guess(HOST + OPINION, page=page, zone=ZONE)
    assert found.second_opinion == ("abuse@isp.net",)
    assert found.name == "mail.provider.net"
    assert found.zone == "provider.net"
    assert found.rname == "hostmaster@provider.net"
    assert found.mail == ("provider.net",)
    assert found.security_contacts == ("security@provider.net",)
    assert found.faults == ()
    assert asked[-1] == "provider.net/.well-known/security.txt"
    assert len(found.asked) == len(asked)


def test_a_name_that_does_not_lead_back_is_nobodys(guess: Guess) -> None:
    lies = [record.replace("A 192.0.2.9", "A 192.0.2.10") for record in HOST]
    found, asked = guess(lies)
    assert (found.name, found.zone, found.mail) == ("", "", ())
    assert "provider.net" not in asked


def test_a_contact_zone_without_its_test_point_is_not_believed(guess: Guess) -> None:
    found, asked = guess(OPINION[1:], zone=ZONE)
    assert found.second_opinion == ()
    assert f"9.2.0.192.{ZONE}" not in asked
    assert found.faults == (f"{ZONE}: no test point",)


def test_no_contact_zone_is_asked_where_none_is_configured(guess: Guess) -> None:
    _, asked = guess(HOST + OPINION)
    assert not any(name.endswith(ZONE) for name in asked)


@pytest.mark.parametrize("mx", ["0 .", None])
def test_a_zone_that_takes_no_mail_is_passed_over(guess: Guess, mx: str | None) -> None:
    records = [record for record in HOST if " MX " not in record]
    if mx:
        records.append(f"provider.net. 60 IN MX {mx}")
    found, asked = guess(records)
    assert (found.name, found.zone, found.mail) == ("mail.provider.net", "", ())
    assert not any(".well-known" in each for each in asked)


def test_the_organisations_zone_is_the_first_one_up_that_takes_mail(guess: Guess) -> None:
    """`pool.dyn.provider.net` is a zone of its own without mail; `net` is never asked."""
    records = [
        "9.2.0.192.in-addr.arpa. 60 IN PTR h9.pool.dyn.provider.net.",
        "h9.pool.dyn.provider.net. 60 IN A 192.0.2.9", f"dyn.provider.net. 60 IN SOA {SOA}",
        f"net. 60 IN SOA {SOA}", "net. 60 IN MX 10 mail.registry.net.", *HOST[2:],
    ]  # fmt: skip
    found, asked = guess(records)
    assert found.zone == "provider.net"
    assert "net" not in asked


def test_a_registrys_second_level_is_not_an_organisation(guess: Guess) -> None:
    records = [
        "9.2.0.192.in-addr.arpa. 60 IN PTR www.shop.co.test.", "www.shop.co.test. 60 IN A 192.0.2.9",
        f"shop.co.test. 60 IN SOA {SOA}", f"co.test. 60 IN SOA {SOA}",
    ]  # fmt: skip
    found, _ = guess(records)
    assert (found.name, found.zone) == ("www.shop.co.test", "")


def test_a_broken_server_is_a_fault_and_not_an_answer(guess: Guess) -> None:
    found, _ = guess(HOST, broken=frozenset({"9.2.0.192.in-addr.arpa"}))
    assert found.name == ""
    assert any("in-addr.arpa" in each for each in found.faults)


@pytest.mark.parametrize(
    "page", [response(FILE.replace(b"2027", b"2025"), content_type="text/plain"), response(FILE)]
)
def test_a_security_txt_that_does_not_hold_gives_nobody(guess: Guess, page: bytes) -> None:
    found, _ = guess(HOST, page=page)
    assert found.security_contacts == ()
    assert found.faults


def test_ipv6_is_asked_in_its_own_tree(guess: Guess) -> None:
    reverse = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    records = [
        f"{reverse} 60 IN PTR mail.provider.net.", "mail.provider.net. 60 IN AAAA 2001:db8::9",
        *HOST[2:],
    ]  # fmt: skip
    found, _ = guess(records, about="2001:db8::9")
    assert found.zone == "provider.net"


@pytest.mark.parametrize(
    ("rname", "mailbox"),
    [
        ("hostmaster.example.net.", "hostmaster@example.net"),
        (r"host\.master.example.net", "host.master@example.net"), ("example.net.", ""),
        (r"a\032b.example.net", ""), ("", ""), (".", ""), ("a..b.", ""), (r"a\@b.x.net", "a@b@x.net"),
    ],
)  # fmt: skip
def test_an_soa_names_a_mailbox(rname: str, mailbox: str) -> None:
    assert mailbox_of(rname) == mailbox
