"""Asking our own resolver which servers take a domain's mail, many domains at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from openletter.net.dns_client import DnsClient, Heard
from openletter.net.dns_ports import Limits, Server
from openletter.wire.dns import BadNameError, Mx, Rcode, Type, question


class MxAnswer(NamedTuple):
    """What was said of one domain; `fault` where nobody could say."""

    domain: str
    records: tuple[tuple[int, str], ...] = ()
    ttl: int = 0
    fault: str = ""


def ask_mx(
    domains: Sequence[str], *, resolver: Server, limits: Limits | None = None
) -> list[MxAnswer]:
    """One answer a domain, in no order."""
    return asyncio.run(_ask(domains, resolver, limits))


async def _ask(domains: Sequence[str], resolver: Server, limits: Limits | None) -> list[MxAnswer]:
    found: list[MxAnswer] = []
    questions = []
    for domain in domains:
        try:
            questions.append((domain, question(domain, Type.MX)))
        except BadNameError:
            found.append(MxAnswer(domain=domain, fault="no name"))
    async with DnsClient(resolver, limits=limits) as dns:
        await dns.ask_all(questions, lambda domain, heard: found.append(_read(domain, heard)))
    return found


def _read(domain: str, heard: Heard) -> MxAnswer:
    reply = heard.reply
    if reply is None:
        return MxAnswer(domain=domain, fault=str(heard.fault or "no answer"))
    if reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return MxAnswer(domain=domain, fault=f"rcode {reply.rcode}")
    records = tuple(
        (each.value.preference, each.value.host)
        for each in reply.answers
        if isinstance(each.value, Mx)
    )
    return MxAnswer(domain=domain, records=records, ttl=reply.ttl or reply.negative_ttl or 0)
