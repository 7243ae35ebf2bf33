"""`Name: value` lines as reports in mails have them: folded (RFC 5322) or plain (X-ARF's YAML).

Also the two values that stand in them and need reading: a mail's date and an address literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,60})[ \t]*:[ \t]*(.*)", re.ASCII | re.DOTALL)
_COMMENT = re.compile(r"\([^()]*\)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HAS_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d|UTC|GMT)$", re.ASCII | re.IGNORECASE)
MOST_FIELDS = 500
Fields = dict[str, list[str]]


def folded(text: str) -> Fields:
    """Header-like fields by lower-case name, each with all its values; other lines are dropped."""
    found: Fields = {}
    held: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line[:1] in {" ", "\t"} and line.strip() and held:
            held.append(line.strip())
            continue
        _keep(" ".join(held), found)
        held = [line.rstrip()]
    return found


def plain(text: str) -> Fields:
    """One field a line, quotes and comments taken off; what is indented or listed is dropped."""
    found: Fields = {}
    for line in text.split("\n"):
        if line[:1] not in {" ", "\t", "#", "-"}:
            _keep(line.rstrip(), found)
    return found


def one(fields: Fields, name: str) -> str:
    """The first value of a field, or an empty text."""
    return next(iter(fields.get(name.lower(), ())), "")


def twice(fields: Fields, names: Iterable[str]) -> str:
    """The first of the names that has more than one value."""
    return next((name for name in names if len(fields.get(name.lower(), ())) > 1), "")


def missing(fields: Fields, names: Iterable[str]) -> str:
    """The first of the names that has no value."""
    return next((name for name in names if not one(fields, name)), "")


def moment(text: str) -> str:
    """RFC 5322's date as ISO 8601 in UTC; ISO 8601 as it stands; without a zone, no time at all."""
    plain_text = _COMMENT.sub("", text).strip()
    if _ISO.match(plain_text):
        return plain_text if _HAS_ZONE.search(plain_text) else f"{plain_text} without zone"
    try:
        found = parsedate_to_datetime(plain_text)
        if found.tzinfo is None:  # `-0000`: UTC by somebody who doesn't say where he is
            found = found.replace(tzinfo=UTC if plain_text.endswith("-0000") else None)
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if found.tzinfo else text
    except (ValueError, TypeError, OverflowError, IndexError):
        return text.strip()


def address(text: str) -> str:
    """An address without comment, brackets and the `IPv6:` of RFC 5321 literals."""
    bare = _COMMENT.sub("", text).strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1].strip()
    return bare[5:] if bare[:5].lower() == "ipv6:" else bare


def _keep(line: str, found: Fields) -> None:
    match = _FIELD.fullmatch(line)
    if match and len(found) < MOST_FIELDS:
        found.setdefault(match[1].lower(), []).append(_unquoted(match[2].strip()))


def _unquoted(value: str) -> str:
    for mark in "\"'":
        if len(value) > 1 and value.startswith(mark) and value.endswith(mark):
            return value[1:-1]
    return value
