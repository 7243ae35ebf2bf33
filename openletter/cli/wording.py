"""`openletter wording`: which letters' texts a partner lets go out in its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.campaign import By, partner_named, refuse, user_named
from openletter.words import WaveKind

if TYPE_CHECKING:
    from openletter.campaigns.models import Partner

PartnerSlug = Annotated[str, typer.Argument(metavar="PARTNER", help="slug of the partner")]
Kind = Annotated[str, typer.Option(help="kind of letter, or all")]
Lang = Annotated[str, typer.Option(help="language, or all")]
ALL = "all"


def register(app: typer.Typer) -> None:
    """Mount this part."""
    wording = typer.Typer(no_args_is_help=True, help="Texts that a partner approves, by version.")
    wording.command("list")(list_wordings)
    wording.command("show")(show)
    wording.command("approve")(approve)
    wording.command("take-back")(take_back)
    app.add_typer(wording, name="wording")


def list_wordings(
    partner: PartnerSlug,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List every kind and language with its version, and who approved it when."""
    found = _partner(partner)
    from openletter.letters import approvals

    given = approvals.standing(found)
    for kind, tag in approvals.every():
        version = approvals.version(kind, tag)
        row = given.get(version)
        if as_json:
            told = {
                "kind": kind, "language": tag, "version": version,
                "approved_by": row.by if row else "",
                "approved_at": row.at.isoformat() if row else None,
            }  # fmt: skip
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            said = f"approved by {row.by} on {row.at:%Y-%m-%d}" if row else "not approved"
            typer.echo(f"{kind:<10} {tag:<8} {version:<40} {said}")


def show(partner: PartnerSlug, *, kind: str = "first", lang: str = "en") -> None:
    """Show a letter of made-up facts in the partner's name, with the version to approve."""
    found = _partner(partner)
    from openletter.letters import approvals
    from openletter.letters.proofs import proofs

    for one, tag in _asked(kind, lang):
        for proof in proofs(found, one, tag):
            typer.echo(f"To: {proof.reader}\nSubject: {proof.subject}\n\n{proof.body}")
        typer.echo(f"version {approvals.version(one, tag)}")


def approve(
    partner: PartnerSlug,
    *,
    kind: Kind,
    lang: Lang,
    version: Annotated[
        str, typer.Option(help="the version that was read; needed for one kind and language")
    ] = "",
    by: By,
) -> None:
    """Approve as an approver of the partner; a changed text needs a new approval."""
    found = _partner(partner)
    from openletter.campaigns import clock
    from openletter.letters import approvals

    person, now = user_named(by), clock.wall()
    with rules():
        for one, tag in _asked(kind, lang):
            read = version or approvals.version(one, tag)
            row = approvals.approve(found, one, tag, read=read, user=person, now=now)
            typer.echo(f"{found.slug}: {one} {tag} {row.version} approved by {row.by}")


def take_back(partner: PartnerSlug, *, kind: Kind, lang: Lang, by: By) -> None:
    """Take an approval back; letters of it that have not left wait from now on."""
    found = _partner(partner)
    from openletter.campaigns import clock
    from openletter.letters import approvals

    person, now, count = user_named(by), clock.wall(), 0
    with rules():
        for one, tag in _asked(kind, lang):
            count += approvals.take_back(found, one, tag, user=person, now=now)
    typer.echo(f"{found.slug}: {count} approvals taken back.")


def _partner(slug: str) -> Partner:
    from openletter.shell import setup

    setup()
    return partner_named(slug)


def _asked(kind: str, lang: str) -> list[tuple[WaveKind, str]]:
    from openletter.letters import approvals

    found = [
        (one, tag) for one, tag in approvals.every() if kind in (one, ALL) and lang in (tag, ALL)
    ]
    if not found:
        refuse(f"there is no wording {kind} in {lang}")
    return found


@contextmanager
def rules() -> Iterator[None]:
    """A refusal of the letters' rules becomes one sentence and exit code 2."""
    from openletter.desk.reasons import told
    from openletter.letters.rules.facts import LetterError
    from openletter.words import Reason

    try:
        yield
    except LetterError as refused:
        refuse(told(Reason(code=refused.code, values={"role": "approver"})))
