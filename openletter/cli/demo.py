"""`openletter demo`: a whole exercise campaign on this machine, watched as it happens.

It has a state folder and an embedded database of its own, below the usual state folder, and never
touches another database or mail server.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.operate import fail, prepare, say, state_folder, stop_database

if TYPE_CHECKING:
    import threading

    from openletter.campaigns.models import Campaign
    from openletter.cli.watching import Watcher
    from openletter.exercise.stage import Cast
    from openletter.shell.processes import Child

PORTS = range(8000, 8020)
PASSWORD_LETTERS = 12


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command()(demo)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="end when the campaign is through")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="begin anew, forget the last run")] = False,
) -> None:
    """Play an exercise campaign end to end, then keep site and desk open.

    Nothing leaves this machine. A second run shows the same campaign; with --once the last line
    of stdout is one JSON object.
    """
    began = time.monotonic()
    state = _own_place()
    from openletter.shell import processes

    if fresh:
        _forget(state)
    try:
        with processes.until_signal() as stopped, processes.only_one(state):
            _settings_of_its_own(state)
            watch = prepare()
            try:
                _perform(state, once=once, began=began, stopped=stopped, watch=watch)
            finally:
                stop_database(state)
    except (processes.AlreadyUpError, processes.KeepsEndingError) as problem:
        fail(str(problem))


def _own_place() -> Path:
    """A folder beside the real installation's: the demonstration is never part of that."""
    place = state_folder() / "demo"
    os.environ["OPENLETTER_STATE"] = str(place)
    return place


def _settings_of_its_own(state: Path) -> None:
    """No setting of a real installation counts here: not its database, not its mail server."""
    for name in [name for name in os.environ if name.startswith(("OPENLETTER_", "DATABASE_"))]:
        if name not in {"OPENLETTER_STATE", "OPENLETTER_PG_BIN"}:
            os.environ.pop(name)
    (state / "openletter.toml").touch()
    os.environ |= {
        "OPENLETTER_CONFIG": str(state / "openletter.toml"),
        "OPENLETTER_LISTEN": f"127.0.0.1:{_port(state)}",
        "OPENLETTER_OPERATOR": "Operation Quiet Harbour (exercise)",
        "OPENLETTER_CONTACT_MAIL": "questions@quiet-harbour.example",
        "OPENLETTER_MAIL_DOMAIN": "quiet-harbour.example",
        "OPENLETTER_LOG_LEVEL": "error",
    }


def _port(state: Path) -> int:
    """The port that stands in the letters already, else the first one that nobody uses."""
    from openletter.shell.configuration import to_endpoint
    from openletter.shell.processes import answers

    note = state / "port"
    if note.exists():
        return int(note.read_text())
    free = (port for port in PORTS if not answers(to_endpoint(f"127.0.0.1:{port}"), within=0.05))
    port = next(free, PORTS[0])
    note.write_text(f"{port}\n")
    return port


def _forget(state: Path) -> None:
    """Stop what still runs there and remove it."""
    from openletter.shell import postgres, processes

    if processes.holder(state) is not None:
        fail(f"a demonstration runs on {state}; stop it first (Ctrl-C there)")
    if (state / "pg.json").exists():
        postgres.stop(state)
    home = state / "pg.home"
    if home.exists():
        shutil.rmtree(home.read_text().strip(), ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)


def _perform(
    state: Path,
    *,
    once: bool,
    began: float,
    stopped: threading.Event,
    watch: Callable[[], object],
) -> None:
    from django.conf import settings

    from openletter.cli.watching import watcher
    from openletter.exercise import stage, totals
    from openletter.exercise.diary import Diary
    from openletter.exercise.neighbours import neighbours
    from openletter.exercise.play import Play

    cast = stage.set_up(site_url=settings.SITE_ADDRESS)
    audience = watcher(cast.campaign)
    with neighbours(cast.campaign.pk, state) as around:
        before = totals.received_letters(cast.campaign, around.folder).letters
        play = Play(
            cast=cast, around=around, diary=Diary(state / "diary"), audience=audience,
            walk=_walk(stopped), stopped=stopped.is_set,
        )  # fmt: skip
        if not play.run():
            say("stopped; `make demo` goes on from here")
            raise typer.Exit(1)
        try:
            figures = totals.figures(
                cast.campaign, around.folder, sent_before=before, seconds=time.monotonic() - began
            )
        except totals.InvariantError as problem:
            fail(f"the books do not balance: {problem}")
        audience.table(cast.campaign, figures)
        if once:
            sys.stdout.write(json.dumps(figures) + "\n")
            sys.stdout.flush()
        else:
            audience.sample(play.a_short_letter())
            _stay_open(cast, audience, stopped=stopped, watch=watch)


def _walk(stopped: threading.Event) -> Callable[[Campaign, Callable[[str, int], None]], int]:
    """The line itself, step by step, as the workers walk it."""
    from openletter import line

    def walk(campaign: Campaign, seen: Callable[[str, int], None]) -> int:
        return line.walk(
            campaign, seen=lambda step, settled: seen(step.name, settled), stop=stopped.is_set
        )

    return walk


def _stay_open(
    cast: Cast, audience: Watcher, *, stopped: threading.Event, watch: Callable[[], object]
) -> None:
    """Site, desk and a worker, until Ctrl-C; a sign-in drawn for this run."""
    from django.conf import settings

    from openletter.shell import processes
    from openletter.words import new_secret

    password = new_secret()[:PASSWORD_LETTERS]
    for user in (cast.administrator, cast.approver):
        user.set_password(password)
        user.save(update_fields=["password"])
    audience.invitation(
        site=settings.SITE_ADDRESS,
        names=[cast.administrator.get_username(), cast.approver.get_username()],
        password=password,
    )
    processes.run(_children(), stopped=stopped, watch=watch)
    say("closed; `make demo` opens it again")


def _children() -> list[Child]:
    from django.conf import settings

    from openletter.shell import processes

    return [processes.ours("worker", "worker"), processes.web(settings.LISTEN)]
