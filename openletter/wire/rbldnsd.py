"""rbldnsd zone files (ip4set, ip4trie, ip6trie; rbldnsd(8)): addresses, values, exceptions.

A line is an address, range or network, by itself or with a value `:A:TXT`; a line that begins
with a colon sets the default value; `!` takes something out of the ranges around it. What a value
(127.0.0.x) means is a table of the source's, not known here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openletter.wire.address import NotAddress, parse_address
from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.lines import Line
from openletter.wire.visible import visible

DEFAULT_VALUE = "127.0.0.2"
_TEST_POINTS = frozenset({"127.0.0.2", "127.0.0.1", "::ffff:127.0.0.2", "::ffff:127.0.0.1"})
_ENTRY = re.compile(r"(!?)\s*([0-9A-Fa-f:.]+(?:/\d{1,3}|-[0-9A-Fa-f:.]+)?)(?:\s+(.*)|(:.*))?")
_LAST_OCTET = re.compile(r"[0-9]{1,3}", re.ASCII)
_QUAD_START = re.compile(r"\d{1,3}(\.\d{1,3}){0,3}", re.ASCII)
_FULL_QUAD = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.)(\d{1,3})-(\d{1,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Value:
    """What the zone answers: an address in 127/8 and a sentence (`$` stands for the address)."""

    code: str
    says: str


def is_zone(head: Iterable[Line]) -> bool:
    """A zone file shows itself by a `$SOA`, `$NS`, `$DATASET` line or a default value."""
    for line in head:
        if re.match(r"\$(SOA|NS|TTL|DATASET|TIMESTAMP)\b|:(127\.\d+\.\d+\.)?\d+:", line.text):
            return True
    return False


def zone_of(head: Iterable[Line]) -> str:
    """The zone's name as its SOA mailbox domain tells it; empty where it doesn't."""
    for line in head:
        match = re.match(r"\$SOA\s+\d+\s+\S+\s+[^.\s]+\.(\S+)", line.text)
        if match:
            return match.group(1).lower().rstrip(".")
    return ""


def written_at(head: Iterable[Line]) -> str:
    """`$TIMESTAMP` where the zone says when it was written: seconds since 1970, or ISO 8601."""
    for line in head:
        match = re.match(r"\$TIMESTAMP\s+(\S+)", line.text)
        if match:
            return _as_iso(match.group(1))
    return ""


def _as_iso(told: str) -> str:
    """rbldnsd writes dates as `2026:03:02:04:30:00`, with the time or parts of it left out."""
    pieces = re.split(r"[:T-]", told.rstrip("Z"))
    if len(pieces) not in range(3, 7) or not all(piece.isdigit() for piece in pieces):
        return told
    hour, minute, second = (*pieces[3:], "00", "00", "00")[:3]
    return f"{'-'.join(pieces[:3])}T{hour}:{minute}:{second}Z"


def exceptions(lines: Iterable[Line]) -> frozenset[str]:
    """Single addresses that the zone takes out with `!`, in one spelling; for a first reading."""
    found = set()
    for line in lines:
        match = _ENTRY.fullmatch(line.text.strip()) if line.text.startswith("!") else None
        address = parse_address(match.group(2)) if match else NotAddress("bad-address")
        if not isinstance(address, NotAddress):
            found.add(str(address))
    return frozenset(found)


def rows(lines: Iterable[Line]) -> Iterator[FeedRow]:
    """Entries in order, each with the value that holds where it stands."""
    default = Value(DEFAULT_VALUE, "")
    number = 0
    for line in lines:
        text = line.text.strip()
        if not line.problem and (not text or text[0] in "#;$"):
            continue
        if not line.problem and text[0] == ":":
            default = _value(text, default)
            continue
        number += 1
        if line.problem:
            yield FeedRow(row=number, line=line.number, problem=line.problem, excerpt=line.text)
        else:
            yield _row(number, line.number, text, default)


def _row(number: int, line: int, text: str, default: Value) -> FeedRow:
    match = _ENTRY.fullmatch(text)
    if match is None:
        return FeedRow(row=number, line=line, problem="bad-address", excerpt=visible(text))
    out, place, spaced, glued = match.groups()
    value = _value(spaced or glued, default) if spaced or glued else default
    address = _single(place)
    return FeedRow(
        row=number,
        line=line,
        address=address,
        code=value.code,
        says=value.says.replace("$", address),
        span=_span(out, place, address),
        excerpt=visible(text),
    )


def _span(out: str, place: str, address: str) -> Span:
    if out:
        return Span.EXCLUDED
    if place in _TEST_POINTS:
        return Span.TEST_POINT
    return Span.RANGE if _is_range(address) else Span.ADDRESS


def _single(place: str) -> str:
    """`192.0.2.7/32` and `192.0.2.7-7` name one address and are written as such."""
    match = _FULL_QUAD.fullmatch(place)
    if match and match.group(2) == match.group(3):
        return match.group(1) + match.group(2)
    if place.endswith("/32") and _QUAD_START.fullmatch(place[:-3]) and place.count(".") == 3:
        return place[:-3]
    return place.removesuffix("/128") if ":" in place else place


def _is_range(address: str) -> bool:
    """With a prefix or a dash; or fewer than four octets, which is rbldnsd's short network."""
    if "/" in address or "-" in address:
        return True
    return ":" not in address and address.rstrip(".").count(".") < 3


def _value(text: str, default: Value) -> Value:
    """`:127.0.0.4:Text`, `:4:Text`, `:4`, or only `Text`, which keeps the default's code."""
    plain = text.strip()
    if not plain.startswith(":"):
        return Value(default.code, plain) if plain else default
    code, _, says = plain[1:].partition(":")
    if _LAST_OCTET.fullmatch(code):
        code = f"127.0.0.{int(code)}"
    if not _is_code(code):
        return Value("", says.strip() or plain)
    return Value(code, says.strip() or default.says)


def _is_code(code: str) -> bool:
    try:
        return ipaddress.IPv4Address(code) in ipaddress.IPv4Network("127.0.0.0/8")
    except ValueError:
        return False
