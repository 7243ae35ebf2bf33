"""Settings of how a person hears that something is wrong: a webhook, a second mail route, or both.

Neither goes through the database or through the smarthost that letters leave by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from openletter.shell import configuration as read

SMTP = "OPENLETTER_ALERT_SMTP"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Where alerts go. The webhook's address often holds a secret, so it is never shown."""

    webhook: str = field(repr=False, default="")
    smtp: read.Endpoint | None = None
    sender: str = ""
    recipient: str = ""
    disk_floor: int = 500

    @property
    def is_on(self) -> bool:
        """Whether anybody would hear of anything."""
        return bool(self.webhook or self.smtp)


def read_telling(reader: read.Reader) -> Telling:
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
    )
    if found.smtp and not (_is_mailbox(found.sender) and _is_mailbox(found.recipient)):
        problem = "OPENLETTER_ALERT_FROM and OPENLETTER_ALERT_TO must be one address each"
        raise read.BadSettingError(SMTP, origin="check", problem=problem)
    return found


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
