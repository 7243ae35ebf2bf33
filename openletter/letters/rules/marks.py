"""A letter's own values, and the marks that stand in their places while a skeleton is learnt.

What is no slot is part of the shape: two letters share a skeleton only if every other field of
their facts is the same. A field that nobody sorted is a mistake that shows at import.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from operator import attrgetter

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
_REFERENCE, _SECRET = rb"[0-9A-Z]{4}-[0-9A-Z]{4}", rb"[a-z2-7]{20}"
_OF_CASE = re.compile(
    rb"[0-9a-f.:]{2,39},%b,%b(?:,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    rb",(?:(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d [+-]\d\d:\d\d)?)*" % (_REFERENCE, _SECRET)
)
_OF_LETTER = re.compile(
    rb"%b,%b,%b,(?:\d{4}-\d\d-\d\d,%b|,)" % (_SECRET, _SECRET, _REFERENCE, _REFERENCE)
)


def letter_values(facts: LetterFacts) -> tuple[bytes, ...]:
    """Link secret, stop token, reference; the earlier letter's date and reference, or nothing."""
    earlier = facts.earlier
    return (
        facts.secret.encode(),
        facts.stop_token.encode(),
        print_reference(facts.reference).encode(),
        earlier.sent_at.isoformat()[:10].encode() if earlier else b"",
        print_reference(earlier.reference).encode() if earlier else b"",
    )


def case_values(case: CaseFacts) -> tuple[bytes, ...]:
    """Address, reference, link secret; when each source saw it, and what its clock showed."""
    return (
        case.ip.encode(),
        print_reference(case.reference).encode(),
        case.secret.encode(),
        *chain.from_iterable([_clocks(one, one.at) for one in case.seen if one.at is not None]),
    )


def _clocks(seen: Seen, at: datetime) -> tuple[bytes, bytes]:
    there = by_its_clock(at, seen.local).replace(NO_BREAK, " ") if seen.local else ""
    return utc(at).encode(), there.encode()


def are_of_case(values: tuple[bytes, ...]) -> bool:
    """Whether nothing stands in a case's slots but what each is for."""
    return _OF_CASE.fullmatch(b",".join(values)) is not None


def are_of_letter(values: tuple[bytes, ...]) -> bool:
    return _OF_LETTER.fullmatch(b",".join(values)) is not None


def case_shape(case: CaseFacts) -> Hashable:
    """All of a case that is no slot, the room that its address takes, and who saw it first."""
    seen = tuple((one.source, one.detail, one.port, _room(one)) for one in case.seen)
    return _case_shape(case), len(case.ip), ":" in case.ip, seen, _ranks(case)


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
    """The marks of its times stand in the order in which the sources saw it."""
    seen = (
        one if rank is None else _marked_time(one, hand.at + timedelta(seconds=61 * rank))
        for one, rank in zip(case.seen, _ranks(case), strict=True)
    )
    return replace(
        case, ip=_address(case.ip, hand, is_other), reference=_reference(hand, f"{number:02}"),
        secret=_secret(hand, f"s{number}s"), seen=tuple(seen),
    )  # fmt: skip


def _marked_time(seen: Seen, at: datetime) -> Seen:
    """The mark of its local time takes the same room; what zone it is does not matter."""
    room = _room(seen)
    zone = timezone(timedelta(hours=1 if room < _WITH_DATE else _NEXT_DAY))
    return replace(seen, at=at, local=at.astimezone(zone) if room else seen.local)


def _room(seen: Seen) -> int:
    """How long the local time is as it is printed."""
    return len(by_its_clock(seen.at, seen.local)) if seen.at and seen.local else 0


def _ranks(case: CaseFacts) -> tuple[int | None, ...]:
    """In which order the sources saw it: what is printed may depend on who was last."""
    times = sorted({(one.at, _zone(one)) for one in case.seen if one.at is not None})
    return tuple(None if one.at is None else times.index((one.at, _zone(one))) for one in case.seen)


def _zone(seen: Seen) -> timedelta:
    return (seen.local.utcoffset() if seen.local else None) or timedelta()


def _address(ip: str, hand: Hand, is_other: bool) -> str:  # noqa: FBT001 - one of two
    """An address of the same length that prints as it stands."""
    if ":" in ip:
        return re.sub(r"[0-9a-f]+", lambda group: hand.signs[is_other] * len(group[0]), ip)
    return ".".join(hand.octets[is_other][len(part) - 1] for part in ip.split("."))


def _reference(hand: Hand, name: str) -> str:
    return f"{hand.sign.upper() * 5}{name:0<3}"


def _secret(hand: Hand, name: str) -> str:
    return f"{hand.sign}{name}{hand.sign}z{hand.sign}".ljust(20, hand.sign)
