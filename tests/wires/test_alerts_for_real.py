"""A worker that is killed and a disk that is full reach a person within two minutes, for real.

Real processes, a real webhook, and a small file system of its own for the disk, in a mount
namespace that nobody else sees.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from openletter.shell import postgres
from tests.servers.run import free_port
from tests.wires.loopback import Server
from tests.wires.test_alerts import Hook
from tests.wires.test_operating import House, founded, house

pytestmark = pytest.mark.full
__all__ = ["founded", "house"]

MOST_SECONDS = 120
RUNNING = """
from openletter.shell import setup
setup()
from datetime import UTC, datetime
from openletter.campaigns.models import Campaign, Partner
partner = Partner.objects.first()
campaign = Campaign.objects.create(
    slug="spring", name="Spring", exercise=True, state="running", lead=partner,
    created_at=datetime.now(UTC), sender_name="x", sender_address="x@example.net",
    bounce_domain="bounce.example.net", reply_domain="reply.example.net",
    site_url="https://letters.example.net",
)
"""

MARKED = """
from openletter.shell import setup
setup()
from datetime import UTC, datetime
from django.conf import settings
from openletter.letters.mark import at_start
assert at_start(settings.STATE, now=datetime.now(UTC)) is None
"""


def say(house: House, script: str) -> None:
    command = [sys.executable, "-c", script]
    subprocess.run(command, env=house.environment, cwd=house.home, check=True)


@pytest.fixture
def hook() -> Iterator[tuple[Hook, int]]:
    told = Hook()
    with Server(told.talk) as server:
        yield told, server.port


def started(
    stack: ExitStack, house: House, command: list[str], **more: str
) -> subprocess.Popen[bytes]:
    log = stack.enter_context((house.home / f"{len(house.started)}.log").open("wb"))
    process = subprocess.Popen(
        command, cwd=house.home, env={**house.environment, **more}, stdout=log, stderr=log
    )
    house.started.append(process)
    stack.callback(process.kill)
    return process


def heard(hook: Hook, cause: str, *, since: float) -> float:
    """Seconds until somebody heard of it."""
    while not any(row["cause"] == cause for row in hook.told):
        assert time.monotonic() - since < MOST_SECONDS, [row["cause"] for row in hook.told]
        time.sleep(0.2)
    return time.monotonic() - since


def beats(house: House) -> int:
    question = "SELECT count(*) FROM procrastinate_workers"
    return int(str(house.rows(question)[0][0]))


def test_a_killed_worker_is_heard_of(house: House, hook: tuple[Hook, int]) -> None:
    told, port = hook
    url = postgres.start(house.state).url(postgres.APP)
    ours = [sys.executable, "-m", "openletter"]
    say(house, RUNNING)
    with ExitStack() as stack:
        worker = started(stack, house, [*ours, "worker"], DATABASE_URL=url)
        until = time.monotonic() + 60
        while not beats(house) and time.monotonic() < until:
            time.sleep(0.5)
        assert beats(house) == 1
        started(
            stack, house, [*ours, "watch"], DATABASE_URL=url,
            OPENLETTER_ALERT_WEBHOOK=f"http://127.0.0.1:{port}/x", OPENLETTER_DISK_FLOOR="0",
        )  # fmt: skip
        time.sleep(5)
        assert told.told == []
        killed = time.monotonic()
        worker.send_signal(signal.SIGKILL)
        assert heard(told, "worker", since=killed) < MOST_SECONDS
        time.sleep(25)
        assert [row["cause"] for row in told.told] == ["worker"]
        assert "nothing moves" in told.told[0]["stopped"]


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="needs a mount namespace of its own",
)
def test_a_full_disk_is_heard_of_and_stops_what_leaves(
    house: House, hook: tuple[Hook, int], tmp_path: Path
) -> None:
    told, port = hook
    url = postgres.start(house.state).url(postgres.APP)
    say(house, MARKED)
    small, fill = tmp_path / "small", tmp_path / "fill"
    small.mkdir()
    script = (
        'mount -t tmpfs -o size=16m tmpfs "$1" && cp -a "$2/." "$1" && '
        '(while [ ! -e "$3" ]; do sleep 0.2; done; dd if=/dev/zero of="$1/all" bs=64k) & '
        'sleep 2; exec "$4" -m openletter watch'
    )
    kept = house.home / "kept"
    shutil.copytree(house.state, kept, ignore=shutil.ignore_patterns("pg", "*.sock*"))
    with ExitStack() as stack:
        started(
            stack, house,
            ["unshare", "--mount", "sh", "-c", script, "sh", *map(str, (small, kept, fill)), sys.executable],
            DATABASE_URL=url, OPENLETTER_STATE=str(small), OPENLETTER_DISK_FLOOR="4",
            OPENLETTER_ALERT_WEBHOOK=f"http://127.0.0.1:{port}/x", OPENLETTER_METRICS=f"127.0.0.1:{free_port()}",
        )  # fmt: skip
        time.sleep(12)
        assert told.told == []
        fill.touch()
        full = time.monotonic()
        assert heard(told, "disk", since=full) < MOST_SECONDS
        time.sleep(45)  # two more looks, on a disk that takes no note of what was told
        assert [row["cause"] for row in told.told] == ["disk"]
    assert house.rows("SELECT leaving_paused_because FROM installation") == [
        ("the disk is nearly full",)
    ]
