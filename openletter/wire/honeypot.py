"""Project Honey Pot's monitor report, a mail of text: addresses below what they were seen doing.

The report covers a month or a week and says no day for any address; they are dated by its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from openletter.wire.feedrow import FeedRow
from openletter.wire.visible import visible

HEADER = "honey-pot-monitor-id"
_RANGE = re.compile(
    r"(?m)^Report Date Range:\s*(\d\d)/(\d\d)/(\d{4})\s*-\s*(\d\d)/(\d\d)/(\d{4})", re.ASCII
)
_SECTIONS = (
    (re.compile(r"IPs Engaged In Harvesting\b", re.IGNORECASE), "harvesting"),
    (re.compile(r"IPs Engaged In Email Spamming\b", re.IGNORECASE), "spamming"),
    (re.compile(r"IPs Engaged In Dictionary Attacks?\b", re.IGNORECASE), "dictionary-attack"),
    (re.compile(r"IPs Engaged In Comment Spamming\b", re.IGNORECASE), "comment-spamming"),
    (re.compile(r"Other Potentially Suspicious IPs On\b", re.IGNORECASE), "suspicious"),
)
_RULE = re.compile(r"[-_=]{5,}\s*")
_TOKEN = re.compile(r"[0-9A-Fa-f:.]+(?:/\d{1,3})?", re.ASCII)


def looks_like(text: str) -> bool:
    return bool(_RANGE.search(text)) and any(sign.search(text) for sign, _ in _SECTIONS)


def rows(text: str, told: Mapping[str, str]) -> Iterator[FeedRow]:
    """One row for each address in a section."""
    until = _until(text)
    if not until:
        yield FeedRow(row=1, line=1, problem="field-missing", excerpt="Report Date Range")
        return
    section, number = "", 0
    for line, raw in enumerate(text.split("\n"), start=1):
        stripped = raw.strip()
        named = next((name for sign, name in _SECTIONS if sign.match(stripped)), "")
        if named or _RULE.fullmatch(stripped):
            section = named
        elif section and stripped and stripped.lower() != "none":
            number += 1
            yield _row(stripped, number, line, tag=f"honey-pot:{section}", time=until, told=told)


def _row(
    text: str, number: int, line: int, *, tag: str, time: str, told: Mapping[str, str]
) -> FeedRow:
    token = text.split(maxsplit=1)[0]
    if not _TOKEN.fullmatch(token):
        return FeedRow(row=number, line=line, problem="bad-address", excerpt=visible(text))
    return FeedRow(
        row=number,
        line=line,
        address=token,
        time=time,
        tags=(tag,),
        role="exit",
        facts={key: value for key, value in told.items() if value},
    )


def _until(text: str) -> str:
    """The last day of the report, which American order names month first; no day: as it stands."""
    match = _RANGE.search(text)
    if match is None:
        return ""
    month, day, year = match.groups()[3:]
    return f"{year}-{month}-{day}"
