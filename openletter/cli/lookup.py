"""Asking registries: `openletter contact ARG --live`, and `openletter lookup status`."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from openletter import __version__
from openletter.catalogue import sentence
from openletter.contacts.rules import guesses
from openletter.contacts.rules.course import Course
from openletter.wire import bootstrap, guessed, registries
from openletter.wire.address import address_class
from openletter.wire.bootstrap import Bootstrap
from openletter.wire.registry import IPAddress, Registration, UnreadableError
from openletter.words import AddressClass, Reason

if TYPE_CHECKING:
    from openletter.contacts.live import Registries
    from openletter.contacts.rules.candidates import Candidate
    from openletter.net.reach import Reach
    from openletter.shell import configuration

REFUSED = 2
LONGEST = timedelta(minutes=5)

lookup = typer.Typer(help="Asking registries whom to write to.")


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.add_typer(lookup, name="lookup")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What was learnt live about one question."""

    registrations: tuple[Registration, ...] = ()
    beside: tuple[Candidate, ...] = ()


def ask(
    questions: Sequence[IPAddress | int], *, bootstrap_files: Sequence[Path], guess: bool
) -> dict[IPAddress | int, Told]:
    """Ask the registries about addresses and AS numbers; troubles go to stderr."""
    from openletter.contacts.live import look_up
    from openletter.contacts.walking import Pacer

    now = _clock()
    courses = look_up(
        [each for each in questions if _may_be_asked(each)],
        bootstrap=servers_from(bootstrap_files),
        registries=clients(guess=guess),
        pacer=Pacer(clock=_clock, stop=lambda: _clock() > now + LONGEST),
    )
    for course in courses:
        _tell(course)
    return {course.about: _told(course) for course in courses}


def _told(course: Course) -> Told:
    beside = (
        tuple(guesses.candidates_of_guess(guessed.read(course.guessed))) if course.guessed else ()
    )
    return Told(registrations=course.found, beside=beside)


def _tell(course: Course) -> None:
    """Every server that gave no answer, in a line."""
    for each in course.troubles:
        reason = Reason(code=f"asked-{each.code}", values={"server": each.server})
        told = sentence("openletter.contacts", reason, "en")
        typer.echo(f"openletter contact: {course.about}: {told}", err=True)
    if course.ask is not None:
        told = f"not asked: no turn left at {course.ask.server}"
        typer.echo(f"openletter contact: {course.about}: {told}", err=True)


def _clock() -> datetime:
    return datetime.now(UTC)


def _may_be_asked(question: IPAddress | int) -> bool:
    """Registries know only global addresses; documentation's and private ones stay here."""
    if isinstance(question, int) or address_class(question) is AddressClass.GLOBAL:
        return True
    if os.environ.get("OPENLETTER_LOOKUP_LOOPBACK"):
        return True  # nothing but this machine can be asked
    typer.echo(f"openletter contact: {question} is not asked about: not a global address", err=True)
    return False


def clients(*, guess: bool) -> Registries:
    """As the settings say, without Django."""
    from openletter.contacts.live import Registries, user_agent
    from openletter.net.dns_ports import Server
    from openletter.net.guess_client import GuessClient
    from openletter.net.http_client import HttpClient
    from openletter.net.whois_client import WhoisClient
    from openletter.shell import configuration, outside

    reader = configuration.reader_for(os.environ)
    contact = reader.read("OPENLETTER_CONTACT_MAIL", configuration.to_text, default="", about="")
    if not contact:
        refuse("--live: registries must be able to reach you: set OPENLETTER_CONTACT_MAIL")
    settings = outside.read_outside(reader)
    if guess and settings.resolver is None:
        refuse("--guess asks DNS: set OPENLETTER_RESOLVER")
    reach, trust = _reach(reader)
    http = HttpClient(user_agent=user_agent(__version__, contact), reach=reach, trust=trust)
    guesser = None
    if guess and settings.resolver is not None:
        resolver = Server(host=settings.resolver.host, port=settings.resolver.port)
        guesser = GuessClient(resolver=resolver, http=http, zone=settings.look_up.contact_zone)
    return Registries(http=http, whois=WhoisClient(reach=reach), guess=guesser)


def _reach(reader: configuration.Reader) -> tuple[Reach, ssl.SSLContext]:
    """The public internet; or a test's own servers on loopback, and then nothing but these."""
    from openletter.net import reach
    from openletter.shell import outside

    own, authority = outside.read_loopback(reader)
    trust = ssl.create_default_context(cafile=str(authority) if authority else None)
    return (reach.Reach(own_servers=own, resolve=reach.nobody) if own else reach.PUBLIC), trust


def servers_from(files: Sequence[Path]) -> Bootstrap:
    """The operator's bootstrap files, else the packaged table."""
    found = bootstrap.NOTHING
    for path in files:
        try:
            found = found.merged(bootstrap.read(path.read_bytes()))
        except OSError as problem:
            refuse(f"{path}: {problem.strerror}")
        except UnreadableError as problem:
            refuse(f"{path}: {problem.reason}")
    return found if files else registries.packaged()


def refuse(why: str) -> NoReturn:
    typer.echo(f"openletter contact: {why}", err=True)
    raise typer.Exit(REFUSED)


# -- the state of it ----------------------------------------------------------------------------


@lookup.command("status")
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="one JSON object a row")] = False
) -> None:
    """Show each server that is asked: pace, whether it is left alone, what it answered.

    And how many answers are kept, of which "nothing" and "refused" are not asked again.
    """
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.contacts import lookup_state

    now = clock.wall()
    for server in lookup_state.servers(now=now):
        typer.echo(json.dumps(server) if as_json else _as_line(server))
    kept = lookup_state.kept(now=now)
    typer.echo(json.dumps(kept) if as_json else _kept_line(kept))


def _as_line(row: dict[str, object]) -> str:
    rest = (
        f"left alone until {row['closed_until']} ({row['because']})" if row["closed_until"] else ""
    )
    return (
        f"{row['server']:<32} every {row['pace']} s  asked {row['asked']:>8,}"
        f"  answered {row['answered']:>8,}  {rest}"
    )


def _kept_line(row: dict[str, object]) -> str:
    return "kept: " + ", ".join(f"{value} {key}" for key, value in row.items() if key != "type")
