"""The DNS client against servers that drop, double, mix up, lie, spoof and fall silent."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from openletter.net.dns_client import DnsClient, Fault, Heard
from openletter.net.dns_ports import Limits, Server
from openletter.net.pace import Pace
from openletter.wire.dns import Rcode, Type, question
from tests.servers.run import free_port
from tests.wires.dns_servers import Address, FakeServer, answer, serving

T = TypeVar("T")
HASTY = Limits(waits=(0.1, 0.2, 0.5), tcp_patience=1.0)
CHANCE = random.Random(7)


def run(what: Coroutine[Any, Any, T]) -> T:
    async def soon() -> T:
        async with asyncio.timeout(20):
            return await what

    return asyncio.run(soon())


def plain(server: FakeServer, asked: bytes, whom: Address) -> None:
    server.send(answer(asked, code="127.0.0.2"), whom)


def client_of(port: int, limits: Limits = HASTY) -> DnsClient:
    return DnsClient(Server(host="127.0.0.1", port=port), limits=limits)


async def ask_one(behave: Any, *, tcp: Any = None) -> tuple[Heard, FakeServer, DnsClient]:
    async with serving(behave, tcp=tcp) as (server, port), client_of(port) as client:
        return await client.ask("7.2.0.192.bl.test", Type.A), server, client


async def ask_many(behave: Any, count: int, **more: Any) -> tuple[dict[int, list[Heard]], Any, Any]:
    heard: dict[int, list[Heard]] = {}
    questions = ((number, question(f"n{number}.bl.test", Type.A)) for number in range(count))
    limits = more.pop("limits", HASTY)
    async with serving(behave) as (server, port), client_of(port, limits) as client:
        await client.ask_all(
            questions, lambda key, one: heard.setdefault(key, []).append(one), **more
        )
    return heard, server, client


def codes(heard: Heard) -> list[object]:
    assert heard.reply is not None
    return [one.value for one in heard.reply.answers]


def test_an_answer_is_an_answer() -> None:
    heard, _, _ = run(ask_one(plain))
    assert codes(heard) == ["127.0.0.2"]


def test_what_is_dropped_once_is_asked_again() -> None:
    def drops_first(server: FakeServer, asked: bytes, whom: Address) -> None:
        if server.asked[asked[12:]] > 1:
            plain(server, asked, whom)

    heard, server, client = run(ask_one(drops_first))
    assert codes(heard) == ["127.0.0.2"]
    assert (client.counts.sent, client.counts.again, sum(server.asked.values())) == (2, 1, 2)


def test_silence_is_a_timeout_after_three_sendings() -> None:
    heard, server, _ = run(ask_one(lambda *_: None))
    assert heard == Heard(fault=Fault.TIMEOUT)
    assert sum(server.asked.values()) == 3


def test_nobody_listening_is_unreachable() -> None:
    async def ask() -> Heard:
        async with client_of(free_port()) as client:
            return await client.ask("a.test", Type.A)

    assert run(ask()) == Heard(fault=Fault.UNREACHABLE)


def wrong_number(server: FakeServer, asked: bytes, whom: Address) -> None:
    wrong = answer(asked, code="127.0.0.9")
    server.send(bytes([wrong[0] ^ 1]) + wrong[1:], whom)


def wrong_question(server: FakeServer, asked: bytes, whom: Address) -> None:
    other = answer(asked[:12] + question("8.2.0.192.bl.test", Type.A), code="127.0.0.9")
    server.send(other, whom)


def wrong_type(server: FakeServer, asked: bytes, whom: Address) -> None:
    server.send(answer(asked[:-4] + b"\0\x10\0\1", code="127.0.0.9"), whom)


def a_query(server: FakeServer, asked: bytes, whom: Address) -> None:
    server.send(asked, whom)


def spoofed_source(server: FakeServer, asked: bytes, whom: Address) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(answer(asked, code="127.0.0.9"), whom)


@pytest.mark.parametrize(
    "lie",
    [wrong_number, wrong_question, wrong_type, a_query, spoofed_source],
    ids=lambda f: f.__name__,
)
def test_what_answers_another_question_is_not_believed(lie: Any) -> None:
    def lies_first(server: FakeServer, asked: bytes, whom: Address) -> None:
        lie(server, asked, whom)
        server.send(answer(asked, rcode=Rcode.NXDOMAIN), whom, after=0.02)

    heard, _, _ = run(ask_one(lies_first))
    assert heard.reply is not None
    assert (heard.reply.rcode, heard.reply.answers) == (Rcode.NXDOMAIN, ())


def test_only_lies_are_silence() -> None:
    assert run(ask_one(spoofed_source))[0] == Heard(fault=Fault.TIMEOUT)


@pytest.mark.parametrize("tail", [b"\xff" * 40, b"\0" * 5000], ids=["garbage", "oversized"])
def test_garbage_is_told_from_silence_and_a_better_answer_still_counts(tail: bytes) -> None:
    def garbage(server: FakeServer, asked: bytes, whom: Address) -> None:
        server.send(answer(asked, code="127.0.0.2")[:-6] + tail, whom)

    def garbage_first(server: FakeServer, asked: bytes, whom: Address) -> None:
        (garbage if server.asked[asked[12:]] == 1 else plain)(server, asked, whom)

    assert run(ask_one(garbage))[0] == Heard(fault=Fault.GARBLED)
    assert codes(run(ask_one(garbage_first))[0]) == ["127.0.0.2"]


def truncates(server: FakeServer, asked: bytes, whom: Address) -> None:
    server.send(answer(asked, flags=0x8380), whom)


def framed(message: bytes) -> bytes:
    return struct.pack("!H", len(message)) + message


@pytest.mark.parametrize(
    ("tcp", "told"),
    [
        (lambda asked: framed(answer(asked, code="127.0.0.2")), None),
        (lambda asked: framed(answer(asked, flags=0x8380)), Fault.GARBLED),
        (lambda _asked: framed(b"\xff" * 60), Fault.GARBLED),
        (lambda _asked: framed(b"\xff" * 60)[:30], Fault.UNREACHABLE),
        (None, Fault.UNREACHABLE),
    ],
    ids=["whole", "truncated again", "garbage", "cut off", "closed port"],
)
def test_a_truncated_answer_is_fetched_by_tcp(tcp: Any, told: Fault | None) -> None:
    heard, server, client = run(ask_one(truncates, tcp=tcp))
    assert client.counts.by_tcp == 1
    assert sum(server.asked.values()) == 1
    if told is None:
        assert codes(heard) == ["127.0.0.2"]
    else:
        assert heard == Heard(fault=told)


def test_a_tcp_server_that_says_nothing_ends_in_time() -> None:
    async def ask() -> Heard:
        release = asyncio.Event()

        async def holds(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await release.wait()
            writer.close()

        async with serving(truncates) as (_, port):
            holder = await asyncio.start_server(holds, "127.0.0.1", port)
            async with client_of(port) as client:
                heard = await client.ask("a.test", Type.A)
            release.set()
            holder.close()
            await holder.wait_closed()
            return heard

    assert run(ask()) == Heard(fault=Fault.TIMEOUT)


def test_every_question_gets_exactly_one_answer_whatever_the_server_does() -> None:
    """Dropped, doubled, late, in another order, garbled: counted once each, none lost."""

    def chaos(server: FakeServer, asked: bytes, whom: Address) -> None:
        good, dice = answer(asked, code="127.0.0.2"), CHANCE.random()
        if dice < 0.2:
            return
        if dice < 0.3:
            server.send(good[:-3], whom)
            return
        if dice < 0.35:
            server.send(good, whom, after=1.0)
            return
        for _ in range(CHANCE.choice((1, 1, 2, 3))):
            server.send(good, whom, after=CHANCE.random() * 0.03)

    heard, _, client = run(ask_many(chaos, 3_000))
    assert len(heard) == 3_000
    assert Counter(map(len, heard.values())) == {1: 3_000}
    assert all((one.reply is None) != (one.fault is None) for (one,) in heard.values())
    assert client.counts.strays > 0
    good = sum(one.reply is not None for (one,) in heard.values())
    assert 2_500 < good < 3_000


def test_ports_change_and_numbers_are_random() -> None:
    heard, server, _ = run(ask_many(plain, 2_000, limits=Limits(renew=100)))
    assert len(heard) == 2_000
    assert len(server.senders) >= 20
    numbers = set(server.numbers)
    assert len(numbers) > 1_900
    assert max(Counter(number >> 12 for number in numbers).values()) < 250


def test_a_window_and_the_whole_client_hold_back() -> None:
    on_the_way: list[int] = []
    pending: list[tuple[bytes, Address]] = []

    def holds(server: FakeServer, asked: bytes, whom: Address) -> None:
        pending.append((asked, whom))
        on_the_way.append(len(pending))
        asyncio.get_running_loop().call_later(0.01, release, server)

    def release(server: FakeServer) -> None:
        asked, whom = pending.pop(0)
        plain(server, asked, whom)

    patient = replace(HASTY, waits=(10.0, 10.0))  # nothing is sent again on a slow machine
    run(ask_many(holds, 300, window=10, limits=patient))
    assert max(on_the_way) == 10
    on_the_way.clear()
    run(ask_many(holds, 300, window=1000, limits=replace(patient, on_the_way=25)))
    assert max(on_the_way) == 25


def test_a_pace_is_kept() -> None:
    async def timed() -> float:
        begun = asyncio.get_running_loop().time()
        heard, _, _ = await ask_many(plain, 60, pace=Pace(100, burst=10))
        assert len(heard) == 60
        return asyncio.get_running_loop().time() - begun

    assert 0.45 < run(timed()) < 8


def test_pace_is_exact_about_time() -> None:
    pace = Pace(10, burst=2)
    now, taken = 100.0, 0
    while now < 110.0:
        wait = pace.wait(now)
        taken += not wait
        now += wait + 1e-9
    assert 100 <= taken <= 103


def test_a_listener_that_fails_ends_the_asking() -> None:
    def fails(key: int, heard: Heard) -> None:
        raise RuntimeError("full")

    async def ask() -> None:
        questions = ((number, question(f"n{number}.test", Type.A)) for number in range(1_000))
        async with serving(plain) as (_, port), client_of(port) as client:
            await client.ask_all(questions, fails)

    with pytest.raises(RuntimeError, match="full"):
        run(ask())


def test_asking_stops_when_the_iterator_ends_early() -> None:
    async def ask() -> int:
        seen: list[Heard] = []

        def until_heard() -> Any:
            for number in range(100_000):
                if len(seen) >= 20:
                    return
                yield number, question(f"n{number}.test", Type.A)

        async with serving(plain) as (_, port), client_of(port) as client:
            await client.ask_all(until_heard(), lambda _, one: seen.append(one), window=5)
        return len(seen)

    assert 20 <= run(ask()) <= 25


def test_what_is_on_the_way_when_the_client_closes_lands_as_closed() -> None:
    async def ask() -> tuple[dict[int, Heard], Heard]:
        heard: dict[int, Heard] = {}
        questions = ((number, question(f"n{number}.test", Type.A)) for number in range(300))
        async with serving(lambda *_: None) as (_, port):
            async with client_of(port, Limits()) as client:
                many = asyncio.create_task(client.ask_all(questions, heard.__setitem__))
                one = asyncio.create_task(client.ask("a.test", Type.A))
                await asyncio.sleep(0.05)
            await many
            return heard, await one

    heard, one = run(ask())
    assert one == Heard(fault=Fault.CLOSED)
    assert Counter(each.fault for each in heard.values()) == {Fault.CLOSED: 300}


def test_a_name_is_no_server() -> None:
    with pytest.raises(ValueError, match="localhost"):
        Server(host="localhost")


def test_it_speaks_ipv6_too() -> None:
    async def ask() -> Heard:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: FakeServer(plain), local_addr=("::1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        async with DnsClient(Server(host="::1", port=port), limits=HASTY) as client:
            heard = await client.ask("a.test", Type.A)
        transport.close()
        return heard

    assert codes(run(ask())) == ["127.0.0.2"]
