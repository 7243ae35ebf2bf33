"""The step `lookup` with rows and real sockets: a registry that behaves, and one that does not."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from openletter.campaigns import clock
from openletter.catalogue import sentences
from openletter.contacts import jobs, steps
from openletter.contacts.live import Registries
from openletter.contacts.lookup_rows import Fetch, LookUp
from openletter.contacts.models import Choice
from openletter.contacts.walking import Pacer
from openletter.net.http_client import HttpClient, Limits
from openletter.net.reach import Reach
from openletter.net.whois_client import WhoisClient
from openletter.shell.outside import LookUp as Setting
from tests.builders import a_campaign, a_partner
from tests.contacts_builders import a_case
from tests.wires.loopback import Authority, Talk, http_server, moved, response
from tests.wires.test_http_client import MISBEHAVIOUR

pytestmark = pytest.mark.django_db
HOST = "rdap.lacnic.net"
FAST = Limits(total=0.5, connect=0.4, read=0.4, size=200_000, hops=3)
PATIENT = Limits(total=10, connect=5, read=5, size=200_000, hops=3)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    return authority.serving(HOST, "rdap.ripe.net")


def network(address: str) -> bytes:
    block = address.rpartition(".")[0]
    return response(json.dumps({
        "objectClassName": "ip network", "handle": block, "startAddress": f"{block}.0",
        "endAddress": f"{block}.255", "country": "NL",
        "entities": [{
            "roles": ["abuse"], "handle": "A1",
            "vcardArray": ["vcard", [["email", {}, "text", f"abuse@isp{block}.nl"]]],
        }],
    }).encode())  # fmt: skip


Look = Callable[..., None]


@pytest.fixture
def look(
    tls: ssl.SSLContext, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Look:
    """A real campaign with cases at these addresses is looked up once."""
    table = tmp_path / "ipv4.json"
    services = [[["9.0.0.0/8"], [f"https://{HOST}/rdap/"]]]
    table.write_text(json.dumps({"version": "1.0", "services": services}))
    setting = Setting(mode="registries", bootstrap=(table,))
    monkeypatch.setattr(settings, "OUTSIDE", replace(settings.OUTSIDE, look_up=setting))
    monkeypatch.setattr("openletter.contacts.rules.pace.pace_of", lambda _: 0.0)

    def run(
        respond: Callable[[str, dict[str, str]], bytes | Talk],
        *addresses: str,
        limits: Limits = PATIENT,
    ) -> None:
        campaign = a_campaign("real", lead=a_partner("real", exercise=False), exercise=False)
        for address in addresses:
            a_case(campaign, address)
        with http_server(respond, tls) as web:
            own = {(HOST, 443): web.port, ("rdap.ripe.net", 443): web.port}
            reach = Reach(own_servers=own | {("whois.lacnic.net", 43): 1})
            asker = Registries(
                http=HttpClient(
                    user_agent="x", reach=reach, trust=authority.trusted(), limits=limits
                ),
                whois=WhoisClient(reach=reach, total=1),
            )
            pacer = Pacer(clock=clock.wall, stop=lambda: False)
            jobs.look_up(campaign, now=clock.wall(), limit=50, asker=asker, pacer=pacer)
        steps.find(campaign, now=clock.wall(), limit=50)

    return run


def test_cases_find_their_contacts_through_another_registry(look: Look) -> None:
    asked: list[str] = []

    def respond(path: str, headers: dict[str, str]) -> bytes:
        asked.append(headers["host"])
        address = path.rpartition("/")[2]
        elsewhere = headers["host"] == HOST and address.startswith("9.9.2")
        return moved(f"https://rdap.ripe.net/ip/{address}") if elsewhere else network(address)

    look(respond, "9.9.1.1", "9.9.1.2", "9.9.2.1", "9.9.2.9")
    found = dict(LookUp.objects.values_list("case__ip", "state"))
    assert set(found.values()) == {"found"}
    boxes = set(Choice.objects.values_list("mailbox", flat=True))
    assert boxes == {"abuse@isp9.9.1.nl", "abuse@isp9.9.2.nl"}
    assert asked.count("rdap.ripe.net") == 1
    assert len(asked) <= 4


@pytest.mark.parametrize("name", ["50 MB", "malformed", "slow-loris in the body", "own machine"])
def test_what_misbehaves_is_written_down_and_holds_nobody(look: Look, name: str) -> None:
    answer = MISBEHAVIOUR[name][0] if name in MISBEHAVIOUR else response(b"{")
    look((lambda *_: answer), "9.9.1.1", limits=FAST)
    row = LookUp.objects.get()
    assert row.state == "waiting"  # its WHOIS was away as well
    codes = list(Fetch.objects.order_by("id").values_list("method", "code"))
    assert codes[0][0] == "rdap"
    known = sentences("openletter.contacts", "en")
    assert all(f"asked-{code}" in known for _, code in codes if code)
    assert {reason["code"] for reason in row.reasons} <= set(known)


def test_every_trouble_has_its_sentence() -> None:
    known = sentences("openletter.contacts", "en")
    assert {f"asked-{code}" for _, code in MISBEHAVIOUR.values()} <= set(known)
