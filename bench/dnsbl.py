"""How fast DNS zones are asked, and whether an answer is lost: `bench/dnsbl.py [--full]`.

Ten zones on one rbldnsd, each asked about the same addresses, by our client, aiodns, dnspython
and dnsperf in turn, in one run. Figures: questions a second of the client's own CPU and by the
clock (the server shares the machine's cores), and questions without an answer. Made-up data,
always the same; `--full` asks 10 x 100,000 (peers: fewer, as named), else a tenth.
"""

# ruff: noqa: INP001, T201, PLC0415, S101, S311 (a program; peers are imported where they are measured)
from __future__ import annotations

import asyncio
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from openletter.net.dns_client import DnsClient, Heard
from openletter.net.dns_ports import Server
from openletter.wire.dns import Rcode, Type, encode_name, listing_question
from tests.servers import debian
from tests.servers.dns import rbldnsd, unbound

ZONES = tuple(f"bl{number}.test" for number in range(10))
AT_ONCE = 100
POINTS = (":127.0.0.2:Test", "127.0.0.2")
Ask = Callable[[list[tuple[IPv4Address, str]], int], Awaitable[int]]


def addresses(count: int) -> list[IPv4Address]:
    """Addresses of 10/8 in an order that tells nothing; the same in every run."""
    return [
        IPv4Address((10 << 24) + one) for one in random.Random(5782).sample(range(1 << 24), count)
    ]


def zone_lines(known: list[IPv4Address]) -> list[str]:
    """One address of twenty is listed, among 190,000 others that nobody asks about."""
    others = (str(IPv4Address((11 << 24) + number * 61)) for number in range(190_000))
    return [*POINTS, *map(str, known[::20]), *others]


async def ours(questions: list[tuple[IPv4Address, str]], port: int) -> int:
    """Through `ask_all`, all zones in one stream; questions without a reply."""
    told: Counter[str] = Counter()

    def heard(_: object, answer: Heard) -> None:
        if answer.reply is None:
            told["lost"] += 1
        else:
            told[answer.reply.rcode] += 1

    wires = {zone: encode_name(zone) for zone in ZONES}
    asked = ((0, listing_question(ip, wires[zone], Type.A)) for ip, zone in questions)
    async with DnsClient(Server(host="127.0.0.1", port=port)) as client:
        await client.ask_all(asked, heard, window=AT_ONCE)
    answered = told[Rcode.NOERROR] + told[Rcode.NXDOMAIN]
    assert answered + told["lost"] == len(questions)
    return len(questions) - answered


async def with_aiodns(questions: list[tuple[IPv4Address, str]], port: int) -> int:
    import aiodns

    resolver = aiodns.DNSResolver(
        nameservers=["127.0.0.1"], udp_port=port, tcp_port=port, timeout=3.5, tries=3
    )
    lost = 0

    async def one(name: str) -> None:
        nonlocal lost
        try:
            await resolver.query_dns(name, "A")
        except aiodns.error.DNSError as problem:
            lost += problem.args[0] not in {1, 4}  # no data, no such name

    await _side_by_side(one, questions)
    await resolver.close()
    return lost


async def with_dnspython(questions: list[tuple[IPv4Address, str]], port: int) -> int:
    import dns.asyncquery
    import dns.exception
    import dns.message

    lost = 0

    async def one(name: str) -> None:
        nonlocal lost
        try:
            message = dns.message.make_query(name, "A")
            await dns.asyncquery.udp(message, "127.0.0.1", port=port, timeout=3.5)
        except dns.exception.DNSException:
            lost += 1

    await _side_by_side(one, questions)
    return lost


async def _side_by_side(
    one: Callable[[str], Awaitable[None]], questions: list[tuple[IPv4Address, str]]
) -> None:
    left: Iterator[str] = map(_name, questions)

    async def worker() -> None:
        for name in left:
            await one(name)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def _name(question: tuple[IPv4Address, str]) -> str:
    ip, zone = question
    return f"{'.'.join(reversed(str(ip).split('.')))}.{zone}"


def measured(
    ask: Ask, questions: list[tuple[IPv4Address, str]], port: int
) -> tuple[float, float, int]:
    """CPU seconds of this process, seconds by the clock, questions lost."""
    clock, cpu = time.perf_counter(), time.process_time()
    lost = asyncio.run(ask(questions, port))
    return time.process_time() - cpu, time.perf_counter() - clock, lost


def with_dnsperf(questions: list[tuple[IPv4Address, str]], port: int) -> tuple[float, float, int]:
    """The C program; CPU of the child."""
    program = debian.program("dnsperf")
    if program is None:
        return 0.0, 0.0, 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{_name(one)} A\n" for one in questions)
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [program, "-s", "127.0.0.1", "-p", str(port), "-d", file.name, "-n", "1"]
        command += ["-q", str(AT_ONCE), "-c", "4", "-T", "1", "-t", "3.5"]
        told = subprocess.run(command, capture_output=True, text=True, check=True,
                              env=debian.environment()).stdout  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lost = re.search(r"Queries lost:\s+(\d+)", told)
    took = re.search(r"Run time \(s\):\s+([\d.]+)", told)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, float(took[1]) if took else 0.0, int(lost[1]) if lost else len(questions)


def row(name: str, count: int, figures: tuple[float, float, int]) -> None:
    cpu, wall, lost = figures
    if not cpu or not wall:
        print(f"| {name} | not here | | | | |")
        return
    print(
        f"| {name} | {count:,} | {count / cpu:,.0f}/s | {cpu / count * 1e6:.1f} µs "
        f"| {count / wall:,.0f}/s | {lost} |",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """Print the table."""
    if debian.program("rbldnsd") is None:
        raise SystemExit("Debian's rbldnsd is not unpacked here (make tools)")
    each = 100_000 if "--full" in arguments else 10_000
    known = addresses(each)
    questions = [(ip, zone) for ip in known for zone in ZONES]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"`bench/dnsbl.py {' '.join(arguments)}`, {time.strftime('%Y-%m-%d')}, {machine}, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| client | questions | a second of CPU | CPU a question | by the clock | lost |")
    print("|---|---|---|---|---|---|")
    with rbldnsd({zone: {"ip4set": zone_lines(known)} for zone in ZONES}) as server:
        row("ours", len(questions), measured(ours, questions, server.port))
        some = questions[: len(questions) // 10]
        try:
            row("aiodns", len(some), measured(with_aiodns, some, server.port))
        except ImportError:
            row("aiodns", len(some), (0.0, 0.0, 0))
        few = questions[: len(questions) // 50]
        row("dnspython, asyncio", len(few), measured(with_dnspython, few, server.port))
        row("dnsperf (C)", len(questions), with_dnsperf(questions, server.port))
        with unbound(dict.fromkeys(ZONES, server.port)) as resolver:
            row("ours, through unbound, cold", len(some), measured(ours, some, resolver.port))
            row("ours, through unbound, warm", len(some), measured(ours, some, resolver.port))


if __name__ == "__main__":
    main(sys.argv[1:])
