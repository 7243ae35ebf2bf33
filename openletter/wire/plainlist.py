"""Plain lists: one address a line as `ip`, `ip:port` or `scheme://ip:port`, comments, prose.

Also FireHOL ipsets (with their comment header), `ip,port,kind` in cells, and lists with further
words after the address. A user name and password are never kept; that there are some is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.lines import Line
from openletter.wire.visible import visible

_COMMENT = ("#", ";", "//", "<!--")
_TOKEN = re.compile(r"[^\s,;#|\"']+")
_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://(?:([^@/]*)@)?([^/?]*)")
_WITH_USER = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5}):[^:]+:[^:]+", re.ASCII)
_CELLS = re.compile(r"[,;|\t]|\s+")
PROXY_KINDS = frozenset({"http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"})
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
            yield row(number, line.number, text)


def _is_remark(text: str, ignored: list[re.Pattern[str]]) -> bool:
    if not text or text.startswith(_COMMENT):
        return True
    return any(pattern.match(text) for pattern in ignored)


def row(number: int, line: int, text: str) -> FeedRow:
    """What one line says: a place, perhaps with a port and a proxy's kind in cells behind it."""
    match = _TOKEN.match(text.lstrip("\"'"))
    token = match.group() if match else text
    scheme, place, sign_in = _scheme(token)
    address, port, more = _split(place)
    if not port and not scheme:
        port, scheme = _cells(text)
    span = Span.RANGE if _SPAN.fullmatch(address) else Span.ADDRESS
    shown = f"{scheme}://{place}" if "://" in token else text
    return FeedRow(
        row=number,
        line=line,
        address=address,
        port=port,
        tags=(scheme,) if scheme else (),
        span=span,
        sign_in=sign_in or more,
        excerpt=visible(f"{address}:{port}" if sign_in or more else shown),
    )


def _scheme(token: str) -> tuple[str, str, bool]:
    """A link's scheme, its place, and whether it names a user; a place may do that by itself."""
    match = _LINK.match(token)
    if match is not None:
        return match.group(1).lower(), match.group(3), match.group(2) is not None
    _, at, place = token.rpartition("@")
    return ("", place, True) if at else ("", token, False)


def _split(place: str) -> tuple[str, str, bool]:
    """Address and port; an IPv6 address has its port only behind brackets (RFC 3986 §3.2.2).

    `192.0.2.1:1080:user:password` names a user too.
    """
    if match := _BRACKETED.fullmatch(place):
        return match.group(1), match.group(2) or "", False
    if match := _NAME_PORT.fullmatch(place):
        return match.group(1), match.group(2) or "?", False
    if match := _WITH_USER.fullmatch(place):
        return match.group(1), match.group(2), True
    return place, "", False


def _cells(text: str) -> tuple[str, str]:
    """Port and kind where they stand in cells behind the address.

    A number there is a port only where the kind of proxy stands beside it: it might be an AS.
    """
    cells = [cell.strip(" \"'").lower() for cell in _CELLS.split(text)][1:]
    kind = next((cell for cell in cells if cell in PROXY_KINDS), "")
    return (cells[0], kind) if kind and cells[0].isdigit() else ("", "")


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
    _, place, _ = _scheme(match.group() if match else "")
    address, _, _ = _split(place)
    return bool(_SHAPE.fullmatch(address.partition("/")[0].partition("-")[0]))
