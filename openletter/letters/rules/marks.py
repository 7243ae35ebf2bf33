"""A letter's own values, and the marks that stand in their places while a skeleton is learnt.

What is no slot is part of the shape: two letters share a skeleton only if every other field of
their facts is the same. A field that nobody sorted is a mistake that shows at import.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from operator import attrgetter
from typing import NamedTuple

from openletter.guides.layout import NO_BREAK
from openletter.letters.rules.facts import (
    CaseFacts,
    Earlier,
    EarlierRow,
    LetterFacts,
    Seen,
    Writer,
    by_its_clock,
    utc,
)
from openletter.letters.rules.kept import UnlearntError
from openletter.words import print_reference

_CASE = (
    "weakness", "ports", "protocol", "guide_id", "introduced", "exit_only", "state",
)  # fmt: skip
_LETTER = (
    "kind", "reader", "languages", "site", "campaign", "together_with", "authority", "domain",
    "exercise", "responder", "inline_rows", "no_files",
)  # fmt: skip
_SORTED: Mapping[type, set[str]] = {
    CaseFacts: {*_CASE, "row", "reference", "secret", "ip", "seen"},
    LetterFacts: {*_LETTER, "reference", "secret", "stop_token", "writer", "cases", "earlier"},
    Writer: {"name", "email", "website", "country", "legal"},
    Earlier: {"sent_at", "reference", "rows"},
    EarlierRow: {"row", "state"},
    Seen: {"source", "at", "port", "detail", "local"},
}
for _kind, _known in _SORTED.items():
    if {one.name for one in fields(_kind)} != _known:
        raise TypeError(f"{_kind.__name__} has a field that is neither shape nor slot")

_WITH_DATE = len("2026-03-01 05:10:03 +01:00")
_NEXT_DAY = 22
"""Hours that put every mark's local time on another day than its time in UTC."""
_case_shape, _letter_shape = attrgetter(*_CASE), attrgetter(*_LETTER)
_REFERENCE, _SECRET = "[0-9A-Z]{4}-[0-9A-Z]{4}", "[a-z2-7]{20}"
_DATE = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
_OF_CASE = re.compile(rf"[0-9a-f.:]{{2,39}}\n{_REFERENCE}\n{_SECRET}")
_OF_LETTER = re.compile(
    rf"{_SECRET}\n{_SECRET}\n{_REFERENCE}\n[0-9a-z]{{8}}\n(?:{_DATE}\n{_REFERENCE}|\n)"
)


class Card(NamedTuple):
    """A case as templates take it: all that is no slot, and what goes into the slots."""

    shape: Hashable
    values: tuple[bytes, ...]
    """Address, reference, link secret; of each time UTC and what the clock there showed."""


def letter_values(facts: LetterFacts) -> tuple[bytes, ...] | None:
    """The letter's values; nothing where one is not what its slot is for."""
    said = _said_of_letter(facts)
    return tuple(said.encode().split(b"\n")) if _OF_LETTER.fullmatch(said) else None


def values_of_letter(facts: LetterFacts) -> tuple[bytes, ...]:
    """Link secret, stop token, reference in print and in file names, the earlier letter's."""
    return tuple(_said_of_letter(facts).encode().split(b"\n"))


def _said_of_letter(facts: LetterFacts) -> str:
    earlier, reference = facts.earlier, facts.reference
    return "\n".join(
        (
            facts.secret,
            facts.stop_token,
            print_reference(reference),
            reference.lower(),
            earlier.sent_at.isoformat()[:10] if earlier else "",
            print_reference(earlier.reference) if earlier else "",
        )
    )


def cards_of(facts: LetterFacts) -> list[Card] | None:
    """All its cases, or nothing."""
    cards = []
    for case in facts.cases:
        if (card := card_of(case)) is None:
            return None
        cards.append(card)
    return cards


def values_of(case: CaseFacts) -> tuple[bytes, ...]:
    """Address, reference, link secret; of each time UTC and what the clock there showed."""
    return tuple([one.encode() for one in _read(case)[1]])


def card_of(case: CaseFacts) -> Card | None:
    """The case with its values; nothing where one is not what its slot is for."""
    shape, said = _read(case)
    if _OF_CASE.fullmatch("\n".join(said[:3])) is None:
        return None
    return Card(shape, tuple("\n".join(said).encode().split(b"\n")))


def _read(case: CaseFacts) -> tuple[Hashable, list[str]]:
    """Its shape and its values."""
    ip = case.ip
    said = [ip, print_reference(case.reference), case.secret]
    seen: list[Hashable] = []
    clocks: list[tuple[str, str]] = []
    for one in case.seen:
        at, local = one.at, one.local
        when = utc(at) if at else ""
        there = by_its_clock(local, behind=when).replace(NO_BREAK, " ") if at and local else ""
        seen.append((one.source, one.detail, one.port, bool(when), len(there)))
        if when:
            said += (when, there)
            clocks.append((when, there))
    order = _order(clocks) if len(clocks) > 1 else None
    shape = (_case_shape(case), len(ip), ":" in ip, ip.islower(), tuple(seen), order)
    return shape, said


def _order(clocks: Sequence[tuple[str, str]]) -> Hashable:
    """In which order the sources saw it, newest first as a rule: what is printed may hang on it."""
    later = clocks[0]
    for one in clocks[1:]:
        if one >= later:
            times = sorted(set(clocks))
            return tuple([times.index(each) for each in clocks])
        later = one
    return None


def _clocks(seen: Seen) -> tuple[str, str]:
    """When it was seen: in UTC, and by the clock there; nothing where that is not known."""
    if seen.at is None:
        return "", ""
    when = utc(seen.at)
    there = by_its_clock(seen.local, behind=when).replace(NO_BREAK, " ") if seen.local else ""
    return when, there


def letter_shape(facts: LetterFacts) -> Hashable:
    """All of a letter but its cases that is no slot."""
    writer, earlier = facts.writer, facts.earlier
    signs = (
        writer.name, writer.email, writer.website, writer.country, tuple(writer.legal.items()),
    )  # fmt: skip
    return _letter_shape(facts), signs, earlier and earlier.rows


@dataclass(frozen=True, kw_only=True)
class Hand:
    """One of the two sets of marks: one of letters, one of digits, so that neither matters."""

    signs: tuple[str, str]
    octets: tuple[tuple[str, str, str], tuple[str, str, str]]
    """Of two addresses, so that a letter about several doesn't look like one about a single one."""
    at: datetime

    @property
    def sign(self) -> str:
        return self.signs[0]


FIRST = Hand(
    signs=("b", "c"), octets=(("7", "73", "173"), ("8", "83", "183")),
    at=datetime(1971, 2, 3, 4, 5, 6, tzinfo=UTC)
)  # fmt: skip
SECOND = Hand(
    signs=("5", "4"), octets=(("6", "62", "162"), ("9", "92", "192")),
    at=datetime(1982, 9, 18, 17, 16, 15, tzinfo=UTC)
)  # fmt: skip


HANDS = (FIRST, SECOND)


def marked(facts: LetterFacts, hand: Hand) -> LetterFacts:
    """The same letter with marks in all its slots."""
    earlier = facts.earlier
    first = facts.cases[0].ip
    return replace(
        facts,
        reference=_reference(hand, "QQ"),
        secret=_secret(hand, "q"),
        stop_token=_secret(hand, "p"),
        cases=tuple(
            marked_case(case, hand, number=number, is_other=case.ip != first)
            for number, case in enumerate(facts.cases)
        ),
        earlier=earlier
        and replace(
            earlier, sent_at=hand.at - timedelta(days=700), reference=_reference(hand, "PP")
        ),
    )


def marked_case(
    case: CaseFacts, hand: Hand, *, number: int = 0, is_other: bool = False
) -> CaseFacts:
    """The marks of its times stand in the order in which the sources saw it.

    Raises where they don't take the room of what they stand for.
    """
    seen = (
        one if rank is None else _marked_time(one, hand.at + timedelta(seconds=61 * rank))
        for one, rank in zip(case.seen, _ranks(case), strict=True)
    )
    made = replace(
        case, ip=_address(case.ip, hand, is_other), reference=_reference(hand, f"{number:02}"),
        secret=_secret(hand, f"s{number}s"), seen=tuple(seen),
    )  # fmt: skip
    if _read(made)[0] != _read(case)[0]:
        raise UnlearntError
    return made


def _marked_time(seen: Seen, at: datetime) -> Seen:
    """The mark of its local time takes the same room; what zone it is does not matter."""
    room = len(_clocks(seen)[1])
    zone = timezone(timedelta(hours=1 if room < _WITH_DATE else _NEXT_DAY))
    return replace(seen, at=at, local=at.astimezone(zone) if room else seen.local)


def _ranks(case: CaseFacts) -> list[int | None]:
    """Which place each source's time takes among all of them."""
    clocks = [_clocks(one) for one in case.seen]
    times = sorted({one for one in clocks if one[0]})
    return [times.index(one) if one[0] else None for one in clocks]


_LETTERS, _DIGITS = str.maketrans("54", "ed"), str.maketrans("bc", "78")


def _address(ip: str, hand: Hand, is_other: bool) -> str:  # noqa: FBT001 - one of two
    """An address of the same length that prints as it stands."""
    if ":" in ip:
        # a letter stays a letter: a subject hangs on whether it has any
        sign = hand.signs[is_other].translate(_LETTERS if ip.islower() else _DIGITS)
        return re.sub(r"[0-9a-f]+", lambda group: sign * len(group[0]), ip)
    return ".".join(hand.octets[is_other][len(part) - 1] for part in ip.split("."))


def _reference(hand: Hand, name: str) -> str:
    return f"{hand.sign.upper() * 5}{name:0<3}"


def _secret(hand: Hand, name: str) -> str:
    return f"{hand.sign}{name}{hand.sign}z{hand.sign}".ljust(20, hand.sign)
