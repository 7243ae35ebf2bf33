"""The lines of a Postfix log that tell what became of a letter, in both time formats. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_HEAD = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"
    r" (?P<host>\S{1,255}) (?P<program>[\w./-]{1,80})(?:\[\d+\])?: (?P<rest>.*)"
)
_QUEUE = re.compile(r"([0-9A-Za-z]{6,20}): (.*)")
_MESSAGE_ID = re.compile(r"message-id=(<[^<>\s]+>)")
_STATUS = re.compile(r"to=<([^<>\s]*)>.*?\bdsn=(\d\.\d{1,3}\.\d{1,3}), status=(\w+)(?: \((.*)\))?")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line; what does not concern a queued message has an empty queue id."""

    at: datetime
    program: str
    queue_id: str = ""
    message_id: str = ""
    is_queued: bool = False
    recipient: str = ""
    dsn: str = ""
    status: str = ""
    text: str = ""


def read_log(lines: Iterable[str], *, now: datetime, zone: tzinfo = UTC) -> Iterator[LogLine]:
    """Lines that are a mail log's; others are skipped. `zone` is that of times without one.

    A line with zero bytes was torn by a crash, and is none.
    """
    for text in lines:
        found = _HEAD.match(text.rstrip("\n")[:4000])
        if found is None or "\0" in text:
            continue
        at = _time(found["at"], now=now, zone=zone)
        if at is not None:
            yield _line(at, found["program"], found["rest"])


def _line(at: datetime, program: str, rest: str) -> LogLine:
    queued = _QUEUE.match(rest)
    if queued is None:
        return LogLine(at=at, program=program)
    queue_id, said = queued.groups()
    message = _MESSAGE_ID.search(said) if program.endswith("/cleanup") else None
    status = _STATUS.search(said)
    return LogLine(
        at=at,
        program=program,
        queue_id=queue_id,
        message_id=message[1] if message else "",
        is_queued=program.endswith("/qmgr") and "(queue active)" in said,
        recipient=status[1] if status else "",
        dsn=status[2] if status else "",
        status=status[3] if status else "",
        text=(status[4] or "")[:300] if status else "",
    )


def _time(text: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """A time without a year is the latest one that is not in the future."""
    try:
        if text[0].isdigit():
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        month, day = _MONTHS.index(text[:3]) + 1, int(text[4:6])
        hour, minute, second = (int(part) for part in text[7:].split(":"))
        at = datetime(now.year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
        return at if at <= now + timedelta(days=1) else at.replace(year=now.year - 1)
    except ValueError:
        return None
