"""What a look-up costs us: our whole driver against a registry of our own, beside bare httpx.

    .venv/bin/python -m bench.look_up [questions]

Loopback, TLS with a new connection a question, pace switched off; the answers are real ones' size
(3 kB). The peer asks the same server for the same addresses with httpx alone: no pinning, no
limits, no parsing, no next question; so the difference is what our care costs.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import httpx

from openletter.contacts.live import Registries, look_up
from openletter.contacts.rules import pace
from openletter.contacts.walking import Pacer
from openletter.net.http_client import HttpClient
from openletter.net.reach import Reach
from openletter.net.whois_client import WhoisClient
from openletter.wire.bootstrap import Bootstrap, Service
from tests.wires.loopback import Authority, http_server, response

HOST = "rdap.test"


def answer(path: str) -> bytes:
    block = path.rpartition("/")[2].rpartition(".")[0]
    entity = {
        "objectClassName": "entity", "handle": "A1", "roles": ["abuse", "technical"],
        "vcardArray": ["vcard", [["email", {}, "text", "abuse@isp.net"]]],
        "remarks": [{"description": ["x" * 60] * 30}],
    }  # fmt: skip
    return response(json.dumps({
        "objectClassName": "ip network", "startAddress": f"{block}.0", "endAddress": f"{block}.255",
        "handle": block, "country": "NL", "entities": [entity],
    }).encode())  # fmt: skip


def ours(addresses: list[IPv4Address], clients: Registries) -> None:
    table = Bootstrap(
        publication="",
        services=(Service(family=4, first=0, last=2**32, urls=(f"https://{HOST}/",)),),
    )
    pacer = Pacer(clock=lambda: datetime.now(UTC), stop=lambda: False)
    courses = look_up(addresses, bootstrap=table, registries=clients, pacer=pacer)
    assert all(course.is_usable for course in courses)


async def theirs(addresses: list[IPv4Address], port: int, trust: object) -> None:
    for address in addresses:
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:  # type: ignore[arg-type]
            told = await client.get(
                f"https://127.0.0.1:{port}/ip/{address}",
                headers={"Host": HOST}, extensions={"sni_hostname": HOST},
            )  # fmt: skip
            assert told.status_code == 200


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    addresses = [IPv4Address((9 << 24) + (place << 8) + 1) for place in range(number)]
    pace.pace_of = lambda _: 0.0  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        with http_server(lambda path, _: answer(path), authority.serving(HOST)) as web:
            clients = Registries(
                http=HttpClient(
                    user_agent="bench", reach=Reach(own_servers={(HOST, 443): web.port}),
                    trust=authority.trusted(),
                ),
                whois=WhoisClient(),
            )  # fmt: skip
            trust = authority.trusted()
            for name, act in (
                ("httpx alone", lambda: asyncio.run(theirs(addresses, web.port, trust))),
                ("openletter", lambda: ours(addresses, clients)),
            ):
                begun, cpu = time.perf_counter(), time.thread_time()
                act()
                wall, own = time.perf_counter() - begun, time.thread_time() - cpu
                print(
                    f"{name:<12} {number / wall:7.0f} questions/s  {own / number * 1e3:5.1f} ms CPU"
                )


if __name__ == "__main__":
    main()
