"""Holds talks (`wire.dns_talk`) with the one resolver that was configured, many side by side.

The same question is asked once in a sitting, whoever asks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from openletter.net.dns_client import DnsClient, Heard
from openletter.net.dns_ports import Limits, Server
from openletter.wire.dns import BadNameError, Rcode, encode_name
from openletter.wire.dns_talk import Ask, Result, Talk, Told

_NOBODY = Told(exists=False)


def hold_all(
    talks: Sequence[Talk[Result]], *, resolver: Server, limits: Limits | None = None
) -> list[Result]:
    """What each came to, in their order."""
    return asyncio.run(_sitting(talks, resolver, limits))


async def _sitting(
    talks: Sequence[Talk[Result]], resolver: Server, limits: Limits | None
) -> list[Result]:
    async with DnsClient(resolver, limits=limits) as dns:
        sitting = _Sitting(dns)
        return list(await asyncio.gather(*map(sitting.hold, talks)))


class _Sitting:
    """What was asked already; an answer that is on its way is waited for, not asked again."""

    def __init__(self, dns: DnsClient) -> None:
        self._dns = dns
        self._asked: dict[Ask, asyncio.Task[Told]] = {}

    async def hold(self, talk: Talk[Result]) -> Result:
        try:
            ask = next(talk)
            while True:
                ask = talk.send(await self._told(ask))
        except StopIteration as ended:
            found: Result = ended.value
            return found

    async def _told(self, ask: Ask) -> Told:
        try:
            encode_name(ask.name)
        except BadNameError:
            return _NOBODY
        same = Ask(ask.name.lower().rstrip("."), ask.kind)
        if same not in self._asked:
            self._asked[same] = asyncio.create_task(self._heard(same))
        return await self._asked[same]

    async def _heard(self, ask: Ask) -> Told:
        return _read(await self._dns.ask(ask.name, ask.kind))


def _read(heard: Heard) -> Told:
    reply = heard.reply
    if reply is None:
        return Told(fault=str(heard.fault or "no answer"))
    if reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return Told(fault=f"rcode {reply.rcode}")
    values = tuple(each.value for each in reply.answers)
    return Told(values=values, exists=reply.rcode == Rcode.NOERROR)
