"""Runs rbldnsd with many zones, and unbound in front of it, on loopback."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from tests.servers import debian
from tests.servers.run import IS_ROOT, Server, end, folder, free_port, needs

SOA = "$SOA 3000 ns.{zone} hostmaster.{zone} 1 3600 600 86400 300"
DataSets = Mapping[str, Mapping[str, Sequence[str]]]
"""Zone -> kind of rbldnsd's data set (ip4set, ip4trie, ip6trie) -> lines."""


@contextmanager
def rbldnsd(zones: DataSets) -> Iterator[Server]:
    """Serve zones from lines in rbldnsd's own format."""
    program, port = needs("rbldnsd"), free_port()
    with folder("nobody") as home:
        parts = []
        for zone, sets in zones.items():
            for kind, lines in sets.items():
                file = home / f"{zone}.{kind}"
                file.write_text("\n".join([SOA.format(zone=zone), *lines]) + "\n")
                parts.append(f"{zone}:{kind}:{file}")
        command = [program, "-n", "-b", f"127.0.0.1/{port}", *parts]
        with _running(command, home=home, port=port, asks=next(iter(zones))) as server:
            yield server


UNBOUND = """\
server:
  interface: 127.0.0.1
  port: {port}
  access-control: 127.0.0.0/8 allow
  chroot: ""
  username: ""
  directory: "{home}"
  pidfile: "{home}/pid"
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  do-not-query-localhost: no
  do-ip6: no
  outgoing-interface: 127.0.0.1
  num-threads: 1
  so-reuseport: no
  root-hints: ""
  local-zone: "test." nodefault
  msg-cache-size: 16m
  rrset-cache-size: 16m
  serve-expired: no
{more}
remote-control:
  control-enable: no
"""
STUB = 'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{port}\n  stub-prime: no\n'


@contextmanager
def unbound(stubs: Mapping[str, int], *, more: str = "") -> Iterator[Server]:
    """A caching resolver that knows nothing but these zones, each at its port."""
    program, port = needs("unbound"), free_port()
    with folder("nobody") as home:
        text = UNBOUND.format(port=port, home=home, more=more)
        text += "".join(STUB.format(zone=zone, port=at) for zone, at in stubs.items())
        (home / "conf").write_text(text)
        command = [program, "-d", "-p", "-c", home / "conf"]
        with _running(command, home=home, port=port, asks=next(iter(stubs))) as server:
            yield server


@contextmanager
def _running(
    command: Sequence[str | Path], *, home: Path, port: int, asks: str
) -> Iterator[Server]:
    """Start it as nobody, wait until it answers, and end it afterwards."""
    become = {"user": "nobody"} if IS_ROOT else {}
    with (home / "out").open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=home,
            env={**debian.environment(), "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            **become,  # type: ignore[call-overload]
        )
    try:
        _wait(process, port, asks, home)
        yield Server(port=port, home=home, process=process)
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], port: int, zone: str, home: Path) -> None:
    deadline = time.monotonic() + 15
    question = dns.message.make_query(f"2.0.0.127.{zone}", "A")
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(dns.exception.DNSException, OSError):
            dns.query.udp(question, "127.0.0.1", port=port, timeout=0.3)
            return
    pytest.fail(f"the server did not answer: {(home / 'out').read_text(errors='replace')[-800:]}")


@contextmanager
def slow(port: int, *, delay: float) -> Iterator[int]:
    """A relay on the way to a server that holds every answer back."""
    stop = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(0.05)
        thread = threading.Thread(target=_relay, args=(own, port, delay, stop))
        thread.start()
        try:
            yield own.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def _relay(own: socket.socket, port: int, delay: float, stop: threading.Event) -> None:
    held: list[tuple[float, bytes, tuple[str, int]]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.settimeout(1)
        while not stop.is_set():
            with suppress(TimeoutError):
                message, whom = own.recvfrom(4096)
                there.sendto(message, ("127.0.0.1", port))
                held.append((time.monotonic() + delay, there.recv(4096), whom))
            while held and held[0][0] <= time.monotonic():
                _, answer, whom = held.pop(0)
                own.sendto(answer, whom)
