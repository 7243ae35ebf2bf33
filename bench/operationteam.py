"""The workers of the replayed operation: started, watched, killed if asked, and read out."""

# ruff: noqa: INP001, PLC0415 (programs; Django is set up before its rooms are imported)
from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bench.operationplace import Sink
    from openletter.campaigns.models import Campaign

LOOK_EVERY = 1.0
QUIET = 3
"""So many looks in a row nothing may wait before it is over."""
PATIENCE = 3_600.0


class Stage(Protocol):
    campaign: Campaign
    sink: Sink


class Team:
    """`openletter worker` processes, each in a group of its own so that no other is touched."""

    def __init__(self, state: Path, *, workers: int) -> None:
        self.state, self.workers, self.killed = state, workers, 0
        self._running: list[subprocess.Popen[bytes]] = []
        self._log = state / "workers.log"
        self._dice = random.Random()  # noqa: S311

    def pids(self) -> list[int]:
        return [one.pid for one in self._running if one.poll() is None]

    def start(self) -> None:
        command = [sys.executable, "-m", "openletter", "worker", "--concurrency", "1"]
        for _ in range(self.workers):
            with self._log.open("ab") as log:
                self._running.append(
                    subprocess.Popen(
                        command, stderr=log, stdout=log, stdin=subprocess.DEVNULL,
                        start_new_session=True, cwd=Path(__file__).resolve().parent.parent,
                    )
                )  # fmt: skip

    def stop(self) -> None:
        for one in self._running:
            one.terminate()
        for one in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(60)
        self.kill()

    def kill(self) -> None:
        """End every worker at once, in whatever it is doing."""
        for one in self._running:
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait()
        self._running = []

    def watch(self, stage: Stage, *, kills: int) -> float:
        """Wait until nothing waits any more; when the sink took its last letter."""
        quiet, taken, last = 0, -1, time.monotonic()
        until, next_kill = last + PATIENCE, self._next_kill(kills)
        while quiet < QUIET:
            time.sleep(LOOK_EVERY)
            now, count = time.monotonic(), stage.sink.told().messages
            is_moving = count != taken
            if is_moving:
                taken, last = count, now
            if now > next_kill:
                self.kill()
                self.killed += 1
                self.start()
                next_kill = self._next_kill(kills - self.killed)
            quiet = 0 if is_moving or _waits(stage.campaign) else quiet + 1
            self._look_for_errors()
            if now > until:
                raise SystemExit(f"not done after {PATIENCE:.0f} s; see {self._log}")
        return last

    def _look_for_errors(self) -> None:
        """A step that fails again and again will not end by being waited for."""
        text = self._log.read_text(errors="replace")
        if text.count("ended with status: Error") > self.killed * 5 + 10:
            raise SystemExit(text[-3_000:])

    def _next_kill(self, left: int) -> float:
        return time.monotonic() + self._dice.uniform(5, 25) if left > 0 else float("inf")

    def table(self) -> list[dict[str, object]]:
        """What the workers' log says of each step: rows, and seconds by the clock and of CPU."""
        found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for line in self._log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                told = json.loads(line)
                if told["event"] == "step":
                    row = found[told["step"]]
                    row["rows"] += told["settled"]
                    row["seconds"] += told["seconds"]
                    row["ours"] += told["cpu"]
        return [
            {"step": step, "rows": int(row["rows"]), "seconds": row["seconds"], "ours": row["ours"]}
            for step, row in found.items()
        ]


def _waits(campaign: Campaign) -> bool:
    """Whether anything is still to be done before or at the hand-over."""
    from openletter.campaigns import clock
    from openletter.letters.models import Delivery
    from openletter.line import LINE
    from openletter.words import StepName

    inside = Delivery.objects.filter(campaign=campaign, state__in=["cleared", "handing"])
    if inside.exists():
        return True
    names = [StepName.INGEST, StepName.WEIGH, StepName.OPEN, StepName.FIND, StepName.COMPOSE]
    now = clock.now(campaign)
    steps = [step for step in LINE if step.name in names]
    return any(step.ready(campaign, now=now).exists() for step in steps)
