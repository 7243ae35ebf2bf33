"""One JSON text read strictly: what two readers would understand differently is refused.

Doubled keys, NaN and its like, numbers beyond reason, halves of surrogate pairs.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

LONGEST_NUMBER = 40
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BadJsonError(ValueError):
    """A value that is refused; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parsed(raw: bytes) -> object:
    """The value; raises BadJsonError, UnicodeError or ValueError (broken)."""
    value: object = json.loads(
        raw.decode("utf-8"),
        object_pairs_hook=_table,
        parse_int=_whole,
        parse_float=_number,
        parse_constant=_no_number,
    )
    if _SURROGATE.search(raw):
        _check_letters(value)
    return value


def _table(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise BadJsonError("json-doubled-key")
    return table


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise BadJsonError("json-number")
    return int(text)


def _number(text: str) -> float:
    number = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    return number if math.isfinite(number) else _no_number(text)


def _no_number(_text: str) -> NoReturn:
    raise BadJsonError("json-number")


def _check_letters(value: object) -> None:
    """Half of a surrogate pair is no letter, and no database takes it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadJsonError("json-half-letter") from None
