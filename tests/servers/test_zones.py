"""The consult step against the real rbldnsd, straight and behind the real unbound.

Healthy, dead, world-listing, refusing, slow, lying and emptied zones, and one whose name was sold.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from openletter.campaigns.models import Campaign
from openletter.evidence import consulting, jobs, steps
from openletter.evidence.models import Finding, Observation, RangeListing, Zone, ZoneAnswer, ZoneRun
from openletter.evidence.rules.zones import Condition
from openletter.net.dns_client import DnsClient, Heard
from openletter.net.dns_ports import Server
from openletter.shell.configuration import Endpoint
from openletter.shell.outside import Outside
from openletter.wire.dns import Type, encode_name, listing_question
from openletter.words import FindingState
from tests.builders import NOW, a_campaign
from tests.records.evidence_builders import a_scan
from tests.servers import run
from tests.servers.dns import rbldnsd, slow, unbound

pytestmark = pytest.mark.django_db

POINTS = [":127.0.0.2:Test", "127.0.0.2"]
SIX_POINTS = [":127.0.0.2:Test", "0:0:0:0:0:ffff:7f00:0002"]
ZONES = {
    "healthy.test": {
        "ip4set": [*POINTS, "192.0.2.7 :3:Open HTTP proxy, see $", "192.0.2.8 :77:Something new"],
        "ip6trie": [*SIX_POINTS, "2001:db8::7/128 :3:Open HTTP proxy"],
    },
    "world.test": {"ip4trie": [":127.0.0.3:All", "0.0.0.0/0"]},
    "refusing.test": {"ip4trie": [":127.255.255.254:Not to you", "0.0.0.0/0"]},
    "lying.test": {"ip4trie": [":127.0.0.3:Open", "0.0.0.0/1", "!127.0.0.1"]},
    "emptied.test": {"ip4set": ["192.0.2.7 :3:The last one"]},
    "six.test": {
        "ip4set": POINTS,
        "ip6trie": [*SIX_POINTS, "2001:db8:0:1::/64 :3:Open HTTP proxy somewhere there"],
    },
}
UNSERVED = ("dead.test", "sold.test")
SOLD = '  local-zone: "sold.test." redirect\n  local-data: "sold.test. 60 IN A 203.0.113.80"\n'
SOURCE = """\
id = "{id}"
name = "{zone}"
family = "{id}"
format = "rbldnsd"
zones = ["{zone}"]
made_up = true
{more}
[codes."127.0.0.3"]
weakness = ["open-http-proxy"]
"""


@pytest.fixture(autouse=True)
def nothing_listens_afterwards() -> Iterator[None]:
    before = run.listening()
    yield
    assert run.still_listening(before) == set()


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    for zone in (*ZONES, *UNSERVED):
        name = zone.removesuffix(".test")
        more = "lists_64s = true" if name == "six" else ""
        text = SOURCE.format(id=f"lab-{name}", zone=zone, more=more)
        (tmp_path / f"{name}.toml").write_text(text)
    steps.declare_sources(tmp_path)
    return a_campaign()


def in_doubt(campaign: Campaign, *addresses: str) -> None:
    a_scan(*addresses, campaign=campaign)
    while steps.weigh(campaign, now=NOW, limit=1000):
        pass


def ask(settings: Any, port: int, *zones: str) -> None:
    settings.OUTSIDE = Outside(resolver=Endpoint(host="127.0.0.1", port=port), zones=zones, keys={})
    for zone in zones:
        Zone.objects.get_or_create(name=zone, defaults={"rate": 5_000})


def conditions() -> dict[str, str]:
    return dict(Zone.objects.order_by("name").values_list("name", "condition"))


EXPECTED = {
    "dead.test": Condition.SILENT,
    "emptied.test": Condition.LISTS_NOTHING,
    "healthy.test": Condition.HEALTHY,
    "lying.test": Condition.IMPLAUSIBLE,
    "refusing.test": Condition.REFUSES,
    "world.test": Condition.LISTS_EVERYTHING,
}


@pytest.mark.parametrize("through", ["rbldnsd", "unbound"])
def test_only_the_healthy_zone_is_believed(campaign: Campaign, settings: Any, through: str) -> None:
    in_doubt(campaign, "192.0.2.7", "192.0.2.8", "192.0.2.9")
    with ExitStack() as stack:
        server = stack.enter_context(rbldnsd(ZONES))
        if through == "unbound":
            server = stack.enter_context(
                unbound(dict.fromkeys((*ZONES, "dead.test"), server.port), more=SOLD)
            )
        sold = ("sold.test",) if through == "unbound" else ()
        ask(settings, server.port, *EXPECTED, *sold)
        assert jobs.consult(campaign, now=NOW, limit=100) == 3
    expected = EXPECTED | ({"sold.test": Condition.HIJACKED} if sold else {})
    assert conditions() == expected
    suspended = set(Zone.objects.exclude(suspended_at=None).values_list("name", flat=True))
    assert suspended == set(expected) - {"healthy.test"}
    told = Observation.objects.filter(batch__format="dnsbl").order_by("ip")
    assert [(str(one.ip), one.source_id, one.code, one.reason) for one in told] == [
        ("192.0.2.7", "lab-healthy", "127.0.0.3", "says-open"),
        ("192.0.2.8", "lab-healthy", "127.0.0.77", "unknown-code"),
    ]
    assert told[0].about["says"] == "Open HTTP proxy, see 192.0.2.7"
    steps.weigh(campaign, now=NOW, limit=100)
    states = dict(Finding.objects.values_list("ip", "state"))
    assert states[IPv4Address("192.0.2.7")] == FindingState.OPEN
    assert states[IPv4Address("192.0.2.8")] == FindingState.SUSPECTED
    assert consulting.waiting(campaign, now=NOW).count() == 0


def test_a_slow_zone_is_heard_out_and_a_silent_one_is_not_waited_for(
    campaign: Campaign, settings: Any
) -> None:
    in_doubt(campaign, "192.0.2.7", "192.0.2.9")
    with rbldnsd(ZONES) as server, slow(server.port, delay=0.7) as port:
        ask(settings, port, "healthy.test")
        assert jobs.consult(campaign, now=NOW, limit=100) == 2
    assert conditions() == {"healthy.test": "healthy"}
    assert ZoneRun.objects.get().by_answer == {"listed": 1, "not-listed": 1}
    ZoneAnswer.objects.all().delete()
    Zone.objects.update(rests_until=None)
    with rbldnsd(ZONES) as server, slow(server.port, delay=30) as port:
        ask(settings, port, "healthy.test")
        assert jobs.consult(campaign, now=NOW, limit=100) == 0
    assert conditions() == {"healthy.test": Condition.SILENT}
    assert Zone.objects.get().reason["values"] == {"why": "dns-timeout"}


def test_ipv6_by_address_and_by_network(campaign: Campaign, settings: Any) -> None:
    in_doubt(campaign, "2001:db8::7", "2001:db8:0:1::9", "2001:db8:0:2::9")
    with rbldnsd(ZONES) as server:
        ask(settings, server.port, "healthy.test", "six.test")
        assert jobs.consult(campaign, now=NOW, limit=100) == 6
    assert conditions() == {"healthy.test": "healthy", "six.test": "healthy"}
    told = Observation.objects.filter(batch__format="dnsbl")
    assert [(str(one.ip), one.source_id) for one in told] == [("2001:db8::7", "lab-healthy")]
    ranges = {(str(one.first), one.source_id, one.judgement) for one in RangeListing.objects.all()}
    assert ranges == {("2001:db8:0:1::", "lab-six", "corroborates")}


@pytest.mark.parametrize("through", ["rbldnsd", "unbound"])
def test_no_answer_is_lost(through: str) -> None:
    """Five thousand questions, each with exactly one answer, and the right one."""
    addresses = [IPv4Address(f"192.0.{two}.{one}") for two in range(20) for one in range(250)]
    listed = {address for address in addresses if int(address) % 7 == 0}
    zone = {"many.test": {"ip4set": [*POINTS, *map(str, listed)]}}
    heard: dict[IPv4Address, list[Heard]] = {}

    async def ask_all(port: int) -> None:
        suffix = encode_name("many.test")
        questions = ((one, listing_question(one, suffix, Type.A)) for one in addresses)
        async with DnsClient(Server(host="127.0.0.1", port=port)) as client:
            await client.ask_all(
                questions, lambda one, told: heard.setdefault(one, []).append(told), window=150
            )

    with ExitStack() as stack:
        server = stack.enter_context(rbldnsd(zone))
        if through == "unbound":
            server = stack.enter_context(unbound({"many.test": server.port}))
        asyncio.run(ask_all(server.port))
    assert Counter(map(len, heard.values())) == {1: len(addresses)}
    found = {one for one, (told,) in heard.items() if told.reply and told.reply.answers}
    assert found == listed
    assert all(told.reply is not None for (told,) in heard.values())
