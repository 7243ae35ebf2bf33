"""rbldnsd zone files (rbldnsd(8)): addresses and networks, values, exceptions, sections.

ip4set, ip4tset, ip4trie, ip6tset, ip6trie and `combined`; a dnset names domains and a generic
section DNS records, which are no statements about addresses.

A line is an address, range or network, by itself or with a value `:A:TXT`; a line that begins with
a colon sets the value for those that follow; `!` takes something out; `$` says something of the
zone. What a value (127.0.0.x) means is a table of the source's, not known here.

One thing is stricter than the server: an address that any exception covers is taken back, even
where the server would let a more specific entry win. In doubt nobody is written to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from openletter.wire.address import NotAddress, parse_range
from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.intervals import Intervals
from openletter.wire.lines import Line
from openletter.wire.visible import visible

DEFAULT_CODE = "127.0.0.2"
_TEST_POINTS = frozenset({"127.0.0.2", "127.0.0.1", "::ffff:127.0.0.2", "::ffff:127.0.0.1",
                          "::ffff:7f00:2", "::ffff:7f00:1"})  # fmt: skip
_ENTRY = re.compile(r"(!?)\s*([0-9A-Fa-f:.]+(?:/\d{1,3}|-[0-9A-Fa-f:.]+)?)(?:\s+(.*)|(:.*))?")
_SPECIAL = re.compile(r"[#;:]?\$\s*(\S+)\s*(.*)")
_OCTETS = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,3}", re.ASCII)
_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}", re.ASCII)
_LAST_OCTET = re.compile(r"[0-9]{1,3}", re.ASCII)
_NAME = re.compile(r"!?\s*(?:\*?\.)?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*(?:\s|:|$)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$([$0-9=]?)")
_NAMES, _RECORDS = "dnset", "generic"


@dataclass(frozen=True, slots=True)
class Value:
    """What the zone answers: an address in 127/8 and a sentence; `problem`: no such answer is."""

    code: str = DEFAULT_CODE
    says: str = ""
    problem: str = ""


@dataclass(slots=True)
class _Section:
    """What holds where a line stands: kind of data, default value, variables of texts."""

    kind: str = "ip4set"
    default: Value = Value()
    variables: dict[str, str] = field(default_factory=dict)


def is_zone(head: Iterable[Line]) -> bool:
    """A zone file shows itself by a `$SOA`, `$NS`, `$DATASET` line or a default value."""
    for line in head:
        if re.match(
            r"[#;:]?\$(SOA|NS|TTL|DATASET|TIMESTAMP|MAXRANGE4)\b|:(127\.\d+\.\d+\.)?\d+:", line.text
        ):
            return True
    return False


def names_domains(head: Iterable[Line]) -> bool:
    """Whether a file without sections lists domains (a dnset): nothing in it is an address."""
    names = 0
    for line in head:
        text = line.text.strip()
        if _SPECIAL.match(text) and text.lstrip("#;:").upper().startswith("$DATASET"):
            return False
        if not text or text[0] in "#;$:":
            continue
        if _ENTRY.fullmatch(text):
            return False
        names += bool(_NAME.match(text))
    return names > 0


def zone_of(head: Iterable[Line]) -> str:
    """The zone's name as its SOA mailbox domain tells it; empty where it doesn't."""
    for line in head:
        match = re.match(r"[#;:]?\$SOA\s+\S+\s+\S+\s+[^.\s]+\.(\S+)", line.text)
        if match:
            return match.group(1).lower().rstrip(".")
    return ""


def written_at(head: Iterable[Line]) -> str:
    """`$TIMESTAMP` where the zone says when it was written: seconds since 1970, or ISO 8601."""
    for line in head:
        match = re.match(r"[#;:]?\$TIMESTAMP\s+(\S+)", line.text)
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


def exceptions(lines: Iterable[Line]) -> Intervals:
    """Everything that the zone takes out with `!`; for a first reading."""
    found = []
    for line in lines:
        text = line.text.strip()
        match = _ENTRY.fullmatch(text) if text.startswith("!") and not line.problem else None
        ends = parse_range(_spelled_out(match.group(2))) if match else NotAddress("bad-address")
        if not isinstance(ends, NotAddress):
            found.append(ends)
    return Intervals(found)


def rows(lines: Iterable[Line]) -> Iterator[FeedRow]:
    """Entries in order, each with the value that holds where it stands."""
    section = _Section()
    number = 0
    for line in lines:
        text = line.text.strip()
        if not line.problem and _sets_something(text, section):
            continue
        number += 1
        if line.problem:
            yield FeedRow(row=number, line=line.number, problem=line.problem, excerpt=line.text)
        else:
            yield _row(number, line.number, text, section)


def _sets_something(text: str, section: _Section) -> bool:
    """A remark, or a line that says how the following ones are to be read."""
    if not text:
        return True
    if special := _SPECIAL.match(text):
        _special(special.group(1), special.group(2).strip(), section)
        return True
    if text[0] == ":" and not _begins_with_six(text):
        section.default = _value(text, section.default)
        return True
    return text[0] in "#;"


def _begins_with_six(text: str) -> bool:
    """Whether a line's colons are an address's (`::1`), not those in front of a value."""
    match = _ENTRY.fullmatch(text) if text.startswith("::") else None
    return match is not None and not isinstance(parse_range(match.group(2)), NotAddress)


def _special(name: str, rest: str, section: _Section) -> None:
    if name.upper() == "DATASET":
        section.kind = rest.partition(" ")[0].partition(":")[0].lower() or section.kind
        section.default = Value()
    elif len(name) == 1 and name in "0123456789=":
        section.variables[name] = rest


def _row(number: int, line: int, text: str, section: _Section) -> FeedRow:
    problem = _no_address(text, section)
    match = None if problem else _ENTRY.fullmatch(text)
    if match is None:
        return FeedRow(
            row=number, line=line, problem=problem or "bad-address", excerpt=visible(text)
        )
    out, place, spaced, glued = match.groups()
    value = _own_value(spaced or glued or "", section.default)
    address = _spelled_out(place, of_64=section.kind == "ip6tset" and not out)
    return FeedRow(
        row=number,
        line=line,
        address=address,
        code=value.code,
        says=_filled_in(value.says, address, section),
        span=_span(out, place, address),
        problem="" if out else value.problem,
        excerpt=visible(text),
    )


def _no_address(text: str, section: _Section) -> str:
    if section.kind == _RECORDS:
        return "zone-record"
    return "host-name" if section.kind == _NAMES or _NAME.match(text) else ""


def _own_value(told: str, default: Value) -> Value:
    """What stands behind the entry; a remark there leaves the default as it is."""
    return default if not told or told[0] in "#;" else _value(told, default)


def _span(out: str, place: str, address: str) -> Span:
    if out:
        return Span.EXCLUDED
    if place.lower() in _TEST_POINTS:
        return Span.TEST_POINT
    return Span.RANGE if "-" in address or "/" in address else Span.ADDRESS


def _spelled_out(place: str, *, of_64: bool = False) -> str:
    """A place in one of two spellings: an address, or `first-last` with both written whole.

    In IPv4 `10.20`, `127/8` and `192.0.2.16-31` are short for networks and ranges; in IPv6 four
    words are a /64, and an ip6tset has nothing else.
    """
    if _is_plain(place):
        return place
    spelled = _six(place, of_64=of_64) if ":" in place else _four(place)
    ends = parse_range(spelled)
    if isinstance(ends, NotAddress):
        return spelled
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"


def _is_plain(place: str) -> bool:
    """An IPv4 address in the spelling that we write ourselves."""
    return _PLAIN.fullmatch(place) is not None and max(map(int, place.split("."))) < 256


def _four(place: str) -> str:
    head, slash, width = place.partition("/")
    first, dash, last = (head, "", "") if slash else place.partition("-")
    if not _OCTETS.fullmatch(first) or (dash and not _OCTETS.fullmatch(last)):
        return place
    if slash:
        return f"{_completed(first, '0')}/{width}"
    if dash and "." not in last and "." in first:
        last = f"{first.rpartition('.')[0]}.{last}"
    if not dash and first.count(".") == 3:
        return place
    return f"{_completed(first, '0')}-{_completed(last or first, '255')}"


def _completed(octets: str, rest: str) -> str:
    return ".".join([*octets.split("."), *[rest] * (3 - octets.count("."))])


def _six(place: str, *, of_64: bool) -> str:
    head, slash, width = place.partition("/")
    words = head.removesuffix(":").split(":") if not head.endswith("::") else [head]
    if "::" not in head and len(words) < 8:
        head = f"{':'.join(words)}::"
        width = width or str(16 * len(words))
    width = "64" if of_64 and not slash else width
    return f"{head}/{width}" if width else head


def _filled_in(says: str, address: str, section: _Section) -> str:
    """`$` is the entry, `$1` a variable of the zone, `$$` a dollar; a base text takes the rest."""

    def stands_for(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in {"", "="}:
            return address
        return "$" if name == "$" else section.variables.get(name, "")

    return _VARIABLE.sub(stands_for, says)[:1_000]


def _value(text: str, default: Value) -> Value:
    """`:127.0.0.4:Text`, `:4:Text`, `:4`, or only `Text`, which keeps the default's code.

    Without a second colon the default's text holds, with one the text is what follows, or none.
    """
    plain = text.strip()
    if not plain.startswith(":"):
        return Value(default.code, plain, default.problem)
    code, colon, says = plain[1:].partition(":")
    code, problem = _code(code.strip())
    return Value(code, says.strip() if colon else default.says, problem)


@lru_cache(maxsize=1_024)
def _code(told: str) -> tuple[str, str]:
    """An answer in 127/8. Anything else is none, and what it would mean is not guessed."""
    if _LAST_OCTET.fullmatch(told) and (told[0] != "0" or told == "0"):
        told = f"127.0.0.{told}"
    try:
        answer = ipaddress.IPv4Address(told)
    except ValueError:
        return "", "bad-answer"
    if answer not in ipaddress.IPv4Network("127.0.0.0/8"):
        return "", "answer-outside-127"
    return str(answer), ""
