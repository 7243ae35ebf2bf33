"""Commands about mail: what a reply is, what became of letters, stop and go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from openletter.replies.rules.kinds import Classified

LARGEST = 2 * 1024 * 1024
"""What intake takes; a larger file is refused here too."""


def register(app: typer.Typer) -> None:
    app.command()(classify)


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
