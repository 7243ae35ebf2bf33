"""`openletter registry`: registries' files into the database, looked at before they count."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from openletter.catalogue import sentence
from openletter.words import Reason

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign
    from openletter.contacts.difference import Difference
    from openletter.contacts.loading import Prepared
    from openletter.contacts.models import RegistryLoad

OK, SOME_REFUSED, FILE_REFUSED, NOT_WANTED = 0, 1, 2, 3
MOST_SHOWN = 20
ROOM = "openletter.contacts"
Exercise = Annotated[
    str | None, typer.Option(metavar="SLUG", help="only for this exercise's world")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="don't ask")]

registry = typer.Typer(help="Registries' files, from which contacts are found.")


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.add_typer(registry, name="registry")


@registry.command("load")
def load(
    files: Annotated[list[Path], typer.Argument(help="dumps and answers that belong together")],
    *,
    exercise: Exercise = None,
    key: Annotated[
        Path | None, typer.Option(help="public key (PEM) that must have signed an NRTMv4 mirror")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what the files would change, ask, and put them in the place of older ones.

    Reads RPSL dumps, ARIN's bulk (text, XML), NRTMv4 mirrors, delegated statistics, IANA's
    special-purpose registries and RDAP answers; plain, gzip, zip. The same bytes again change
    nothing. Exit codes: 0 loaded, 1 loaded but objects were passed over, 2 a file can't be read
    and nothing is changed, 3 not wanted.
    """
    world = _world(exercise)
    from openletter.campaigns import clock
    from openletter.contacts import loading
    from openletter.contacts.errors import ContactError

    try:
        again = loading.same_again(files, exercise=world)
        if again:
            _show_loads(again, as_json=as_json)
            return
        public = key.read_bytes() if key else None
        with loading.alone(world), _Progress() as progress:
            prepared = loading.prepare(
                files, exercise=world, now=clock.now(world), key=public, progress=progress
            )
            loads = _look_and_load(prepared, yes=yes, as_json=as_json)
    except ContactError as problem:
        _refuse(sentence(ROOM, problem.reason, "en"))
    except OSError as problem:
        _refuse(f"{problem.filename}: {problem.strerror}")
    _show_loads(loads, as_json=as_json)
    raise typer.Exit(SOME_REFUSED if prepared.faults else OK)


def _look_and_load(prepared: Prepared, *, yes: bool, as_json: bool) -> list[RegistryLoad]:
    """Show the difference and do as told; whatever ends this early leaves the world as it is."""
    from openletter.campaigns import clock
    from openletter.contacts import difference, loading, steps

    now = clock.now(prepared.exercise)
    try:
        _show_faults(prepared, as_json=as_json)
        found = difference.of(prepared, now=now)
        _show_difference(found, prepared, as_json=as_json)
        if not (yes or _agreed("Load it?")):
            loading.discard(prepared)
            typer.echo("openletter registry: nothing was changed", err=True)
            raise typer.Exit(NOT_WANTED)
        return steps.put_in_place(prepared, now=now)
    except (KeyboardInterrupt, typer.Abort):
        loading.discard(prepared)
        raise


@registry.command("list")
def list_(*, exercise: Exercise = None, as_json: AsJson = False) -> None:
    """What is loaded, and what a take-back would bring back."""
    world = _world(exercise)
    from openletter.contacts.models import RegistryLoad

    loads = RegistryLoad.objects.filter(exercise=world).order_by("id")
    _show_loads(loads, as_json=as_json)


@registry.command("take-back")
def take_back(
    load: Annotated[int, typer.Argument(metavar="LOAD", help="its number in `registry list`")],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a load; the one whose place it took comes back. Made choices stay as they are."""
    from openletter import shell

    shell.setup()
    from openletter.campaigns import clock
    from openletter.contacts import loading, steps
    from openletter.contacts.errors import ContactError
    from openletter.contacts.models import RegistryLoad

    row = RegistryLoad.objects.filter(pk=load).select_related("exercise", "replaces").first()
    if row is None or row.state != RegistryLoad.State.CURRENT:
        _refuse(f"there is no load {load} in use; see `openletter registry list`")
    if row.kind.startswith("fetched-"):
        _refuse("fetched answers are not taken back: each is asked for anew when it is old")
    if row.partner_id:
        _refuse("a partner's register is taken back with `openletter partner contacts`")
    before = f"load {row.replaces_id} comes back" if row.replaces else "nothing takes its place"
    typer.echo(f"{_told(row)}\n{before}", err=True)
    if not (yes or _agreed("Take it back?")):
        raise typer.Exit(NOT_WANTED)
    try:
        with loading.alone(row.exercise):
            back = steps.take_back_registry(row, now=clock.now(row.exercise))
    except ContactError as problem:
        _refuse(sentence(ROOM, problem.reason, "en"))
    _show_loads([back] if back else [], as_json=as_json)


# -- shown --------------------------------------------------------------------------------------


def _show_loads(loads: Iterable[RegistryLoad], *, as_json: bool) -> None:
    for each in loads:
        typer.echo(json.dumps(_as_json(each), ensure_ascii=False) if as_json else _told(each))


def _told(load: RegistryLoad) -> str:
    refused = ", ".join(f"{count} {why}" for why, count in sorted(load.rejected.items()))
    state = "" if load.state == load.State.CURRENT else f" [{load.state}]"
    terms = "" if load.redistributable else "; not to be passed on"
    return (
        f"{load.pk}{state} {load.registry or '-'} {load.kind} {load.loaded_at:%Y-%m-%d %H:%M}"
        f" ({load.name}): {load.netblocks} netblocks, {load.candidates} addresses"
        f"{f'; refused: {refused}' if refused else ''}{terms}"
    )


def _as_json(load: RegistryLoad) -> dict[str, object]:
    return {
        "type": "load", "load": load.pk, "state": load.state, "registry": load.registry,
        "kind": load.kind, "format": load.format, "files": load.name,
        "partner": load.partner_id, "netblocks": load.netblocks, "addresses": load.candidates,
        "refused": load.rejected, "redistributable": load.redistributable,
        "replaces": load.replaces_id, "loaded_at": f"{load.loaded_at:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def _show_faults(prepared: Prepared, *, as_json: bool) -> None:
    """Bad objects with file, line, reason and what to do."""
    faults = prepared.faults
    for file, line, code in faults.examples[:MOST_SHOWN]:
        text = sentence(ROOM, Reason(code=f"passed-over-{code}"), "en")
        if as_json:
            told = {"type": "passed-over", "file": file, "line": line, "reason": code, "text": text}
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            typer.echo(f"{file}:{line}: {text}", err=True)
    more = faults.total() - min(MOST_SHOWN, len(faults.examples))
    if more > 0 and not as_json:
        counted = ", ".join(f"{count} {why}" for why, count in sorted(faults.items()))
        typer.echo(f"and {more} more ({counted})", err=True)
    for kind, count in prepared.passed_over.items():
        typer.echo(f"{count} objects of class {kind} tell who announces, not who holds", err=True)


def _show_difference(found: Difference, prepared: Prepared, *, as_json: bool) -> None:
    from openletter.contacts import difference

    if as_json:
        typer.echo(json.dumps(difference.as_json(found), ensure_ascii=False))
        return
    blocks, boxes, choices = found.blocks, found.boxes, found.choices
    new, gone = (sum(not n for n in counts) for counts in _counts(found))
    instead = ", ".join(str(each.pk) for each in prepared.replaced) or "none"
    lines = [
        f"in the place of loads: {instead}",
        f"blocks: {blocks.new} new, {blocks.changed} changed, {blocks.gone} gone",
        f"blocks that say the same: {blocks.same}",
        f"mailboxes: {new} new, {gone} gone; by number of blocks ({len(boxes)} differ):",
        *(f"  {each.mailbox}: {each.before} -> {each.after}" for each in boxes[:MOST_SHOWN]),
        f"open cases with a contact: {choices.cases}, of these {choices.touched} in changed blocks"
        + (f" ({choices.decided} looked at)" if choices.decided < choices.touched else ""),
        f"asked now, {choices.other.total()} would get another contact; made choices stand",
        *(
            f"  {old} -> {new or 'nobody'}: {count}"
            for (old, new), count in choices.other.most_common(MOST_SHOWN)
        ),
    ]
    typer.echo("\n".join(lines), err=True)


def _counts(found: Difference) -> tuple[list[int], list[int]]:
    """Of all mailboxes that differ: blocks before, blocks after."""
    return [each.before for each in found.boxes], [each.after for each in found.boxes]


class _Progress:
    """How much was read, on a terminal only, a few times a second."""

    def __init__(self) -> None:
        self.read: dict[str, int] = {}
        self.next = 0.0

    def __enter__(self) -> Callable[[str, int], None]:
        return self._note if sys.stderr.isatty() else lambda *_: None

    def _note(self, file: str, count: int) -> None:
        self.read[file] = self.read.get(file, 0) + count
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + 0.3
            sys.stderr.write(f"\r{file}: {self.read[file] / 1e6:,.0f} MB read ")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self.next:
            sys.stderr.write("\n")


def _agreed(question: str) -> bool:
    """A terminal is asked; without one nothing happens unless --yes says so."""
    if not sys.stdin.isatty():
        typer.echo("openletter registry: give --yes where nobody can be asked", err=True)
        return False
    return typer.confirm(question, err=True)


def _world(exercise: str | None) -> Campaign | None:
    from openletter import shell

    shell.setup()
    from openletter.campaigns.models import Campaign

    world = Campaign.objects.filter(slug=exercise, exercise=True).first() if exercise else None
    if exercise and world is None:
        _refuse(f"there is no exercise {exercise!r}")
    return world


def _refuse(why: str) -> NoReturn:
    typer.echo(f"openletter registry: {why}", err=True)
    raise typer.Exit(FILE_REFUSED)
