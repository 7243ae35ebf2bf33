"""`openletter weigh`: what is said of an address, and what that is worth; now, or as of a time.

With `--from` it reads files only: no database, no Django.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from openletter.catalogue import sentence
from openletter.cli.evidence import (
    ROOM,
    AsJson,
    At,
    InWorld,
    Mapped,
    More,
    Named,
    book_of,
    campaign_named,
    checked,
    events_of,
    line,
    moment_of,
    raw_of,
    refuse,
)
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.forms import (
    ALL_WELL,
    NOTHING_CHOSEN,
    Form,
    exit_code,
    terms_form,
    weighed_form,
)
from openletter.evidence.rules.reading import FileVerdict, RowOf
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.rules.weigh import CERT_ONLY, Listing, Policy, Weighed, weigh
from openletter.wire.address import Address, NotAddress, parse_address
from openletter.words import FindingState, Reason, Weakness


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command("weigh")(weigh_address)


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

    With --from, files are weighed and no database is needed. With --at, the database's answer is
    what was known at that time: stored by then, and not taken back by then. Beside it stands what
    was stored, and whether today's rules differ. Exit code 3: nobody says it is open.
    """
    address = parse_address(ip)
    if isinstance(address, NotAddress):
        refuse(sentence(ROOM, Reason(code=address.code), lang))
    now, paths, worst = moment_of(at), [*(first or []), *(more or [])], ALL_WELL
    stored: dict[Weakness, Form] = {}
    if paths:
        book, hint = book_of(sources), Hint(source=source, mapping=checked(raw_of(mapping)))
        said = _said_of(address, events_of(paths, hint=hint, now=now, book=book))
        worst = max(map(exit_code, said.files), default=ALL_WELL)
        found, traced = said.weighed(book, now=now), said.traced()
    else:
        found, traced, stored = _weigh_stored(address, campaign=campaign, at=at)
    nothing = {None: weigh([], policy=Policy(), now=now)}
    for weakness, weighed in sorted(found.items()) if found else nothing.items():
        texts = [sentence(ROOM, reason, lang) for reason in weighed.reasons]
        form = weighed_form(address, weakness, weighed, texts=texts, traced=traced)
        if terms := terms_form(weighed, book_of(sources)):
            form["terms"] = terms
        if weakness in stored:
            form["stored"] = stored[weakness]
        typer.echo(line(form) if as_json else _told_weighed(form, texts))
    is_said = any(weighed.state is not FindingState.NONE for weighed in found.values())
    raise typer.Exit(worst or (ALL_WELL if is_said else NOTHING_CHOSEN))


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
                dated_by=one.dated_by or "fetch",
                reason=one.reason if one.same_as is None else "",
                space=one.space,
                is_ipv6=one.ip is not None and one.ip.version == 6,
                cert_only=bool(feed.terms.get(CERT_ONLY)),
            )
            found.setdefault(one.weakness, []).append(listing)
        return found

    def weighed(self, book: SourceBook, *, now: datetime) -> dict[Weakness, Weighed]:
        policy = Policy(origins=book.origins())
        return {kind: weigh(them, policy=policy, now=now) for kind, them in self.by(book).items()}

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


def _weigh_stored(
    address: Address, *, campaign: str, at: str | None
) -> tuple[dict[Weakness, Weighed], dict[int, Form], dict[Weakness, Form]]:
    """By a campaign's knobs, else by those of the real world; replayed where a time is named."""
    from openletter.shell import setup

    setup()
    from openletter.campaigns import clock
    from openletter.evidence import weighing

    named = campaign_named(campaign)
    world = named.world if named else None
    policy = weighing.policy_of(named)
    known_at = moment_of(at) if at else None
    found, traced = weighing.weigh_address(
        address, exercise=world, now=known_at or clock.now(world), known_at=known_at, policy=policy
    )
    return found, traced, weighing.stored_beside(address, exercise=world)


def _told_weighed(form: Form, texts: list[str]) -> str:
    head = f"{form['ip']} {form['weakness'] or '-'}: {form['finding']} ({form['confidence']})"
    lines = [head, *(f"  {text}" for text in texts)]
    stored = form.get("stored")
    if isinstance(stored, dict) and stored["differs"]:
        told = f"{stored['finding']} by {stored['rule_version']} on {stored['weighed_at']}"
        lines.append(f"  Stored: {told}; by today's rules it comes out differently.")
    return "\n".join(lines)
