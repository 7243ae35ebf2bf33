"""A whole sending installation for the crash tests: database, smarthost, sender, and its judge.

The judge is what arrived at the last server: a message that our sender handed over twice has two
queue ids at the smarthost, or arrives twice where there is no smarthost between.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openletter.net.mailbox import received
from openletter.shell import postgres
from tests.samples import ROOT
from tests.servers import debian, run
from tests.wires.nasty import Nasty, serving
from tests.wires.sink import sink

_QUEUE_ID = re.compile(rb"by mx\.test \(Postfix\) with E?SMTP id (\w+)")


@dataclass
class Figures:
    """What came out of one scenario."""

    scenario: str
    letters: int
    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    unknown_that_arrived: int = 0
    duplicates: int = 0
    lost: int = 0
    seconds: float = 0.0

    def row(self) -> str:
        return json.dumps({**vars(self), "states": dict(self.states)})


class Smarthost:
    """Postfix where Debian's is unpacked, else our own server in a process of its own."""

    def __init__(self, home: Path, behind: Path) -> None:
        self.home, self.behind = home, behind
        self.port = run.free_port()
        self.is_postfix = debian.program("postfix") is not None and run.IS_ROOT
        self._sink = sink(behind)
        self._sink_port = self._sink.start() if self.is_postfix else 0
        self._context: object = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.home / "log"

    def start(self) -> None:
        if not self.is_postfix:
            command = [sys.executable, "-m", "tests.wires.sink", str(self.behind), str(self.port)]
            self._process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            _await_port(self.port)
            return
        settings = {
            "default_transport": f"smtp:[127.0.0.1]:{self._sink_port}",
            "default_destination_concurrency_limit": "5", "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s", "queue_run_delay": "1s",
        }  # fmt: skip
        self._context = run.postfix(port=self.port, settings=settings, home=self.home)
        self._process = self._context.__enter__().process  # type: ignore[attr-defined]

    def kill(self) -> None:
        """SIGKILL to the server and all its children at once."""
        assert self._process is not None
        for pid in [self._process.pid, *_children(self._process.pid)]:
            _kill(pid)
        self._process.wait()
        (self.home / "queue/pid/master.pid").unlink(missing_ok=True)
        (self.home / "data/master.lock").unlink(missing_ok=True)

    def flush(self, count: Callable[[], int]) -> None:
        """Wait until what it accepted has come out at the other end."""
        if not self.is_postfix:
            return
        before, quiet_since = -1, time.monotonic()
        while time.monotonic() - quiet_since < 8:
            now = count()
            if now != before:
                before, quiet_since = now, time.monotonic()
            time.sleep(0.5)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            run.end(self._process)
        if self.is_postfix:
            self._sink.stop()


def _children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    by_parent: dict[int, list[int]] = defaultdict(list)
    for line in found.stdout.splitlines():
        child, parent = map(int, line.split())
        by_parent[parent].append(child)
    queue, all_of_them = [pid], []
    while queue:
        children = by_parent[queue.pop()]
        all_of_them += children
        queue += children
    return all_of_them


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _await_port(port: int) -> None:
    import socket

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the server did not answer")


class NastyHost(Smarthost):
    """A server in this process that misbehaves at random; what it took, it knows itself."""

    def __init__(self, home: Path, behind: Path, nasty: Nasty) -> None:
        self.home, self.behind, self.nasty = home, behind, nasty
        self.is_postfix = False
        self._serving = serving(nasty)

    def start(self) -> None:
        self.port = self._serving.__enter__()

    def end(self) -> None:
        self._serving.__exit__(None, None, None)


class Plant:
    """One installation in a folder of its own."""

    def __init__(self, home: Path, nasty: Nasty | None = None) -> None:
        self.home, self.state = home, home / "state"
        self.behind, self.nasty = home / "behind", nasty
        place = home / "smarthost"
        self.smarthost = (
            Smarthost(place, self.behind) if nasty is None else NastyHost(place, self.behind, nasty)
        )

    # -- database and verbs --------------------------------------------------------------------

    def environment(self, state: Path | None = None) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
        return {
            **own,
            "OPENLETTER_STATE": str(state or self.state),
            "OPENLETTER_SMARTHOST": f"127.0.0.1:{self.smarthost.port}",
            **({"CRASH_IMPATIENT": "1"} if self.nasty else {}),
            "DJANGO_SETTINGS_MODULE": "openletter.shell.settings",
        }

    def build(self, letters: int) -> None:
        self.smarthost.start()
        postgres.start(self.state)
        command = [sys.executable, "-m", "openletter", "migrate", "--quiet"]
        subprocess.run(command, env=self.environment(), check=True, cwd=ROOT)
        self.verb("prepare", str(letters))

    def verb(self, *arguments: str, state: Path | None = None) -> str:
        command = [sys.executable, "-m", "tests.wires.crash_worker", *arguments]
        done = subprocess.run(
            command,
            env=self.environment(state),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def counted(self, state: Path | None = None) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.verb("count", state=state).splitlines()[-1])
        return found

    def kill_database(self) -> None:
        """SIGKILL to the postmaster; its children notice and end."""
        pid_file = next(self.state.rglob("postmaster.pid"), None)
        assert pid_file is not None
        pid = int(pid_file.read_text().splitlines()[0])
        children = _children(pid)
        _kill(pid)
        for child in children:
            _kill(child)

    def start_database(self) -> None:
        postgres.start(self.state)

    def stop_database(self) -> None:
        postgres.stop(self.state)

    # -- the sender ----------------------------------------------------------------------------

    @contextmanager
    def sender(self, *arguments: str, state: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """A sender process that has said `ready`."""
        command = [sys.executable, "-m", "tests.wires.crash_worker", "send", *arguments]
        process = subprocess.Popen(
            command, env=self.environment(state), stdout=subprocess.PIPE, text=True, cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def send_all(self, *arguments: str, state: Path | None = None, timeout: float = 900) -> None:
        """A sender that is left alone until nothing waits."""
        with self.sender(*arguments, state=state) as process:
            process.wait(timeout)

    # -- the judge -----------------------------------------------------------------------------

    def arrivals(self) -> dict[str, set[str]]:
        """Message-ID -> the different hand-overs by which it reached the last server."""
        found: dict[str, set[str]] = defaultdict(set)
        if self.nasty is not None:
            return {
                one.decode(): {f"{number}" for number in range(count)}
                for one, count in self.nasty.taken.items()
            }
        for one in received(self.behind):
            queue = _QUEUE_ID.search(one.raw(self.behind)) if self.smarthost.is_postfix else None
            found[one.message_id].add(queue[1].decode() if queue else one.file)
        return found

    def judge(self, scenario: str, *, kills: int, started: float) -> Figures:
        if self.nasty is None:
            self.smarthost.flush(lambda: sum(1 for _ in received(self.behind)))
        states = self.counted()["states"]
        assert isinstance(states, dict)
        arrived = self.arrivals()
        sure = [one for one, state in states.items() if state in ("accepted", "delivered")]
        unknown = [one for one, state in states.items() if state == "unknown"]
        return Figures(
            scenario=scenario,
            letters=len(states),
            kills=kills,
            states=Counter(states.values()),
            arrived=len(arrived),
            unknown_that_arrived=sum(one in arrived for one in unknown),
            duplicates=sum(len(ways) - 1 for ways in arrived.values()),
            lost=sum(one not in arrived for one in sure),
            seconds=round(time.monotonic() - started, 1),
        )

    def end(self) -> None:
        self.smarthost.end()
        for state in [self.state, *self.home.glob("copy*")]:
            if state.exists():
                postgres.stop(state)


@contextmanager
def plant(*, letters: int, nasty: Nasty | None = None) -> Iterator[Plant]:
    """In a folder that the servers' users can enter, too."""
    with run.folder() as home:
        made = Plant(home, nasty)
        try:
            made.build(letters)
            yield made
        finally:
            made.end()


def a_moment(chance: random.Random, longest: float) -> None:
    time.sleep(chance.uniform(0, longest))


def copy_folder(source: Path, target: Path) -> None:
    """As `cp -a` does: owners, times, everything."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
