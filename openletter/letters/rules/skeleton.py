"""Skeletons of letters: the text is set once for all letters of a shape, then spliced.

`text.write` and `body.encode_text` stay the definition: a skeleton is learnt from what they make
of marks, and proven by what they make of other marks. What can't be proven, what has an
attachment, or what holds anything but the values that a slot is for, goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from openletter.guides.direction import led
from openletter.letters.rules import marks, rows
from openletter.letters.rules.body import encode_base64, is_base64, lines_of, quoted, weighed
from openletter.letters.rules.dkim import relaxed
from openletter.letters.rules.facts import CaseFacts, LetterFacts
from openletter.letters.rules.headers import header
from openletter.letters.rules.slots import Template, Values, proven
from openletter.letters.rules.text import Texts, Written
from openletter.letters.rules.ways import ways_of
from openletter.words import LANGUAGES, WaveKind

_KEPT = 4096
_GAP = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """A letter's text as it goes into the message; `body` is in its transfer encoding."""

    subject: str
    field: bytes
    """The subject as a header field, and that field in relaxed form."""
    relaxed: bytes
    encoding: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """`field` and its relaxed form where no value is encoded together with other words."""

    text: Template
    field: Template | None
    relaxed: Template | None


@dataclass(frozen=True, kw_only=True)
class _Text:
    """Octets with slots, encoded or to be encoded, and what they weigh for that choice."""

    template: Template
    octets: int
    beyond: int


@dataclass(frozen=True, kw_only=True)
class _Skeleton:
    subject: _Subject
    in_base64: bool
    before: _Text
    after: Template | None = None
    """What stands below the rows, where a letter is about several cases."""


_Made = TypeVar("_Made", _Skeleton, _Text)


class Composer:
    """Keeps the skeletons of the letters that it met before; `eager` learns at the first one."""

    def __init__(
        self,
        write: Callable[[LetterFacts], Written],
        texts: Callable[[WaveKind, str], Texts],
        *,
        eager: bool = False,
    ) -> None:
        self._write, self._texts, self._eager = write, texts, eager
        self._skeletons: dict[Hashable, _Skeleton | None] = {}
        self._rows: dict[Hashable, _Text | None] = {}
        self._met: set[int] = set()

    def splice(self, facts: LetterFacts) -> Spliced | None:
        """The letter by its skeleton; nothing where it has none."""
        values = marks.letter_values(facts)
        if facts.has_files or not marks.are_of_letter(values):
            return None
        return self._one(facts, values) if facts.is_one else self._several(facts, values)

    def _one(self, facts: LetterFacts, values: Values) -> Spliced | None:
        case = facts.cases[0]
        own = marks.case_values(case)
        if not marks.are_of_case(own):
            return None
        key = (marks.letter_shape(facts), marks.case_shape(case), case.row)
        skeleton = self._kept(self._skeletons, key, lambda: self._learn(facts))
        values = (*values, *own)
        if skeleton is None:
            return None
        return _ready(skeleton, skeleton.before.template.fill(values), values)

    def _several(self, facts: LetterFacts, values: Values) -> Spliced | None:
        shared = _shared_address(facts)
        values = (*values, shared.encode())
        key = (marks.letter_shape(facts), _plan(facts), len(shared), ":" in shared)
        skeleton = self._kept(self._skeletons, key, lambda: self._learn_several(facts))
        if skeleton is None or skeleton.after is None:
            return None
        octets, beyond = skeleton.before.octets, skeleton.before.beyond
        printed = []
        for case in facts.cases:
            row = self._row(facts, case, in_base64=skeleton.in_base64)
            own = marks.case_values(case)
            if row is None or not marks.are_of_case(own) or case.row >= 1000:
                return None
            octets, beyond = octets + row.octets, beyond + row.beyond
            printed.append(_number(case) + row.template.fill(own))
        if is_base64(octets, beyond) is not skeleton.in_base64:
            return None
        before, after = skeleton.before.template.fill(values), skeleton.after.fill(values)
        return _ready(skeleton, b"".join((before, _GAP.join(printed), after)), values)

    def _row(self, facts: LetterFacts, case: CaseFacts, *, in_base64: bool) -> _Text | None:
        """A case's own part, in the letter's first language."""
        shape = marks.case_shape(case)
        key = (facts.kind, facts.languages[0], facts.site, shape, in_base64)
        return self._kept(
            self._rows, key, lambda: self._learn_row(facts, case, in_base64=in_base64)
        )

    def _kept(
        self, kept: dict[Hashable, _Made | None], key: Hashable, learn: Callable[[], _Made | None]
    ) -> _Made | None:
        """What is kept; learnt the second time that it is asked for."""
        if key in kept:
            return kept[key]
        if not self._eager and (met := hash(key)) not in self._met:
            self._met.add(met)
            return None
        if len(kept) >= _KEPT:
            kept.clear()
            self._met.clear()
        kept[key] = made = learn()
        return made

    # -- learning --------------------------------------------------------------------------------

    def _learn(self, facts: LetterFacts) -> _Skeleton | None:
        """A letter about one case: its whole text with slots."""
        hands = [marks.marked(facts, hand) for hand in (marks.FIRST, marks.SECOND)]
        values = [(*marks.letter_values(one), *marks.case_values(one.cases[0])) for one in hands]
        written = [self._write(one) for one in hands]
        if not all(map(_is_plain, written)):
            return None
        weights = {weighed("\n".join(lines_of(one.body))) for one in written}
        if len(weights) != 1:
            return None
        ((octets, beyond),) = weights
        in_base64 = is_base64(octets, beyond)
        bodies = [_encoded(one.body, in_base64=in_base64) for one in written]
        subject = _learn_subject([one.subject for one in written], values)
        body = _both(bodies, values)
        if subject is None or body is None:
            return None
        before = _Text(template=body, octets=octets, beyond=beyond)
        return _Skeleton(subject=subject, in_base64=in_base64, before=before)

    def _learn_several(self, facts: LetterFacts) -> _Skeleton | None:
        """What stands around the rows; of the cases it may hold the address that all share."""
        hands = [marks.marked(facts, hand) for hand in (marks.FIRST, marks.SECOND)]
        values = [(*marks.letter_values(one), _shared_address(one).encode()) for one in hands]
        written = [self._write(one) for one in hands]
        inner = [self._rows_of(one) for one in hands]
        if not all(map(_is_plain, written)):
            return None
        weights = {_around(one.body, text) for one, text in zip(written, inner, strict=True)}
        in_base64 = {is_base64(*weighed("\n".join(lines_of(one.body)))) for one in written}
        if len(weights) != 1 or len(in_base64) != 1:
            return None
        (is_so,), ((octets, beyond),) = in_base64, weights
        cut = [
            _encoded(one.body, in_base64=is_so).split(_encoded(text, in_base64=is_so)[:-2])
            for one, text in zip(written, inner, strict=True)
        ]
        if [len(pieces) for pieces in cut] != [2, 2]:
            return None
        subject = _learn_subject([one.subject for one in written], values)
        before, after = (_both([pieces[side] for pieces in cut], values) for side in (0, 1))
        if subject is None or before is None or after is None:
            return None
        above = _Text(template=before, octets=octets, beyond=beyond)
        return _Skeleton(subject=subject, in_base64=is_so, before=above, after=after)

    def _learn_row(self, facts: LetterFacts, case: CaseFacts, *, in_base64: bool) -> _Text | None:
        hands = [marks.marked_case(case, hand) for hand in (marks.FIRST, marks.SECOND)]
        values = [marks.case_values(one) for one in hands]
        printed = [self._rows_of(replace(facts, cases=(one,))) for one in hands]
        octets, beyond = weighed(printed[0])
        encoded = [_encoded(text, in_base64=in_base64) for text in printed]
        if not all(one.startswith(_number(case)) for one in encoded):
            return None
        row = _both([one[5:-2] for one in encoded], values)
        return None if row is None else _Text(template=row, octets=octets, beyond=beyond)

    def _rows_of(self, facts: LetterFacts) -> str:
        """The rows as `text.write` prints them in the first language of a letter about several."""
        language = facts.languages[0]
        names = self._texts(facts.kind, language).frame.labels
        is_rtl = LANGUAGES[language].is_right_to_left
        if facts.kind is WaveKind.CLOSING:
            text = rows.became(facts, names, rtl=is_rtl)
        else:
            text = rows.numbered(facts, names, language=language)
        return led(text) if is_rtl else text


def _plan(facts: LetterFacts) -> Hashable:
    """What the text around the rows depends on: how they are closed, and which rows those are."""
    first = facts.cases[0]
    parts = tuple(
        (
            part.sample.exit_only, part.sample.guide_id, part.sample.weakness,
            part.values(ip="").port, tuple([case.row for case in part.cases]),
        )
        for part in ways_of(facts.cases)
    )  # fmt: skip
    states = () if facts.kind is WaveKind.FIRST else tuple(case.state for case in facts.cases)
    return parts, first.introduced, first.exit_only, first.guide_id, first.weakness, states


def _shared_address(facts: LetterFacts) -> str:
    first = facts.cases[0].ip
    return first if all(case.ip == first for case in facts.cases) else ""


def _is_plain(written: Written) -> bool:
    """Whether it is a text and nothing else."""
    return written == Written(subject=written.subject, body=written.body)


def _encoded(text: str, *, in_base64: bool) -> bytes:
    """Quoted-printable, or what base64 is made of; ends in CRLF."""
    lines = lines_of(text)
    return "\r\n".join(lines).encode() + b"\r\n" if in_base64 else quoted(lines)


def _around(body: str, inner: str) -> tuple[int, int]:
    """What a letter weighs without its rows, the empty lines between them still counted."""
    whole, part = weighed("\n".join(lines_of(body))), weighed(inner)
    rows_in_it = [weighed(row) for row in inner.split("\n\n")]
    gaps = part[0] - sum(octets for octets, _ in rows_in_it)
    return whole[0] - part[0] + gaps, whole[1] - part[1]


def _both(octets: Sequence[bytes], values: Sequence[Values]) -> Template | None:
    return proven((octets[0], values[0]), (octets[1], values[1]))


def _number(case: CaseFacts) -> bytes:
    return f"{f'{case.row}.':<5}".encode()


def _learn_subject(subjects: Sequence[str], values: Sequence[Values]) -> _Subject | None:
    fields = [header("Subject", one) for one in subjects]
    text = _both([one.encode() for one in subjects], values)
    field = _both(fields, values)
    in_relaxed_form = _both([relaxed(one) for one in fields], values)
    return None if text is None else _Subject(text=text, field=field, relaxed=in_relaxed_form)


def _ready(skeleton: _Skeleton, filled: bytes, values: Values) -> Spliced:
    subject, in_base64 = skeleton.subject, skeleton.in_base64
    text = subject.text.fill(values).decode()
    field = subject.field.fill(values) if subject.field else header("Subject", text)
    return Spliced(
        subject=text,
        field=field,
        relaxed=subject.relaxed.fill(values) if subject.relaxed else relaxed(field),
        encoding="base64" if in_base64 else "quoted-printable",
        body=encode_base64(filled) if in_base64 else filled,
    )
