"""What one record of a file says, before anybody judges it. All parsers of feeds end in this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Span(StrEnum):
    """What a record names: one address, many, or an exception from many."""

    ADDRESS = "address"
    RANGE = "range"
    EXCLUDED = "excluded"
    TEST_POINT = "test-point"


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedRow:
    """Texts as they stood in the file; `row` counts data records, `line` physical lines, from 1.

    `tags` are what the row calls the thing (a scheme, a report's tags, a mapped value), `says` is
    the list's own sentence, `facts` what the row tells of the server. With `sign_in` it names a
    user and password, which are not kept: such a server asks who comes. With `problem` set nothing
    else can be relied on but `excerpt`.
    """

    row: int
    line: int
    address: str = ""
    port: str = ""
    protocol: str = ""
    time: str = ""
    code: str = ""
    tags: tuple[str, ...] = ()
    says: str = ""
    role: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    span: Span = Span.ADDRESS
    sign_in: bool = False
    problem: str = ""
    excerpt: str = ""
