"""From case rows to accepted letters in PostgreSQL, as a worker of the product does it.

    .venv/bin/python bench/fromrows.py [MAILBOXES...]

An installation of its own (durable database, journal on disk, `openletter worker send`) writes,
signs, clears, claims, hands over and records letters from case rows in all languages; a sink takes
them. Rates are wall time; beside them what the machine had to give: CPU seconds by part and letter,
and the peak of memory (shared pages once). Two sizes show whether it stays flat.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.fromrowsdata import fill
from bench.operationmeter import Meter, postmaster
from bench.operationplace import Sink, campaign, installation

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign

PATIENCE = 1_800.0


def started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "openletter", "worker", "send"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wake(of: Campaign) -> None:
    from openletter.line import step_named
    from openletter.shell import queue

    queue.wake([step_named("compose"), step_named("send")], of)


def until_accepted(sink: Sink, letters: int, worker: subprocess.Popen[bytes]) -> float:
    """Seconds until the sink has all of them."""
    begun = time.monotonic()
    while sink.told().messages < letters:
        if worker.poll() is not None or time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"{sink.told()}: not all of {letters} came")
        time.sleep(0.2)
    return time.monotonic() - begun


def settled(of: Campaign) -> dict[str, int]:
    """Deliveries by state, once the last ones are written down."""
    from django.db.models import Count

    from openletter.letters.models import Delivery

    for _ in range(100):
        rows = Delivery.objects.filter(campaign=of).values_list("state").annotate(n=Count("pk"))
        states = dict(rows)
        if "handing" not in states:
            break
        time.sleep(0.1)
    return states


def run(mailboxes: int) -> None:
    with installation() as state:
        from openletter.campaigns import clock

        sink = Sink(state / "mailbox")
        made = campaign()
        cases = fill(made, mailboxes=mailboxes, now=clock.wall())
        worker, database = started(), postmaster(state)
        parts = {
            "worker": lambda: [worker.pid], "database": lambda: [database],
            "sink": lambda: [sink.process.pid or 0],
        }  # fmt: skip
        try:
            with Meter(parts) as meter:
                before = meter.cpu()
                wake(made)
                seconds = until_accepted(sink, mailboxes, worker)
                cpu = {name: spent - before[name] for name, spent in meter.cpu().items()}
            report(mailboxes, cases, seconds, cpu, meter.peaks)
            print(f"  deliveries {settled(made)}, sink {sink.told()}")  # noqa: T201
        finally:
            worker.terminate()
            worker.wait()
            sink.stop()


def report(
    mailboxes: int, cases: int, seconds: float, cpu: dict[str, float], peaks: dict[str, int]
) -> None:
    print(  # noqa: T201
        f"{mailboxes:,} letters, {cases:,} cases: {seconds:.1f} s, {mailboxes / seconds:,.0f} /s"
        f" (load {os.getloadavg()[0]:.1f}); CPU {sum(cpu.values()):.1f} s ="
        f" {mailboxes / sum(cpu.values()):,.0f} letters a CPU second"
    )
    for name, spent in cpu.items():
        peak = peaks[name] / 1e6
        print(f"  {name:10}{spent * 1e6 / mailboxes:8,.0f} us a letter{peak:8,.0f} MB")  # noqa: T201


if __name__ == "__main__":
    sizes = sys.argv[1:] or ["5000", "20000"]
    if len(sizes) == 1:
        run(int(sizes[0]))
    for size in sizes if len(sizes) > 1 else ():  # each an installation, so each a process
        subprocess.run([sys.executable, __file__, size], check=True)
