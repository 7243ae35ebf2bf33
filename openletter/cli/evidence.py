"""`openletter ingest`: what files say of addresses.

`ingest --dry-run` reads files only: no database, no Django.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from openletter.catalogue import advice, sentence
from openletter.cli.spaces import read_list
from openletter.evidence import apart, sourcebook
from openletter.evidence.rules.definitions import BadDefinitionError
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.forms import (
    ALL_WELL,
    FILE_REFUSED,
    Form,
    exit_code,
    file_form,
    row_form,
)
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.rules.spaces import ListKind, Spaces
from openletter.evidence.rules.times import parse_time
from openletter.wire.mappedcsv import BadMappingError, CsvMapping, read_mapping
from openletter.wire.visible import visible
from openletter.words import Reason

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign
    from openletter.evidence.models import Reject

ROOM = "openletter.evidence"
PROGRESS_EVERY = 100_000
REJECTS_SHOWN = 20

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="judge as of this time")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line")]
Mapped = Annotated[Path | None, typer.Option(help="a TOML or JSON mapping of a CSV's columns")]
Named = Annotated[str, typer.Option(metavar="ID", help="whose word the files are")]
InWorld = Annotated[str, typer.Option(metavar="SLUG", help="of an exercise; left out: real")]
Fetched = Annotated[
    str,
    typer.Option("--fetched-at", metavar="TIME", help="a live source answered so then; or `now`"),
]
More = Annotated[Path | None, typer.Option(help="a folder of further source definitions")]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command("ingest")(ingest)


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="judge only, store nothing")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="print every row")] = False,
    as_json: AsJson = False,
    at: At = None,
    source: Named = "",
    mapping: Mapped = None,
    sources: More = None,
    campaign: InWorld = "",
    complete: Annotated[bool, typer.Option(help="full feeds: who is not there is gone")] = False,
    fetched_at: Fetched = "",
    spaces: Annotated[
        list[str] | None,
        typer.Option("--spaces", metavar="KIND=FILE", help="a list of networks, for --dry-run"),
    ] = None,
) -> None:
    """Judge files row by row; without --dry-run, store what they say.

    Exit codes: 0 all well, 1 some rows refused, 2 a whole file refused or not recognised.
    """
    hint = Hint(source=source, mapping=checked(raw_of(mapping)))
    if not dry_run:
        _store(
            paths,
            source=source,
            mapping=raw_of(mapping),
            campaign=campaign,
            complete=complete,
            as_json=as_json,
            fetched_at=fetched_at,
        )
    now, book = moment_of(at), book_of(sources)
    worst = ALL_WELL
    events = events_of(paths, hint=hint, now=now, book=book, spaces=_spaces(spaces or []))
    for event in events:
        if isinstance(event, FileVerdict):
            typer.echo(line(file_form(event)) if as_json else _told(event))
            worst = max(worst, exit_code(event))
        elif rows:
            typer.echo(line(row_form(event)) if as_json else _told_row(event))
    raise typer.Exit(worst)


# -- reading -------------------------------------------------------------------------------------


def _spaces(given: list[str]) -> Spaces:
    """Lists of networks that are not in the database."""
    lists = []
    for one in given:
        kind, _, path = one.partition("=")
        if kind not in set(ListKind) or not path:
            refuse(f"{visible(one)}: write KIND=FILE, KIND one of {', '.join(ListKind)}")
        lists.append((ListKind(kind), read_list(Path(path))))
    return Spaces(lists)


def events_of(
    paths: list[Path],
    *,
    hint: Hint,
    now: datetime,
    book: SourceBook,
    spaces: Spaces | None = None,
) -> Iterator[RowOf | FileVerdict]:
    """Judged rows and verdicts; what has to be unpacked is unpacked by a process of its own."""
    for path in paths:
        try:
            stream = path.open("rb")
        except OSError as problem:
            reason = "file-missing" if isinstance(problem, FileNotFoundError) else "file-closed"
            yield FileVerdict(file=visible(str(path)), outcome="refused", reason=reason)
            continue
        with stream:
            events = read_file(
                str(path),
                stream,
                book=book,
                now=now,
                hint=hint,
                contents=apart.contents,
                spaces=spaces,
            )
            yield from _counted(events)


def _counted(events: Iterator[RowOf | FileVerdict]) -> Iterator[RowOf | FileVerdict]:
    """The same, telling on stderr how far it is."""
    for count, event in enumerate(events, start=1):
        if count % PROGRESS_EVERY == 0:
            typer.echo(f"{count:,} rows", err=True)
        yield event


# -- with the database ---------------------------------------------------------------------------


def _store(
    paths: list[Path],
    *,
    source: str,
    mapping: Form | None,
    campaign: str,
    complete: bool,
    as_json: bool,
    fetched_at: str,
) -> NoReturn:
    """Put the files in the spool, judge and store them, and say what became of each."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import steps, taking

    world = world_named(campaign)
    worst = ALL_WELL
    for path in paths:
        now = clock.now(world)
        batch = steps.store_file(
            path,
            name=str(path),
            exercise=world,
            source=source,
            mapping=mapping,
            complete=complete,
            now=now,
            fetched_at=_fetched(fetched_at, now=now),
        )
        batch = taking.take_in(batch, now=now)
        for verdict in steps.verdicts(batch):
            typer.echo(line(file_form(verdict)) if as_json else _told(verdict))
        if not as_json:
            _tell_rejects(steps.rejects(batch, limit=REJECTS_SHOWN))
        worst = max(worst, steps.exit_code_of(batch))
    raise typer.Exit(worst)


def _fetched(text: str, *, now: datetime) -> datetime | None:
    """When somebody asked the source itself; nothing that has not happened yet."""
    if not text:
        return None
    at = now if text == "now" else moment_of(text)
    if at > now:
        refuse(f"--fetched-at {visible(text)}: that has not happened yet")
    return at


def _tell_rejects(rejects: Iterable[Reject]) -> None:
    """Refused rows with file and line, why, and what to do about it."""
    for one in rejects:
        why = sentence(ROOM, Reason(code=one.reason), "en")
        what = advice(ROOM, one.reason, "en")
        typer.echo(f"  {one.file}:{one.line} {why} {what} [{one.excerpt}]", err=True)


def world_named(slug: str) -> Campaign | None:
    """The exercise of that name; nothing named, or a real campaign, is the real world."""
    found = campaign_named(slug)
    return found.world if found else None


def campaign_named(slug: str) -> Campaign | None:
    from openletter.campaigns.models import Campaign

    if not slug:
        return None
    found = Campaign.objects.filter(slug=slug).first()
    if found is None:
        refuse(f"no campaign is called {visible(slug)}")
    return found


# -- arguments and output ------------------------------------------------------------------------


def moment_of(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    moment = parse_time(text)
    if moment is None:
        refuse(f"{visible(text)} is no time; write 2026-11-02T13:45:00Z")
    return moment


def raw_of(path: Path | None) -> Form | None:
    """The mapping file's tables as they stand."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as problem:
        refuse(f"{path}: {problem}")
    if not isinstance(raw, dict):
        refuse(f"{path}: a mapping is a table")
    return raw


def checked(raw: Form | None) -> CsvMapping | None:
    try:
        return read_mapping(raw) if raw is not None else None
    except BadMappingError as problem:
        refuse(f"mapping: {problem}")


def book_of(folder: Path | None) -> SourceBook:
    try:
        known = sourcebook.packaged()
        return sourcebook.with_folder(known, folder) if folder else known
    except (BadDefinitionError, ValueError) as problem:
        refuse(str(problem))


def refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(FILE_REFUSED)


def line(form: Form) -> str:
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


def _told(file: FileVerdict) -> str:
    """A file in words: what was read, or why it was not and what to do."""
    if file.is_read:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(file.by_judgement.items()))
        return f"{file.file}: {file.source}, {file.rows} rows ({counts or 'none'})"
    why = sentence(ROOM, Reason(code=file.reason or ""), "en")
    what = advice(ROOM, file.reason or "", "en")
    return " ".join(filter(None, (f"{file.file}: {file.outcome}.", why, file.detail, what)))


def _told_row(told: RowOf) -> str:
    one = told.judged
    place = f"{told.file}:{one.line}"
    address = one.ip if one.ip is not None else one.excerpt or "-"
    port = one.port if one.port is not None else "-"
    about = one.weakness or "-"
    text = f"{place} {address} {port} {about} {one.judgement} ({one.reason})"
    what = advice(ROOM, one.reason, "en")
    return f"{text} {what}" if what else text
