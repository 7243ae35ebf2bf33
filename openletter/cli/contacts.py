"""`openletter contact`: whom to write to, from files, without network, database or Django."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import typer
from typer import Context
from typer.core import TyperCommand

from openletter.cli import lookup
from openletter.contacts.rules import answers
from openletter.wire import delegated, rdap, rpsl, rpsl_links, whois
from openletter.wire.registry import Registration, UnreadableError

OK, SOME_REFUSED, FILE_REFUSED, NOTHING_CHOSEN = 0, 1, 2, 3
PIECE = 1 << 20


FILE_OPTIONS = frozenset({"--rdap", "--whois", "--rpsl", "--delegated", "--bootstrap"})


class ManyFiles(TyperCommand):
    """`--rdap a.json b.json 192.0.2.1`: a file option takes files until an address or an option."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, repeated(args))


def repeated(args: list[str]) -> list[str]:
    """The same arguments with the option written before each of its files."""
    found: list[str] = []
    option = ""
    for each in args:
        is_more = bool(option) and found[-1] != option
        if each.startswith("-"):
            option = each if each in FILE_OPTIONS else ""
        elif is_more and isinstance(answers.parse_question(each), str):
            found.append(option)
        elif is_more:
            option = ""
        found.append(each)
    return found


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command("contact", cls=ManyFiles)(contact)


def contact(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARG...", help="an IP address or ASn")
    ] = None,
    *,
    rdap: Annotated[list[Path] | None, typer.Option(help="an RDAP answer (JSON)")] = None,
    whois: Annotated[list[Path] | None, typer.Option(help="a WHOIS answer (text)")] = None,
    rpsl: Annotated[list[Path] | None, typer.Option(help="an RPSL dump, also .gz")] = None,
    delegated: Annotated[list[Path] | None, typer.Option(help="delegated-extended")] = None,
    live: Annotated[bool, typer.Option("--live", help="ask the registries (RDAP, WHOIS)")] = False,
    guess: Annotated[bool, typer.Option("--guess", help="with --live: DNS, security.txt")] = False,
    bootstrap: Annotated[list[Path] | None, typer.Option(help="with --live: IANA's files")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per argument")] = False,
) -> None:
    """Say whom to write to about an address, with every candidate and refusal and why.

    Without ARG the single --rdap or --whois file says what it is about. Reads files only, unless
    --live asks registries as well; what it tells them: address, your mail address, program.
    Exit codes: 0 all chosen, 1 some, 2 a file can't be read or the call makes no sense, 3 none.
    """
    questions = [answers.parse_question(each) for each in arguments or []]
    single = len(rdap or []) + len(whois or []) == 1 and not rpsl
    if not questions and not single:
        _refuse("give an address or AS number, or a single --rdap or --whois file")
    registrations = [*_rdap(rdap or []), *_whois(whois or [])]
    registrations += _rpsl(rpsl or [], questions)
    delegations = list(_delegated(delegated or [], questions))
    told = _asked(questions, bootstrap=bootstrap or [], guess=guess) if live else {}
    found = [
        answers.answer(
            question,
            [*registrations, *told[question].registrations] if question in told else registrations,
            delegations=delegations,
            beside=told[question].beside if question in told else (),
        )
        for question in questions or [None]
    ]
    for each in found:
        typer.echo(
            json.dumps(answers.as_json(each), ensure_ascii=False) if as_json else _told(each)
        )
    chosen = sum(each.ranking.chosen is not None for each in found)
    raise typer.Exit(OK if chosen == len(found) else SOME_REFUSED if chosen else NOTHING_CHOSEN)


def _asked(
    questions: list[answers.Question], *, bootstrap: list[Path], guess: bool
) -> dict[answers.Question, lookup.Told]:
    """What registries say when asked; handles are not asked about."""
    asked = [each for each in questions if each is not None and not isinstance(each, str)]
    return dict(lookup.ask(asked, bootstrap_files=bootstrap, guess=guess).items())


def _told(found: answers.Answer) -> str:
    chosen = found.ranking.chosen
    head = f"{found.question}: {chosen.address if chosen else 'nobody'}"
    lines = [
        f"  {each.place:>2} {each.candidate.address} {each.candidate.reason.code}"
        for each in found.ranking.order
    ]
    lines += [f"   - {each.address} {each.refused}" for each in found.ranking.rejected]
    return "\n".join([head, *lines])


def _refuse(why: str) -> NoReturn:
    typer.echo(f"openletter contact: {why}", err=True)
    raise typer.Exit(FILE_REFUSED)


def _rdap(files: list[Path]) -> Iterator[Registration]:
    for path in files:
        try:
            yield from rdap.read(_content(path, rdap.LARGEST))
        except UnreadableError as problem:
            _refuse(f"{path}: {problem.reason}")


def _whois(files: list[Path]) -> Iterator[Registration]:
    for path in files:
        try:
            yield from whois.read(_content(path, whois.LARGEST))
        except UnreadableError as problem:
            _refuse(f"{path}: {problem.reason}")


def _rpsl(files: list[Path], questions: list[answers.Question]) -> list[Registration]:
    """All dumps as one: objects of one file point into another (RIPE's split files do)."""
    if not files:
        return []
    faults: Counter[str] = Counter()
    try:
        found = rpsl_links.gather(
            lambda: _pieces(files), lambda each: _is_asked(each, questions), faults=faults
        )
    except UnreadableError as problem:
        _refuse(f"{', '.join(map(str, files))}: {problem.reason}")
    for fault, count in sorted(faults.items()):
        typer.echo(f"openletter contact: passed over {count} ({fault})", err=True)
    return found


def _delegated(
    files: list[Path], questions: list[answers.Question]
) -> Iterator[delegated.Delegation]:
    asked = [each for each in questions if each is not None and not isinstance(each, str)]
    for path in files:
        faults: Counter[str] = Counter()
        lines = rpsl.lines(_pieces([path]), longest=delegated.LONGEST_LINE)
        for each in delegated.read(lines, faults=faults):
            if not questions or any(map(each.covers, asked)):
                yield each
        if faults:
            typer.echo(f"openletter contact: {path}: {sum(faults.values())} bad lines", err=True)


def _is_asked(found: Registration, questions: list[answers.Question]) -> bool:
    return any(answers.fits(question, found) for question in questions)


def _content(path: Path, largest: int) -> bytes:
    with _opened(path) as stream:
        return stream.read(largest + 1)


def _pieces(files: list[Path]) -> Iterator[bytes]:
    for path in files:
        with _opened(path) as stream:
            yield from rpsl.unpacked(iter(lambda: stream.read(PIECE), b""))
        yield b"\n\n"


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as problem:
        _refuse(f"{path}: {problem.strerror}")
