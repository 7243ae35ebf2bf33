"""RDAP and WHOIS servers of our own: every answer, and every misbehaviour, ends clearly."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from openletter.net import rdap_client
from openletter.net.http_client import HttpClient, Limits
from openletter.net.reach import Reach
from openletter.net.whois_client import WhoisClient
from openletter.wire.lookup import End, Reply
from tests.wires.loopback import Authority, Server, Talk, http_server, moved, response

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAME = "rdap.test"
ASKED = ip_address("192.0.2.1")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.serving(NAME)


def network(first: str = "192.0.2.0", last: str = "192.0.2.255") -> bytes:
    return json.dumps({
        "objectClassName": "ip network", "handle": "NET-1", "startAddress": first,
        "endAddress": last, "entities": [{
            "objectClassName": "entity", "handle": "AB1", "roles": ["abuse"],
            "vcardArray": ["vcard", [["email", {}, "text", "abuse@provider.example"]]],
        }],
    }).encode()  # fmt: skip


AskRdap = Callable[..., Reply]


@pytest.fixture
def rdap(tls: ssl.SSLContext, authority: Authority) -> AskRdap:
    def run(answer: bytes | Talk, *, about: str = "192.0.2.1", total: float = 15) -> Reply:
        with http_server(lambda *_: answer, tls) as server:
            client = HttpClient(
                user_agent="test", reach=Reach(own_servers={(NAME, 443): server.port}),
                limits=Limits(total=total), trust=authority.trusted(),
            )  # fmt: skip
            asked = int(about[2:]) if about.startswith("AS") else ip_address(about)
            url = rdap_client.address_of(f"https://{NAME}/", asked)
            return asyncio.run(rdap_client.ask(client, url, about=asked, now=NOW))

    return run


def test_an_answer_is_read(rdap: AskRdap) -> None:
    reply = rdap(response(network()))
    assert reply.end is End.FOUND
    assert reply.server == NAME
    assert reply.asked == f"https://{NAME}/ip/192.0.2.1"
    nearest = reply.nearest
    assert nearest is not None
    assert [each.value for each in nearest.written] == ["abuse@provider.example"]
    assert reply.body == network()


def test_an_as_is_asked_for_by_its_number(rdap: AskRdap) -> None:
    answer = {"objectClassName": "autnum", "startAutnum": 64_496, "endAutnum": 64_500}
    reply = rdap(response(json.dumps(answer).encode()), about="AS64498")
    assert reply.end is End.FOUND
    assert reply.asked.endswith("/autnum/64498")
    assert rdap(response(json.dumps(answer).encode()), about="AS64501").code == "another-network"


def test_not_found_is_nothing(rdap: AskRdap) -> None:
    assert rdap(response(status="404 Not Found")).end is End.NOTHING


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("Mon, 02 Mar 2026 12:05:00 GMT", 300), ("later", 60), ("99999999", 86_400)],
)
def test_too_often_says_when_to_come_again(
    rdap: AskRdap, status: str, value: str, seconds: int
) -> None:
    reply = rdap(response(status=status, Retry_After=value))
    assert reply.end is End.BUSY
    assert reply.retry_after == timedelta(seconds=seconds)


def test_another_host_is_not_asked_by_itself(rdap: AskRdap) -> None:
    reply = rdap(moved("https://rdap.other.test/ip/192.0.2.1", "301 Moved"))
    assert reply.end is End.MOVED
    assert reply.moved_to == "https://rdap.other.test/ip/192.0.2.1"


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


UNUSABLE: dict[str, tuple[bytes | Talk, End, str]] = {
    "another network": (
        response(network("198.51.100.0", "198.51.100.255")), End.REFUSED, "another-network",
    ),
    "the whole internet": (
        response(network("0.0.0.0", "255.255.255.255")), End.REFUSED, "too-wide",
    ),
    "malformed JSON": (response(b'{"objectClassName": "ip net'), End.REFUSED, "not-json"),
    "deep JSON": (response(b"[" * 100_000), End.REFUSED, "not-json"),
    "a list": (response(b"[]"), End.REFUSED, "not-an-object"),
    "an entity": (
        response(b'{"objectClassName": "entity", "handle": "X"}'), End.REFUSED, "no-network",
    ),
    "an error with status 200": (response(b'{"errorCode": 500}'), End.REFUSED, "no-network"),
    "no range": (response(b'{"objectClassName": "ip network"}'), End.REFUSED, "another-network"),
    "not UTF-8": (response(b'{"a": "\xff"}'), End.REFUSED, "not-json"),
    "a web page": (response(b"<html>", content_type="text/html"), End.REFUSED, "wrong-content-type"),
    "broken inside": (response(status="500 Oh"), End.FAILED, "bad-status"),
    "forbidden": (response(status="403 No"), End.REFUSED, "bad-status"),
    "silence": (_silent, End.FAILED, "too-slow"),
    "50 MB": (response(Content_Length="50000000"), End.REFUSED, "too-large"),
    "a loop": (moved("/ip/192.0.2.1"), End.REFUSED, "redirect-loop"),
    "inside": (moved(f"https://{NAME}:22/"), End.REFUSED, "other-port"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_answer_is_refused_or_failed(rdap: AskRdap, name: str) -> None:
    answer, end, code = UNUSABLE[name]
    reply = rdap(answer, total=0.8 if code == "too-slow" else 15)
    assert (reply.end, reply.code) == (end, code)
    assert reply.registrations == ()


def test_real_answers_are_found_by_their_own_addresses(rdap: AskRdap) -> None:
    from tests.samples import shared

    for path in sorted(shared("samples", "registry", "rdap-ip").glob("*.json")):
        document = Path(path).read_bytes()
        from openletter.wire import rdap as wire

        first = wire.read(document)[0].first
        reply = rdap(response(document), about=str(first))
        assert reply.end is End.FOUND, path.name


# -- WHOIS --------------------------------------------------------------------------------------

AskWhois = Callable[..., tuple[Reply, list[bytes]]]


@pytest.fixture
def whois() -> AskWhois:
    def run(
        answer: bytes | Talk,
        *,
        server: str = "whois.ripe.net",
        about: str = "192.0.2.1",
        total: float = 15,
    ) -> tuple[Reply, list[bytes]]:
        lines: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lines.append(await reader.readline())
            if callable(answer):
                await answer(reader, writer)
            else:
                writer.write(answer)
                await writer.drain()

        with Server(talk) as own:
            client = WhoisClient(
                reach=Reach(own_servers={(server, 43): own.port}), total=total, size=100_000
            )
            asked = int(about[2:]) if about.startswith("AS") else ip_address(about)
            reply = asyncio.run(client.ask(server, asked))
        return reply, lines

    return run


RIPE = b"""% This is the RIPE Database query service.
% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@provider.example'

inetnum:        192.0.2.0 - 192.0.2.255
netname:        PROVIDER
country:        NL
source:         RIPE
"""


def test_a_text_is_read_and_asked_for_in_the_registrys_manner(whois: AskWhois) -> None:
    reply, lines = whois(RIPE)
    assert lines == [b"-r 192.0.2.1\r\n"]
    assert reply.end is End.FOUND
    nearest = reply.nearest
    assert nearest is not None
    assert nearest.written[0].value == "abuse@provider.example"
    for server, line in (
        ("whois.arin.net", b"n + 192.0.2.1\r\n"), ("whois.nic.ad.jp", b"192.0.2.1/e\r\n"),
    ):  # fmt: skip
        assert whois(RIPE, server=server)[1] == [line]


def test_an_as_is_asked_for_by_whois_in_the_registrys_manner(whois: AskWhois) -> None:
    text = b"ASNumber: 64496\nASName: X\nOrgAbuseEmail: abuse@provider.example\n"
    for server, line in (
        ("whois.arin.net", b"a + 64496\r\n"), ("whois.ripe.net", b"-r AS64496\r\n"),
        ("whois.apnic.net", b"AS64496\r\n"),
    ):  # fmt: skip
        reply, lines = whois(text, server=server, about="AS64496")
        assert lines == [line]
        assert reply.end is End.FOUND


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"%\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(800):
        writer.write(b"% " + b"x" * 65_000 + b"\n")
        await writer.drain()


TEXTS: dict[str, tuple[bytes | Talk, End, str]] = {
    "nothing": (b"%ERROR:101: no entries found\n", End.NOTHING, "not-registered"),
    "too often": (b"%ERROR:201: access denied for 192.0.2.9\n", End.BUSY, "too-often"),
    "empty": (b"", End.REFUSED, "no-network"),
    "binary": (bytes(range(256)) * 20, End.REFUSED, "no-network"),
    "another network": (
        RIPE.replace(b"192.0.2.", b"203.0.113."), End.REFUSED, "another-network",
    ),
    "everything": (
        b"inetnum: 0.0.0.0 - 255.255.255.255\nnetname: IANA-BLK\nsource: RIPE\n",
        End.REFUSED, "too-wide",
    ),
    "slow-loris": (_drip, End.FAILED, "too-slow"),
    "50 MB": (_flood, End.REFUSED, "too-large"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_are_no_answer_end_clearly(whois: AskWhois, name: str) -> None:
    answer, end, code = TEXTS[name]
    begun = time.monotonic()
    total = 0.6 if code == "too-slow" else 15
    reply, _ = whois(answer, total=total)
    assert (reply.end, reply.code) == (end, code)
    assert time.monotonic() - begun < total + 2


def test_a_registrys_placeholder_around_a_network_is_left_out(whois: AskWhois) -> None:
    around = (
        b"NetRange: 0.0.0.0 - 255.255.255.255\nNetName: IANA\nOrgAbuseEmail: a@iana.example\n\n"
        b"NetRange: 192.0.2.0 - 192.0.2.255\nNetName: ISP\nOrgAbuseEmail: abuse@isp.example\n"
    )
    reply, _ = whois(around, server="whois.arin.net")
    assert [each.name for each in reply.registrations] == ["ISP"]


def test_a_referral_goes_only_to_registries_of_the_table(whois: AskWhois) -> None:
    stub = b"NetRange: 192.0.2.0 - 192.0.2.255\nNetName: APNIC-ERX\n"
    reply, _ = whois(stub + b"ReferralServer: whois://whois.apnic.net\n", server="whois.arin.net")
    assert (reply.end, reply.moved_to) == (End.MOVED, "whois.apnic.net")
    for elsewhere in (
        b"whois://whois.evil.example",
        b"whois://127.0.0.1",
        b"rwhois://r.example:4321",
    ):
        reply, _ = whois(stub + b"ReferralServer: " + elsewhere + b"\n", server="whois.arin.net")
        assert reply.end is End.FOUND
        assert reply.moved_to == ""


def test_no_other_server_is_ever_asked() -> None:
    for server in ("whois.evil.example", "127.0.0.1", "rdap.db.ripe.net", ""):
        reply = asyncio.run(WhoisClient().ask(server, ASKED))
        assert (reply.end, reply.code) == (End.REFUSED, "unknown-server")


def test_a_registrys_name_that_leads_inside_is_refused() -> None:
    async def inside(host: str) -> list[object]:
        return [ip_address("10.0.0.1")]

    client = WhoisClient(reach=Reach(resolve=inside))  # type: ignore[arg-type]
    reply = asyncio.run(client.ask("whois.ripe.net", ASKED))
    assert (reply.end, reply.code) == (End.REFUSED, "not-public")


def test_a_closed_door_fails() -> None:
    client = WhoisClient(reach=Reach(own_servers={("whois.ripe.net", 43): 1}))
    assert asyncio.run(client.ask("whois.ripe.net", ASKED)).code == "unreachable"
