"""Asking one DNS server, the one that was configured, and nobody else: UDP, TCP where it must be.

Every question gets exactly one `Heard`: a reply, or the fault that stood in its way. Several
connected sockets with ports of the kernel's choosing, replaced now and then; random numbers; no
more on the way than a server's buffer holds. What is not answered is sent again after half a
second and after one more; two seconds later it has timed out. Memory is bounded by what is on
the way.

    async with DnsClient(Server(host="127.0.0.1", port=53)) as client:
        heard = await client.ask("example.net", Type.MX)
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from openletter.net.dns_ports import LARGEST, Limits, Port, Ports, Server
from openletter.net.pace import Pace
from openletter.wire.dns import Garbled, Reply, Type, is_answer_to, query, question, read_reply

WINDOW = 100
_AT_ONCE = 64
_TICK = 0.02
_AGAIN_A_TICK = 20
"""Sent again at most so many a tick: a burst is what was lost in the first place."""

Key = TypeVar("Key")


class Fault(StrEnum):
    """Why there is no reply."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    GARBLED = "garbled"
    CLOSED = "closed"


class Heard(NamedTuple):
    """What came of a question: a reply or a fault, never both, never neither."""

    reply: Reply | None = None
    fault: Fault | None = None


@dataclass(kw_only=True)
class Counts:
    """What went over the wire, for logs and benchmarks."""

    asked: int = 0
    sent: int = 0
    again: int = 0
    strays: int = 0
    by_tcp: int = 0
    faults: dict[str, int] = field(default_factory=dict)


class _Asker(Protocol):
    """Whoever waits for what comes of questions."""

    def landed(self, key: object, heard: Heard) -> None: ...
    def go_on(self) -> None: ...


class _Flight:
    """One question on its way. `is_settled`: nothing of it is sent by UDP any more."""

    __slots__ = (
        *("asked", "asker", "due", "fault", "is_over", "is_settled", "key", "number", "port"),
        "tries",
    )

    def __init__(self, asked: bytes, asker: _Asker, key: object) -> None:
        self.asked, self.asker, self.key = asked, asker, key
        self.number = self.tries = 0
        self.due = 0.0
        self.fault = Fault.TIMEOUT
        self.is_over = self.is_settled = False
        self.port: Port[_Flight] | None = None


class _One:
    """Waits for a single question."""

    __slots__ = ("future",)

    def __init__(self, future: asyncio.Future[Heard]) -> None:
        self.future = future

    def landed(self, key: object, heard: Heard) -> None:
        if not self.future.done():
            self.future.set_result(heard)

    def go_on(self) -> None: ...


class _Stream(Generic[Key]):
    """Waits for many: takes the next question from the iterator when one has landed."""

    def __init__(
        self,
        client: DnsClient,
        questions: Iterator[tuple[Key, bytes]],
        heard: Callable[[Key, Heard], object],
        *,
        window: int,
        pace: Pace | None,
    ) -> None:
        self._client, self._questions, self._heard = client, questions, heard
        self._window, self._pace = window, pace
        self._flying, self._ended = 0, False
        self._turn: asyncio.TimerHandle | None = None
        self.done: asyncio.Future[None] = client.loop.create_future()

    def landed(self, key: object, heard: Heard) -> None:
        self._flying -= 1
        if self.done.done():
            return  # whoever waited has gone away
        try:
            self._heard(key, heard)  # type: ignore[arg-type]  # the key that came with the question
        except Exception as problem:  # noqa: BLE001 - the listener's own; whoever waits gets it
            self._fail(problem)

    def go_on(self) -> None:
        """Send as many as window, pace and room allow."""
        try:
            while self._flying < self._window and not self._ended and self._has_turn():
                self._send_next()
        except Exception as problem:  # noqa: BLE001 - the iterator's own; whoever waits gets it
            self._fail(problem)
        if self._ended and not self._flying and not self.done.done():
            self.done.set_result(None)

    def end(self) -> None:
        """Ask nothing more; what is on the way still lands."""
        self._ended = True
        if self._turn is not None:
            self._turn.cancel()

    def _fail(self, problem: Exception) -> None:
        self._ended = True
        if not self.done.done():
            self.done.set_exception(problem)

    def _send_next(self) -> None:
        found = next(self._questions, None)
        if found is None:
            self._ended = True
            return
        key, asked = found
        self._flying += 1
        self._client.send(asked, self, key)

    def _has_turn(self) -> bool:
        if not self._client.has_room:
            self._client.thirsty[id(self)] = self
            return False
        now = self._client.loop.time()
        wait = self._pace.wait(now) if self._pace else 0.0
        if wait and (self._turn is None or self._turn.when() <= now):
            self._turn = self._client.loop.call_later(wait, self.go_on)
        return not wait


class DnsClient:
    """Asks one server for as long as the `async with` block lasts."""

    def __init__(self, server: Server, *, limits: Limits | None = None) -> None:
        self.server, self.limits = server, limits or Limits()
        self.counts = Counts()
        self.thirsty: dict[int, _Asker] = {}
        self._waiting: list[deque[_Flight]] = [deque() for _ in self.limits.waits]
        self._flying = 0
        self._ports: Ports[_Flight] = Ports(
            server, count=self.limits.ports, renew=self.limits.renew, readable=self._readable
        )
        self._by_task: dict[asyncio.Task[None], _Flight] = {}
        self._is_open = False

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self._tcp = asyncio.Semaphore(self.limits.tcp_at_once)
        self._single = asyncio.Semaphore(max(1, self.limits.on_the_way // 2))
        self._ticking = self.loop.call_later(_TICK, self._tick)
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whatever is still on its way lands as `closed`."""
        self._is_open = False
        self._ticking.cancel()
        dialogues = dict(self._by_task)
        for task in dialogues:
            task.cancel()
        await asyncio.gather(*dialogues, return_exceptions=True)
        for flight in [*dialogues.values(), *self._ports.close()]:
            self._land_and_go_on(flight, Heard(fault=Fault.CLOSED))

    # -- asking ----------------------------------------------------------------------------------

    async def ask(self, name: str, kind: Type) -> Heard:
        """One question; BadNameError where the name cannot be asked for."""
        asked = question(name, kind)
        async with self._single:
            one = _One(self.loop.create_future())
            self.send(asked, one, None)
            return await one.future

    async def ask_all(
        self,
        questions: Iterable[tuple[Key, bytes]],
        heard: Callable[[Key, Heard], object],
        *,
        window: int = WINDOW,
        pace: Pace | None = None,
    ) -> None:
        """Many questions, `window` at a time; `heard` is called once for each, as answers come.

        `heard` is for cheap work only. The iterator is read as questions leave, so it may end
        early when what was heard says so.
        """
        stream = _Stream(self, iter(questions), heard, window=window, pace=pace)
        stream.go_on()
        try:
            await stream.done
        finally:
            stream.end()
            self.thirsty.pop(id(stream), None)

    @property
    def has_room(self) -> bool:
        return self._flying < self.limits.on_the_way

    def send(self, asked: bytes, asker: _Asker, key: object) -> None:
        """Let a question leave; the asker hears of it exactly once, and never before this ends."""
        flight = _Flight(asked, asker, key)
        self._flying += 1
        self.counts.asked += 1
        if not self._is_open:
            self.loop.call_soon(self._land_and_go_on, flight, Heard(fault=Fault.CLOSED))
            return
        try:
            flight.port, flight.number = self._ports.seat(flight)
        except OSError:
            self.loop.call_soon(self._land_and_go_on, flight, Heard(fault=Fault.UNREACHABLE))
            return
        self._transmit(flight)

    def _transmit(self, flight: _Flight) -> None:
        self.counts.sent += 1
        flight.due = self.loop.time() + self.limits.waits[flight.tries]
        self._waiting[flight.tries].append(flight)
        flight.tries += 1
        message = query(flight.number, flight.asked, udp_size=self.limits.udp_size)
        if flight.port is not None and not flight.port.send(message):
            flight.fault = Fault.UNREACHABLE

    # -- hearing ---------------------------------------------------------------------------------

    def _readable(self, port: Port[_Flight]) -> None:
        """Take what lies there, a bounded number at once, then let those who ask go on."""
        fed: dict[int, _Asker] = {}
        for _ in range(_AT_ONCE):
            try:
                message = port.receive()
            except OSError:
                self._refused(port)
                continue
            if message is None:
                break
            asker = self._take(port, message)
            if asker is not None:
                fed[id(asker)] = asker
        self._go_on(fed.values())

    def _take(self, port: Port[_Flight], message: bytes) -> _Asker | None:
        """One datagram; what answers nothing that was asked is counted and left."""
        flight = port.flights.get(message[0] << 8 | message[1]) if len(message) > 1 else None
        if flight is None or not is_answer_to(message, flight.asked):
            self.counts.strays += 1
            return None
        reply = read_reply(message, flight.asked)
        if isinstance(reply, Garbled) or len(message) > LARGEST:
            flight.fault = Fault.GARBLED  # a better one may come when it is sent again
            return None
        if reply.is_truncated:
            self._go_by_tcp(flight)
            return None
        self._land(flight, Heard(reply=reply))
        return flight.asker

    def _refused(self, port: Port[_Flight]) -> None:
        """Nobody listens there, says the network; it may be a moment's absence."""
        for flight in port.flights.values():
            flight.fault = Fault.UNREACHABLE

    def _land(self, flight: _Flight, heard: Heard) -> None:
        """The one place where a question ends."""
        if flight.is_over:
            return
        flight.is_over = flight.is_settled = True
        self._flying -= 1
        if heard.fault is not None:
            self.counts.faults[heard.fault] = self.counts.faults.get(heard.fault, 0) + 1
        self._leave(flight)
        flight.asker.landed(flight.key, heard)

    def _leave(self, flight: _Flight) -> None:
        if flight.port is not None:
            self._ports.leave(flight.port, flight.number)
            flight.port = None

    def _land_and_go_on(self, flight: _Flight, heard: Heard) -> None:
        self._land(flight, heard)
        self._go_on([flight.asker])

    def _go_on(self, askers: Iterable[_Asker]) -> None:
        for asker in askers:
            asker.go_on()
        for place in list(self.thirsty):
            if not self.has_room:
                return
            self.thirsty.pop(place).go_on()

    def _tick(self) -> None:
        """Send again what has waited long enough; what was sent three times has timed out."""
        now, ended, left = self.loop.time(), dict[int, _Asker](), _AGAIN_A_TICK
        for waiting in self._waiting:
            while waiting and left and (waiting[0].is_settled or waiting[0].due <= now):
                flight = waiting.popleft()
                if not flight.is_settled:
                    left -= self._again_or_over(flight, ended)
        self._ticking = self.loop.call_later(_TICK, self._tick)
        self._go_on(ended.values())

    def _again_or_over(self, flight: _Flight, ended: dict[int, _Asker]) -> int:
        """1 where it was sent again."""
        if flight.tries < len(self.limits.waits):
            self.counts.again += 1
            self._transmit(flight)
            return 1
        self._land(flight, Heard(fault=flight.fault))
        ended[id(flight.asker)] = flight.asker
        return 0

    # -- TCP -------------------------------------------------------------------------------------

    def _go_by_tcp(self, flight: _Flight) -> None:
        """The answer does not fit a datagram (RFC 7766); it is no longer waited for there."""
        flight.is_settled = True
        self._leave(flight)
        self.counts.by_tcp += 1
        task = self.loop.create_task(self._by_tcp(flight))
        self._by_task[task] = flight
        task.add_done_callback(self._by_task.pop)

    async def _by_tcp(self, flight: _Flight) -> None:
        heard = Heard(fault=Fault.CLOSED)
        try:
            async with asyncio.timeout(self.limits.tcp_patience), self._tcp:
                heard = await self._dialogue(flight)
        except TimeoutError:
            heard = Heard(fault=Fault.TIMEOUT)
        except (OSError, asyncio.IncompleteReadError):
            heard = Heard(fault=Fault.UNREACHABLE)
        finally:
            self._land_and_go_on(flight, heard)

    async def _dialogue(self, flight: _Flight) -> Heard:
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
        try:
            message = query(flight.number, flight.asked)
            writer.write(struct.pack("!H", len(message)) + message)
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            answer = await reader.readexactly(size)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        is_ours = answer[:2] == message[:2] and is_answer_to(answer, flight.asked)
        reply = read_reply(answer, flight.asked) if is_ours else Garbled("not to this question")
        if isinstance(reply, Garbled) or reply.is_truncated:
            return Heard(fault=Fault.GARBLED)
        return Heard(reply=reply)
