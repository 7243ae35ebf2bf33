"""Where the database is: `DATABASE_URL`, or the embedded server of the state folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from openletter.shell import postgres
from openletter.shell.configuration import reader_for, to_path, to_text

APP_ROLE = "openletter"
"""Role of every process but migrations; it can't change or delete a timeline row."""


def address(state: Path, *, url: str, owner_url: str, as_owner: bool) -> str:
    """Choose the address for this process; empty where no database was made yet."""
    if not url:
        kept = postgres.remembered(state)
        if kept is None:
            return ""
        return kept.owner_url if as_owner else kept.app_url
    return (owner_url or url) if as_owner else url


def settings_for(state: Path, *, url: str, owner_url: str, as_owner: bool) -> dict[str, Any]:
    """Give Django's DATABASES entry."""
    chosen = address(state, url=url, owner_url=owner_url, as_owner=as_owner)
    return {**from_url(chosen), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def from_url(url: str) -> dict[str, Any]:
    """Take a postgresql:// address apart into Django's keys; a host may be a socket's folder."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "openletter",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or _host(parts.netloc),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def _host(netloc: str) -> str:
    """Keep the case of a socket's folder, which `hostname` would lower."""
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return unquote(host.partition(":")[0]) or "/nonexistent"


def ensure_started() -> None:
    """Start the embedded server unless DATABASE_URL names another; before Django is set up."""
    reader = reader_for(os.environ)
    if reader.read("DATABASE_URL", to_text, default="", about=""):
        return
    state = reader.read("OPENLETTER_STATE", to_path, default=".state", about="")
    pg_bin = reader.read("OPENLETTER_PG_BIN", to_text, default="", about="")
    postgres.start(state, pg_bin=pg_bin)


def keep_running() -> None:
    """Start the embedded server again if it ended; cheap enough to ask every second."""
    reader = reader_for(os.environ)
    if (
        postgres.status(reader.read("OPENLETTER_STATE", to_path, default=".state", about=""))
        is None
    ):
        ensure_started()
