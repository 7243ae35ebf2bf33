"""What a DNS zone's answers mean, and whether the zone may be believed at all. Pure.

Only an answer inside 127/8 that is no refusal says that an address is listed. Silence, errors and
nonsense say nothing: they never count and close nothing. A zone is believed for one run only if
it behaves before, during and after it: RFC 5782's test points, and random addresses in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from openletter.evidence.rules.feeds import Feed
from openletter.wire.address import Address, address_class
from openletter.wire.dns import Rcode
from openletter.words import AddressClass, DnsblAnswer, Judgement, Reason, Value

RULE_VERSION = "zones-1"
CANARIES = 20
"""Random addresses asked before a run, and as many again in the middle of it."""
LISTED_POINT: tuple[Address, Address] = (IPv4Address("127.0.0.2"), IPv6Address("::ffff:7f00:2"))
UNLISTED_POINT: tuple[Address, Address] = (IPv4Address("127.0.0.1"), IPv6Address("::ffff:7f00:1"))
OVERHEAD = 2 * (CANARIES + 4)
"""Questions of a run that are about the zone and nobody else: canaries and test points, twice."""
MOST_BASES = 200
"""So many /64 networks of IPv6 addresses are asked about in one run."""
RUN_SECONDS, FEWEST = 40, 20
SILENT_IN_A_ROW = 20
LISTS_ALL_FROM = 0.9
"""A policy list may truly list a third of the Internet, but not nine random addresses of ten."""
OPEN_AT_MOST = 2
"""Of twenty random addresses so many may stand open; more and the zone says it of everybody."""
_LOOPBACK = IPv4Network("127.0.0.0/8")
_REFUSALS = IPv4Network("127.255.255.0/24")
_ODD_CODES = frozenset({"127.0.0.1", "127.0.0.255"})
"""Refusals at several lists, listings at some: the source's own table decides."""


class Condition(StrEnum):
    """How a zone behaves."""

    HEALTHY = "healthy"
    SILENT = "zone-silent"
    LISTS_NOTHING = "zone-lists-nothing"
    LISTS_EVERYTHING = "zone-lists-everything"
    IMPLAUSIBLE = "zone-implausible"
    REFUSES = "zone-refuses"
    HIJACKED = "zone-hijacked"


_TRY_AGAIN = {Condition.SILENT: timedelta(hours=1), Condition.REFUSES: timedelta(days=1)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One answer of a zone about one address; `why` says why nothing is known."""

    answer: DnsblAnswer
    codes: tuple[str, ...] = ()
    why: str = ""
    ttl: int | None = None

    @property
    def is_hijacked(self) -> bool:
        return self.why == Condition.HIJACKED


def classify(rcode: int, codes: Sequence[str], *, feed: Feed, ttl: int | None = None) -> Told:
    """What a whole answer says: its response code and its A records."""
    if rcode == Rcode.NXDOMAIN and not codes:
        return Told(answer=DnsblAnswer.NOT_LISTED, ttl=ttl)
    if rcode != Rcode.NOERROR:
        return unheard(_RCODES.get(rcode, "dns-error"))
    if not codes:
        return unheard("dns-empty")
    if any(IPv4Address(code) not in _LOOPBACK for code in codes):
        return Told(answer=DnsblAnswer.UNKNOWN, codes=tuple(codes), why=Condition.HIJACKED)
    if any(is_refusal(code, feed) for code in codes):
        return Told(answer=DnsblAnswer.REFUSED, codes=tuple(codes), why=Condition.REFUSES)
    return Told(answer=DnsblAnswer.LISTED, codes=tuple(sorted(set(codes))), ttl=ttl)


_RCODES: dict[int, str] = {
    Rcode.SERVFAIL: "dns-servfail",
    Rcode.REFUSED: "dns-refused",
    Rcode.NXDOMAIN: "dns-contradictory",
}


def unheard(why: str) -> Told:
    """Nobody told: `why` is a reason code of this room (`dns-timeout`, `dns-garbled` ...)."""
    return Told(answer=DnsblAnswer.UNKNOWN, why=why)


def is_refusal(code: str, feed: Feed) -> bool:
    """Whether a code says that we are not told: by custom, by the source's table, or by default."""
    if IPv4Address(code) in _REFUSALS or feed.is_refusal(code):
        return True
    return code in _ODD_CODES and code not in feed.codes


# -- health --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a zone behaved at one examination, and why we think so."""

    condition: Condition
    reason: Reason
    answers_six: bool = False

    @property
    def is_healthy(self) -> bool:
        return self.condition is Condition.HEALTHY

    @property
    def try_again_after(self) -> timedelta | None:
        """When a machine may look again; None: a person decides."""
        return _TRY_AGAIN.get(self.condition)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What a zone said of its test points (IPv4, IPv6) and of random addresses."""

    listed: tuple[Told, Told]
    unlisted: tuple[Told, Told]
    canaries: tuple[Told, ...] = field(default=())


def examine(seen: Examination, *, feed: Feed) -> Health:
    """Whether the zone may be believed; the worst that was seen decides."""
    if len(seen.canaries) < CANARIES:
        raise ValueError(f"{len(seen.canaries)} canaries are too few")
    told = [*seen.listed, *seen.unlisted, *seen.canaries]
    fault = outrage(told) or _points(seen) or _crowd(seen.canaries, feed=feed)
    if fault is not None:
        return fault
    six = seen.listed[1].answer, seen.unlisted[1].answer
    answers_six = six == (DnsblAnswer.LISTED, DnsblAnswer.NOT_LISTED)
    reason = Reason(code="zone-healthy", values={"canaries": len(seen.canaries)})
    return Health(condition=Condition.HEALTHY, reason=reason, answers_six=answers_six)


def outrage(told: Iterable[Told]) -> Health | None:
    """What a single answer shows: a refusal, or somebody else's server."""
    for one in told:
        if one.is_hijacked:
            return _ill(Condition.HIJACKED, code=one.codes[0])
        if one.answer is DnsblAnswer.REFUSED:
            return _ill(Condition.REFUSES, code=one.codes[0])
    return None


def _points(seen: Examination) -> Health | None:
    listed, unlisted = seen.listed[0], seen.unlisted[0]
    for one in (listed, unlisted):
        if one.answer is DnsblAnswer.UNKNOWN:
            return silent(one.why)
    if listed.answer is not DnsblAnswer.LISTED:
        return _ill(Condition.LISTS_NOTHING)
    if unlisted.answer is not DnsblAnswer.NOT_LISTED:
        nobodys = [unlisted, *seen.canaries]
        count = sum(one.answer is DnsblAnswer.LISTED for one in nobodys)
        return _ill(Condition.LISTS_EVERYTHING, listed=count, asked=len(nobodys))
    return None


def _crowd(canaries: Sequence[Told], *, feed: Feed) -> Health | None:
    """What it says of random addresses: nearly nobody is listed, and nobody stands open."""
    known = [one for one in canaries if one.answer is not DnsblAnswer.UNKNOWN]
    if len(known) * 2 < len(canaries):
        silence = next(one.why for one in canaries if one.answer is DnsblAnswer.UNKNOWN)
        return silent(silence)
    listed = [one for one in known if one.answer is DnsblAnswer.LISTED]
    if len(listed) >= LISTS_ALL_FROM * len(known):
        return _ill(Condition.LISTS_EVERYTHING, listed=len(listed), asked=len(known))
    standing_open = [one for one in listed if any(says_open(code, feed) for code in one.codes)]
    if len(standing_open) > OPEN_AT_MOST:
        return _ill(Condition.IMPLAUSIBLE, listed=len(standing_open), asked=len(known))
    return None


def says_open(code: str, feed: Feed) -> bool:
    """Whether a code alone would count as "this server stands open"."""
    if feed.worth is not Judgement.ACCEPT:
        return False
    if feed.codes:
        meanings = feed.codes.get(code, ())
        return any(one.worth is Judgement.ACCEPT and one.weakness for one in meanings)
    return bool(feed.weakness)


def silent(why: str) -> Health:
    """The zone or the way to it does not answer."""
    return _ill(Condition.SILENT, why=why)


def _ill(condition: Condition, **values: Value) -> Health:
    return Health(condition=condition, reason=Reason(code=condition.value, values=values))


class Watch:
    """Looks at the answers of a run as they come; `health` is set once the run must stop."""

    def __init__(self) -> None:
        self.health: Health | None = None
        self._unknown = 0

    def see(self, told: Told) -> None:
        """The first refusal or foreign answer ends the run, and so does a row of silences."""
        if self.health is not None:
            return
        self.health = outrage((told,))
        self._unknown = self._unknown + 1 if told.answer is DnsblAnswer.UNKNOWN else 0
        if self.health is None and self._unknown >= SILENT_IN_A_ROW:
            self.health = silent(told.why)


# -- whom to ask about ---------------------------------------------------------------------------


def canaries(draw: Callable[[int], int], *, count: int = CANARIES, six: int = 0) -> list[Address]:
    """Random public addresses; `draw` gives so many random bits. The last `six` are IPv6."""
    found: list[Address] = []
    while len(found) < count - six:
        four = IPv4Address(draw(32))
        if address_class(four) is AddressClass.GLOBAL:
            found.append(four)
    while len(found) < count:
        value = 1 << 125 | draw(125)  # 2000::/3
        one = IPv6Address(value)
        if address_class(one) is AddressClass.GLOBAL:
            found.append(one)
    return found


def base_of(address: Address) -> Address | None:
    """The first address of an IPv6 address's /64; None where there is none to ask about."""
    if isinstance(address, IPv4Address):
        return None
    base = IPv6Network((address, 64), strict=False).network_address
    return base if base != address else None


def bases(addresses: Iterable[Address]) -> dict[Address, Address]:
    """The /64 networks to ask about as well, by address; each once, and not too many."""
    found: dict[Address, Address] = {}
    for address in addresses:
        base = base_of(address)
        if base is not None and len(found) < MOST_BASES:
            found.setdefault(base, address)
    return found


def affordable(wanted: int, *, left: int, rate: float = float("inf")) -> int:
    """About how many addresses a run can ask: each may need a TXT and a /64 question as well.

    A run is to be over in a minute or so, but must be worth its questions about the zone.
    """
    in_time = max(FEWEST, rate * RUN_SECONDS - OVERHEAD)
    return int(max(0, min(wanted, (left - OVERHEAD) // 3, in_time)))


def needed(addresses: int) -> int:
    """Questions that a run of so many addresses may need at most."""
    return OVERHEAD + 3 * addresses


# -- how long an answer holds --------------------------------------------------------------------

LEAST, MOST = timedelta(hours=12), timedelta(days=7)
UNKNOWN_FIRST, UNKNOWN_MOST = timedelta(hours=1), timedelta(days=1)


def holds_for(told: Told, *, tries: int = 1) -> timedelta:
    """Until then nobody asks again; an unknown answer sooner, but ever more rarely."""
    if told.answer in {DnsblAnswer.UNKNOWN, DnsblAnswer.REFUSED}:
        doublings = min(max(tries - 1, 0), 10)
        return min(UNKNOWN_FIRST * (1 << doublings), UNKNOWN_MOST)
    return min(max(timedelta(seconds=told.ttl or 0), LEAST), MOST)
