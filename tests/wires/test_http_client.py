"""Asking a stranger's web server: whatever it does, the end is a clear one and in time."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from openletter.net.http_client import Answer, HttpClient, Limits, Moved, Page, Trouble
from openletter.net.reach import NoWayError, Reach
from openletter.wire.address import Address
from tests.wires.loopback import Authority, Server, Talk, http_server, moved, response

NAME = "registry.test"
FAST = Limits(total=0.8, connect=0.5, read=0.5, size=200_000, hops=3)
PATIENT = Limits(total=15, connect=8, read=8, size=200_000, hops=3)
"""For whatever does not depend on time: a busy machine is no slow server."""
JSON = ("application/rdap+json",)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.serving(NAME, "other.test")


Ask = Callable[..., Answer]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every connection of this process: nothing leaves loopback."""
    places: list[tuple[str, int]] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, place: tuple[str, int]) -> None:
        assert ipaddress.ip_address(place[0]).is_loopback, place
        places.append(place[:2])
        connect(self, place)

    monkeypatch.setattr(socket.socket, "connect", watched)
    return places


def asked(
    server: Server,
    authority: Authority,
    path: str = "/ip/192.0.2.1",
    *,
    stay: bool = False,
    limits: Limits = PATIENT,
    reach: Reach | None = None,
) -> Answer:
    own = {(NAME, 443): server.port, ("other.test", 443): server.port}
    client = HttpClient(
        user_agent="openletter/test (abuse@example.net)", limits=limits,
        reach=reach or Reach(own_servers=own, resolve=_nobody), trust=authority.trusted(),
    )  # fmt: skip
    return asyncio.run(client.get(f"https://{NAME}{path}", accept=JSON, stay=stay))


async def _nobody(host: str) -> list[Address]:
    raise OSError(host)


@pytest.fixture
def serve(tls: ssl.SSLContext, authority: Authority) -> Ask:
    """Serve with one respond function, ask once."""

    def run(respond: Callable[[str, dict[str, str]], bytes | Talk], **how: object) -> Answer:
        with http_server(respond, tls) as server:
            return asked(server, authority, **how)  # type: ignore[arg-type]

    return run


def test_a_document_is_fetched_under_its_name_and_ours(serve: Ask) -> None:
    told: dict[str, str] = {}

    def respond(path: str, headers: dict[str, str]) -> bytes:
        told.update(headers, path=path)
        return response(b'{"a": 1}', Set_Cookie="a=b")

    page = serve(respond)
    assert isinstance(page, Page)
    assert page.body == b'{"a": 1}'
    assert page.url == f"https://{NAME}/ip/192.0.2.1"
    assert told["host"] == NAME
    assert told["path"] == "/ip/192.0.2.1"
    assert told["user-agent"] == "openletter/test (abuse@example.net)"
    assert "cookie" not in told
    assert "authorization" not in told


def test_proxies_of_the_environment_are_not_used(
    serve: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(serve(lambda *_: response(b"{}")), Page)


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many", "503 Gone", "500 No"])
def test_any_other_status_is_an_answer_without_a_body(serve: Ask, status: str) -> None:
    page = serve(lambda *_: response(b"<html>", status=status, content_type="text/html"))
    assert isinstance(page, Page)
    assert page.status == int(status[:3])
    assert page.body == b""


def test_retry_after_is_handed_on(serve: Ask) -> None:
    page = serve(lambda *_: response(status="429 Too Many", Retry_After="120"))
    assert isinstance(page, Page)
    assert page.headers["retry-after"] == "120"


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n\r\n{")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _drip_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n\r\n")
    for _ in range(800):  # 50 MB
        writer.write(b" " * 65_536)
        await writer.drain()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n")
    writer.write(b"Content-Length: 900\r\n\r\n{")
    await writer.drain()


def _talking(talk: Talk) -> Callable[[str, dict[str, str]], bytes | Talk]:
    return lambda *_: talk


MISBEHAVIOUR: dict[str, tuple[bytes | Talk, str]] = {
    "slow-loris in the body": (_drip, "too-slow"),
    "slow-loris in the headers": (_drip_headers, "too-slow"),
    "silence": (_silent, "too-slow"),
    "50 MB": (_flood, "too-large"),
    "50 MB announced": (response(Content_Length=str(50_000_000)), "too-large"),
    "cut short": (_cut, "broken-answer"),
    "no HTTP": (b"220 mail.example ESMTP\r\n", "broken-answer"),
    "endless header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, "broken-answer"),
    "wrong type": (response(b"<html>", content_type="text/html"), "wrong-content-type"),
    "no type": (response(b"{}", content_type=""), "wrong-content-type"),
    "other encoding": (response(b"{}", Content_Encoding="br"), "bad-encoding"),
    "not gzip": (response(b"{}", Content_Encoding="gzip"), "bad-encoding"),
    "bomb": (
        response(gzip.compress(b" " * 20_000_000), Content_Encoding="gzip"), "too-large",
    ),
    "loop": (moved("/ip/192.0.2.1"), "redirect-loop"),
    "no place": (moved(""), "bad-redirect"),
    "downgrade": (moved("http://registry.test/ip/192.0.2.1"), "downgrade"),
    "other port": (moved("https://registry.test:25/"), "other-port"),
    "user name": (moved("https://user:word@registry.test/"), "bad-address"),
    "other scheme": (moved("file:///etc/passwd"), "bad-address"),
    "no address": (moved("https://[::1/"), "broken-answer"),
    "own machine": (moved("https://127.0.0.1/"), "not-public"),
    "own machine, IPv6": (moved("https://[::1]/"), "not-public"),
    "private": (moved("https://10.1.2.3/"), "not-public"),
    "private, in IPv6": (moved("https://[::ffff:10.1.2.3]/"), "not-public"),
    "link-local": (moved("https://169.254.169.254/latest/meta-data/"), "not-public"),
    "link-local, IPv6": (moved("https://[fe80::1]/"), "not-public"),
    "shared space": (moved("https://100.64.0.1/"), "not-public"),
    "documentation": (moved("https://192.0.2.1/"), "not-public"),
    "multicast": (moved("https://224.0.0.1/"), "not-public"),
    "this network": (moved("https://0.0.0.0/"), "not-public"),
    "translated": (moved("https://[64:ff9b::7f00:1]/"), "not-public"),
    "tunnelled": (moved("https://[2002:7f00:1::1]/"), "not-public"),
    "unknown name": (moved("https://nobody.test/"), "unresolved"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_misbehaviour_ends_in_a_word_and_in_time(
    serve: Ask, name: str, dialled: list[tuple[str, int]]
) -> None:
    answer, code = MISBEHAVIOUR[name]
    begun = time.monotonic()
    limits = FAST if code == "too-slow" else PATIENT
    found = serve(_talking(answer) if callable(answer) else lambda *_: answer, limits=limits)
    assert isinstance(found, Trouble), found
    assert found.code == code, found
    assert time.monotonic() - begun < limits.total + 2
    assert dialled == [] or len({port for _, port in dialled}) == 1


def test_gzip_is_unpacked(serve: Ask) -> None:
    page = serve(lambda *_: response(gzip.compress(b'{"a":1}'), Content_Encoding="gzip"))
    assert isinstance(page, Page)
    assert page.body == b'{"a":1}'


def test_a_bomb_takes_no_more_memory_than_the_limit(serve: Ask) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(40)) + packer.flush()
    assert len(bomb) < 200_000
    found = serve(lambda *_: response(bomb, Content_Encoding="gzip"))
    assert isinstance(found, Trouble)
    assert found.code == "too-large"


def test_redirects_on_one_host_are_followed_and_counted(serve: Ask) -> None:
    def respond(path: str, headers: dict[str, str]) -> bytes:
        number = int(path.rpartition("/")[2])
        return moved(f"/{number - 1}", "301 Moved") if number else response(b"{}")

    assert isinstance(serve(respond, path="/3"), Page)
    found = serve(respond, path="/9")
    assert isinstance(found, Trouble)
    assert found.code == "too-many-redirects"


def test_another_host_is_followed_or_left_to_the_caller(serve: Ask) -> None:
    def respond(path: str, headers: dict[str, str]) -> bytes:
        to_other = headers["host"] == NAME
        return moved("https://other.test/b") if to_other else response(b'{"b": 2}')

    page = serve(respond)
    assert isinstance(page, Page)
    assert page.url == "https://other.test/b"
    assert serve(respond, stay=True) == Moved(
        url=f"https://{NAME}/ip/192.0.2.1", to="https://other.test/b"
    )


def test_a_certificate_must_prove_the_name(authority: Authority, tmp_path: Path) -> None:
    def respond(path: str, headers: dict[str, str]) -> bytes:
        raise AssertionError("nothing may be said")

    with http_server(respond, authority.serving("somebody-else.test")) as server:
        found = asked(server, authority)
    assert isinstance(found, Trouble)
    assert found.code == "not-trusted"
    with http_server(respond, Authority(tmp_path).serving(NAME)) as server:
        found = asked(server, authority)
    assert isinstance(found, Trouble)
    assert found.code == "not-trusted"


def test_a_closed_door_is_unreachable(authority: Authority) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        reach = Reach(own_servers={(NAME, 443): unused.getsockname()[1]})
        client = HttpClient(user_agent="x", limits=FAST, reach=reach, trust=authority.trusted())
        found = asyncio.run(client.get(f"https://{NAME}/", accept=JSON))
    assert isinstance(found, Trouble)
    assert found.code == "unreachable"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://registry.test/", "not-encrypted"), ("https://registry.test:8080/", "other-port"),
        ("https://", "bad-address"), ("ftp://registry.test:21/", "not-encrypted"),
        ("https://a:b@registry.test/", "bad-address"), ("https://x" + "y" * 3_000, "bad-address"),
        ("https://registry.test:99999/", "bad-address"), ("nonsense", "bad-address"),
    ],
)  # fmt: skip
def test_what_is_no_https_address_is_not_asked(url: str, code: str) -> None:
    client = HttpClient(user_agent="x", reach=Reach(resolve=_nobody))
    found = asyncio.run(client.get(url, accept=JSON))
    assert isinstance(found, Trouble)
    assert found.code == code


def test_one_forbidden_address_among_a_names_answers_refuses_it() -> None:
    async def both(host: str) -> list[Address]:
        return [ipaddress.ip_address("9.9.9.9"), ipaddress.ip_address("10.0.0.1")]

    with pytest.raises(NoWayError) as refused:
        asyncio.run(Reach(resolve=both).pinned("registry.test", 443))
    assert refused.value.code == "not-public"


def test_a_name_is_resolved_once_and_pinned() -> None:
    """What a name says a moment later (DNS rebinding) is never asked."""
    times: list[str] = []

    async def first_public(host: str) -> list[Address]:
        times.append(host)
        return [ipaddress.ip_address("9.9.9.9" if len(times) == 1 else "127.0.0.1")]

    pinned = asyncio.run(Reach(resolve=first_public).pinned("registry.test", 443))
    assert pinned == [("9.9.9.9", 443)]
    assert times == ["registry.test"]
