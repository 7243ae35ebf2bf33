"""The signing keys: the first pair, the next one, and what stands in DNS for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from openletter.cli.operate import fail, say

keys = typer.Typer(help="The signing keys and what to publish in DNS.", no_args_is_help=True)
Result = TypeVar("Result")
SAID = {
    "no-signing-key": "there is no signing key yet: openletter keys new",
    "a-pair-waits-already": "a new pair waits already: publish its records, then keys switch",
    "not-a-selector": "a selector is lower-case letters, digits and hyphens; `exercise` is taken",
    "selector-taken": "there is a pair of that name",
    "no-pair-waits": "no new pair waits: openletter keys next",
    "no-such-selector": "there is no such selector: openletter keys list",
    "selector-in-use": "that selector signs, or is about to: openletter keys list",
    "letters-still-on-their-way": "letters that it signed may still be on their way",
}


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.add_typer(keys, name="keys")


@keys.command("new")
def keys_new() -> None:
    """Make the signing key unless there is one; an existing key is never replaced."""
    from openletter.letters import keys as signing

    folder, named, _ = _place()
    signing.make(folder, selector=named)
    say(f"signing keys of {named} lie in {folder}")


@keys.command("next")
def keys_next(
    *,
    selector: Annotated[str, typer.Option(help="its name in DNS, else drawn from the date")] = "",
) -> None:
    """Make a new pair (RSA-2048 and Ed25519) beside the one that signs; print its DNS records."""
    from openletter.letters import keys as signing
    from openletter.letters import selectors

    folder, named, domain = _place()
    now = datetime.now(UTC)
    pair = _or_fail(lambda: selectors.add(folder, named=named, selector=selector, now=now))
    _print(signing.dns_records(folder, domain=domain, selector=pair.selector))
    say("Publish these records beside the old ones, wait a day, then: openletter keys switch")


@keys.command("switch")
def keys_switch(
    *,
    published: Annotated[
        bool, typer.Option("--published", help="you looked the new records up yourself")
    ] = False,
) -> None:
    """Sign with the new pair from now on; letters that are signed already keep their signature."""
    from openletter.letters import keys as signing
    from openletter.letters import selectors

    folder, named, domain = _place()
    now = datetime.now(UTC)
    waiting = selectors.condition(folder, named=named, now=now).following
    if waiting is None:
        fail(SAID["no-pair-waits"])
    records = signing.dns_records(folder, domain=domain, selector=waiting.selector)
    if not published:
        _look_up(records)
    old, new = _or_fail(lambda: selectors.switch(folder, named=named, now=now))
    say(f"{new.selector} signs from now on; leave the records of {old.selector} in DNS")
    say(f"Next, from {old.retires:%Y-%m-%d %H:%M} UTC: openletter keys retire {old.selector}")


@keys.command("retire")
def keys_retire(
    selector: Annotated[str, typer.Argument(help="one that signs no more, see keys list")],
) -> None:
    """Delete a pair that signs no more, once no letter of it can be on its way."""
    from openletter.letters import keys as signing
    from openletter.letters import selectors, underway

    folder, named, domain = _place()
    now = datetime.now(UTC)
    leaving = selectors.condition(folder, named=named, now=now).leaving
    until = next((pair.signs_until for pair in leaving if pair.selector == selector), None)
    if until and (count := underway.signed_before(until, now=now)):
        fail(f"{count} letters that it signed have not left, or left less than a week ago")
    records = signing.dns_records(folder, domain=domain, selector=selector) if until else []
    _or_fail(lambda: selectors.retire(folder, named=named, selector=selector, now=now))
    say("Its keys are deleted. Take out of DNS: " + ", ".join(name for name, _ in records))


@keys.command("list")
def keys_list() -> None:
    """Say which selector signs, how old it is, which one waits and which ones leave."""
    from openletter.letters import selectors

    folder, named, _ = _place()
    state = selectors.condition(folder, named=named, now=datetime.now(UTC))
    if state.signing is None:
        fail(SAID["no-signing-key"])
    age = " (time for a new one: openletter keys next)" if state.is_old else ""
    typer.echo(f"{state.signing.selector}  signs, for {state.age.days} days{age}")
    if state.following:
        typer.echo(f"{state.following.selector}  waits: publish its records, then keys switch")
    for pair in state.leaving:
        typer.echo(f"{pair.selector}  signs no more; retires from {pair.retires:%Y-%m-%d}")


@keys.command("show-dns")
def keys_show_dns() -> None:
    """Print the DNS records that let others see that letters are yours."""
    from django.conf import settings

    from openletter.letters import selectors

    folder, named, domain = _place()
    _print(selectors.dns_records(folder, domain=domain, named=named))
    for part in ("bounce", "reply"):
        typer.echo(
            f"{part}.{domain}. IN MX 10 <your mail server that hands to {settings.INTAKE_LISTEN}>."
        )
    typer.echo(f'bounce.{domain}. IN TXT "v=spf1 a:<your smarthost> -all"')
    typer.echo(f'_dmarc.{domain}. IN TXT "v=DMARC1; p=none; rua=mailto:<who reads reports>"')


def _place() -> tuple[Path, str, str]:
    """Where keys lie, the setting's selector and the mail domain."""
    from openletter.shell import setup

    setup()
    from django.conf import settings

    return settings.STATE / "keys", settings.DKIM_SELECTOR, settings.MAIL_DOMAIN


def _or_fail(act: Callable[[], Result]) -> Result:
    from openletter.letters.rules.facts import LetterError

    try:
        return act()
    except LetterError as error:
        fail(SAID.get(error.code, str(error)))


def _print(records: Iterable[tuple[str, str]]) -> None:
    from openletter.letters.rules.dkim import zone_text

    for name, text in records:
        typer.echo(f"{name}. IN TXT {zone_text(text)}")


def _look_up(records: list[tuple[str, str]]) -> None:
    """Refuse to sign with what nobody could verify."""
    from django.conf import settings

    resolver = settings.OUTSIDE.resolver
    if resolver is None:
        fail("without OPENLETTER_RESOLVER look the new records up yourself; then add --published")
    seen = asyncio.run(_texts([name for name, _ in records], resolver.host, resolver.port))
    if missing := [name for name, text in records if text.encode() not in seen[name]]:
        fail(f"not in DNS yet, or another text: {', '.join(missing)}")
    say("both records are in DNS")


async def _texts(names: list[str], host: str, port: int) -> dict[str, tuple[bytes, ...]]:
    """What a resolver has at each name."""
    from openletter.net.dns_client import DnsClient
    from openletter.net.dns_ports import Server
    from openletter.wire.dns import Type

    found: dict[str, tuple[bytes, ...]] = {}
    async with DnsClient(Server(host=host, port=port)) as client:
        for name in names:
            reply = (await client.ask(name, Type.TXT)).reply
            values = (record.value for record in reply.answers) if reply else ()
            found[name] = tuple(value for value in values if isinstance(value, bytes))
    return found
