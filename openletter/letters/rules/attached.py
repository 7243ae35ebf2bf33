"""What goes along with a letter: for machines a table and reports, for passing on a text a case.

Together they stay below the size that abuse desks take. What does not fit stays out, but for the
table: a letter that says it is attached has it, alone if need be. Where the contact wants no files
there are none. `docs/reference/letter-csv.md` says what the table holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

from openletter.letters.rules import rows, xarf
from openletter.letters.rules.body import encode_text
from openletter.letters.rules.facts import CaseFacts, LetterFacts

LARGEST = 256 * 1024
"""Octets of all attachments as they travel (RFC 2045 encoded)."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """One file: its name is ASCII without spaces, its text travels as UTF-8."""

    name: str
    media: str
    text: str

    @cached_property
    def encoded(self) -> tuple[str, bytes]:
        """(transfer encoding, octets): weighed and sent, encoded once."""
        return encode_text(self.text)

    @property
    def weight(self) -> int:
        return len(self.encoded[1])


@dataclass(frozen=True)
class Sort:
    """What sort of file it is: how its name ends, and its media type."""

    ending: str
    media: str

    def name_of(self, reference: str) -> str:
        return f"openletter-{reference.lower()}{self.ending}"

    def file(self, reference: str, text: str) -> Attachment:
        return Attachment(name=self.name_of(reference), media=self.media, text=text)


TABLE = Sort(".csv", "text/csv; charset=utf-8; header=present")
REPORTS = Sort(".xarf.json", "application/json")
TEXT = Sort(".txt", "text/plain; charset=utf-8")


class _Weighed(Protocol):
    @property
    def weight(self) -> int: ...


_File = TypeVar("_File", bound=_Weighed)


def attached(
    facts: LetterFacts, *, language: str, pass_on: Callable[[CaseFacts], str]
) -> tuple[Attachment, ...]:
    """The letter's files in their order, as far as they fit; `pass_on` writes a case's text."""
    return tuple(fitting(_wanted(facts, language, pass_on), has_table=facts.attaches_table))


def fitting(files: Iterable[_File], *, has_table: bool) -> Iterator[_File]:
    """The files that fit; a table, the first of them, goes along whatever its size."""
    room = LARGEST
    for number, file in enumerate(files):
        if file.weight <= room or (has_table and number == 0):
            yield file
            room -= file.weight


def _wanted(
    facts: LetterFacts, language: str, pass_on: Callable[[CaseFacts], str]
) -> Iterator[Attachment]:
    if facts.attaches_table:
        yield TABLE.file(facts.reference, rows.as_csv(facts, language=language))
    if facts.attaches_reports and (report := xarf.as_json(facts)):
        yield REPORTS.file(facts.reference, report)
    for case in facts.cases if facts.attaches_texts else ():
        yield TEXT.file(case.reference, pass_on(case))
