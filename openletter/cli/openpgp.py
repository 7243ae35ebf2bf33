"""`openletter keys openpgp-new|show|check|drop`: a partner's own signature on its letters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli import keys
from openletter.cli.campaign import partner_named
from openletter.cli.operate import fail, say

if TYPE_CHECKING:
    from openletter.campaigns.models import Partner
    from openletter.letters.rules.openpgp import PgpKey

SAID = {
    "openpgp-exercise": "an invented partner signs nothing that could pass for real",
    "openpgp-key-exists": "it has a key; a second one is made after openpgp-drop only",
    "openpgp-no-key": "it has no key that can be read: openletter keys openpgp-new",
    "openpgp-key-locked": "the key does not open: see OPENLETTER_OPENPGP_PASSPHRASE_FILE",
}
Slug = Annotated[str, typer.Argument(metavar="PARTNER", help="the partner's slug")]


def register(_app: typer.Typer) -> None:
    """Mount this part below `openletter keys`."""
    for name, command in (("new", new), ("show", show), ("check", check), ("drop", drop)):
        keys.keys.command(f"openpgp-{name}")(command)


def new(partner: Slug) -> None:
    """Make the partner's OpenPGP key: from now on its real letters are signed with it, too.

    Set OPENLETTER_OPENPGP_PASSPHRASE_FILE first, or the key lies open to whoever reads its file.
    Publish what openpgp-show prints where the partner publishes its keys.
    """
    from openletter.letters import pgpkeys
    from openletter.letters.rules.facts import LetterError

    found, folder, passphrase = _place(partner)
    created = int(datetime.now(UTC).timestamp())
    try:
        key = pgpkeys.make(folder, found, passphrase=passphrase, created=created)
    except LetterError as error:
        fail(SAID.get(error.code, str(error)))
    say(f"{key.user} signs with {_printed(key)}; the key lies in {folder}")
    if not passphrase:
        say("It has no passphrase: see OPENLETTER_OPENPGP_PASSPHRASE_FILE")


def show(partner: Slug) -> None:
    """Print the public key to publish; its fingerprint goes to stderr."""
    key = _key(partner)
    say(_printed(key))
    typer.echo(key.public(), nl=False)


def check(
    partner: Slug,
    published: Annotated[Path, typer.Argument(metavar="FILE", help="the key as it is published")],
) -> None:
    """Whether a published key is the one that signs; exits 1 where it is not."""
    from openletter.letters.rules.openpgp import holds

    key = _key(partner)
    try:
        octets = published.read_bytes()
    except OSError as problem:
        fail(f"{published}: {problem.strerror}")
    if not holds(octets, key):
        typer.echo(f"{published} is another key than {_printed(key)}, which signs")
        raise typer.Exit(1)
    typer.echo(f"{published} is the key that signs: {_printed(key)}")


def drop(
    partner: Slug,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="it is gone for good")] = False,
) -> None:
    """Delete the partner's key: its later letters go out without it."""
    from openletter.letters import pgpkeys

    found, folder, _ = _place(partner)
    path = pgpkeys.path_of(folder, found)
    if not path.exists():
        fail(SAID["openpgp-no-key"])
    if not yes:
        fail("say --yes: the key can't be made again")
    path.unlink()
    say(f"{found.slug} signs no more; revoke the published key where it is published")


def _key(partner: str) -> PgpKey:
    from openletter.letters import pgpkeys
    from openletter.letters.rules.facts import LetterError

    found, folder, passphrase = _place(partner)
    try:
        return pgpkeys.load(folder, found, passphrase=passphrase)
    except LetterError as error:
        fail(SAID.get(error.code, str(error)))


def _place(partner: str) -> tuple[Partner, Path, str]:
    from openletter.shell import setup

    setup()
    from django.conf import settings

    return partner_named(partner), Path(settings.STATE) / "keys", settings.OPENPGP_PASSPHRASE


def _printed(key: PgpKey) -> str:
    text = key.fingerprint.hex().upper()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
