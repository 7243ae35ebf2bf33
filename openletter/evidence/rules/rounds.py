"""One round of questions to a zone: what was heard, as rows to judge and a file to keep. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Network

from openletter.evidence.rules.feeds import Feed
from openletter.evidence.rules.zones import Condition, Health, Told
from openletter.wire.address import Address
from openletter.wire.dns import reversed_name
from openletter.wire.feedrow import FeedRow, Span
from openletter.wire.visible import visible
from openletter.words import DnsblAnswer

_RCODES = {DnsblAnswer.NOT_LISTED: "NXDOMAIN", DnsblAnswer.LISTED: "NOERROR"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a zone says of one address, `says` as it came; `is_base`: of the /64 around it."""

    ip: Address
    told: Told
    says: str = ""
    is_base: bool = False


@dataclass(frozen=True, kw_only=True)
class Round:
    """Everything heard in one round, and whether the zone may be believed for it."""

    zone: str
    begun_at: datetime
    ended_at: datetime
    health: Health
    answers: tuple[Answered, ...]
    questions: int

    @property
    def about(self) -> tuple[Answered, ...]:
        """The answers about single addresses."""
        return tuple(one for one in self.answers if not one.is_base)

    @property
    def by_answer(self) -> dict[str, int]:
        return dict(Counter(str(one.told.answer) for one in self.about))

    @property
    def is_believed(self) -> bool:
        return self.health.condition is Condition.HEALTHY


def rows(found: Round, feed: Feed) -> Iterator[FeedRow]:
    """One row for each code of each listed address, as a judge wants them."""
    number = 0
    for line, one in enumerate(found.answers, start=2):
        if one.told.answer is not DnsblAnswer.LISTED:
            continue
        names_network = one.is_base or (one.ip.version == 6 and feed.lists_64s)
        for code in one.told.codes:
            number += 1
            yield FeedRow(
                row=number,
                line=line,
                address=_network(one.ip) if names_network else str(one.ip),
                code=code,
                says=one.says,
                span=Span.RANGE if names_network else Span.ADDRESS,
                facts={"zone": found.zone},
            )


def _network(address: Address) -> str:
    return str(IPv6Network((address.packed, 64), strict=False))


def as_file(found: Round) -> bytes:
    """The round as a table (query, rcode, A, TXT), in the order in which it is judged."""
    head = "# query\trcode\tA\tTXT"
    lines = [head, *(_line(one, found.zone) for one in found.answers)]
    tail = f"# {found.zone} {found.begun_at.isoformat()} {found.ended_at.isoformat()}"
    return "\n".join([*lines, tail, ""]).encode()


def _line(one: Answered, zone: str) -> str:
    cells: Sequence[str] = (
        reversed_name(one.ip, zone),
        _RCODES.get(one.told.answer, one.told.why),
        ",".join(one.told.codes),
        visible(one.says),
    )
    return "\t".join(cells)
