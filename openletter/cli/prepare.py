"""Before the first letter: `init`, `user`, `config`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openletter.cli.keys import keys_new, keys_show_dns
from openletter.cli.operate import fail, say

if TYPE_CHECKING:
    from django.contrib.auth.models import User

user = typer.Typer(help="People who sign in to the desk.", no_args_is_help=True)
config = typer.Typer(help="Settings and where they come from.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command()(init)
    app.add_typer(user, name="user")
    app.add_typer(config, name="config")


def init(
    *,
    site: Annotated[str, typer.Option(prompt="Site address (https://...)", help="https://...")],
    domain: Annotated[str, typer.Option(prompt="Mail domain", help="domain of the sender")],
    partner: Annotated[str, typer.Option(prompt="Your organisation", help="its name")],
    email: Annotated[
        str, typer.Option(prompt="Its address for questions", help="a person reads it")
    ],
    country: Annotated[str, typer.Option(prompt="Its country (two letters)", help="alpha-2")],
    username: Annotated[str, typer.Option("--user", prompt="First user", help="administrator")],
    password_file: Annotated[
        Path | None, typer.Option(help="else asked, or drawn and shown")
    ] = None,
    smarthost: Annotated[str, typer.Option(help="host:port of your mail server")] = "127.0.0.1:25",
) -> None:
    """Check the database, make keys, organisation and first user; print the DNS records."""
    from openletter.shell import configuration

    path = configuration.config_file(os.environ)
    wanted = {
        "site_address": configuration.to_web_address(site),
        "mail_domain": domain.strip().lower(),
        "operator": partner,
        "contact_mail": email,
        "smarthost": str(configuration.to_endpoint(smarthost)),
    }
    if path.exists():
        say(f"{path} is there already and stays as it is")
    else:
        lines = [f"{key} = {json.dumps(value)}" for key, value in wanted.items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        say(f"wrote {path}")
    _check_database()
    password = _password(password_file)
    _first_rows(partner, email=email, country=country, username=username, password=password)
    keys_new()
    keys_show_dns()
    say("Publish these records, then: openletter up")


def _check_database() -> None:
    import subprocess

    from openletter.shell import database, setup

    database.ensure_started()
    subprocess.run([sys.executable, "-m", "openletter", "migrate", "--quiet"], check=True)
    setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0]) // 10_000
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        is_superuser = cursor.fetchone()[0]
    if not 15 <= version <= 18:
        fail(f"PostgreSQL {version} is not supported; 15 to 18 are")
    if is_superuser:
        fail("DATABASE_URL is a superuser; give the application a role without rights to own")
    say(f"database: PostgreSQL {version}, role without superuser")


def _first_rows(name: str, *, email: str, country: str, username: str, password: str) -> None:
    from django.utils.text import slugify

    from openletter.campaigns import founding
    from openletter.campaigns.models import Member, Partner
    from openletter.campaigns.rules import MemberRole

    slug = slugify(name) or "partner"
    fresh = {"name": name, "email": email, "country": country.strip().upper()[:2]}
    partner, is_new = Partner.objects.get_or_create(slug=slug, defaults=fresh)
    founding.answer_for(partner, countries=[partner.country])
    say(f"partner: {partner.name} ({'made' if is_new else 'was there'})")
    person = _make_user(username, password=password)
    if person is not None:
        Member.objects.get_or_create(
            user=person, partner=partner, defaults={"role": MemberRole.ADMINISTRATOR}
        )


def _password(path: Path | None) -> str:
    """Take it from a file, ask a person, or draw one and show it once."""
    if path is not None:
        return path.read_text(encoding="utf-8").strip()
    if sys.stdin.isatty():
        return str(typer.prompt("Password (12 or more)", hide_input=True, confirmation_prompt=True))
    from openletter.words import new_secret

    drawn = new_secret()
    say(f"password: {drawn}")
    return drawn


def _make_user(username: str, *, password: str) -> User | None:
    from django.contrib.auth.models import User
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    if User.objects.filter(username=username).exists():
        say(f"user: {username} (was there)")
        return None
    person = User(username=username)
    try:
        validate_password(password, person)
    except ValidationError as problem:
        fail(" ".join(problem.messages))
    person.set_password(password)
    person.save()
    say(f"user: {username} (made)")
    return person


@user.command("add")
def user_add(
    username: str,
    *,
    partner: Annotated[str, typer.Option(help="slug of the partner, see the desk")],
    role: Annotated[
        str, typer.Option(help="reader, handler, approver or administrator")
    ] = "reader",
    password_file: Annotated[
        Path | None, typer.Option(help="else asked, or drawn and shown")
    ] = None,
) -> None:
    """Make somebody who signs in, with one role at one partner; again for another partner."""
    from openletter.shell import setup

    setup()
    from django.contrib.auth.models import User

    from openletter.campaigns.models import Member, Partner
    from openletter.campaigns.rules import MemberRole

    at = Partner.objects.filter(slug=partner).first()
    if at is None:
        known = ", ".join(Partner.objects.values_list("slug", flat=True))
        fail(f"no partner {partner}; there are {known}")
    if role not in list(MemberRole):
        fail(f"no role {role}; there are {', '.join(MemberRole)}")
    person = User.objects.filter(username=username).first()
    if person is None:
        person = _make_user(username, password=_password(password_file))
    Member.objects.update_or_create(user=person, partner=at, defaults={"role": MemberRole(role)})
    say(f"{username} is {role} at {at.name}")


@config.command("show")
def config_show(
    *,
    origin: Annotated[
        bool, typer.Option("--origin", help="also say where each comes from")
    ] = False,
) -> None:
    """Print every setting; secrets are never shown."""
    from openletter.shell.configuration import BadSettingError

    try:
        from openletter.shell.settings import READER
    except BadSettingError as problem:
        fail(str(problem))
    for setting in sorted(READER.seen.values(), key=lambda each: each.name):
        told = f"{setting.name} = {setting.shown}"
        typer.echo(f"{told}    # {setting.origin}" if origin else told)
