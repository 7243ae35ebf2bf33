"""Keeps the children of `openletter up` running: web, worker, intake. Stops them together.

A child that ends is started again after a moment; one that keeps ending takes the whole down,
because a half-running installation looks like a running one.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

from openletter.shell.configuration import Endpoint

log = structlog.get_logger(__name__)
PATIENCE_SECONDS = 35
"""A worker finishes its batch within 30 s; then it is killed, which costs an `unknown` at most."""
RESTARTS, WITHIN_SECONDS = 5, 60


class AlreadyUpError(Exception):
    """Another `openletter up` runs on this state folder."""


class KeepsEndingError(Exception):
    """A child ended again and again; its own log says why."""


@dataclass(kw_only=True)
class Child:
    """One process of ours, started as `python -m openletter …` or `python -m granian …`."""

    name: str
    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS))

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl-C reaches only us."""
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            env={**os.environ, **self.environment},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def restart_if_ended(self, *, now: float) -> None:
        """Start it again; raise where it ended too often within a minute."""
        if self.process is None or self.process.poll() is None:
            return
        self.ends.append(now)
        if len(self.ends) == RESTARTS and now - self.ends[0] < WITHIN_SECONDS:
            raise KeepsEndingError(f"{self.name} keeps ending (code {self.process.returncode})")
        log.warning("started again", child=self.name, code=self.process.returncode)
        time.sleep(1)
        self.start()

    def stop(self, *, deadline: float) -> None:
        """Wait for a child that was told to end; kill its group where it does not."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def web(endpoint: Endpoint) -> Child:
    """Give the web server: site and desk, WSGI, one process with a few threads."""
    arguments = ["-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"]
    arguments += ["--blocking-threads", "4", "--host", endpoint.host, "--port", str(endpoint.port)]
    arguments += ["--workers-kill-timeout", "5"]  # one told to end while starting would never
    arguments += ["--log-level", "warning", "openletter.shell.wsgi:application"]
    return Child(name="web", arguments=arguments)


def ours(name: str, *arguments: str) -> Child:
    """Give a child that is a command of ours."""
    return Child(name=name, arguments=["-m", "openletter", *arguments])


def run(
    children: Sequence[Child],
    *,
    stopped: threading.Event,
    watch: Callable[[], object] = lambda: None,
) -> None:
    """Start the children, look after them and whatever `watch` does until STOPPED is set."""
    try:
        for child in children:
            child.start()
        while not stopped.wait(1):
            watch()
            for child in children:
                child.restart_if_ended(now=time.monotonic())
    finally:
        running = [child for child in reversed(children) if child.process is not None]
        for child in running:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for child in running:
            child.stop(deadline=deadline)


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; a second one does nothing more."""
    stopped = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the state folder's lock, with our process number in it for `openletter down`."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "up.pid").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            lock.seek(0)
            raise AlreadyUpError(f"it is up already (process {lock.read().strip()})") from problem
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def holder(state: Path) -> int | None:
    """Give the process that holds the lock, or None."""
    try:
        with (state / "up.pid").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return int((state / "up.pid").read_text() or 0) or None
    except FileNotFoundError:
        return None


def answers(endpoint: Endpoint, *, within: float) -> bool:
    """Say whether something listens there before WITHIN seconds are over."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            socket.create_connection((endpoint.host, endpoint.port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False
