"""Running it: `up`, `down`, `status`, `worker`, `intake`, `line`, `migrate`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from openletter.shell import processes

FAILED = 1
Row = dict[str, str | int | float | dict[str, int] | None]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    for command in (up, down, status, worker, intake, line, migrate):
        app.command()(command)


def say(text: str) -> None:
    """Speak on stderr; stdout is for results."""
    typer.echo(text, err=True)


def fail(text: str) -> NoReturn:
    """End with one sentence that says what to do."""
    say(f"openletter: {text}")
    raise typer.Exit(FAILED)


def state_folder() -> Path:
    """Find the state folder without loading Django."""
    from openletter.shell.configuration import reader_for, to_path

    reader = reader_for(os.environ)
    return reader.read("OPENLETTER_STATE", to_path, default=".state", about="")


def up(
    *, listen: Annotated[str, typer.Option(help="host:port instead of the setting's")] = ""
) -> None:
    """Start database (if embedded), site, desk, worker and intake; Ctrl-C or `down` stops all."""
    from openletter.shell import processes

    state = state_folder()
    if listen:
        os.environ["OPENLETTER_LISTEN"] = listen
    try:
        with processes.until_signal() as stopped, processes.only_one(state):
            watch = prepare()
            children = _children()
            _announce()
            try:
                processes.run(children, stopped=stopped, watch=watch)
            except processes.KeepsEndingError as problem:
                _tell_that_it_is_down(str(problem))
                raise
            finally:
                stop_database(state)
    except (processes.AlreadyUpError, processes.KeepsEndingError) as problem:
        fail(str(problem))
    say("down")


def prepare() -> Callable[[], None]:
    """Make the database ready and ask whether anything may leave; give what keeps it running."""
    from openletter.shell import database, setup

    setup()
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.letters import settle
    from openletter.shell import rights

    is_embedded = not settings.DATABASE_URL
    if not rights.is_migrated():
        if not is_embedded:
            fail("the database is behind this version; run `openletter migrate` first")
        say("bringing the tables up to this version")
        subprocess.run([sys.executable, "-m", "openletter", "migrate", "--quiet"], check=True)
    reason = settle.at_start(settings.STATE, now=clock.wall())
    if reason is not None:
        say(f"nothing leaves until a person says go on: {reason.code}; see `openletter resume`")
    return database.keep_running if is_embedded else lambda: None


def _children() -> list[processes.Child]:
    from django.conf import settings

    from openletter.shell import processes

    return [
        processes.ours("intake", "intake"),
        processes.ours("worker", "worker"),
        processes.ours("watch", "watch"),
        processes.web(settings.LISTEN),
    ]


def _tell_that_it_is_down(problem: str) -> None:
    """The child that tells is going down, too: say it here, once until it is up again."""
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.shell import alerts
    from openletter.shell.causes import Cause, Code

    cause = Cause(code=Code.DOWN, detail=problem)
    alerts.Watch(state=settings.STATE).hear([cause], unseen=frozenset(Code), now=clock.wall())


def _announce() -> None:
    from django.conf import settings

    if not settings.LISTEN.is_loopback:
        say(f"listening on {settings.LISTEN}: reachable from outside, put TLS in front of it")
    say(f"site http://{settings.LISTEN}/  desk http://{settings.LISTEN}/desk/  stop: Ctrl-C")


def stop_database(state: Path) -> None:
    from django.conf import settings

    from openletter.shell import postgres

    if not settings.DATABASE_URL:
        postgres.stop(state, pg_bin=settings.PG_BIN)


def down() -> None:
    """Stop what `up` started, and the embedded database."""
    from openletter.shell import postgres, processes

    state = state_folder()
    pid = processes.holder(state)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + processes.PATIENCE_SECONDS + 15
        while processes.holder(state) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
    if processes.holder(state) is not None:
        fail(f"process {pid} did not stop")
    was_running = (state / "pg.json").exists() and postgres.stop(state)
    say("down" if pid is not None or was_running else "nothing was running")


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False
) -> None:
    """Say what runs; exit code 0 if it is up."""
    from openletter.shell import postgres, processes

    state = state_folder()
    pid = processes.holder(state)
    is_embedded = not os.environ.get("DATABASE_URL")
    told = {
        "up": pid is not None,
        "process": pid,
        "database": ("embedded, running" if postgres.status(state) else "embedded, stopped")
        if is_embedded
        else "DATABASE_URL",
        "state": str(state),
    }
    typer.echo(
        json.dumps(told) if as_json else "\n".join(f"{key}: {value}" for key, value in told.items())
    )
    raise typer.Exit(0 if pid is not None else FAILED)


def worker(
    queues: Annotated[
        list[str] | None, typer.Argument(help="queues to serve; all by default")
    ] = None,
    *,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="jobs at a time")] = 2,
) -> None:
    """Walk the line: serve the queues until SIGTERM or Ctrl-C. Metrics are on loopback."""
    from openletter.shell import setup

    setup()
    from django.conf import settings

    from openletter.shell import metrics, queue

    if metrics.serve(settings.METRICS_LISTEN) is None:
        say(f"metrics are served by another process on {settings.METRICS_LISTEN}")
    try:
        queue.work(queues or [], concurrency=concurrency)
    except ValueError as problem:
        fail(f"{problem}; there are {', '.join(sorted(queue.SERVED))}")


def intake() -> None:
    """Take in replies and bounces (SMTP on loopback) until SIGTERM; store, parse nothing."""
    from openletter.shell import processes, setup

    setup()
    from django.conf import settings

    from openletter.replies.jobs import intake_server

    where = settings.INTAKE_LISTEN
    server = intake_server(where.host, where.port)
    with processes.until_signal() as stopped, server:
        stopped.wait()


def line(
    *, as_json: Annotated[bool, typer.Option("--json", help="one JSON object a row")] = False
) -> None:
    """Show every step: what waits, since when, and how fast it goes."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.campaigns.models import LineState
    from openletter.letters.approvals import letters_held
    from openletter.letters.sending import why_waiting
    from openletter.words import StepName

    order = list(StepName)
    states = LineState.objects.select_related("campaign")
    for state in sorted(
        states, key=lambda each: (each.campaign.slug, order.index(StepName(each.step)))
    ):
        age = clock.now(state.campaign) - state.oldest if state.oldest else None
        row: Row = {
            "campaign": state.campaign.slug,
            "step": state.step,
            "waiting": state.waiting,
            "oldest_seconds": int(age.total_seconds()) if age else None,
            "done": state.done,
            "a_minute": round(state.rate, 1),
        }
        if state.step == StepName.SEND and state.waiting:
            row["because"] = why_waiting(state.campaign, now=clock.now(state.campaign))
        if state.step == StepName.COMPOSE and (held := letters_held(state.campaign)):
            row["because"] = {"wording-not-approved": held}
        typer.echo(json.dumps(row) if as_json else _as_line(row))


def _as_line(row: Row) -> str:
    oldest = f"{row['oldest_seconds']} s" if row["oldest_seconds"] is not None else "-"
    line = (
        f"{row['campaign']:<20} {row['step']:<9} waiting {row['waiting']:>8,}  oldest {oldest:>10}"
        f"  done {row['done']:>9,}  {row['a_minute']:>8}/min"
    )
    because = row.get("because")
    return line + (_why(because) if isinstance(because, dict) else "")


def _why(because: Mapping[str, int]) -> str:
    """Why letters wait, a line a reason; those that are about to leave have none."""
    from openletter.desk.reasons import told
    from openletter.words import Reason

    rows = sorted((count, told(Reason(code=code))) for code, count in because.items() if code)
    return "".join(f"\n{'':<22}{count:>18,}  {text}" for count, text in reversed(rows))


def migrate(
    *, quiet: Annotated[bool, typer.Option(help="only speak when it fails")] = False
) -> None:
    """Bring the tables up to this version, as their owner; never by itself on DATABASE_URL."""
    from openletter.shell import setup

    setup(as_owner=True)
    from django.conf import settings

    from openletter.shell import rights

    rights.migrate(
        app_url=settings.DATABASE_URL,
        owner_url=settings.DATABASE_OWNER_URL,
        verbosity=0 if quiet else 1,
    )
