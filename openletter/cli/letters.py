"""`openletter letter`: what a letter looks like, and the bytes of one that was written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.models import OptionInfo

from openletter.words import LANGUAGES, Reader, WaveKind

if TYPE_CHECKING:
    from email.message import EmailMessage

letter = typer.Typer(no_args_is_help=True, help="Look at letters, built or written.")


def register(app: typer.Typer) -> None:
    app.add_typer(letter, name="letter")


def _one_of(*offered: str) -> OptionInfo:
    """An option that takes only what is built, and says so in its help."""

    def check(value: str) -> str:
        if value not in offered:
            raise typer.BadParameter(f"{value} is not built; there is {', '.join(offered)}")
        return value

    option: OptionInfo = typer.Option(help=" | ".join(offered), callback=check)
    return option


SUBJECTS = ("open-relay", "open-http-proxy", "open-socks", "several", "exit-only")


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"refused: {error}", err=True)
    raise typer.Exit(2)


@letter.command()
def preview(
    *,
    to: Annotated[str, _one_of(*Reader)] = "owner",
    kind: Annotated[str, _one_of(*WaveKind)] = "first",
    weakness: Annotated[str, _one_of(*SUBJECTS)] = "open-relay",
    product: Annotated[str, typer.Option(help="A guide's id, or unknown.")] = "unknown",
    lang: Annotated[str, _one_of(*LANGUAGES)] = "en",
    ip: Annotated[str, typer.Option(help="The address it is about.")] = "192.0.2.17",
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    eml: Annotated[bool, typer.Option("--eml", help="The signed message, not the text.")] = False,
    all_: Annotated[
        Path | None, typer.Option("--all", help="Write every letter that is built to a folder.")
    ] = None,
) -> None:
    """Show a letter of made-up facts; needs no database."""
    import ipaddress
    from datetime import UTC, datetime

    from openletter.guides.model import GuideError
    from openletter.letters import preview as letters
    from openletter.letters.rules.facts import LetterError

    now = datetime.now(UTC)
    if all_ is not None:
        typer.echo(f"{letters.write_all(all_, at=now)} letters in {all_}", err=True)
        return
    try:
        asked = letters.Asked(
            to=Reader(to), kind=WaveKind(kind), about=weakness, product=product,
            language=lang, ip=str(ipaddress.ip_address(ip)), port=port,
        )  # fmt: skip
        if eml:
            _out(letters.signed(asked, with_keys=letters.fresh_keys(), at=now).raw)
            return
        _, shown = letters.written(asked)
    except (LetterError, GuideError, ValueError) as error:
        _refuse(error)
    typer.echo(f"Subject: {shown.subject}\n\n{shown.body}", nl=False)
    for file in shown.files:
        typer.echo(f"\n--- {file.name} ({file.media})\n{file.text}", nl=False)


@letter.command()
def show(
    which: Annotated[str, typer.Argument(metavar="ID", help="A letter's number or reference.")],
    eml: Annotated[bool, typer.Option("--eml", help="The stored bytes, not the text.")] = False,
) -> None:
    """Show a letter as it was stored."""
    from openletter.shell import setup

    setup()
    from openletter.letters.models import Letter
    from openletter.words import parse_reference

    rows = (
        Letter.objects.filter(pk=int(which))
        if which.isdigit()
        else Letter.objects.filter(reference=parse_reference(which) or "")
    )
    found = rows.first()
    if found is None:
        typer.echo(f"There is no letter {which}.", err=True)
        raise typer.Exit(3)
    raw = bytes(found.raw)
    if eml:
        _out(raw)
    else:
        typer.echo(_as_text(raw), nl=False)


def _as_text(raw: bytes) -> str:
    """Headers that people read, the text, and the attached table."""
    import email
    import email.policy

    message = email.message_from_bytes(raw, policy=email.policy.default)
    head = [f"{name}: {message[name]}" for name in ("From", "To", "Date", "Subject", "Message-ID")]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return "\n".join(head) + "\n\n" + "\n".join(map(_shown, parts))


def _shown(part: EmailMessage) -> str:
    """A text as it is; of anything else its name, type and size."""
    if part.get_content_maintype() == "text":
        return str(part.get_content())
    size = len(part.get_payload(decode=True) or b"")
    return f"[{part.get_filename() or 'unnamed'}: {part.get_content_type()}, {size} bytes]\n"


def _out(raw: bytes) -> None:
    sys.stdout.buffer.write(raw)
