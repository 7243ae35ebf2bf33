"""The operation of 2004 replayed: a million suspect rows, from files to letters that a sink took.

    .venv/bin/python bench/operation.py [--rows N] [--workers 2] [--kill TIMES] [--walk]

An installation of its own: embedded PostgreSQL, real files, an exercise on private addresses with
holders in sixty countries, `openletter worker` processes as an operator runs them, and a sink on
loopback that counts per recipient. Making the files and loading the registry are set-up and stated
apart. `--kill` ends all workers with SIGKILL at random moments, so many times, and goes on.
`--walk` takes the steps one after the other in this process and tells what each costs here and in
PostgreSQL. The last line is one JSON object.
"""

# ruff: noqa: INP001, PLC0415 (programs; Django is set up before its rooms are imported)
from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.operationmeter import Groups, Meter, postmaster
from bench.operationplace import Sink, Taken, campaign, installation
from bench.operationteam import Team

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign

MB = 1 << 20


@dataclass(kw_only=True)
class Stage:
    """What is set up before the clock starts."""

    state: Path
    campaign: Campaign
    sink: Sink
    rows: int
    networks: int
    setup: dict[str, float] = field(default_factory=dict)


def set_up(state: Path, *, rows: int) -> Stage:
    """Files on disk, a registry loaded, the sink listening."""
    from bench import operationdata as data
    from openletter.campaigns import clock
    from openletter.contacts import steps as contacts

    begun, made = time.monotonic(), campaign()
    registry = state / "registry.db.txt"
    data.write_registry(registry, mailboxes=max(rows // 10, 1))
    written = data.write_feeds(state / "feeds", rows=rows, day=clock.wall())
    between = time.monotonic()
    loads = contacts.load_registries([registry], exercise=made, now=clock.wall())
    setup = {"files": between - begun, "registry": time.monotonic() - between}
    return Stage(
        state=state, campaign=made, sink=Sink(state / "mailbox"), rows=written,
        networks=sum(one.netblocks for one in loads), setup=setup,
    )  # fmt: skip


def deliver(stage: Stage) -> None:
    """Put the files where `ingest` finds them; here the clock starts."""
    from openletter.exercise.stage import deliver_feed

    for path in sorted((stage.state / "feeds").iterdir()):
        deliver_feed(stage.campaign, path)


# -- one process ---------------------------------------------------------------------------------


def walk(stage: Stage) -> tuple[float, list[dict[str, object]], Meter]:
    """The steps one after the other, each until nothing waits for it."""
    from openletter.line import LINE, run_step
    from openletter.words import StepName

    groups = _groups(stage, lambda: [os.getpid()])
    table: list[dict[str, object]] = []
    begun = time.monotonic()
    with Meter(groups) as meter:
        deliver(stage)
        for step in LINE:
            before, began, rows = meter.cpu(), time.monotonic(), 0
            while settled := run_step(step, stage.campaign):
                rows += settled
            wall, after = time.monotonic() - began, meter.cpu()
            cost = {name: after[name] - before[name] for name in ("ours", "postgres")}
            table.append({"step": step.name.value, "rows": rows, "seconds": wall, **cost})
            if step.name == StepName.SEND:
                break
        seconds = time.monotonic() - begun
        meter.look()
    return seconds, table, meter


def _groups(stage: Stage, ours: Callable[[], Iterable[int]]) -> Groups:
    server, sink = postmaster(stage.state), stage.sink.process.pid or 0
    return {"ours": ours, "postgres": lambda: [server], "sink": lambda: [sink]}


# -- as an operator runs it ----------------------------------------------------------------------


def work(
    stage: Stage, *, workers: int, kills: int
) -> tuple[float, list[dict[str, object]], Meter, Team]:
    """Worker processes until nothing waits; the clock stops when the sink took the last letter."""
    team = Team(stage.state, workers=workers)
    begun = time.monotonic()
    with Meter(_groups(stage, team.pids)) as meter:
        deliver(stage)
        team.start()
        try:
            ended = team.watch(stage, kills=kills)
            meter.look()
        finally:
            team.stop()
    return ended - begun, team.table(), meter, team


# -- what came of it -----------------------------------------------------------------------------


def books(stage: Stage) -> dict[str, object]:
    """Counted from the database and the sink; raises where they contradict each other."""
    from django.db.models import Count

    from openletter.campaigns.steps import verify_chain
    from openletter.cases.models import Case
    from openletter.contacts.models import Choice, Holder
    from openletter.evidence.models import Batch, Finding, Observation
    from openletter.letters.models import Delivery, Letter

    letters, made = Letter.objects.filter(campaign=stage.campaign), stage.campaign
    states = dict(
        Delivery.objects.filter(campaign=made).values_list("state").annotate(n=Count("pk"))
    )
    spoken = letters.order_by().values_list("languages", flat=True).distinct()
    told = stage.sink.told()
    countries = Holder.objects.filter(campaign=made).values("country").distinct().count()
    found: dict[str, object] = {
        "rows": sum(Batch.objects.values_list("rows", flat=True)),
        "observations": Observation.objects.count(), "findings": Finding.objects.count(),
        "cases": Case.objects.filter(campaign=made).count(),
        "chosen": Choice.objects.filter(outcome="chosen", superseded_at=None).count(),
        "letters": letters.count(), "states": states, "unknown": states.get("unknown", 0),
        "sink": told.messages, "recipients": told.recipients, "bytes": told.bytes,
        "duplicates": told.duplicates, "countries": countries,
        "languages": len({tag for tags in spoken for tag in tags}),
    }  # fmt: skip
    begun = time.monotonic()
    broken = verify_chain(made.pk)
    found["audit"] = {"seconds": round(time.monotonic() - begun, 1), "whole": broken is None}
    found["problems"] = problems(found, told)
    return found


def problems(found: dict[str, object], told: Taken) -> list[str]:
    """Where the books don't balance; empty is what we want."""
    states = found["states"] if isinstance(found["states"], dict) else {}
    accepted = states.get("accepted", 0) + states.get("delivered", 0)
    unknown = states.get("unknown", 0)
    said = {
        "a recipient got two letters": told.duplicates > 0,
        "a letter has no fate": accepted + unknown != found["letters"],
        "the sink took fewer than we say": told.messages < accepted,
        "the sink took more than we may have sent": told.messages > accepted + unknown,
        "the timeline is broken": not (found["audit"] or {}).get("whole"),  # type: ignore[union-attr]
    }
    return [what for what, is_so in said.items() if is_so]


def show(table: list[dict[str, object]], meter: Meter) -> None:
    sys.stdout.write(f"{'step':<10}{'rows':>10}{'seconds':>10}{'CPU':>8}{'PG CPU':>8}\n")
    for row in table:
        there = row.get("postgres")
        sys.stdout.write(
            f"{row['step']:<10}{row['rows']:>10,}{row['seconds']:>10.1f}{row['ours']:>8.1f}"
            f"{'' if there is None else format(there, '8.1f'):>8}\n"
        )
    for name, peak in meter.peaks.items():
        worked = meter.worked.get(name, 0.0)
        sys.stdout.write(f"{name:<10} peak {peak / MB:,.0f} MB, CPU {worked:,.1f} s\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES")
    parser.add_argument("--walk", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load = os.getloadavg()[0]
    with installation() as state:
        stage = set_up(state, rows=given.rows)
        try:
            if given.walk:
                seconds, table, meter = walk(stage)
                killed = 0
            else:
                seconds, table, meter, team = work(stage, workers=given.workers, kills=given.kill)
                killed = team.killed
            show(table, meter)
            told = {
                "seconds": round(seconds, 1), "load_before": round(load, 1), "killed": killed,
                "setup": {name: round(took, 1) for name, took in stage.setup.items()},
                "networks": stage.networks, **books(stage),
                "peak_mb": {name: peak // MB for name, peak in meter.peaks.items()},
                "cpu": {name: round(worked, 1) for name, worked in meter.worked.items()},
            }  # fmt: skip
        finally:
            stage.sink.stop()
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if told["problems"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
