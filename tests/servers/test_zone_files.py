"""What we read in a zone file is what rbldnsd answers from it; where we differ, we say less."""

from __future__ import annotations

import ipaddress
import random

import dns.message
import dns.query
import pytest

from openletter.wire import rbldnsd as parser
from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.lines import Line
from tests.servers.run import Server, rbldnsd

ZONE = "bl.example"
HEAD = ["$NS 1 ns.bl.example", ":127.0.0.2:Listed, see https://bl.example/$", "$1 one"]
FORMS = [
    "192.0.2.{a}",
    "192.0.2.{a} :{c}",
    "192.0.2.{a} :{c}:",
    "192.0.2.{a} :127.0.0.{c}:text of $ and $1 and $$",
    "192.0.2.{a} only text",
    "192.0.2.{a}:{c}:glued",
    "192.0.2.{a} # a remark",
    "192.0.2.{a} ; a remark",
    "192.0.2.{a}/32",
    "192.0.2.{a} :128.0.0.1:outside",
    "192.0.2.{a} ::nothing",
    "192.0.2.{a} :300:too large",
    "192.0.2.{b}/29",
    "192.0.2.{b}-{d}",
    "192.0.2.{b}-192.0.2.{d}",
    "198.51.100",
    "198.51.100.0/24 :9:a network",
    "!192.0.2.{a}",
    "!192.0.2.{b}/30",
    "!192.0.2.{b}-{d}",
    ":{c}:Another default for $",
    "# a remark",
    "; a remark",
    "",
]


def zone_of(seed: int) -> list[str]:
    chance = random.Random(seed)
    lines = list(HEAD)
    for _ in range(70):
        start = chance.randrange(0, 240, 8)
        lines.append(
            chance.choice(FORMS).format(
                a=chance.randrange(1, 255),
                b=start,
                d=start + chance.randrange(1, 8),
                c=chance.randrange(2, 20),
            )
        )
    return lines


def answers(server: Server, address: str, kind: str) -> list[str]:
    name = ipaddress.ip_address(address).reverse_pointer.removesuffix("in-addr.arpa") + ZONE
    question = dns.message.make_query(name, kind)
    told = dns.query.udp(question, "127.0.0.1", port=server.port, timeout=5)
    return [str(row).strip('"') for one in told.answer for row in one]


def singles(lines: list[str]) -> dict[str, list[FeedRow]]:
    """Single addresses that we take to be listed, with every row that says so."""
    read = [Line(number, text) for number, text in enumerate(lines, start=1)]
    out = parser.exceptions(read)
    found: dict[str, list[FeedRow]] = {}
    for row in parser.rows(read):
        listed = row.span is Span.ADDRESS and not row.problem
        if listed and ipaddress.ip_address(row.address) not in out:
            found.setdefault(row.address, []).append(row)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_what_we_read_is_what_the_server_answers(seed: int) -> None:
    lines = zone_of(seed)
    ours = singles(lines)
    with rbldnsd(ZONE, lines) as server:
        for address, rows in ours.items():
            codes = answers(server, address, "A")
            assert {row.code for row in rows} <= set(codes), (address, rows, codes)
            texts = answers(server, address, "TXT")
            assert {row.says for row in rows if row.says} <= set(texts), (address, texts)
        for number in range(1, 255):
            address = f"192.0.2.{number}"
            if not answers(server, address, "A"):
                assert address not in ours
