"""Reads settings: environment, then `NAME_FILE`, then one `openletter.toml`, then the default.

Every reader has a type and a sentence; a value that can't be read raises at the start, with the
name, where it came from and what was expected. What was read is remembered with its origin, for
`openletter config show --origin` and for docs/reference/settings.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

Value = TypeVar("Value")


class BadSettingError(Exception):
    """A setting can't be used: {name} from {origin}: {problem}."""

    def __init__(self, name: str, *, origin: str, problem: str) -> None:
        self.name, self.origin, self.problem = name, origin, problem
        super().__init__(f"setting {name} ({origin}): {problem}")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it was read; `shown` never holds a secret."""

    name: str
    key: str
    description: str
    shown: str
    default: str
    origin: str
    secret: bool


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A host and a port to listen on or to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        """Give `host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def to_text(raw: str) -> str:
    """Take the value as it is, without spaces around it."""
    return raw.strip()


def to_number(raw: str) -> int:
    """Take a whole number that isn't negative."""
    if not raw.strip().isdecimal():
        raise ValueError("a whole number was expected, for example 10")
    return int(raw)


def to_flag(raw: str) -> bool:
    """Take yes or no."""
    word = raw.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("yes or no was expected")


def to_path(raw: str) -> Path:
    """Take a path and make it absolute."""
    return Path(raw.strip()).expanduser().absolute()


def to_endpoint(raw: str) -> Endpoint:
    """Take `host:port`; an IPv6 address stands in brackets."""
    parts = urlsplit(f"//{raw.strip()}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path:
        raise ValueError("host:port was expected, for example 127.0.0.1:8000 or [::1]:8000")
    return Endpoint(host=host, port=port)


def to_words(raw: str) -> tuple[str, ...]:
    """Take words apart at commas or spaces."""
    return tuple(raw.replace(",", " ").split())


def to_choice(*allowed: str) -> Callable[[str], str]:
    """Take one of a closed set of words."""

    def parse(raw: str) -> str:
        word = raw.strip()
        if word not in allowed:
            raise ValueError("one of these was expected: " + ", ".join(allowed))
        return word

    return parse


def to_web_address(raw: str) -> str:
    """Take an http or https address without path, the way it is printed in letters."""
    address = raw.strip().rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ValueError("an address was expected, for example https://openletter.example.net")
    return address


def to_database_url(raw: str) -> str:
    """Take a postgresql:// address, or nothing."""
    url = raw.strip()
    if url and urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ValueError("postgresql://user:password@host/name was expected")
    return url


@dataclass(kw_only=True)
class Reader:
    """Looks a setting up, and remembers what was asked and where the answer came from."""

    environment: Mapping[str, str]
    table: Mapping[str, object] = field(default_factory=dict)
    table_name: str = "openletter.toml"
    seen: dict[str, Setting] = field(default_factory=dict)

    def read(
        self,
        name: str,
        parse: Callable[[str], Value],
        *,
        default: str,
        about: str,
        secret: bool = False,
    ) -> Value:
        """Give the parsed value of NAME; `about` is what the reference prints."""
        raw, origin = self._find(name, default)
        try:
            value = parse(raw)
        except ValueError as problem:
            raise BadSettingError(name, origin=origin, problem=str(problem)) from problem
        shown = "(set)" if secret and raw else raw
        self.seen[name] = Setting(
            name=name,
            key=key_of(name),
            description=about,
            shown=shown,
            default="" if secret else default,
            origin=origin,
            secret=secret,
        )
        return value

    def _find(self, name: str, default: str) -> tuple[str, str]:
        if self.environment.get(name):  # set but empty is not set
            return self.environment[name], "environment"
        file_name = self.environment.get(f"{name}_FILE")
        if file_name:
            try:
                return Path(file_name).read_text().strip(), f"file {file_name}"
            except OSError as problem:
                origin = f"environment {name}_FILE"
                raise BadSettingError(name, origin=origin, problem=str(problem)) from problem
        if key_of(name) in self.table:
            return _plain(self.table[key_of(name)]), self.table_name
        return default, "default"

    def refuse_unknown_keys(self) -> None:
        """A misspelt key in the file would otherwise be silently without effect."""
        known = {setting.key for setting in self.seen.values()}
        for key in self.table:
            if key not in known:
                raise BadSettingError(
                    key, origin=self.table_name, problem="no setting has this name"
                )


def key_of(name: str) -> str:
    """Name the key in openletter.toml: lower case, without the prefix."""
    return name.removeprefix("OPENLETTER_").lower()


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)


def config_file(environment: Mapping[str, str]) -> Path:
    """Name the one file of settings, whether it exists or not."""
    return to_path(environment.get("OPENLETTER_CONFIG", "openletter.toml"))


def reader_for(environment: Mapping[str, str]) -> Reader:
    """Open the one file of settings, if it is there."""
    path = config_file(environment)
    if not path.is_file():
        if "OPENLETTER_CONFIG" in environment:
            problem = f"there is no file {path}"
            raise BadSettingError("OPENLETTER_CONFIG", origin="environment", problem=problem)
        return Reader(environment=environment)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadSettingError(path.name, origin=str(path), problem=str(problem)) from problem
    return Reader(environment=environment, table=table, table_name=str(path))
