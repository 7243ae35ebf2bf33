"""What we know of each source: whose word it is, what its codes mean, what its word is worth.

The values are data in `sources/<name>/source.toml`; here are their shapes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from openletter.evidence.rules.origins import Origins
from openletter.wire.mappedcsv import CsvMapping
from openletter.words import Judgement, Role, Weakness

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Format(StrEnum):
    """The forms of files that are read."""

    SHADOWSERVER = "shadowserver"
    PLAIN = "plain"
    RBLDNSD = "rbldnsd"
    MAPPED = "mapped"
    PROXIES = "proxies"
    ANSWERS = "dnsbl-answers"
    XARF = "xarf"
    ARF = "arf"
    XARF_MAIL = "x-arf"
    HONEYPOT = "honey-pot"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a tag or code says: about which weakness, with what weight, and why that weight."""

    weakness: Weakness | None = None
    worth: Judgement = Judgement.ACCEPT
    reason: str = "says-open"
    space: str = ""
    """What the code tells of the address's space: a policy list of end users says it moves."""


@dataclass(frozen=True, kw_only=True)
class Downgrade:
    """A cell that shows the server answered and refused: the row is no longer about `open`."""

    fact: str
    values: frozenset[str]
    meaning: Meaning


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One list or report of one origin.

    `family` is the independent origin; `copies` are families whose rows it repeats; `operator` is
    who is behind several families; `unnamed`: nobody told whose word it is. `worth` caps
    what any of its rows can be. `weakness` is what a row is about when nothing in it says so.
    `dead` says since when and why nothing it says counts. `refusals` are answers that mean "not
    told", as single codes or networks of them. `neighbours`: it lists the surroundings of others;
    `lists_64s`: its IPv6 entries are /64 networks, so none of them names one server.
    `verdicts` are what a check found, and what that is worth.
    """

    id: str
    name: str
    family: str
    format: Format
    role: Role = Role.UNKNOWN
    worth: Judgement = Judgement.ACCEPT
    reason: str = "says-open"
    copies: tuple[str, ...] = ()
    operator: str = ""
    unnamed: bool = False
    weakness: tuple[Weakness, ...] = ()
    tags: Mapping[str, tuple[Meaning, ...]] = field(default_factory=dict)
    codes: Mapping[str, tuple[Meaning, ...]] = field(default_factory=dict)
    phrases: Mapping[str, tuple[Meaning, ...]] = field(default_factory=dict)
    verdicts: Mapping[str, tuple[Judgement, str]] = field(default_factory=dict)
    downgrades: tuple[Downgrade, ...] = ()
    refusals: tuple[ipaddress.IPv4Network, ...] = ()
    dead: str = ""
    neighbours: bool = False
    lists_64s: bool = False
    mapping: CsvMapping | None = None
    fillers: tuple[Network, ...] = ()
    reports: tuple[str, ...] = ()
    columns: frozenset[str] = frozenset()
    common_columns: frozenset[str] = frozenset()
    by_columns: bool = False
    zones: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    dated: tuple[str, str] | None = None
    needs_time: bool = False
    needs_port: bool = False
    needs_transcript: bool = False
    made_up: bool = False
    citation: str = ""
    terms: Mapping[str, str | int] = field(default_factory=dict)

    def is_refusal(self, code: str) -> bool:
        """Whether an answer says that we are not told, which is no listing."""
        if not self.refusals:
            return False
        try:
            address = ipaddress.IPv4Address(code)
        except ValueError:
            return False
        return any(address in network for network in self.refusals)


class SourceBook:
    """All feeds by id, with the ways to find one."""

    def __init__(self, feeds: Iterable[Feed], *, other_reports: Iterable[str] = ()) -> None:
        self._feeds = {feed.id: feed for feed in feeds}
        self.other_reports = tuple(other_reports)

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds.values())

    def get(self, feed_id: str) -> Feed | None:
        return self._feeds.get(feed_id)

    def with_feeds(self, feeds: Iterable[Feed]) -> SourceBook:
        """The same with further feeds; a known id is replaced."""
        return SourceBook([*self, *feeds], other_reports=self.other_reports)

    def by_report(self, report: str) -> Feed | None:
        return next((feed for feed in self if report in feed.reports), None)

    def by_columns(self, names: Iterable[str]) -> Feed | None:
        """The report that explains most of what a header has beyond the common columns.

        At least half must be explained. Several reports share columns, so rows must still say
        themselves what they are.
        """
        have = set(names)
        best, best_share = None, 0.5
        for feed in self:
            telling = have - feed.common_columns
            share = len(telling & feed.columns) / len(telling) if telling else not feed.columns
            if feed.by_columns and share >= best_share:
                best, best_share = feed, float(share)
        return best

    def by_zone(self, zone: str) -> Feed | None:
        return next((feed for feed in self if zone and zone in feed.zones), None)

    def origins(self) -> Origins:
        """Which families repeat which."""
        copies: dict[str, set[str]] = {}
        operators: dict[str, set[str]] = {}
        for feed in self:
            copies.setdefault(feed.family, set()).update(feed.copies)
            operators.setdefault(feed.family, set()).update({feed.operator} - {""})
        with_ports = {feed.family for feed in self if feed.format not in _WITHOUT_PORTS}
        return Origins(
            copies={family: frozenset(copied) for family, copied in copies.items()},
            operators={family: frozenset(names) for family, names in operators.items()},
            unnamed=frozenset(feed.family for feed in self if feed.unnamed),
            portless=frozenset(set(copies) - with_ports),
        )


_WITHOUT_PORTS = frozenset({Format.RBLDNSD, Format.ANSWERS})
