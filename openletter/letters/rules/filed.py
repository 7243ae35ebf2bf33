"""What goes along with a letter, from templates: equal to `attached`, octet for octet.

A row of the table, a report and a text to pass on are learnt once for all cases of a shape. What
can't be proven goes the long way, with the whole letter.
"""

from __future__ import annotations

import binascii
import hashlib
import uuid
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from openletter.letters.rules import attached, marks, rows, xarf
from openletter.letters.rules.attached import LARGEST, Sort, fitting
from openletter.letters.rules.author import Author
from openletter.letters.rules.body import encode_base64, is_base64, quoted
from openletter.letters.rules.facts import CaseFacts, LetterFacts
from openletter.letters.rules.kept import Kept, UnlearntError
from openletter.letters.rules.marks import Card
from openletter.letters.rules.message import file_fields, part_head
from openletter.letters.rules.pieces import Piece, Whole, piece_of, whole_of
from openletter.letters.rules.slots import Template, Values, proven
from openletter.letters.rules.text import passed_on

_VARIANTS = "89ab"


@dataclass(frozen=True)
class Filed:
    """One file as it stands in the message, between its boundary and the next."""

    head: bytes
    octets: bytes

    @property
    def weight(self) -> int:
        return len(self.octets)


@dataclass(frozen=True)
class _Report:
    """A case's report, and the evidence that stands in it in base64."""

    evidence: Template
    said: Template


_NO_REPORT = _Report(Template((b"",), ()), Template((b"",), ()))


class Filer:
    """Keeps the templates of what it attached before; `eager` learns at the first time."""

    def __init__(self, author: Author, *, eager: bool = False) -> None:
        self._author = author
        self._kept = Kept(eager=eager)
        self._rows: dict[Hashable, Piece | None] = {}
        self._reports: dict[Hashable, _Report | None] = {}
        self._texts: dict[Hashable, Whole | None] = {}

    def files(
        self, facts: LetterFacts, values: Values, cards: Sequence[Card]
    ) -> list[Filed] | None:
        """The letter's files in their order, as far as they fit; nothing where one is unproven."""
        try:
            wanted = self._wanted(facts, values, cards)
            return list(fitting(wanted, has_table=facts.attaches_table))
        except UnlearntError:
            return None

    def _wanted(self, facts: LetterFacts, values: Values, cards: Sequence[Card]) -> Iterator[Filed]:
        if facts.attaches_table:
            encoding, octets = self._table(facts, cards)
            yield Filed(_head(attached.TABLE, encoding, facts.reference), octets)
        if facts.attaches_reports and (reports := self._told(facts, cards)):
            yield Filed(_head(attached.REPORTS, "quoted-printable", facts.reference), reports)
        if facts.attaches_texts:
            shape = marks.letter_shape(passed_on(facts, facts.cases[0]))
            for case, card in zip(facts.cases, cards, strict=True):
                whole = self._text(facts, case, (shape, card.shape))
                octets = whole.fill((*values, *card.values))
                yield Filed(_head(attached.TEXT, whole.encoding, case.reference), octets)

    # -- the table -------------------------------------------------------------------------------

    def _table(self, facts: LetterFacts, cards: Sequence[Card]) -> tuple[str, bytes]:
        first = _columns()
        octets, beyond = first.octets, first.beyond
        filled: list[tuple[Piece, Values]] = [(first, ())]
        common = (facts.languages[0], facts.site)
        for case, card in zip(facts.cases, cards, strict=True):
            number = str(case.row)
            row = self._row(facts, case, (common, len(number), card.shape))
            octets += 1 + row.octets
            beyond += row.beyond
            times = map(_iso, card.values[3::2])
            filled.append((row, (number.encode(), *card.values[:3], *times)))
        in_base64 = is_base64(octets, beyond)
        lines = [piece.fill(values, in_base64=in_base64) for piece, values in filled]
        whole = b"\r\n".join(lines) + b"\r\n"
        return ("base64", encode_base64(whole)) if in_base64 else ("quoted-printable", whole)

    def _row(self, facts: LetterFacts, case: CaseFacts, key: Hashable) -> Piece:
        row = self._rows.get(key) or self._kept.ask(
            self._rows, key, lambda: self._learn_row(facts, case)
        )
        if row is None:
            raise UnlearntError
        return row

    def _learn_row(self, facts: LetterFacts, case: CaseFacts) -> Piece | None:
        hands = [marks.marked_case(case, hand) for hand in marks.HANDS]
        tables = [
            rows.as_csv(replace(facts, cases=(one,)), language=facts.languages[0]).split("\r\n")
            for one in hands
        ]
        if any(len(lines) != 3 or lines[2] for lines in tables):
            return None
        values = []
        for one in hands:
            own = marks.values_of(one)
            values.append((b"", *own[:3], *map(_iso, own[3::2])))
        row = piece_of([lines[1] for lines in tables], values, cut=len(str(case.row)))
        return row and row.led_by_value(0)

    # -- reports ---------------------------------------------------------------------------------

    def _told(self, facts: LetterFacts, cards: Sequence[Card]) -> bytes:
        """The reports as their file; nothing where no case has one, or they can't fit."""
        common = (facts.domain, facts.writer.name, facts.writer.email)
        alone = self._is_alone(facts)
        reports = [
            (self._report(facts, case, (common, alone, card.shape)), card.values)
            for case, card in zip(facts.cases, cards, strict=True)
        ]
        if sum([report.said.least for report, _ in reports]) > LARGEST:
            return b""
        told = [
            report.said.fill(_reported(facts, values, report.evidence))
            for report, values in reports
            if report is not _NO_REPORT
        ]
        if not told or alone:
            return b"".join(told)
        return b"[\r\n" + b",\r\n".join(told) + b"\r\n]\r\n"

    def _is_alone(self, facts: LetterFacts) -> bool:
        """Whether one report stands by itself, and not in a list."""
        return sum(1 for case in facts.cases if xarf.is_told(case)) == 1

    def _report(
        self, facts: LetterFacts, case: CaseFacts, key: tuple[Hashable, bool, Hashable]
    ) -> _Report:
        report = self._reports.get(key) or self._kept.ask(
            self._reports, key, lambda: self._learn_report(facts, case, is_alone=key[1])
        )
        if report is None:
            raise UnlearntError
        return report

    def _learn_report(
        self, facts: LetterFacts, case: CaseFacts, *, is_alone: bool
    ) -> _Report | None:
        if not xarf.is_told(case):
            return _NO_REPORT
        hands = [marks.marked_case(case, hand) for hand in marks.HANDS]
        values = [marks.values_of(one) for one in hands]
        evidence = proven([xarf.evidence_of(one).encode() for one in hands], values)
        if evidence is None:
            return None
        told = [xarf.in_json([xarf.report(facts, one)], in_list=not is_alone) for one in hands]
        lines = [one.split("\n")[:-1] if is_alone else one.split("\n")[1:-2] for one in told]
        end = None if is_alone else -2
        said = proven(
            [quoted(one)[:end] for one in lines],
            [_reported(facts, own, evidence) for own in values],
        )
        return None if said is None else _Report(evidence, said)

    # -- texts to pass on ------------------------------------------------------------------------

    def _text(self, facts: LetterFacts, case: CaseFacts, key: Hashable) -> Whole:
        whole = self._texts.get(key) or self._kept.ask(
            self._texts, key, lambda: self._learn_text(facts, case)
        )
        if whole is None:
            raise UnlearntError
        return whole

    def _learn_text(self, facts: LetterFacts, case: CaseFacts) -> Whole | None:
        own = passed_on(facts, case)
        moved = replace(own, cases=(replace(own.cases[0], row=case.row + 1),))
        hands = [
            marks.marked(one, hand) for one, hand in zip((own, moved), marks.HANDS, strict=True)
        ]
        return whole_of(
            [self._author.pass_on(one, one.cases[0]) for one in hands],
            [(*marks.values_of_letter(one), *marks.values_of(one.cases[0])) for one in hands],
        )


def _iso(said: bytes) -> bytes:
    """A time as machines read it, of how people do."""
    return said[:10] + b"T" + said[11:19] + b"Z"


def _reported(facts: LetterFacts, values: Values, evidence: Template) -> tuple[bytes, ...]:
    """What a report's slots take: address, reference, id, evidence, its digest, the times."""
    said = evidence.fill(values)
    return (
        values[0],
        values[1],
        _identity(f"{facts.reference}.{values[1].replace(b'-', b'').decode()}.{facts.domain}"),
        binascii.b2a_base64(said, newline=False).rstrip(b"="),
        hashlib.sha256(said).hexdigest().encode(),
        *map(_iso, values[3::2]),
    )


def _identity(name: str) -> bytes:
    """A UUID of version 5, as `uuid.uuid5` has it."""
    digest = hashlib.sha1(uuid.NAMESPACE_DNS.bytes + name.encode(), usedforsecurity=False)
    said = digest.hexdigest()
    variant = _VARIANTS[int(said[16], 16) & 3]
    return f"{said[:8]}-{said[8:12]}-5{said[13:16]}-{variant}{said[17:20]}-{said[20:32]}".encode()


@lru_cache(maxsize=1)
def _columns() -> Piece:
    """The table's first line."""
    said = ",".join(rows.COLUMNS)
    piece = piece_of([said, said], [(), ()])
    if piece is None:
        raise UnlearntError
    return piece


def _head(sort: Sort, encoding: str, reference: str) -> bytes:
    template = _head_of(sort, encoding, len(reference))
    return template.fill((reference.lower().encode(),))


@lru_cache(maxsize=64)
def _head_of(sort: Sort, encoding: str, length: int) -> Template:
    """The part's beginning; a reference in its name is all that is one letter's own."""
    names = ["q" * length, "7" * length]
    heads = [part_head(file_fields(sort.name_of(name), sort.media, encoding)) for name in names]
    template = proven(heads, [(name.encode(),) for name in names])
    if template is None:
        raise UnlearntError
    return template
