"""Commands about mail: what a reply is, what became of letters, stop and go on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from openletter.letters.settle import Settled
    from openletter.replies.rules.kinds import Classified

LARGEST = 2 * 1024 * 1024
"""What intake takes; a larger file is refused here too."""


By = Annotated[str, typer.Option("--by", help="Your user name; it stands in the timeline.")]


def register(app: typer.Typer) -> None:
    for command in (classify, settle, stop, resume, unknown, clear):
        app.command()(command)


def classify(
    files: Annotated[list[Path], typer.Argument(help="Mails as files, one mail each.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what replies are: bounce, auto-reply, question, fixed, not ours, no more letters."""
    from openletter.replies.rules.classify import classify as judge

    if not files:
        raise typer.Exit(3)
    refused = 0
    for path in files:
        try:
            raw = path.read_bytes()
        except OSError as error:
            refused += 1
            typer.echo(f"{path}: {error.strerror}", err=True)
            continue
        if len(raw) > LARGEST:
            refused += 1
            typer.echo(f"{path}: larger than {LARGEST} bytes", err=True)
            continue
        typer.echo(_as_line(path, judge(raw), as_json=as_json))
    if refused:
        raise typer.Exit(2 if refused == len(files) else 1)


def _as_line(path: Path, verdict: Classified, *, as_json: bool) -> str:
    row = {
        "file": str(path),
        "kind": verdict.kind,
        "intent": verdict.intent or None,
        "recipients": [one.address for one in verdict.failed],
        "status": [one.status or None for one in verdict.failed],
        "causes": [one.cause for one in verdict.failed],
        "hard": verdict.hard if verdict.kind in ("bounce", "delayed") else None,
        "confidence": round(verdict.confidence, 2),
        "needs_person": verdict.needs_person,
        "tickets": list(verdict.tickets),
        "reason": [reason.code for reason in verdict.reasons],
    }
    if as_json:
        return json.dumps(row, ensure_ascii=False)
    who = ", ".join(one.address for one in verdict.failed)
    said = " ".join(filter(None, (verdict.kind, verdict.intent, who)))
    return f"{path}: {said} ({verdict.confidence:.2f}, {verdict.reasons[0].code})"


# -- what became of letters ---------------------------------------------------------------------


def settle(
    log: Annotated[
        list[Path] | None, typer.Option("--log", help="The smarthost's log (Postfix).")
    ] = None,
    *,
    mailbox: Annotated[
        list[Path] | None,
        typer.Option("--mailbox", help="Copies that a submission service keeps: mbox or Maildir."),
    ] = None,
    by: By = "",
) -> None:
    """Settle letters whose fate is unknown from logs or copies; sends nothing again.

    A whole log also proves what never left; a mailbox proves only what did.
    """
    if not log and not mailbox:
        typer.echo("openletter: name a --log or a --mailbox", err=True)
        raise typer.Exit(3)
    _set_up()
    person = _person(by) if by else "command:settle"
    from openletter.campaigns import clock

    now = clock.wall()
    try:
        told = [_by_copies(mailbox, by=person, now=now)] if mailbox else []
        told += [_by_logs(log, by=person, now=now)] if log else []
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    states = sum((one.by_state for one in told), Counter[str]())
    not_sent = sum(one.not_sent for one in told)
    row = {**states, "not_sent": not_sent, "still_unknown": told[-1].still_unknown}
    typer.echo(json.dumps(row))
    if not_sent:
        typer.echo(
            "see `openletter unknown`; a person clears them with `openletter clear`", err=True
        )


def _by_logs(paths: list[Path], *, by: str, now: datetime) -> Settled:
    from openletter.letters.settle import from_log
    from openletter.wire.postfixlog import LogLine, read_log

    zone = now.astimezone().tzinfo or UTC
    lines: list[LogLine] = []
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines += read_log(file, now=now, zone=zone)
    return from_log(lines, by=by, now=now)


def _by_copies(paths: list[Path], *, by: str, now: datetime) -> Settled:
    from openletter.letters.settle import from_copies
    from openletter.letters.trails import copies_in

    return from_copies((one for path in paths for one in copies_in(path)), by=by, now=now)


def stop(*, by: By) -> None:
    """Stop everything that leaves this installation, within two seconds."""
    person = _person(by)
    from openletter.campaigns import clock, steps

    steps.pause_leaving(because=f"stopped by {person.removeprefix('user:')}", now=clock.wall())
    typer.echo("stopped; go on with: openletter resume --by NAME", err=True)


def resume(*, by: By) -> None:
    """Go on after a stop, a restore, a move or a copy: this is the one that may send."""
    person = _person(by)
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.letters.models import Delivery
    from openletter.letters.settle import go_on

    go_on(settings.STATE, by=person.removeprefix("user:"), now=clock.wall())
    count = Delivery.objects.filter(state="unknown").count()
    typer.echo(f"letters may leave again; {count} of unknown fate stay where they are", err=True)


def unknown(*, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List letters whose fate nobody knows, and which of them a log proved never to have left."""
    _set_up()
    from openletter.letters.models import Delivery

    for one in Delivery.objects.filter(state="unknown").order_by("id").iterator():
        row = {
            "id": one.pk, "mailbox": one.mailbox, "message_id": one.message_id,
            "handed_at": one.handed_at.isoformat() if one.handed_at else None,
            "reason": one.reason, "not_sent": one.not_sent_at is not None,
        }  # fmt: skip
        text = f"{one.pk} {one.mailbox} {one.reason}{' not-sent' if one.not_sent_at else ''}"
        typer.echo(json.dumps(row) if as_json else text)


def clear(
    ids: Annotated[list[int], typer.Argument(help="Numbers from `openletter unknown`.")],
    *,
    by: By,
) -> None:
    """Send again what a log proved never to have left; only a person may say so."""
    person = _person(by)
    from openletter.campaigns import clock
    from openletter.letters.models import Delivery
    from openletter.letters.sending import Refused, clear_again

    refused = 0
    for row in Delivery.objects.filter(pk__in=ids).order_by("id"):
        try:
            clear_again(row, user=person.removeprefix("user:"), now=clock.wall())
        except Refused as error:
            refused += 1
            typer.echo(f"{row.pk}: {error.reason.code}", err=True)
    missing = len(set(ids)) - Delivery.objects.filter(pk__in=ids).count()
    if refused or missing:
        raise typer.Exit(1)


def _set_up() -> None:
    from openletter.shell import setup

    setup()


def _person(name: str) -> str:
    """The actor of a change: an existing, active user."""
    _set_up()
    from django.contrib.auth.models import User

    if not User.objects.filter(username=name, is_active=True).exists():
        typer.echo(f"openletter: no active user {name!r}; see `openletter user add`", err=True)
        raise typer.Exit(2)
    return f"user:{name}"
