"""The consult step: asks DNS zones about addresses that lack another origin, then stores.

The network first, with no transaction open; `consulting` books before and settles after it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from openletter.campaigns.models import Campaign
from openletter.evidence import consulting
from openletter.evidence.consulting import Lease
from openletter.evidence.rules import zones
from openletter.evidence.rules.feeds import Feed
from openletter.evidence.rules.rounds import Answered, Round
from openletter.evidence.rules.zones import Examination, Health, Told, Watch
from openletter.net.dns_client import DnsClient, Fault, Heard
from openletter.net.dns_ports import Server
from openletter.net.pace import Pace
from openletter.wire.address import Address
from openletter.wire.dns import Type, encode_name, listing_question
from openletter.words import DnsblAnswer

log = structlog.get_logger()

_CHANCE = secrets.SystemRandom()
_POINTS = (*zones.LISTED_POINT, *zones.UNLISTED_POINT)
LONGEST_TEXT = 1_000
_NO_SIX = "not-asked-ipv6"


class NobodyToAskError(Exception):
    """No resolver is configured, so no question can leave."""


def consult(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Ask every zone that is due about at most `limit` addresses; addresses settled."""
    leases = consulting.leases(campaign, now=now, limit=limit)
    if not leases:
        return 0
    set_aside = [consulting.set_aside(campaign, lease) for lease in leases]
    told = asyncio.run(_ask_all(leases, [left for _, left in set_aside]))
    for found in told:
        if not found.is_believed:
            log.warning(
                "zone-not-believed", zone=found.zone, condition=found.health.condition.value
            )
    return sum(
        consulting.settle(lease, found, campaign=campaign, not_asked=not_asked)
        for lease, found, (not_asked, _) in zip(leases, told, set_aside, strict=True)
    )


def check(name: str, feed: Feed, *, now: datetime) -> Round | None:
    """Examine a zone now, asking about nobody; None where nothing is left to ask today."""
    lease = consulting.book(name, feed, addresses=(), now=now)
    if lease is None:
        return None
    (found,) = asyncio.run(_ask_all([lease], [[]]))
    consulting.settle(lease, found, campaign=None, not_asked={})
    return found


def ask_about_own(addresses: Sequence[Address], *, now: datetime) -> list[tuple[str, Round | None]]:
    """What each configured zone says of our own addresses; None where nothing may be asked now.

    Booked, paced and examined like every other question; what is said becomes no observation.
    """
    found: list[tuple[str, Round | None]] = []
    for name, feed in consulting.of_the_world().items():
        lease = consulting.book(name, feed, addresses=addresses, now=now)
        if lease is None:
            found.append((name, None))
            continue
        (told,) = asyncio.run(_ask_all([lease], [lease.addresses]))
        consulting.settle(lease, told, campaign=None, not_asked={})
        found.append((name, told))
    return found


async def _ask_all(leases: Sequence[Lease], addresses: Sequence[Sequence[Address]]) -> list[Round]:
    """All zones side by side, each at its own pace, over one client."""
    async with DnsClient(_server()) as client:
        askers = [_Asker(client, lease) for lease in leases]
        return await asyncio.gather(
            *(asker.round(some) for asker, some in zip(askers, addresses, strict=True))
        )


def _server() -> Server:
    resolver = settings.OUTSIDE.resolver
    if resolver is None:
        raise NobodyToAskError("OPENLETTER_RESOLVER is not set")
    return Server(host=resolver.host, port=resolver.port)


class _Asker:
    """One round of one zone; stops at the first sign that the zone may not be believed."""

    def __init__(self, client: DnsClient, lease: Lease) -> None:
        self._client, self._lease = client, lease
        self._begun = client.loop.time()
        self._suffix = encode_name(settings.OUTSIDE.asked_as(lease.zone))
        self._pace = Pace(lease.rate)
        self._watch = Watch()
        self._questions = 0

    async def round(self, addresses: Sequence[Address]) -> Round:
        """Examine; ask about the addresses, with canaries between them; examine again."""
        health = await self._examine(zones.canaries(_CHANCE.getrandbits))
        answers: list[Answered] = []
        if health.is_healthy and addresses:
            answers, canaries = await self._ask_about(addresses, health)
            health = self._watch.health or await self._examine_after(canaries)
        return Round(
            zone=self._lease.zone,
            begun_at=self._lease.begun_at,
            ended_at=self._lease.begun_at + self._elapsed,
            health=health,
            answers=tuple(answers),
            questions=self._questions,
        )

    @property
    def _elapsed(self) -> timedelta:
        return timedelta(seconds=self._client.loop.time() - self._begun)

    async def _examine(self, canaries: Sequence[Address]) -> Health:
        told = await self._hear([*_POINTS, *canaries])
        return self._watch.health or self._judged(told, [told[one] for one in canaries])

    async def _examine_after(self, canaries: Sequence[Told]) -> Health:
        """The test points once more; the canaries were heard in the middle."""
        told = await self._hear(_POINTS)
        return self._watch.health or self._judged(told, canaries)

    def _judged(self, told: Mapping[Address, Told], canaries: Sequence[Told]) -> Health:
        seen = Examination(
            listed=(told[_POINTS[0]], told[_POINTS[1]]),
            unlisted=(told[_POINTS[2]], told[_POINTS[3]]),
            canaries=tuple(canaries),
        )
        return zones.examine(seen, feed=self._lease.feed)

    async def _ask_about(
        self, addresses: Sequence[Address], health: Health
    ) -> tuple[list[Answered], list[Told]]:
        """In an order that tells nobody anything; those of IPv6 only if the zone knows IPv6."""
        sixes = [one for one in addresses if one.version == 6]
        asked = [one for one in addresses if one.version == 4 or health.answers_six]
        has_bases = self._lease.feed.lists_64s and health.answers_six
        bases = zones.bases(sixes) if has_bases else {}
        canaries = zones.canaries(
            _CHANCE.getrandbits, six=zones.CANARIES // 4 if sixes and health.answers_six else 0
        )
        everything = list(dict.fromkeys([*asked, *bases, *canaries]))
        _CHANCE.shuffle(everything)
        told = await self._hear(everything)
        texts = await self._hear_texts([one for one in [*asked, *bases] if _is_listed(told, one)])
        unknown = zones.unheard(_NO_SIX)
        answers = [
            *_answered(addresses, told, texts, otherwise=unknown),
            *_answered(bases, told, texts, is_base=True),
        ]
        return answers, [told[one] for one in canaries if one in told]

    async def _hear(self, addresses: Sequence[Address]) -> dict[Address, Told]:
        found: dict[Address, Told] = {}

        def heard(address: Address, answer: Heard) -> None:
            found[address] = _told(answer, self._lease.feed)
            self._watch.see(found[address])

        await self._client.ask_all(self._asking(addresses, Type.A), heard, pace=self._pace)
        return found

    async def _hear_texts(self, addresses: Sequence[Address]) -> dict[Address, str]:
        """Why they are listed, in the zone's words."""
        found: dict[Address, str] = {}

        def heard(address: Address, answer: Heard) -> None:
            found[address] = _text(answer)

        await self._client.ask_all(self._asking(addresses, Type.TXT), heard, pace=self._pace)
        return found

    def _asking(self, addresses: Iterable[Address], kind: Type) -> Iterator[tuple[Address, bytes]]:
        """Questions as they leave; none more once the zone has shown itself."""
        for address in addresses:
            if self._watch.health is not None:
                return
            self._questions += 1
            yield address, listing_question(address, self._suffix, kind)


def _answered(
    addresses: Iterable[Address],
    told: Mapping[Address, Told],
    texts: Mapping[Address, str],
    *,
    is_base: bool = False,
    otherwise: Told | None = None,
) -> list[Answered]:
    return [
        Answered(ip=one, told=answer, says=texts.get(one, ""), is_base=is_base)
        for one in addresses
        if (answer := told.get(one, otherwise)) is not None
    ]


def _is_listed(told: Mapping[Address, Told], address: Address) -> bool:
    return address in told and told[address].answer is DnsblAnswer.LISTED


_FAULTS = {
    Fault.TIMEOUT: "dns-timeout",
    Fault.UNREACHABLE: "dns-unreachable",
    Fault.GARBLED: "dns-garbled",
    Fault.CLOSED: "dns-timeout",
}


def _told(heard: Heard, feed: Feed) -> Told:
    if heard.reply is None:
        return zones.unheard(_FAULTS[heard.fault or Fault.TIMEOUT])
    reply = heard.reply
    codes = [str(record.value) for record in reply.answers]
    ttl = reply.ttl if codes else reply.negative_ttl
    return zones.classify(reply.rcode, codes, feed=feed, ttl=ttl)


def _text(heard: Heard) -> str:
    if heard.reply is None:
        return ""
    raw = [record.value for record in heard.reply.answers if isinstance(record.value, bytes)]
    return b" / ".join(sorted(raw))[:LONGEST_TEXT].decode("utf-8", "surrogateescape")
