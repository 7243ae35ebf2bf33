"""What goes along with a letter: for machines a table and reports, for passing on a text a case.

Together they stay below the size that abuse desks take. What does not fit stays out, but for the
table: a letter that says it is attached has it, alone if need be. Where the contact wants no files
there are none. `docs/reference/letter-csv.md` says what the table holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

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


def attached(
    facts: LetterFacts, *, language: str, pass_on: Callable[[CaseFacts], str]
) -> tuple[Attachment, ...]:
    """The letter's files in their order, as far as they fit; `pass_on` writes a case's text."""
    chosen: list[Attachment] = []
    room = LARGEST
    for file in _wanted(facts, language, pass_on):
        is_table = facts.attaches_table and not chosen
        if not is_table and file.weight > room:
            continue
        chosen.append(file)
        room -= file.weight
    return tuple(chosen)


def _wanted(
    facts: LetterFacts, language: str, pass_on: Callable[[CaseFacts], str]
) -> Iterator[Attachment]:
    if facts.attaches_table:
        yield Attachment(
            name=rows.file_name(facts),
            media="text/csv; charset=utf-8; header=present",
            text=rows.as_csv(facts, language=language),
        )
    if facts.attaches_reports and (report := xarf.as_json(facts)):
        name = rows.file_name(facts).removesuffix(".csv")
        yield Attachment(name=f"{name}.xarf.json", media="application/json", text=report)
    for case in facts.cases if facts.attaches_texts else ():
        yield Attachment(
            name=f"openletter-{case.reference.lower()}.txt",
            media="text/plain; charset=utf-8",
            text=pass_on(case),
        )
