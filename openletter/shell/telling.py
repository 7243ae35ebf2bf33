"""Settings of how a person hears that something is wrong: a webhook, a second mail route, or both.

Neither goes through the database or through the smarthost that letters leave by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from openletter.shell import configuration as read

SMTP = "OPENLETTER_ALERT_SMTP"
PASSWORD = "OPENLETTER_ALERT_SMTP_PASSWORD"  # noqa: S105 - its name


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Where alerts go. The webhook's address often holds a secret, so it is never shown."""

    webhook: str = field(repr=False, default="")
    smtp: read.Endpoint | None = None
    sender: str = ""
    recipient: str = ""
    disk_floor: int = 500
    tls: str = "never"
    user: str = ""
    password: str = field(repr=False, default="")
    authority: Path | None = None

    @property
    def is_on(self) -> bool:
        """Whether anybody would hear of anything."""
        return bool(self.webhook or self.smtp)

    def goes_by(self, host: str) -> bool:
        """Whether every way that is set leads over this host."""
        places = [urlsplit(self.webhook).hostname or ""] if self.webhook else []
        places += [self.smtp.host] if self.smtp else []
        return all(is_same_host(place, host) for place in places)


def read_telling(reader: read.Reader, *, smarthost: read.Endpoint) -> Telling:
    """The settings as they are now; what can't be used together raises with its name."""
    found = Telling(
        webhook=reader.read(
            "OPENLETTER_ALERT_WEBHOOK",
            to_webhook,
            default="",
            secret=True,
            about="Address that alerts are sent to as JSON (POST; https, or http on loopback). "
            "Empty: none.",
        ),
        smtp=reader.read(
            SMTP,
            _to_endpoint_or_nothing,
            default="",
            about="host:port of a mail server for alerts, not the one that letters leave by. "
            "Empty: no mail.",
        ),
        sender=reader.read(
            "OPENLETTER_ALERT_FROM", read.to_text, default="", about="Sender of alerts by mail."
        ),
        recipient=reader.read(
            "OPENLETTER_ALERT_TO", read.to_text, default="", about="Who gets alerts by mail."
        ),
        disk_floor=reader.read(
            "OPENLETTER_DISK_FLOOR",
            read.to_number,
            default="500",
            about="Megabytes that stay free where the state folder is; below, nothing leaves.",
        ),
        **_opening(reader),
    )
    if found.smtp:
        _refuse_what_does_not_fit(found, found.smtp, smarthost)
    return found


class _Opening(TypedDict):
    tls: str
    user: str
    password: str
    authority: Path | None


def _opening(reader: read.Reader) -> _Opening:
    """How the mail route is opened, as the smarthost is."""
    tls = reader.read(
        f"{SMTP}_TLS",
        read.to_choice("never", "starttls", "implicit"),
        default="never",
        about="`starttls` (587) or `implicit` (465) for the mail server of alerts: encryption to "
        "the host that its certificate proves, or no alert by mail.",
    )
    user = reader.read(
        f"{SMTP}_USER", read.to_text, default="", about="Who signs in there. Empty: nobody."
    )
    password = reader.read(
        PASSWORD,
        read.to_text,
        default="",
        secret=True,
        about=f"Its password; name a file in `{PASSWORD}_FILE`. Needs TLS.",
    )
    authority = reader.read(
        f"{SMTP}_CA",
        read.to_text,
        default="",
        about="File of certificates (PEM) to trust for it instead of the system's.",
    )
    path = Path(authority).expanduser().absolute() if authority else None
    return {"tls": tls, "user": user, "password": password, "authority": path}


def _refuse_what_does_not_fit(
    found: Telling, route: read.Endpoint, smarthost: read.Endpoint
) -> None:
    problems = (
        (
            not (_is_mailbox(found.sender) and _is_mailbox(found.recipient)),
            "OPENLETTER_ALERT_FROM and OPENLETTER_ALERT_TO must be one address each",
        ),
        (
            is_same_server(route, smarthost),
            "the smarthost that letters leave by: were it away, nobody would hear. Name another",
        ),
        (bool(found.user) is not bool(found.password), "user and password go together"),
        (
            bool(found.user) and found.tls == "never",
            f"signing in needs {SMTP}_TLS=starttls or implicit",
        ),
        (
            found.authority is not None and not found.authority.is_file(),
            f"{SMTP}_CA: there is no such file",
        ),
    )
    for is_wrong, problem in problems:
        if is_wrong:
            raise read.BadSettingError(SMTP, origin="check", problem=problem)


def is_same_server(one: read.Endpoint, other: read.Endpoint) -> bool:
    """Whether both lead to the same port of the same host, as far as their names tell."""
    return one.port == other.port and is_same_host(one.host, other.host)


def is_same_host(one: str, other: str) -> bool:
    """By name, or as two names of this machine."""
    return _plain(one) == _plain(other)


def _plain(host: str) -> str:
    name = host.lower().rstrip(".")
    if read.Endpoint(host=name, port=1).is_loopback:
        return "localhost"
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def to_webhook(raw: str) -> str:
    """Take an https address; http on this machine only."""
    address = raw.strip()
    if not address:
        return ""
    parts = urlsplit(address)
    try:
        port = parts.port or 443
    except ValueError:
        port = 0
    here = bool(parts.hostname) and read.Endpoint(host=str(parts.hostname), port=1).is_loopback
    allowed = parts.scheme == "https" or (parts.scheme == "http" and here)
    plain = address.isascii() and address.isprintable() and " " not in address
    if not (allowed and plain and parts.hostname and port) or parts.username:
        raise ValueError("an https address was expected (http on loopback only)")
    return address


def _to_endpoint_or_nothing(raw: str) -> read.Endpoint | None:
    return read.to_endpoint(raw) if raw.strip() else None


def _is_mailbox(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    shape = text.isascii() and text.isprintable() and not set(text) & set(' <>,;"')
    return bool(at and local and domain and shape)
