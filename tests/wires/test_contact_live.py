"""`openletter contact --live` against registries of our own; without --live nothing is asked."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app, lookup
from openletter.contacts.live import Registries
from openletter.net.http_client import HttpClient, Limits
from openletter.net.reach import Reach
from openletter.net.whois_client import WhoisClient
from tests.wires.loopback import Authority, Server, http_talk, moved, response

RIPE, APNIC = "rdap.db.ripe.net", "rdap.apnic.net"
NETWORK = {
    "objectClassName": "ip network", "handle": "X", "startAddress": "192.0.2.0",
    "endAddress": "192.0.2.255", "country": "NL",
}  # fmt: skip


def entity(*boxes: str) -> dict[str, object]:
    cards = [["email", {}, "text", box] for box in boxes]
    return {"handle": "AB1", "roles": ["abuse"], "vcardArray": ["vcard", cards]}


def rdap(*boxes: str, **more: str) -> bytes:
    return response(json.dumps({**NETWORK, **more, "entities": [entity(*boxes)]}).encode())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.serving(RIPE, APNIC)


@pytest.fixture
def bootstrap_file(tmp_path: Path) -> Path:
    path = tmp_path / "ipv4.json"
    services = [
        [["192.0.2.0/24", "198.51.100.0/24"], [f"https://{RIPE}/"]],
        [["203.0.113.0/24"], [f"https://{APNIC}/"]],
    ]
    path.write_text(json.dumps({"version": "1.0", "services": services}))
    return path


Answers = dict[str, bytes]
Run = Callable[..., tuple[int, list[dict[str, object]], str, list[str]]]


@pytest.fixture
def run(
    tls: ssl.SSLContext,
    authority: Authority,
    bootstrap_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """The command with RDAP answers by host and path, and WHOIS answers by server."""

    def go(
        *arguments: str, rdap: Answers, whois: Answers | None = None
    ) -> tuple[int, list[dict[str, object]], str, list[str]]:
        asked: list[str] = []

        def respond(path: str, headers: dict[str, str]) -> bytes:
            asked.append(headers["host"] + path)
            return rdap.get(headers["host"] + path, response(status="404 Not Found"))

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = (await reader.readline()).decode().strip()
            asked.append(f"whois {line}")
            writer.write((whois or {}).get(line, b"% No match\n"))
            await writer.drain()

        with Server(http_talk(respond), tls=tls) as web, Server(talk) as text:
            own = {(name, 443): web.port for name in (RIPE, APNIC)}
            for name in ("ripe.net", "apnic.net", "nic.ad.jp"):
                own["whois." + name, 43] = text.port
            reach = Reach(own_servers=own)
            clients = Registries(
                http=HttpClient(
                    user_agent="x", reach=reach, trust=authority.trusted(), limits=Limits(total=15)
                ),
                whois=WhoisClient(reach=reach, total=15),
            )
            monkeypatch.setattr(lookup, "clients", lambda **_: clients)
            monkeypatch.setattr(lookup, "_may_be_asked", lambda _: True)
            told = CliRunner().invoke(
                app,
                ["contact", *arguments, "--live", "--json", "--bootstrap", str(bootstrap_file)],
            )
        objects = [json.loads(line) for line in told.stdout.splitlines()]
        return told.exit_code, objects, told.stderr, asked

    return go


def chosen(found: dict[str, object]) -> str | None:
    choice = found["chosen"]
    return str(choice["address"]) if isinstance(choice, dict) else None


def test_a_registry_is_asked(run: Run) -> None:
    code, (found,), said, asked = run(
        "192.0.2.1", rdap={f"{RIPE}/ip/192.0.2.1": rdap("abuse@provider.net")}
    )
    assert (code, chosen(found), said) == (0, "abuse@provider.net", "")
    assert found["query"] == "192.0.2.1"
    assert found["netblock"] == {
        "first": "192.0.2.0", "last": "192.0.2.255", "cidrs": ["192.0.2.0/24"],
    }  # fmt: skip
    candidates = found["candidates"]
    assert isinstance(candidates, list)
    assert candidates[0]["source"] == "rdap"
    assert asked == [f"{RIPE}/ip/192.0.2.1"]


def test_addresses_of_one_network_are_one_question(run: Run) -> None:
    code, found, _, asked = run(
        "192.0.2.1", "192.0.2.2", "192.0.2.250",
        rdap={f"{RIPE}/ip/192.0.2.1": rdap("abuse@provider.net")},
    )  # fmt: skip
    assert code == 0
    assert [chosen(each) for each in found] == ["abuse@provider.net"] * 3
    assert asked == [f"{RIPE}/ip/192.0.2.1"]


def test_another_registry_is_asked_where_the_first_says_so(run: Run) -> None:
    code, (found,), _, asked = run(
        "192.0.2.1",
        rdap={
            f"{RIPE}/ip/192.0.2.1": moved(f"https://{APNIC}/ip/192.0.2.1", "301 Moved"),
            f"{APNIC}/ip/192.0.2.1": rdap("abuse@provider.net"),
        },
    )
    assert (code, chosen(found)) == (0, "abuse@provider.net")
    assert len(asked) == 2


def test_a_national_registrys_own_box_leads_on_to_its_whois(run: Run) -> None:
    text = (
        b"Network Information:\na. [Network Number]     203.0.113.0/24\n"
        b"g. [Organization]       Somebody\nm. [Administrative Contact]   X\n"
        b"[Abuse]                         abuse@isp.ad.jp\n"
    )
    block = {"startAddress": "203.0.113.0", "endAddress": "203.0.113.255"}
    code, (found,), said, asked = run(
        "203.0.113.9",
        rdap={f"{APNIC}/ip/203.0.113.9": rdap("hostmaster@nic.ad.jp", **block)},
        whois={"203.0.113.9/e": text},
    )
    assert asked == [f"{APNIC}/ip/203.0.113.9", "whois 203.0.113.9/e"]
    assert "hostmaster@nic.ad.jp" in json.dumps(found["rejected"])
    assert (code, chosen(found)) == (0, "abuse@isp.ad.jp"), said


def test_whois_is_asked_where_rdap_is_broken(run: Run) -> None:
    text = (
        b"% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@provider.net'\n\n"
        b"inetnum: 192.0.2.0 - 192.0.2.255\nnetname: X\nsource: RIPE\n"
    )
    code, (found,), said, asked = run(
        "192.0.2.1",
        rdap={f"{RIPE}/ip/192.0.2.1": response(b"{")}, whois={"-r 192.0.2.1": text},
    )  # fmt: skip
    assert (code, chosen(found)) == (0, "abuse@provider.net")
    assert "broken data" in said
    assert len(asked) == 2


def test_who_asks_to_be_left_alone_is_left_alone(run: Run) -> None:
    code, found, said, asked = run(
        "192.0.2.1", "198.51.100.1",
        rdap={f"{RIPE}/ip/192.0.2.1": response(status="429 No", Retry_After="600")},
    )  # fmt: skip
    assert code == 3
    assert [chosen(each) for each in found] == [None, None]
    assert asked == [f"{RIPE}/ip/192.0.2.1"]
    assert "asks to be left alone" in said
    assert "no turn left at rdap.db.ripe.net" in said


def test_documentation_and_private_addresses_are_never_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENLETTER_CONTACT_MAIL", "abuse@example.net")
    for address in ("192.0.2.1", "10.0.0.1", "127.0.0.1", "2001:db8::1"):
        told = CliRunner().invoke(app, ["contact", address, "--live", "--json"])
        assert told.exit_code == 3
        assert "not a global address" in told.stderr


def test_nobody_is_asked_without_saying_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENLETTER_CONTACT_MAIL", raising=False)
    told = CliRunner().invoke(app, ["contact", "192.0.2.1", "--live"])
    assert told.exit_code == 2
    assert "OPENLETTER_CONTACT_MAIL" in told.stderr


def test_without_live_it_works_where_there_is_no_network(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    fence = [unshare, "--map-root-user", "--net"] if unshare else []
    if not fence or subprocess.run([*fence, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    path = tmp_path / "answer.json"
    path.write_bytes(json.dumps({**NETWORK, "entities": [entity("abuse@provider.net")]}).encode())
    command = [*fence, sys.executable, "-m", "openletter", "contact", "--rdap", str(path), "--json"]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["chosen"]["address"] == "abuse@provider.net"


def test_without_live_no_client_is_even_loaded(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(json.dumps({**NETWORK, "entities": [entity("abuse@provider.net")]}).encode())
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom openletter.cli import app\n"
        f"told = CliRunner().invoke(app, ['contact', '--rdap', {str(path)!r}])\n"
        "assert told.exit_code == 0, told.output\n"
        "print(sorted({'httpx', 'django', 'socket', 'asyncio'} & set(sys.modules)))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert "httpx" not in told.stdout, told.stdout
    assert "django'" not in told.stdout, told.stderr


def test_a_tests_own_server_may_be_asked_and_nothing_else(
    tls: ssl.SSLContext, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From outside, as a user would: variables, a bootstrap file, a process of its own."""
    table = tmp_path / "ipv4.json"
    services = [[["192.0.2.0/24"], [f"https://{RIPE}/"]], [["9.0.0.0/8"], ["https://rdap.x.net/"]]]
    table.write_text(json.dumps({"version": "1.0", "services": services}))
    with http_talk_server(tls) as web:
        monkeypatch.setenv("OPENLETTER_CONTACT_MAIL", "abuse@example.net")
        monkeypatch.setenv("OPENLETTER_LOOKUP_LOOPBACK", f"{RIPE}:443={web.port}")
        monkeypatch.setenv("OPENLETTER_LOOKUP_LOOPBACK_CA", str(authority.file))
        command = [sys.executable, "-m", "openletter", "contact", "--live", "--json"]
        told = subprocess.run(
            [*command, "192.0.2.7", "9.9.9.9", "--bootstrap", str(table)],
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    first, second = (json.loads(line) for line in told.stdout.splitlines())
    assert told.returncode == 1, told.stderr
    assert first["chosen"]["address"] == "abuse@provider.net"
    assert second["chosen"] is None
    assert "rdap.x.net leads nowhere" in told.stderr


def http_talk_server(tls: ssl.SSLContext) -> Server:
    return Server(http_talk(lambda *_: rdap("abuse@provider.net")), tls=tls)


def test_plain_http_serves_a_test_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(http_talk(lambda *_: rdap("abuse@provider.net"))) as web:
        place = f"127.0.0.1:{web.port}"
        table = tmp_path / "ipv4.json"
        table.write_text(json.dumps({"services": [[["192.0.2.0/24"], [f"http://{place}/"]]]}))
        monkeypatch.setenv("OPENLETTER_CONTACT_MAIL", "abuse@example.net")
        monkeypatch.setenv("OPENLETTER_LOOKUP_LOOPBACK", place)
        arguments = ["contact", "192.0.2.7", "--live", "--json", "--bootstrap", str(table)]
        told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["chosen"]["address"] == "abuse@provider.net"
