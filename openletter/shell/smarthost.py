"""Settings of where letters leave: a local smarthost, or an authenticated submission service.

Read by `settings` with its reader. A password is a secret: best in the file that
OPENLETTER_SMARTHOST_PASSWORD_FILE names; it is never shown or logged, and only ever said on an
encrypted connection to the host that its certificate proves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from openletter.shell import configuration as read

PASSWORD = "OPENLETTER_SMARTHOST_PASSWORD"  # noqa: S105 - its name


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """How the door is opened. `password` never leaves this object but to the door."""

    tls: str
    user: str
    password: str = field(repr=False)
    authority: Path | None
    connections: int
    log: str
    mailbox: str
    outgoing: tuple[IPv4Address | IPv6Address, ...] = ()
    """The addresses that it sends from, as the world sees them."""


def read_leaving(reader: read.Reader) -> Leaving:
    """The settings as they are now; what can't be used together raises with its name."""
    tls = reader.read(
        "OPENLETTER_SMARTHOST_TLS",
        read.to_choice("never", "starttls", "implicit"),
        default="never",
        about="`starttls` (587) or `implicit` (465) demand encryption to the host that its "
        "certificate proves; a local smarthost needs none.",
    )
    user = reader.read(
        "OPENLETTER_SMARTHOST_USER",
        read.to_text,
        default="",
        about="Who signs in to a submission service (AUTH PLAIN or LOGIN). Empty: nobody.",
    )
    password = reader.read(
        PASSWORD,
        read.to_text,
        default="",
        secret=True,
        about="Its password; name a file in `OPENLETTER_SMARTHOST_PASSWORD_FILE`. Needs TLS.",
    )
    authority = reader.read(
        "OPENLETTER_SMARTHOST_CA",
        read.to_text,
        default="",
        about="File of certificates (PEM) to trust for the smarthost instead of the system's.",
    )
    connections = reader.read(
        "OPENLETTER_SMARTHOST_CONNECTIONS",
        read.to_number,
        default="4",
        about="Connections to the smarthost at once, at most.",
    )
    found = Leaving(
        tls=tls, user=user, password=password, connections=max(1, connections),
        authority=Path(authority).expanduser().absolute() if authority else None,
        outgoing=_outgoing(reader), **_looked_at(reader),
    )  # fmt: skip
    _refuse_what_does_not_fit(found)
    return found


def _outgoing(reader: read.Reader) -> tuple[IPv4Address | IPv6Address, ...]:
    return reader.read(
        "OPENLETTER_SMARTHOST_OUTGOING",
        to_addresses,
        default="",
        about="Addresses that the mail server sends from, such as `192.0.2.25 2001:db8::25`: "
        "`openletter doctor` looks at their SPF, reverse names and blocklists. Empty: it can't.",
    )


def to_addresses(raw: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """Addresses, each once."""
    try:
        return tuple(dict.fromkeys(map(ip_address, read.to_words(raw))))
    except ValueError as problem:
        raise ValueError(f"IP addresses were expected: {problem}") from None


def _looked_at(reader: read.Reader) -> dict[str, str]:
    """Where it shows what became of letters."""
    log = reader.read(
        "OPENLETTER_SMARTHOST_LOG",
        read.to_text,
        default="",
        about="The mail server's log (Postfix), read while sending to learn what was delivered. "
        "Empty: after 200 letters sending waits for `openletter settle --log`.",
    )
    mailbox = reader.read(
        "OPENLETTER_JOURNAL_MAILBOX",
        read.to_text,
        default="",
        about="Where a submission service keeps a copy of every letter: an mbox file or a Maildir, "
        "read while sending instead of a log. Empty: `openletter settle --mailbox`.",
    )
    return {"log": log, "mailbox": mailbox}


def _refuse_what_does_not_fit(found: Leaving) -> None:
    if bool(found.user) is not bool(found.password):
        problem = "user and password go together (OPENLETTER_SMARTHOST_USER)"
        raise read.BadSettingError(PASSWORD, origin="check", problem=problem)
    if found.user and found.tls == "never":
        problem = "signing in needs OPENLETTER_SMARTHOST_TLS=starttls or implicit"
        raise read.BadSettingError(PASSWORD, origin="check", problem=problem)
    if found.authority is not None and not found.authority.is_file():
        problem = "there is no such file"
        raise read.BadSettingError("OPENLETTER_SMARTHOST_CA", origin="check", problem=problem)
