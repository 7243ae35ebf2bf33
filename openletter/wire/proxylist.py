"""Proxy lists as JSON or CSV, by the names that their makers give to keys and columns.

One object or record a proxy: where it listens (`ip`, `host` ...), its port, its kind (`protocol`,
`type`, flags like `socks5: 1`), when it was tried, where its traffic leaves. Objects may lie in an
array, one a line, or in an object around them. User names and passwords are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from openletter.wire import plainlist
from openletter.wire.feedrow import FeedRow
from openletter.wire.jsonvalues import JsonValue
from openletter.wire.lines import Line
from openletter.wire.plainlist import PROXY_KINDS
from openletter.wire.table import Record
from openletter.wire.visible import visible

Cells = Mapping[str, object]
_PLACE = ("ip", "ip_address", "ipaddress", "ip_addr", "host", "address", "addr", "proxy_address")
_WHOLE = ("proxy", "url", "ip_port", "ipport", "uri")
_PORT = ("port", "proxy_port", "port_number")
_KIND = ("protocol", "protocols", "type", "types", "scheme", "proxy_type", "kind")
_WHEN = (
    "last_checked", "lastchecked", "checked_at", "last_check", "last_seen", "lastseen",
    "last_alive", "updated_at", "updatedat", "tested_at", "timestamp",
)  # fmt: skip
_EXIT = ("exit_ip", "exitip", "exit", "outgoing_ip", "out_ip", "egress_ip")
_USER = ("username", "user", "login", "password", "pass")
_AROUND = ("data", "proxies", "results", "items", "list", "proxy_list", "rows")
_NAME = re.compile(r"[\w .()%-]{0,40}")
_NO = frozenset({"", "0", "false", "no", "none", "null", "-"})
_DEAD = ("alive", "working", "is_alive", "is_working", "online")


def is_header(names: Sequence[str]) -> bool:
    """Whether a table's columns are a proxy list's: where, which port, of which kind."""
    have = set(map(_plain, names))
    if not all(map(_NAME.fullmatch, names)) or not (have & set(_PLACE) and have & set(_PORT)):
        return False
    return bool(have & set(_KIND)) or len(have & PROXY_KINDS) > 1


def _plain(name: str) -> str:
    """`Last Checked`, `last-checked` and `last_checked` are one name."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def is_proxy(value: object) -> bool:
    """Whether a JSON value is a proxy, or holds some."""
    return any(_is_one(item) for _, item in _unfolded(value))


def _is_one(item: object) -> bool:
    if isinstance(item, str):
        return plainlist.is_list([Line(1, item)])
    if not isinstance(item, dict):
        return False
    have = {_plain(str(key)) for key in item}
    return bool(have & set(_WHOLE)) or is_header(sorted(have))


def rows_of_values(values: Iterable[JsonValue]) -> Iterator[FeedRow]:
    """A row for every proxy and for everything that should be one.

    What cannot be read is not quoted: it may hold somebody's password.
    """
    number = 0
    for told in values:
        if told.problem:
            number += 1
            yield FeedRow(row=number, line=told.line, problem=told.problem)
            continue
        for kind, item in _unfolded(told.value):
            number += 1
            yield _from_json(number, told.line, item, kind)


def rows_of_records(records: Iterable[Record], header: Sequence[str]) -> Iterator[FeedRow]:
    """Data rows after the header."""
    for record in records:
        problem = record.problem or ("" if len(record.cells) == len(header) else "wrong-columns")
        if problem:
            excerpt = record.excerpt or visible(",".join(record.cells))
            yield FeedRow(row=record.number, line=record.line, problem=problem, excerpt=excerpt)
        else:
            cells = dict(zip(map(_plain, header), record.cells, strict=True))
            yield _from_cells(record.number, record.line, cells, "")


def _unfolded(value: object) -> Iterator[tuple[str, object]]:
    """The items of what lies around them, with the kind that its key names."""
    if not isinstance(value, dict):
        yield "", value
        return
    inner = [(str(key).lower(), held) for key, held in value.items() if isinstance(held, list)]
    lists = [
        (key if key in PROXY_KINDS else "", held)
        for key, held in inner
        if key in PROXY_KINDS or key in _AROUND
    ]
    if not lists or is_header([str(key).lower() for key in value]):
        yield "", value
    for kind, held in lists:
        yield from ((kind, item) for item in held)


def _from_json(number: int, line: int, item: object, kind: str) -> FeedRow:
    if isinstance(item, str):
        told = plainlist.row(number, line, item.strip())
        return told if told.tags or not kind else _with(told, kind)
    if isinstance(item, dict):
        cells = {_plain(str(key)): value for key, value in item.items()}
        return _from_cells(number, line, cells, kind)
    return FeedRow(row=number, line=line, problem="json-no-row")


def _with(told: FeedRow, kind: str) -> FeedRow:
    return FeedRow(
        row=told.row, line=told.line, address=told.address, port=told.port, tags=(kind,),
        span=told.span, sign_in=told.sign_in, excerpt=told.excerpt,
    )  # fmt: skip


def _from_cells(number: int, line: int, cells: Cells, kind: str) -> FeedRow:
    whole = plainlist.row(number, line, _first(cells, _PLACE) or _first(cells, _WHOLE))
    kinds = _kinds(cells) or whole.tags or ((kind,) if kind else ())
    named = [whole.address, _first(cells, _PORT), *kinds]
    excerpt = visible(" ".join(word.rpartition("@")[2] for word in named if word))
    if any(_text(cells.get(name)).lower() in {"false", "0", "no"} for name in _DEAD):
        return FeedRow(row=number, line=line, problem="said-to-be-dead", excerpt=excerpt)
    left, link = _first(cells, _EXIT), plainlist.row(number, line, _first(cells, _WHOLE))
    return FeedRow(
        row=number,
        line=line,
        address=whole.address,
        port=_first(cells, _PORT) or whole.port,
        time=_moment(cells),
        tags=kinds,
        facts={"exit": left} if left and left != whole.address else {},
        span=whole.span,
        sign_in=whole.sign_in or link.sign_in or bool(_first(cells, _USER)),
        excerpt=excerpt,
    )


def _kinds(cells: Cells) -> tuple[str, ...]:
    """What it is called, or what its flags say; `tcp` is no kind of proxy."""
    named: list[str] = []
    for key in _KIND:
        value = cells.get(key)
        told = value if isinstance(value, list) else [value]
        for one in told:
            named += [word.lower() for word in _text(one).replace("/", ",").split(",")]
    found = [word.strip() for word in named if word.strip() not in {"", "tcp", "udp"}]
    flags = [key for key in sorted(PROXY_KINDS) if _text(cells.get(key)).lower() not in _NO]
    return tuple(dict.fromkeys(found or flags))


def _moment(cells: Cells) -> str:
    """When it was tried, in ISO 8601; seconds or milliseconds since 1970 are, prose is not."""
    for name in _WHEN:
        value = cells.get(name)
        text = _text(value)
        if text.replace(".", "", 1).isdigit() and len(text) < 20:
            return _since_1970(float(text))
        if len(text) >= 10 and text[:4].isdigit() and text[4] in "-:/":
            return text
    return ""


def _since_1970(number: float) -> str:
    seconds = number / 1000 if number > 1e11 else number
    if not 0 < seconds < 1e11:
        return ""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first(cells: Cells, names: Iterable[str]) -> str:
    return next((text for name in names if (text := _text(cells.get(name)))), "")


def _text(value: object) -> str:
    """A cell as text; true and false as words, lists and objects not at all."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float) else ""
