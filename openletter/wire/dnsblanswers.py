"""What DNS lists answered, as a table: query, rcode, A, TXT, one question a line.

Only an answer inside 127/8 lists an address. Everything else says why it says nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence

from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.lines import Line
from openletter.wire.visible import visible

_RCODE = re.compile(r"NOERROR|NXDOMAIN|SERVFAIL|REFUSED|FORMERR|NOTIMP|TIMEOUT|\d{1,2}", re.ASCII)
_FOUR = re.compile(r"((?:\d{1,3}\.){4})(.+)", re.ASCII)
_SIX = re.compile(r"((?:[0-9a-f]\.){32})(.+)", re.IGNORECASE | re.ASCII)
_LISTS = ipaddress.IPv4Network("127.0.0.0/8")
_POINTS = frozenset({"127.0.0.1", "127.0.0.2", "::ffff:7f00:1", "::ffff:7f00:2"})
_REFUSAL = "127.255.255."
_NOT_THERE = frozenset({"NXDOMAIN", "3"})


def is_answers(head: Sequence[Line]) -> bool:
    """Whether a table is one: its first line that is no remark is a question and an answer."""
    for line in head:
        if line.text.strip() and not line.text.startswith("#"):
            cells = line.text.split("\t")
            return len(cells) >= 3 and bool(_RCODE.fullmatch(cells[1])) and asked(cells[0])[1] != ""
    return False


def zone_of(head: Sequence[Line]) -> str:
    """The zone that the first question was put to."""
    for line in head:
        if line.text.strip() and not line.text.startswith("#"):
            return asked(line.text.split("\t")[0])[1]
    return ""


def asked(query: str) -> tuple[str, str]:
    """The address that a name asks about and the zone it is put to; empty where it is none."""
    name = query.strip().rstrip(".").lower()
    if match := _SIX.fullmatch(name):
        nibbles = match.group(1).replace(".", "")[::-1]
        return str(ipaddress.IPv6Address(int(nibbles, 16))), match.group(2)
    if match := _FOUR.fullmatch(name):
        return ".".join(match.group(1).strip(".").split(".")[::-1]), match.group(2)
    return "", ""


def rows(lines: Iterable[Line], *, zone: str = "", apart: bool = True) -> Iterator[FeedRow]:
    """A row for every question; answered with several codes, one for each if told `apart`."""
    number = 0
    for line in lines:
        if not line.problem and (not line.text.strip() or line.text.startswith("#")):
            continue
        number += 1
        if line.problem:
            yield FeedRow(row=number, line=line.number, problem=line.problem, excerpt=line.text)
        else:
            yield from _answers(number, line, zone, apart=apart)


def _answers(number: int, line: Line, zone: str, *, apart: bool) -> Iterator[FeedRow]:
    cells = [*line.text.split("\t"), "", "", ""]
    address, put_to = asked(cells[0])
    answers = [text.strip() for text in cells[2].split(",") if text.strip()]
    problem = _problem(cells[1].strip().upper(), answers)
    if not put_to or (zone and put_to != zone):
        problem = "other-zone" if put_to else "bad-address"
    is_point = address in _POINTS
    codes = answers if apart or _REFUSAL in cells[2] else [";".join(answers)]
    for code in codes if answers and (is_point or not problem) else [cells[2].strip()]:
        yield FeedRow(
            row=number,
            line=line.number,
            address=address,
            code=code,
            says=cells[3].strip(),
            span=Span.TEST_POINT if is_point else Span.ADDRESS,
            problem="" if is_point and put_to else problem,
            excerpt=visible(line.text),
        )


def _problem(rcode: str, answers: Sequence[str]) -> str:
    """Why an answer lists nothing."""
    if rcode in _NOT_THERE:
        return "not-listed"
    if rcode not in {"NOERROR", "0"} or not answers:
        return "answer-unknown"
    return "" if all(map(_is_listing, answers)) else "answer-outside-127"


def _is_listing(answer: str) -> bool:
    try:
        return ipaddress.IPv4Address(answer) in _LISTS
    except ValueError:
        return False
