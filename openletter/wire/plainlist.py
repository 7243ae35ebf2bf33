"""Plain lists: one address a line as `ip`, `ip:port` or `scheme://ip:port`, comments, prose.

Also FireHOL ipsets (with their comment header) and lists with further words after the address. A
user name and password in a link are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.lines import Line
from openletter.wire.visible import visible

_COMMENT = ("#", ";", "//", "<!--")
_TOKEN = re.compile(r"[^\s,;#|\"']+")
_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://(?:[^@/]*@)?([^/?]*)")
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?")
_NAME_PORT = re.compile(r"([^:\[\]]+):([^:]*)")
_SPAN = re.compile(r"[0-9A-Fa-f:.]+(/[0-9]{1,3}|-[0-9A-Fa-f:.]+)", re.ASCII)
_SHAPE = re.compile(r"\[?[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*[0-9A-Fa-f]\]?", re.ASCII)


def rows(lines: Iterable[Line], *, skip: Iterable[str] = ()) -> Iterator[FeedRow]:
    """Data rows; lines matching one of `skip` (a list's own head and foot) are no rows."""
    ignored = [re.compile(pattern) for pattern in skip]
    number = 0
    for line in lines:
        text = line.text.strip()
        if not line.problem and _is_remark(text, ignored):
            continue
        number += 1
        if line.problem:
            yield FeedRow(row=number, line=line.number, problem=line.problem, excerpt=line.text)
        else:
            yield _row(number, line.number, text)


def _is_remark(text: str, ignored: list[re.Pattern[str]]) -> bool:
    if not text or text.startswith(_COMMENT):
        return True
    return any(pattern.match(text) for pattern in ignored)


def _row(number: int, line: int, text: str) -> FeedRow:
    match = _TOKEN.match(text.lstrip("\"'"))
    token = match.group() if match else text
    scheme, place = _scheme(token)
    address, port = _split(place)
    span = Span.RANGE if _SPAN.fullmatch(address) else Span.ADDRESS
    return FeedRow(
        row=number,
        line=line,
        address=address,
        port=port,
        tags=(scheme,) if scheme else (),
        span=span,
        excerpt=visible(text) if not scheme else visible(f"{scheme}://{place}"),
    )


def _scheme(token: str) -> tuple[str, str]:
    match = _LINK.fullmatch(token) or _LINK.match(token)
    if match is None:
        return "", token
    return match.group(1).lower(), match.group(2)


def _split(place: str) -> tuple[str, str]:
    """Address and port; an IPv6 address has its port only behind brackets (RFC 3986 §3.2.2)."""
    if match := _BRACKETED.fullmatch(place):
        return match.group(1), match.group(2) or ""
    if match := _NAME_PORT.fullmatch(place):
        return match.group(1), match.group(2) or "?"
    return place, ""


def is_list(head: Iterable[Line]) -> bool:
    """Whether at least half of the lines that are no comments begin with something address-like."""
    shaped = others = 0
    for line in head:
        text = line.text.strip()
        if not text or text.startswith(_COMMENT):
            continue
        if _is_shaped(text):
            shaped += 1
        else:
            others += 1
    return shaped > 0 and shaped >= others


def _is_shaped(text: str) -> bool:
    match = _TOKEN.match(text)
    _, place = _scheme(match.group() if match else "")
    address, _ = _split(place)
    return bool(_SHAPE.fullmatch(address.partition("/")[0].partition("-")[0]))
