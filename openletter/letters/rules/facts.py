"""What a letter is made from. Texts from outside become one harmless line here, at the edge."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache

from openletter.guides.layout import NO_BREAK
from openletter.words import Protocol, Reader, WaveKind, Weakness

_MAX_LINE = 200
_TWO = [f"{number:02}" for number in range(60)]
MOST_INLINE = 1_000
"""Rows that a letter without files holds: half a megabyte. Above that their table is attached."""
MOST_TEXTS = 10
"""Texts to pass on that go along with a provider's letter; with all languages still below size."""
_JOINING = "\u0620-\u06ff\u0750-\u077f\u0900-\u0dff"
_JOINED = re.compile(rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])")
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class LetterError(Exception):
    """A letter that must not be written; the code says why."""

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(f"{code}: {what}" if what else code)
        self.code = code


@lru_cache(maxsize=4096)
def one_line(text: str) -> str:
    """A stranger's text as one visible line: no control, bidi or line-breaking character.

    Joiners stay between letters of the scripts that are written with them (Persian, Hindi).
    """
    spaced = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    kept = {found.start() for found in _JOINED.finditer(spaced)}
    shown = "".join(
        "?" if unicodedata.category(c) in _HARMFUL and at not in kept else c
        for at, c in enumerate(spaced)
    )
    return " ".join(shown.split())[:_MAX_LINE]


def utc(moment: datetime) -> str:
    """A time as it stands in letters: ISO date, seconds, and the zone written out."""
    own = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{_day(own.toordinal())} {_clock(own)} UTC"


def by_its_clock(local: datetime, *, behind: str) -> str:
    """A local time as it stands behind the same moment in UTC: `05:10:03 +01:00`.

    The date stands before it where it is another; nothing where the clock there shows UTC.
    """
    offset = local.utcoffset()
    if not offset:
        return ""
    day, said = _day(local.toordinal()), f"{_clock(local)}{NO_BREAK}{_from_utc(offset)}"
    return said if behind.startswith(day) else f"{day}{NO_BREAK}{said}"


def _clock(moment: datetime) -> str:
    return f"{_TWO[moment.hour]}:{_TWO[moment.minute]}:{_TWO[moment.second]}"


@lru_cache(maxsize=4096)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=256)
def _from_utc(offset: timedelta) -> str:
    return datetime.min.replace(tzinfo=timezone(offset)).isoformat()[19:]


def iso(moment: datetime) -> str:
    """A time as machines read it in what is attached: RFC 3339, seconds, UTC."""
    said = utc(moment)
    return f"{said[:10]}T{said[11:19]}Z"


class RowState(StrEnum):
    """How a case stands for its mailbox, in the order in which letters tell it."""

    CLOSED = "closed"
    TAKEN_BACK = "taken-back"
    ANNOUNCED = "announced"
    REMAINING = "remaining"
    NEW = "new"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One source's statement. `detail` is what that source calls it, empty where terms forbid."""

    source: str
    at: datetime | None
    port: int | None = None
    detail: str = ""
    local: datetime | None = None
    """The same moment by the clock of the server's country, where that country keeps one time."""


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """One address with one weakness, as told; `secret` opens the page of this case only."""

    reference: str
    secret: str
    ip: str
    weakness: Weakness
    ports: tuple[int, ...] = ()
    protocol: Protocol = Protocol.TCP
    seen: tuple[Seen, ...] = ()
    guide_id: str = "unknown"
    introduced: str = ""
    """How the server introduces itself: only what our own pattern matched."""
    exit_only: bool = False
    """Evidence only says that traffic leaves here; nobody says that a server is open here."""
    row: int = 0
    """The case's number in every letter to this mailbox; zero: its place in this one."""
    state: RowState = RowState.NEW
    """New to the mailbox, or how a case stands that an earlier letter told of."""

    def __post_init__(self) -> None:
        if str(ipaddress.ip_address(self.ip)) != self.ip:
            raise LetterError("address-not-canonical", self.ip)
        if any(not 1 <= port <= 65535 for port in self.ports):
            raise LetterError("port-out-of-range", str(self.ports))

    @property
    def port_text(self) -> str:
        """`25/tcp`, `3128/tcp, 8080/tcp`, or nothing where no source names a port."""
        return ", ".join(f"{port}/{self.protocol}" for port in self.ports)

    @property
    def newest(self) -> datetime | None:
        """When a source last saw it."""
        return max((seen.at for seen in self.seen if seen.at is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Writer:
    """The partner in whose name a letter goes out."""

    name: str
    email: str
    website: str = ""
    country: str = ""
    legal: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EarlierRow:
    """A case that an earlier letter told this mailbox of; `row` is its number in all of them."""

    row: int
    state: RowState


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What a later letter refers to: the last one before it, and what became of all cases told."""

    sent_at: datetime
    reference: str
    rows: tuple[EarlierRow, ...] = ()

    def numbers(self, state: RowState) -> tuple[int, ...]:
        """The numbers of the cases that stand so, in order."""
        return tuple(sorted(one.row for one in self.rows if one.state is state))


def ranges(numbers: Iterable[int]) -> str:
    """Row numbers as a reader sees them, `1, 4-7, 12`; nothing for none."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """Everything that one letter to one mailbox says."""

    kind: WaveKind
    reader: Reader
    languages: tuple[str, ...]
    """The reader's own first; English below, where it is another."""
    reference: str
    secret: str
    """Opens the list of this letter's cases: for the mailbox alone."""
    stop_token: str
    site: str
    campaign: str
    writer: Writer
    together_with: tuple[str, ...]
    authority: str
    """The reader's own country's body that takes part; empty where there is none."""
    domain: str
    """The signature's."""
    cases: tuple[CaseFacts, ...]
    exercise: bool = False
    responder: str = ""
    """That country's national team, where a named person signed its entry; takes no part."""
    earlier: Earlier | None = None
    inline_rows: int = 50
    no_files: bool = False
    """The contact wants nothing attached: the rows stand in the letter, as long as that can be."""

    def __post_init__(self) -> None:
        if not self.cases:
            raise LetterError("no-cases")
        if not all(case.row for case in self.cases):
            placed = (replace(case, row=place) for place, case in enumerate(self.cases, start=1))
            object.__setattr__(self, "cases", tuple(placed))
        if self.kind is not WaveKind.FIRST and self.earlier is None:
            raise LetterError("nothing-earlier", self.kind)
        if not self.exercise and not any(self.writer.legal.get(tag) for tag in self.languages):
            raise LetterError("legal-text-missing", self.writer.name)

    @property
    def is_one(self) -> bool:
        return len(self.cases) == 1

    def numbers(self, state: RowState) -> tuple[int, ...]:
        """The numbers of all cases that stand so: this letter's new ones, and earlier ones."""
        if state is RowState.NEW:
            return tuple(one.row for one in self.cases if one.state is state)
        return self.earlier.numbers(state) if self.earlier else ()

    @property
    def has_attachment(self) -> bool:
        """The rows do not stand in the letter but in its table."""
        return len(self.cases) > (MOST_INLINE if self.no_files else self.inline_rows)

    @property
    def is_for_passing_on(self) -> bool:
        """A desk reads it, which works with files and passes each case on."""
        is_about_open = self.kind in (WaveKind.FIRST, WaveKind.UPDATE, WaveKind.REMINDER)
        return self.reader is not Reader.OWNER and is_about_open

    @property
    def _is_for_files(self) -> bool:
        return self.is_for_passing_on and not self.no_files

    @property
    def attaches_table(self) -> bool:
        return self.has_attachment or (self._is_for_files and not self.is_one)

    @property
    def attaches_reports(self) -> bool:
        return self._is_for_files

    @property
    def attaches_texts(self) -> bool:
        """A text a case, for a provider with few; the letter's page has them for any number."""
        few = 1 < len(self.cases) <= MOST_TEXTS
        return few and self.reader is Reader.PROVIDER and self._is_for_files

    @property
    def kinds(self) -> tuple[WaveKind, ...]:
        """Whose texts go out with it: its own kind's, and a first letter's for passing on."""
        return tuple(dict.fromkeys([self.kind, *([WaveKind.FIRST] if self.attaches_texts else [])]))

    @property
    def has_files(self) -> bool:
        return self.attaches_table or self.attaches_reports

    @property
    def printed_reference(self) -> str:
        """One case: its own, so that the letter can be passed on; several: the letter's."""
        return self.cases[0].reference if self.is_one else self.reference
