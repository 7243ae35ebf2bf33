"""Skeletons of letters: the text is set once for all letters of a shape, then spliced.

`text.write` and `body.encode_text` stay the definition: a skeleton is learnt from what they make
of marks, and proven by what they make of other marks. Rows and steps are skeletons of their own,
put where the letter has them. What can't be proven, or holds anything but the values that a slot
is for, goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from openletter.letters.rules import frames, marks, rows
from openletter.letters.rules.author import Author
from openletter.letters.rules.body import encode_base64, is_base64
from openletter.letters.rules.dkim import relaxed
from openletter.letters.rules.facts import CaseFacts, LetterFacts, utc
from openletter.letters.rules.frames import Frame
from openletter.letters.rules.headers import header
from openletter.letters.rules.kept import Kept
from openletter.letters.rules.marks import Card
from openletter.letters.rules.pieces import Piece, piece_of
from openletter.letters.rules.slots import Values
from openletter.letters.rules.ways import Way, ways_of
from openletter.words import WaveKind

_ABOUTS = 65_536
_GAP = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """A letter's text as it goes into the message; `body` is in its transfer encoding."""

    subject: str
    field: bytes
    """The subject as a header field, and that field in relaxed form."""
    relaxed: bytes
    encoding: str
    """Empty where the body is cut into parts, each with its own head."""
    body: bytes


Filled = tuple[Piece, Values]


class Composer:
    """Keeps the skeletons of the letters that it met before; `eager` learns at the first one."""

    def __init__(self, author: Author, *, eager: bool = False) -> None:
        self._author = author
        self._kept = Kept(eager=eager)
        self._frames: dict[Hashable, Frame | None] = {}
        self._rows: dict[Hashable, Piece | None] = {}
        self._blocks: dict[Hashable, Piece | None] = {}
        self._abouts: dict[Hashable, Piece | None] = {}

    def splice(self, facts: LetterFacts) -> Spliced | None:
        """The letter by its skeleton; nothing where it has none."""
        values, cards = marks.letter_values(facts), marks.cards_of(facts)
        return self.fill(facts, values, cards) if values and cards else None

    def fill(self, facts: LetterFacts, values: Values, cards: Sequence[Card]) -> Spliced | None:
        if not facts.is_one:
            return self._several(facts, values, cards)
        key = (marks.letter_shape(facts), cards[0].shape, facts.cases[0].row)
        frame = self._kept.ask(self._frames, key, lambda: self._learn(facts, _values_of_one))
        return None if frame is None else _ready(frame, [], (*values, *cards[0].values))

    def _several(self, facts: LetterFacts, values: Values, cards: Sequence[Card]) -> Spliced | None:
        shared = _shared_address(facts)
        room = (len(shared), ":" in shared, shared.islower())
        key = (marks.letter_shape(facts), _around(facts), room)
        frame = self._kept.ask(self._frames, key, lambda: self._learn(facts, _values_of_several))
        if frame is None:
            return None
        values = (*values, shared.encode(), _newest(facts))
        holes: list[list[Filled]] = []
        ways: list[_Told] = []
        for hole in frame.holes:
            if hole == frames.ROWS:
                filled = self._rows_of(facts, cards)
            else:
                ways = ways or _told(facts, room)
                filled = self._steps_of(facts, ways, hole, values, whole=key)
            if filled is None:
                return None
            holes.append(filled)
        return _ready(frame, holes, values)

    def _rows_of(self, facts: LetterFacts, cards: Sequence[Card]) -> list[Filled] | None:
        """Each case's own part, in the letter's first language."""
        filled: list[Filled] = []
        common = (facts.kind, facts.languages[0], facts.site)
        for case, card in zip(facts.cases, cards, strict=True):
            key = (common, card.shape)
            row = self._rows.get(key) or self._row(facts, case, key)
            if row is None or case.row > _LAST:
                return None
            filled.append((row, (_number(case.row), *card.values)))
        return filled

    def _row(self, facts: LetterFacts, case: CaseFacts, key: Hashable) -> Piece | None:
        return self._kept.ask(self._rows, key, lambda: self._learn_row(facts, case))

    def _steps_of(
        self,
        facts: LetterFacts,
        ways: Sequence[_Told],
        hole: int,
        values: Values,
        *,
        whole: Hashable,
    ) -> list[Filled] | None:
        """The blocks of steps in one language, each below the line that says what it is for."""
        filled: list[Filled] = []
        common = (facts.kind, facts.languages[hole], hole == 0)
        for told in ways:
            about = self._abouts.get((common, told.about)) or self._about(facts, told, common)
            # an exit's steps are a passage, which may hang on all that the letter is
            key = (common, told.block, whole if told.way.sample.exit_only else None)
            block = self._blocks.get(key) or self._block(facts, told.place, common[1], key)
            if about is None or block is None:
                return None
            filled += ((about, ()), (block, values))
        return filled

    def _about(
        self, facts: LetterFacts, told: _Told, common: tuple[WaveKind, str, bool]
    ) -> Piece | None:
        if len(self._abouts) >= _ABOUTS:
            self._abouts.clear()
        said, _ = self._author.way(facts, told.place, told.way, language=common[1])
        self._abouts[common, told.about] = about = piece_of([said, said], [(), ()])
        return about

    def _block(self, facts: LetterFacts, place: int, language: str, key: Hashable) -> Piece | None:
        return self._kept.ask(self._blocks, key, lambda: self._learn_block(facts, place, language))

    # -- learning --------------------------------------------------------------------------------

    def _learn(
        self, facts: LetterFacts, values_of: Callable[[LetterFacts], Values]
    ) -> Frame | None:
        hands = [marks.marked(facts, hand) for hand in marks.HANDS]
        holes = [self._holes(one) for one in hands]
        return frames.learn(
            [self._author.letter(one) for one in hands],
            [values_of(one) for one in hands],
            holes=holes,
            languages=facts.languages,
        )

    def _holes(self, facts: LetterFacts) -> list[tuple[int, str]]:
        """What of the text is learnt apart, in the text's order."""
        if facts.is_one:
            return []
        found = [] if facts.has_attachment else [(frames.ROWS, self._author.rows(facts))]
        if facts.kind in (WaveKind.CLOSING, WaveKind.CORRECTION):
            return found
        ways = list(enumerate(ways_of(facts.cases)))
        for number, language in enumerate(facts.languages):
            told = (self._author.way(facts, *way, language=language) for way in ways)
            found.append((number, "\n\n".join(part for parts in told for part in parts)))
        return found

    def _learn_row(self, facts: LetterFacts, case: CaseFacts) -> Piece | None:
        hands = [marks.marked_case(case, hand) for hand in marks.HANDS]
        printed = [self._author.rows(replace(facts, cases=(one,))) for one in hands]
        if not all(one.encode().startswith(_number(case.row)) for one in printed):
            return None
        values = [(b"", *marks.values_of(one)) for one in hands]
        row = piece_of(printed, values, cut=_NUMBER)
        return row and row.led_by_value(0)

    def _learn_block(self, facts: LetterFacts, place: int, language: str) -> Piece | None:
        hands = [marks.marked(facts, hand) for hand in marks.HANDS]
        blocks = [
            self._author.way(one, place, ways_of(one.cases)[place], language=language)[1]
            for one in hands
        ]
        return piece_of(blocks, [_values_of_several(one) for one in hands])


_NUMBER = 5


_LAST = 9_999


@lru_cache(maxsize=_LAST)
def _number(row: int) -> bytes:
    return f"{f'{row}.':<{_NUMBER}}".encode()


class _Told(NamedTuple):
    """A way to close, and what the line above its steps and the steps depend on."""

    place: int
    way: Way
    about: Hashable
    block: Hashable


def _told(facts: LetterFacts, room: Hashable) -> list[_Told]:
    told = []
    for place, way in enumerate(ways_of(facts.cases)):
        sample = way.sample
        kind = (place, sample.exit_only, sample.guide_id, sample.weakness)
        numbers = tuple([case.row for case in way.cases])
        told.append(_Told(place, way, (kind, numbers), (kind, way.port, room)))
    return told


def _values_of_one(facts: LetterFacts) -> Values:
    return (*marks.values_of_letter(facts), *marks.values_of(facts.cases[0]))


def _values_of_several(facts: LetterFacts) -> Values:
    shared = _shared_address(facts).encode()
    return (*marks.values_of_letter(facts), shared, _newest(facts))


def _newest(facts: LetterFacts) -> bytes:
    """When anything was seen last, where the letter says so in its summary."""
    if not facts.has_attachment:
        return b""
    newest = max((case.newest for case in facts.cases if case.newest), default=None)
    return utc(newest).encode() if newest else b""


def _around(facts: LetterFacts) -> Hashable:
    """What of the cases the text around rows and steps depends on."""
    first = facts.cases[0]
    keys = [rows.weakness_key(case) for case in facts.cases]
    about = keys[0] if len(set(keys)) == 1 else "several"
    told = () if facts.kind is WaveKind.FIRST else tuple([(c.row, c.state) for c in facts.cases])
    counted: Hashable = ()
    if facts.has_attachment:
        has_time = any(one.at for case in facts.cases for one in case.seen)
        counted = (*sorted((key, keys.count(key)) for key in set(keys)), has_time)
    named = first.guide_id != "unknown" and not first.exit_only
    return len(keys), about, keys[0], named, first.introduced, told, counted


def _shared_address(facts: LetterFacts) -> str:
    first = facts.cases[0].ip
    for case in facts.cases:
        if case.ip != first:
            return ""
    return first


def _ready(frame: Frame, holes: Sequence[Sequence[Filled]], values: Values) -> Spliced | None:
    weights = list(frame.weights)
    for segment, filled in zip(frame.segments, holes, strict=True):
        octets, beyond = weights[segment]
        for piece, _ in filled:
            octets += piece.octets
            beyond += piece.beyond
        weights[segment] = octets + 2 * (len(filled) - 1), beyond
    in_base64 = [is_base64(*weight) for weight in weights]
    if frame.is_cut and any(in_base64):
        return None
    subject = frame.subject.text.fill(values).decode()
    field = frame.subject.field.fill(values) if frame.subject.field else header("Subject", subject)
    canonical = frame.subject.relaxed
    encoding = "base64" if in_base64[0] else "quoted-printable"
    return Spliced(
        subject=subject,
        field=field,
        relaxed=canonical.fill(values) if canonical else relaxed(field),
        encoding="" if frame.is_cut else encoding,
        body=_body(frame, holes, values, in_base64=in_base64[0]),
    )


def _body(
    frame: Frame, holes: Sequence[Sequence[Filled]], values: Values, *, in_base64: bool
) -> bytes:
    if in_base64 and frame.windows is not None:
        return frame.windows.fill(values)
    said = [frame.pieces[0].fill(values, in_base64=in_base64)]
    for filled, after in zip(holes, frame.pieces[1:], strict=True):
        if in_base64:
            own = [piece.plain.fill(its) for piece, its in filled]
        else:
            own = [piece.quoted.fill(its) for piece, its in filled]
        said += (_GAP.join(own), after.fill(values, in_base64=in_base64))
    octets = b"".join(said)
    return encode_base64(octets) if in_base64 else octets
