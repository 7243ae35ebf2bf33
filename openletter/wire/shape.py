"""What a JSON report must look like: small checks put together, the first fault told by its place.

A check takes a value and gives None, or the fault. Kinds of faults are reasons of judging; what
stood there is shown cut and escaped. Formats: RFC 3339 times with zone, RFC 1123 host names, RFC
3986 links, dot-atom mail addresses (RFC 5321).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from openletter.wire.visible import visible

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d{1,30})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_QUAD = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}", re.ASCII)


class Fault(NamedTuple):
    """What is wrong (a reason of judging), where (`Report.SourcePort`), and what stood there."""

    code: str
    place: str = ""
    shown: str = ""

    def under(self, name: str) -> Fault:
        joined = name + (self.place if self.place.startswith("[") else f".{self.place}")
        return self._replace(place=joined if self.place else name)


Check = Callable[[object], Fault | None]


def anything(_value: object) -> None:
    """No check."""


# -- single values -------------------------------------------------------------------------------


def text(*, least: int = 0, most: int | None = None, pattern: str = "") -> Check:
    """A text of some length or pattern (which must match as a whole)."""
    rule = re.compile(pattern, re.ASCII) if pattern else None

    def check(value: object) -> Fault | None:
        if not isinstance(value, str):
            return _wrong_type(value)
        if len(value) < least or (most is not None and len(value) > most):
            return _not_allowed(value)
        return _not_allowed(value) if rule and not rule.fullmatch(value) else None

    return check


def among(*allowed: str) -> Check:
    """One text of a closed set."""
    known = frozenset(allowed)

    def check(value: object) -> Fault | None:
        if not isinstance(value, str):
            return _wrong_type(value)
        return None if value in known else _not_allowed(value)

    return check


def flag(value: object) -> Fault | None:
    return None if isinstance(value, bool) else _wrong_type(value)


def whole(*, least: int | None = None, most: int | None = None) -> Check:
    """A whole number; JSON's `5.0` is one."""

    def check(value: object) -> Fault | None:
        number = as_whole(value)
        if number is None:
            return _wrong_type(value)
        return None if _is_within(number, least, most) else _not_allowed(value)

    return check


def number(*, least: float | None = None, most: float | None = None) -> Check:
    def check(value: object) -> Fault | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong_type(value)
        return None if _is_within(value, least, most) else _not_allowed(value)

    return check


def port(*, least: int = 0) -> Check:
    def check(value: object) -> Fault | None:
        found = as_whole(value)
        is_port = found is not None and least <= found <= 65535
        return None if is_port else Fault("bad-port", shown=_shown(value))

    return check


def ip(value: object) -> Fault | None:
    """One IPv4 or IPv6 address, in the usual spelling."""
    if isinstance(value, str) and (_QUAD.fullmatch(value) or ":" in value):
        try:
            parsed = ipaddress.ip_address(value)
        except ValueError:
            return Fault("bad-address", shown=_shown(value))
        if not getattr(parsed, "scope_id", None):
            return None
    return Fault("bad-address", shown=_shown(value))


def moment(value: object) -> Fault | None:
    """RFC 3339: a date and time that exists, with its zone."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return Fault("bad-time", shown=_shown(value))
    day, time, zone = match.groups()
    try:
        datetime.fromisoformat(f"{day}T{time}{zone.upper()}")
    except ValueError:
        return Fault("bad-time", shown=_shown(value))
    return None


def host(value: object) -> Fault | None:
    good = isinstance(value, str) and len(value) <= 253 and _HOST.fullmatch(value)
    return None if good else Fault("bad-host-name", shown=_shown(value))


def mail(value: object) -> Fault | None:
    """A mail address as mail systems take it: dot-atom, and a host name behind the `@`."""
    if isinstance(value, str) and len(value) <= 254:
        local, at, domain = value.rpartition("@")
        if at and len(local) <= 64 and _LOCAL.fullmatch(local) and host(domain) is None:
            return None
    return Fault("bad-mail-address", shown=_shown(value))


def link(value: object) -> Fault | None:
    good = isinstance(value, str) and _LINK.fullmatch(value)
    return None if good else Fault("bad-link", shown=_shown(value))


def absent(_value: object) -> Fault:
    """The field has no place in this kind of report."""
    return Fault("field-unknown")


# -- put together --------------------------------------------------------------------------------


def listed(check: Check, *, least: int = 0, most: int | None = None) -> Check:
    """A list of so many, each of which passes."""

    def look(value: object) -> Fault | None:
        if not isinstance(value, list):
            return _wrong_type(value)
        if not _is_within(len(value), least, most):
            return Fault("field-not-allowed", shown=f"{len(value)} entries")
        for at, one in enumerate(value):
            if fault := check(one):
                return fault.under(f"[{at}]")
        return None

    return look


def either(*checks: Check) -> Check:
    """One of several; the last one's fault is told."""

    def look(value: object) -> Fault | None:
        fault = None
        for check in checks:
            fault = check(value)
            if fault is None:
                return None
        return fault

    return look


def table(
    fields: Mapping[str, Check],
    *,
    needed: Collection[str] = (),
    is_closed: bool = False,
    others: Check = anything,
) -> Check:
    """An object: what must be there, what may be, and what further names hold."""
    required = frozenset(needed)

    def look(value: object) -> Fault | None:
        if not isinstance(value, dict):
            return _wrong_type(value)
        unknown = [name for name in value if name not in fields]
        if is_closed and unknown:
            return Fault("field-unknown", visible(unknown[0], limit=60))
        return _fault_among(fields, value, required) or _fault_among(
            {} if others is anything else dict.fromkeys(unknown, others), value, frozenset()
        )

    return look


def _fault_among(
    fields: Mapping[str, Check], value: Mapping[str, object], required: frozenset[str]
) -> Fault | None:
    """The first field that is missing or doesn't pass, in the order of the definition."""
    for name, check in fields.items():
        if name not in value:
            if name in required:
                return Fault("field-missing", name)
        elif fault := check(value[name]):
            return fault.under(visible(name, limit=60))
    return None


def as_whole(value: object) -> int | None:
    """The whole number that a value is; true and false are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _is_within(number: float, least: float | None, most: float | None) -> bool:
    return (least is None or number >= least) and (most is None or number <= most)


def _wrong_type(value: object) -> Fault:
    return Fault("field-wrong-type", shown=_shown(value))


def _not_allowed(value: object) -> Fault:
    return Fault("field-not-allowed", shown=_shown(value))


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool) or value is None:
        return visible(str(value)[:200], limit=60)
    return "a list" if isinstance(value, list) else "an object"
