"""`openletter survey`: what feeds would mean before any campaign. Files only, no database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.operate import state_folder
from openletter.wire.visible import visible

if TYPE_CHECKING:
    from openletter.evidence.surveying import Survey

ALL_WELL, SOME_REFUSED, FILE_REFUSED = 0, 1, 2
Known = Annotated[
    list[Path] | None, typer.Option(metavar="PARQUET", help="day files of before; repeatable")
]
Networks = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Parquet or CSV: first, last, mailbox, country")
]
Named = Annotated[str, typer.Option(metavar="ID", help="whose word the files are")]
Mapped = Annotated[Path | None, typer.Option(help="a TOML or JSON mapping of a CSV's columns")]
More = Annotated[Path | None, typer.Option(help="a folder of further source definitions")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="as of this time")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line")]


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command("survey")(survey_files)


def survey_files(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    *,
    known: Known = None,
    netblocks: Networks = None,
    mailboxes: Annotated[
        bool, typer.Option("--mailboxes", help="also a line for every mailbox")
    ] = False,
    source: Named = "",
    mapping: Mapped = None,
    sources: More = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Say what reports and lists would mean: new, known, gone, and for how many mailboxes.

    Reads big files in columns and stores nothing. No address is shown. Exit codes: 0 all well,
    1 some rows refused, 2 a file is not read this way (`openletter ingest --dry-run` says why).
    """
    from openletter.cli.evidence import book_of, checked, moment_of, raw_of
    from openletter.evidence.apart import contents
    from openletter.evidence.rules.recognise import Hint
    from openletter.evidence.surveying import Asked, survey
    from openletter.evidence.surveying import mailboxes as lists_of

    asked = Asked(
        book=book_of(sources),
        now=moment_of(at) if at else datetime.now(UTC),
        hint=Hint(source=source, mapping=checked(raw_of(mapping))),
        known=tuple(known or ()),
        netblocks=netblocks,
    )
    _refuse_missing([*paths, *asked.known, *filter(None, [netblocks])])
    state = state_folder() / "columns"
    for made, desk in survey(paths, asked=asked, state=state, contents=contents):
        _tell(made, as_json=as_json)
        if mailboxes and netblocks:
            for line in _lines(lists_of(desk), as_json=as_json):
                typer.echo(line)
        raise typer.Exit(_worst(made))


def _refuse_missing(given: Sequence[Path]) -> None:
    missing = [path for path in given if not path.is_file()]
    for path in missing:
        typer.echo(f"openletter survey: {path} is no file", err=True)
    if missing:
        raise typer.Exit(FILE_REFUSED)


def _worst(made: Survey) -> int:
    refused = made.by_judgement.get("reject", 0) + made.by_judgement.get("quarantine", 0)
    if made.not_read:
        return FILE_REFUSED
    return SOME_REFUSED if refused else ALL_WELL


def _tell(made: Survey, *, as_json: bool) -> None:
    """What came of all files together."""
    form: dict[str, object] = {
        "type": "survey",
        "by_judgement": made.by_judgement,
        "by_reason": made.by_reason,
        "compared": _compared(made),
        "without_contact": made.without_contact,
        "mailboxes": made.mailboxes,
        "by_country": made.by_country,
        "not_read": made.not_read,
    }
    if as_json:
        typer.echo(json.dumps(form, ensure_ascii=False, separators=(",", ":")))
        return
    for name, value in form.items():
        if isinstance(value, dict):
            typer.echo(f"{name.replace('_', ' ')}:")
            for key, count in value.items():
                shown = f"{count:>12,}" if isinstance(count, int) else f"{count:>12}"
                typer.echo(f"{shown}  {visible(str(key)) or '-'}")
        elif name != "type":
            typer.echo(f"{name.replace('_', ' ')}: {value:,}")


def _compared(made: Survey) -> dict[str, int]:
    """Who isn't named any more has gone only if a feed is whole; here nobody says that."""
    told = made.compared.as_json()
    return {**{name: told[name] for name in ("new", "changed", "same")}, "not_named": told["gone"]}


def _lines(found: Iterator[tuple[str, str, int]], *, as_json: bool) -> Iterator[str]:
    for mailbox, country, count in found:
        if as_json:
            form = {"type": "mailbox", "mailbox": mailbox, "country": country, "statements": count}
            yield json.dumps(form, ensure_ascii=False, separators=(",", ":"))
        else:
            yield f"{count:>12,}  {visible(mailbox)}  {visible(country)}"
