"""Secrets that the project draws itself, kept in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def draw() -> str:
    """Draw 256 random bits as text."""
    return secrets.token_urlsafe(32)


def keep(path: Path, draw_one: Callable[[], str]) -> str:
    """Give the secret in PATH; the first caller draws it. Two first callers agree on one."""
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    write_private(fresh, draw_one())
    try:
        os.link(fresh, path)  # fails where another process was first, instead of replacing it
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text(encoding="ascii")


def write_private(path: Path, text: str) -> None:
    """Write TEXT so that nobody else can read it at any moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
