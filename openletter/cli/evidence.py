"""`openletter ingest` and `openletter weigh`: what files say of addresses, and what that is worth.

`ingest --dry-run` and `weigh --from` read files only: no database, no Django.
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
from openletter.evidence import sourcebook
from openletter.evidence.rules.definitions import BadDefinitionError
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.forms import (
    ALL_WELL,
    FILE_REFUSED,
    NOTHING_CHOSEN,
    Form,
    exit_code,
    file_form,
    row_form,
    weighed_form,
)
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.rules.times import parse_time
from openletter.evidence.rules.weigh import Listing, Policy, Weighed, weigh
from openletter.wire.address import Address, NotAddress, parse_address
from openletter.wire.mappedcsv import BadMappingError, CsvMapping, read_mapping
from openletter.wire.visible import visible
from openletter.words import FindingState, Reason, Weakness

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
More = Annotated[Path | None, typer.Option(help="a folder of further source definitions")]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command("ingest")(ingest)
    app.command("weigh")(weigh_address)


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
) -> None:
    """Judge files row by row; without --dry-run, store what they say.

    Exit codes: 0 all well, 1 some rows refused, 2 a whole file refused or not recognised.
    """
    hint = Hint(source=source, mapping=_checked(_raw(mapping)))
    if not dry_run:
        _store(
            paths,
            source=source,
            mapping=_raw(mapping),
            campaign=campaign,
            complete=complete,
            as_json=as_json,
        )
    now, book = _moment(at), _book(sources)
    worst = ALL_WELL
    for event in _events(paths, hint=hint, now=now, book=book):
        if isinstance(event, FileVerdict):
            typer.echo(_line(file_form(event)) if as_json else _told(event))
            worst = max(worst, exit_code(event))
        elif rows:
            typer.echo(_line(row_form(event)) if as_json else _told_row(event))
    raise typer.Exit(worst)


def weigh_address(
    ip: Annotated[str, typer.Argument(metavar="IP")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]")] = None,
    *,
    first: Annotated[
        list[Path] | None, typer.Option("--from", metavar="FILE...", help="weigh these files")
    ] = None,
    at: At = None,
    as_json: AsJson = False,
    source: Named = "",
    mapping: Mapped = None,
    sources: More = None,
    campaign: InWorld = "",
    lang: Annotated[str, typer.Option(help="language of the sentences")] = "en",
) -> None:
    """Weigh what is said of an address: open, suspected or none, with every reason.

    With --from, files are weighed and no database is needed. Exit code 3: nobody says it is open.
    """
    address = parse_address(ip)
    if isinstance(address, NotAddress):
        _refuse(sentence(ROOM, Reason(code=address.code), lang))
    now, paths, worst = _moment(at), [*(first or []), *(more or [])], ALL_WELL
    if paths:
        book, hint = _book(sources), Hint(source=source, mapping=_checked(_raw(mapping)))
        events = _events(paths, hint=hint, now=now, book=book)
        said = _said_of(address, events)
        worst = max(map(exit_code, said.files), default=ALL_WELL)
        policy = Policy(copies=book.families())
        found = {kind: weigh(them, policy=policy, now=now) for kind, them in said.by(book).items()}
        traced = said.traced()
    else:
        found, traced = _weigh_stored(address, campaign=campaign, now=_moment(at) if at else None)
    nothing = {None: weigh([], policy=Policy(), now=now)}
    for weakness, weighed in sorted(found.items()) if found else nothing.items():
        texts = [sentence(ROOM, reason, lang) for reason in weighed.reasons]
        form = weighed_form(address, weakness, weighed, texts=texts, traced=traced)
        typer.echo(_line(form) if as_json else _told_weighed(form, texts))
    is_said = any(weighed.state is not FindingState.NONE for weighed in found.values())
    raise typer.Exit(worst or (ALL_WELL if is_said else NOTHING_CHOSEN))


# -- reading -------------------------------------------------------------------------------------


def _events(
    paths: list[Path], *, hint: Hint, now: datetime, book: SourceBook
) -> Iterator[RowOf | FileVerdict]:
    for path in paths:
        try:
            stream = path.open("rb")
        except OSError as problem:
            reason = "file-missing" if isinstance(problem, FileNotFoundError) else "file-closed"
            yield FileVerdict(file=visible(str(path)), outcome="refused", reason=reason)
            continue
        with stream:
            events = read_file(str(path), stream, book=book, now=now, hint=hint)
            yield from _counted(events)


def _counted(events: Iterator[RowOf | FileVerdict]) -> Iterator[RowOf | FileVerdict]:
    """The same, telling on stderr how far it is."""
    for count, event in enumerate(events, start=1):
        if count % PROGRESS_EVERY == 0:
            typer.echo(f"{count:,} rows", err=True)
        yield event


class _Said:
    """What files say of one address, with the way back to file and row."""

    def __init__(self) -> None:
        self.files: list[FileVerdict] = []
        self.rows: list[RowOf] = []

    def by(self, book: SourceBook) -> dict[Weakness, list[Listing]]:
        """Statements that name a weakness, sorted out by it."""
        found: dict[Weakness, list[Listing]] = {}
        for key, told in enumerate(self.rows):
            one = told.judged
            feed = book.get(one.source)
            if one.weakness is None or feed is None:
                continue
            listing = Listing(
                key=key,
                source=one.source,
                family=feed.family,
                says=one.says,
                role=one.role,
                port=one.port,
                seen_at=one.seen_at,
            )
            found.setdefault(one.weakness, []).append(listing)
        return found

    def traced(self) -> dict[int, Form]:
        return {
            key: {"file": told.file, "row": told.judged.row, "line": told.judged.line}
            for key, told in enumerate(self.rows)
        }


def _said_of(address: Address, events: Iterator[RowOf | FileVerdict]) -> _Said:
    said = _Said()
    for event in events:
        if isinstance(event, FileVerdict):
            said.files.append(event)
        elif event.judged.ip == address:
            said.rows.append(event)
    return said


# -- with the database ---------------------------------------------------------------------------


def _store(
    paths: list[Path],
    *,
    source: str,
    mapping: Form | None,
    campaign: str,
    complete: bool,
    as_json: bool,
) -> NoReturn:
    """Put the files in the spool, judge and store them, and say what became of each."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import steps

    world = _world(campaign)
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
        )
        batch = steps.ingest_batch(batch, now=now)
        for verdict in steps.verdicts(batch):
            typer.echo(_line(file_form(verdict)) if as_json else _told(verdict))
        if not as_json:
            _tell_rejects(steps.rejects(batch, limit=REJECTS_SHOWN))
        worst = max(worst, steps.exit_code_of(batch))
    raise typer.Exit(worst)


def _tell_rejects(rejects: Iterable[Reject]) -> None:
    """Refused rows with file and line, why, and what to do about it."""
    for one in rejects:
        why = sentence(ROOM, Reason(code=one.reason), "en")
        what = advice(ROOM, one.reason, "en")
        typer.echo(f"  {one.file}:{one.line} {why} {what} [{one.excerpt}]", err=True)


def _weigh_stored(
    address: Address, *, campaign: str, now: datetime | None
) -> tuple[dict[Weakness, Weighed], dict[int, Form]]:
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import steps

    world = _world(campaign)
    return steps.weigh_address(address, exercise=world, now=now or clock.now(world))


def _world(slug: str) -> Campaign | None:
    """The exercise of that name; nothing named is the real world."""
    from openletter.campaigns.models import Campaign

    if not slug:
        return None
    found = Campaign.objects.filter(slug=slug).first()
    if found is None:
        _refuse(f"no campaign is called {visible(slug)}")
    return found if found.exercise else None


# -- arguments and output ------------------------------------------------------------------------


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    moment = parse_time(text)
    if moment is None:
        _refuse(f"{visible(text)} is no time; write 2026-11-02T13:45:00Z")
    return moment


def _raw(path: Path | None) -> Form | None:
    """The mapping file's tables as they stand."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as problem:
        _refuse(f"{path}: {problem}")
    if not isinstance(raw, dict):
        _refuse(f"{path}: a mapping is a table")
    return raw


def _checked(raw: Form | None) -> CsvMapping | None:
    try:
        return read_mapping(raw) if raw is not None else None
    except BadMappingError as problem:
        _refuse(f"mapping: {problem}")


def _book(folder: Path | None) -> SourceBook:
    try:
        known = sourcebook.packaged()
        return sourcebook.with_folder(known, folder) if folder else known
    except (BadDefinitionError, ValueError) as problem:
        _refuse(str(problem))


def _refuse(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(FILE_REFUSED)


def _line(form: Form) -> str:
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


def _told_weighed(form: Form, texts: list[str]) -> str:
    head = f"{form['ip']} {form['weakness'] or '-'}: {form['finding']} ({form['confidence']})"
    return "\n".join([head, *(f"  {text}" for text in texts)])
