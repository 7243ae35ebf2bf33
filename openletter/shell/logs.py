"""JSON logs on stderr, without tokens, secrets, addresses of links or mail bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

HIDDEN = "[hidden]"
SECRET_KEYS = frozenset(
    [
        "password",
        "secret",
        "token",
        "authorization",
        "cookie",
        "set-cookie",
        "secret_key",
        "dsn",
        "database_url",
        "database_owner_url",
        "link",
        "signature",
        "private_key",
        "csrftoken",
    ]
)
BODY_KEYS = frozenset(["body", "raw", "text", "message_bytes", "mail", "payload", "content"])
_PATTERNS = (
    # a letter's or case's page, and one-click: the secret is the last part of the path
    (re.compile(r"(/(?:l|c|o)/)[A-Za-z0-9]{12,}"), rf"\1{HIDDEN}"),
    # mail tokens in an address: b+…@, reply+…@, stop+…@
    (re.compile(r"\b(b|reply|stop)\+[A-Za-z0-9]{8,}(?=@)"), rf"\1+{HIDDEN}"),
    # a password in an address of a server
    (re.compile(r"(\b[a-z][a-z0-9+]*://[^/\s:@]*):[^@\s/]+@"), rf"\1:{HIDDEN}@"),
    # any of our 20-character secrets standing alone
    (re.compile(r"(?<![A-Za-z0-9])[a-z2-7]{20}(?![A-Za-z0-9])"), HIDDEN),
)


def hide(text: str) -> str:
    """Take what opens something out of a line of log."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Structlog's processor: keys that name a secret or a body lose their value."""
    return {key: _redacted(key, value) for key, value in event.items()}


def _redacted(key: str, value: object) -> object:
    name = key.lower()
    if name in SECRET_KEYS or name.endswith(("_secret", "_token", "_password")):
        return HIDDEN
    if name in BODY_KEYS:
        return f"[{len(value)} long]" if isinstance(value, str | bytes) else HIDDEN
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping):
        return {inner: _redacted(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_redacted("", item) for item in value]
    return value


def _processors() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def logging_config(*, level: str) -> dict[str, Any]:
    """Give Django's LOGGING: our lines and the libraries' go through the same redaction."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _processors(),
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(default=str),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "procrastinate": {"level": "WARNING"},
        },
    }
