"""What a row of a source is worth. The row's own word only: age and address class come later.

In order, the first that holds decides: unreadable; the list is dead; it refuses to tell; an
exception or test entry of a zone; a network; no address; a filler; a bad port or protocol; a bad
or missing time; not about our weaknesses. What is left is a statement, one for each weakness:
set aside for its time, taken back by its file, of an exit or scanner, or worth what its code, tags
or words say, under the feed's cap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from openletter.evidence.rules.feeds import Feed, Meaning
from openletter.evidence.rules.meanings import RANK, meanings_of
from openletter.evidence.rules.spaces import Space, Spaces
from openletter.evidence.rules.times import is_to_second, parse_time
from openletter.wire.address import (
    Address,
    NotAddress,
    address_class,
    parse_address,
    parse_port,
    parse_range,
)
from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.intervals import Intervals
from openletter.wire.visible import visible
from openletter.words import AddressClass, Judgement, Protocol, Role, Weakness

RULE_VERSION = "judge-2"
CLOCKS_DIFFER = timedelta(hours=1)
"""A source's clock may run ahead by this much before its times are in the future."""
FIRST_PLAUSIBLE = datetime(1990, 1, 1, tzinfo=UTC)
_IS_RANGE = NotAddress("range")
_REMEMBERED = 10_000
_PROTOCOLS = frozenset({"", *Protocol})
_ROLES = frozenset(Role)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EVERYWHERE, _NONE = Spaces(), Intervals()
_SPANS = {
    Span.EXCLUDED: (Judgement.WITHDRAWN, "excluded-by-zone"),
    Span.TEST_POINT: (Judgement.REJECT, "test-point"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One statement about one address and at most one weakness, with its judgement.

    `says` is the judgement before doubles were counted: a `same-as` row still carries its time.
    A statement about a network has no `ip` but a `first` and a `last` one, and is never more than
    corroboration. `space` is what is known of the address (`spaces.Space`).
    """

    row: int
    line: int
    judgement: Judgement
    reason: str
    source: str
    says: Judgement
    ip: Address | None = None
    port: int | None = None
    protocol: Protocol | None = None
    weakness: Weakness | None = None
    role: Role = Role.UNKNOWN
    seen_at: datetime | None = None
    dated_by: str = ""
    code: str | None = None
    address_class: AddressClass = AddressClass.SPECIAL
    same_as: int | None = None
    space: str = ""
    first: Address | None = None
    last: Address | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What holds for a whole file: its feed, the moment, how and when it is dated.

    `only_by_tag`: the feed was guessed from columns that several reports share, so a row must say
    itself what it is about. `withdrawn`: addresses that the file itself takes back. `spaces`: what
    the operator's lists know.
    """

    feed: Feed
    now: datetime
    file_time: datetime | None = None
    time_form: str = ""
    time_zone: str = ""
    only_by_tag: bool = False
    withdrawn: Intervals = _NONE
    spaces: Spaces = _EVERYWHERE


class _Sight(NamedTuple):
    """The address that a row names, and when it was seen there by whose word."""

    address: Address
    seen_at: datetime | None
    dated_by: str


class Judge:
    """Judges the rows of one file in order; remembers targets to tell doubles."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.around = circumstances
        self.feed = circumstances.feed
        self._latest = circumstances.now + CLOCKS_DIFFER
        self._first: dict[tuple[object, ...], int] = {}
        self._known: dict[tuple[object, ...], list[Meaning]] = {}

    def judge(self, row: FeedRow) -> list[Judged]:
        """One object for each weakness that the row names, at least one."""
        address = parse_address(row.address)
        if reason := self._no_statement(row):
            named = None if isinstance(address, NotAddress) else address
            return [replace(self._refused(row, reason, ip=named), code=_code(row))]
        if row.span in _SPANS:
            return [self._set_apart(row, address)]
        if row.span is Span.RANGE or (isinstance(address, NotAddress) and address == _IS_RANGE):
            return self._judge_range(row)
        if isinstance(address, NotAddress):
            return [self._refused(row, _why_no_address(row.address, address))]
        if self._is_filler(address):
            return [self._refused(row, "filler-address", ip=address)]
        if reason := self._bad_port_or_protocol(row) or self._unproven(row):
            return [self._refused(row, reason, ip=address)]
        return self._judge_time(row, address)

    def _no_statement(self, row: FeedRow) -> str:
        """Why a row says nothing at all: unreadable, of a dead list, or a refusal to tell."""
        if row.problem:
            return row.problem
        if self.feed.dead:
            return "list-is-dead"
        return "answer-refused" if self.feed.is_refusal(row.code) else ""

    def _unproven(self, row: FeedRow) -> str:
        """A check counts with the digest of what was said in it, so that it can be shown."""
        proof = row.facts.get("transcript", "")
        needed = self.feed.needs_transcript and not _DIGEST.fullmatch(proof.lower())
        return "transcript-missing" if needed else ""

    def _is_filler(self, address: Address) -> bool:
        nets = self.feed.fillers
        return any(address.version == net.version and address in net for net in nets)

    def _judge_range(self, row: FeedRow) -> list[Judged]:
        """A network names nobody's server: kept as corroboration, with its ends, without an ip."""
        ends = parse_range(row.address)
        if isinstance(ends, NotAddress):
            return [self._refused(row, ends.code)]
        if all(map(self._is_filler, ends)):
            return [self._refused(row, "filler-address")]
        reason = "neighbourhood" if self.feed.neighbours else "range"
        return [
            replace(
                one,
                judgement=Judgement.CORROBORATES if one.says in RANK else one.judgement,
                says=Judgement.CORROBORATES if one.says in RANK else one.says,
                reason=reason if one.says in RANK else one.reason,
                ip=None,
                port=None,
                protocol=None,
                same_as=None,
                space="",
                first=ends[0],
                last=ends[1],
            )
            for one in self._judge_time(replace(row, port="", protocol=""), ends[0], counted=False)
        ]

    def _judge_time(self, row: FeedRow, address: Address, *, counted: bool = True) -> list[Judged]:
        seen_at, dated_by = self._seen_at(row)
        if seen_at is None and (row.time or self.feed.needs_time):
            reason = "bad-time" if row.time else "missing-time"
            return [self._refused(row, reason, ip=address)]
        meanings = self._meanings(row)
        sight = _Sight(address=address, seen_at=seen_at, dated_by=dated_by)
        if not meanings:
            return [self._not_ours(row, sight)]
        return [self._stated(row, sight, meaning, counted=counted) for meaning in meanings]

    def _meanings(self, row: FeedRow) -> list[Meaning]:
        """What rows with the same words say is worked out once."""
        about = (row.code, row.tags, row.sign_in, row.says if self.feed.phrases else "")
        found = self._known.get(about)
        if found is None or self.feed.downgrades or self.feed.verdicts:
            found = meanings_of(row, self.feed, only_by_tag=self.around.only_by_tag)
            if len(self._known) < _REMEMBERED:
                self._known[about] = found
        return found

    def _not_ours(self, row: FeedRow, sight: _Sight) -> Judged:
        """Well told, of something else: shown with all that it says."""
        port = parse_port(row.port) if row.port else None
        return replace(
            self._refused(row, "not-about-our-weaknesses", ip=sight.address),
            port=port,
            protocol=_protocol(row, port),
            seen_at=sight.seen_at,
            dated_by=sight.dated_by,
            code=_code(row),
        )

    def _stated(self, row: FeedRow, sight: _Sight, meaning: Meaning, *, counted: bool) -> Judged:
        space = meaning.space or self.around.spaces.of(sight.address, row.facts) or ""
        says, reason = self._worth(sight, meaning, space=space)
        port = parse_port(row.port) if row.port else None
        protocol, role = _protocol(row, port), _role(row, self.feed)
        same_as = None
        if counted and says in RANK:
            key = (sight.address, port, protocol, meaning.weakness, role, says)
            first = self._first.setdefault(key, row.row)
            same_as = first if first != row.row else None
        return Judged(
            row=row.row,
            line=row.line,
            judgement=says if same_as is None else Judgement.SAME_AS,
            says=says,
            reason=reason if same_as is None else "same-target",
            source=self.feed.id,
            ip=sight.address,
            port=port,
            protocol=protocol,
            weakness=meaning.weakness,
            role=role,
            seen_at=sight.seen_at,
            dated_by=sight.dated_by,
            code=_code(row),
            address_class=address_class(sight.address),
            same_as=same_as,
            space=space,
            about=_about(row),
        )

    def _worth(self, sight: _Sight, meaning: Meaning, *, space: str) -> tuple[Judgement, str]:
        """The meaning's weight, under the feed's cap; a moment that cannot be is set aside."""
        if sight.seen_at is not None and sight.seen_at > self._latest:
            return Judgement.QUARANTINE, "time-in-future"
        if sight.seen_at is not None and sight.seen_at < FIRST_PLAUSIBLE:
            return Judgement.QUARANTINE, "time-before-internet"
        if self.around.withdrawn and sight.address in self.around.withdrawn:
            return Judgement.WITHDRAWN, "excluded-by-zone"
        if meaning.worth is Judgement.WITHDRAWN:
            return meaning.worth, meaning.reason
        if space and Space(space).is_set_aside:
            return Judgement.CORROBORATES, space
        if RANK[self.feed.worth] <= RANK[meaning.worth]:
            same = self.feed.worth is meaning.worth and self.feed.reason == "says-open"
            return self.feed.worth, meaning.reason if same else self.feed.reason
        return meaning.worth, meaning.reason

    def _seen_at(self, row: FeedRow) -> tuple[datetime | None, str]:
        if row.time:
            form = self.around.time_form
            told = parse_time(row.time, form=form, zone=self.around.time_zone)
            return told, "row" if is_to_second(row.time, form=form) else "day"
        return self.around.file_time, "file" if self.around.file_time else ""

    def _bad_port_or_protocol(self, row: FeedRow) -> str:
        if row.port and parse_port(row.port) is None:
            return "bad-port"
        if not row.port and self.feed.needs_port:
            return "missing-port"
        known = row.protocol.lower() in _PROTOCOLS
        return "" if known else "bad-protocol"

    def _set_apart(self, row: FeedRow, address: Address | NotAddress) -> Judged:
        """An exception that the zone makes, or its own entry for testing."""
        judgement, reason = _SPANS[row.span]
        ip = None if isinstance(address, NotAddress) else address
        refused = self._refused(row, reason, ip=ip)
        return replace(refused, judgement=judgement, says=judgement, code=_code(row))

    def _refused(self, row: FeedRow, reason: str, *, ip: Address | None = None) -> Judged:
        return Judged(
            row=row.row,
            line=row.line,
            judgement=Judgement.REJECT,
            says=Judgement.REJECT,
            reason=reason,
            source=self.feed.id,
            ip=ip,
            role=_role(row, self.feed),
            address_class=address_class(ip) if ip else AddressClass.SPECIAL,
            excerpt=row.excerpt or _excerpt(row),
        )


def _why_no_address(text: str, problem: NotAddress) -> str:
    """A host name is refused too (it may point elsewhere tomorrow), with its own reason."""
    has_letters = any(character.isalpha() for character in text)
    looks_like_name = problem.code == "bad-address" and has_letters and ":" not in text
    return "host-name" if looks_like_name else problem.code


def _protocol(row: FeedRow, port: int | None) -> Protocol | None:
    if row.protocol:
        return Protocol(row.protocol.lower())
    return Protocol.TCP if port is not None else None


def _role(row: FeedRow, feed: Feed) -> Role:
    """The row's own word, else the feed's; a port is where a server listens."""
    if row.role in _ROLES:
        return Role(row.role)
    if feed.role is Role.UNKNOWN and row.port:
        return Role.ENTRY
    return feed.role


def _code(row: FeedRow) -> str | None:
    return visible(row.code, limit=40) or visible(";".join(row.tags), limit=40) or None


def _about(row: FeedRow) -> dict[str, str]:
    about = {name: visible(text) for name, text in row.facts.items()}
    if row.says:
        about["says"] = visible(row.says)
    return about


def _excerpt(row: FeedRow) -> str:
    """What the row named, without a user and password in front of it."""
    cells = (row.time, row.address, row.port, row.protocol)
    return visible(",".join(cell.rpartition("@")[2] for cell in cells if cell))
