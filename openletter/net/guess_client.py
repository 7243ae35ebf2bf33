"""Guessing beside the registries: a contact zone, the host's own name, its zone, security.txt.

Owns: the questions, at most `MOST_NAMES` names and `MOST_CUTS` zones far. DNS goes to the one
resolver that was configured; the only stranger connected to is the web server of the zone that
the confirmed name lies in. Decides nothing about whether a box may be written to. A name counts
only when it leads back to the address; a zone only when it takes mail.

The organisation's domain is found without a list of public suffixes: from the host's name
upwards, the first zone (a name with an SOA record of its own) that takes mail, at most three
zones up, never a top-level domain. A registry's own second-level zone takes no mail, so
`host.example.co.uk` ends at `example.co.uk` or nowhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from openletter.net.dns_client import DnsClient
from openletter.net.dns_ports import Server
from openletter.net.http_client import HttpClient, Page
from openletter.wire import securitytxt
from openletter.wire.dns import BadNameError, Mx, Record, Soa, Type, reversed_name
from openletter.wire.guessed import Guessed
from openletter.wire.registry import IPAddress
from openletter.words import normalise_domain

MOST_NAMES, MOST_CUTS, MOST_LABELS = 3, 3, 8
_REVERSE = {4: "in-addr.arpa", 6: "ip6.arpa"}
_TEST_POINT = "2.0.0.127"


@dataclass(kw_only=True)
class _Notes:
    """What was asked and what went wrong, in order."""

    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class GuessClient:
    """`zone`: a contact zone (TXT at the reversed address); empty: none is asked."""

    resolver: Server
    http: HttpClient
    zone: str = ""

    async def ask(self, about: IPAddress, *, now: datetime) -> Guessed:
        """Everything that can be guessed about one address."""
        async with DnsClient(self.resolver) as dns:
            talk = _Talk(dns, self.http, _Notes())
            found = Guessed(about=str(about))
            if self.zone:
                values = await talk.second_opinion(about, self.zone)
                found = replace(found, second_opinion=values, second_opinion_zone=self.zone)
            name = await talk.confirmed_name(about)
            if name:
                found = await talk.of_name(replace(found, name=name), now=now)
            notes = talk.notes
            return replace(found, asked=tuple(notes.asked), faults=tuple(notes.faults))


class _Talk:
    """The questions about one address."""

    def __init__(self, dns: DnsClient, http: HttpClient, notes: _Notes) -> None:
        self._dns, self._http, self.notes = dns, http, notes

    async def _answers(self, name: str, kind: Type) -> tuple[Record, ...] | None:
        """None where nobody knows: that is not "nothing"."""
        self.notes.asked.append(f"{kind.name} {name}"[:280])
        try:
            heard = await self._dns.ask(name, kind)
        except BadNameError:
            return ()
        if heard.reply is None or heard.reply.rcode not in (0, 3):
            why = heard.fault or f"rcode {heard.reply.rcode if heard.reply else '?'}"
            self.notes.faults.append(f"{kind.name} {name}: {why}"[:280])
            return None
        return heard.reply.answers

    async def second_opinion(self, about: IPAddress, zone: str) -> tuple[str, ...]:
        """The zone's word, where its test point shows that it is alive."""
        if not await self._answers(f"{_TEST_POINT}.{zone}", Type.TXT):
            self.notes.faults.append(f"{zone}: no test point")
            return ()
        found = await self._answers(reversed_name(about, zone), Type.TXT)
        return tuple(
            each.value.decode("utf-8", "replace")[:500]
            for each in found or ()
            if isinstance(each.value, bytes)
        )[:10]

    async def confirmed_name(self, about: IPAddress) -> str:
        """A host name of the address that leads back to it."""
        found = await self._answers(reversed_name(about, _REVERSE[about.version]), Type.PTR)
        names = [str(each.value) for each in found or () if isinstance(each.value, str)]
        kind = Type.A if about.version == 4 else Type.AAAA
        for name in sorted(filter(None, map(_hostname, names)))[:MOST_NAMES]:
            back = await self._answers(name, kind)
            if any(str(each.value) == str(about) for each in back or ()):
                return name
        return ""

    async def of_name(self, found: Guessed, *, now: datetime) -> Guessed:
        """The organisation's zone, its mailbox, and what its web server says."""
        cuts = 0
        async for zone, soa in self._zones(found.name):
            cuts += 1
            if await self.takes_mail(zone):
                return await self._of_zone(replace(found, zone=zone), soa, now=now)
            if cuts == MOST_CUTS:
                break
        return found

    async def _zones(self, name: str) -> AsyncIterator[tuple[str, Soa]]:
        """The zones that a name lies in, from below; never a top-level domain."""
        labels = name.split(".")
        for start in range(max(0, len(labels) - MOST_LABELS), len(labels) - 1):
            here = ".".join(labels[start:])
            found = await self._answers(here, Type.SOA)
            for each in found or ():
                if isinstance(each.value, Soa) and _hostname(each.name) == here:
                    yield here, each.value

    async def _of_zone(self, found: Guessed, soa: Soa, *, now: datetime) -> Guessed:
        rname = mailbox_of(soa.rname)
        domain = rname.rpartition("@")[2]
        mail = [found.zone]
        if rname and domain != found.zone and await self.takes_mail(domain):
            mail.append(domain)
        contacts, url = await self._security_txt(found.zone, now=now)
        return replace(
            found, rname=rname, mail=tuple(mail), security_contacts=contacts, security_url=url
        )

    async def takes_mail(self, domain: str) -> bool:
        """An MX record of its own that is not the null MX (RFC 7505)."""
        found = await self._answers(domain, Type.MX)
        hosts = [each.value.host for each in found or () if isinstance(each.value, Mx)]
        return any(host.strip(".") for host in hosts)

    async def _security_txt(self, zone: str, *, now: datetime) -> tuple[tuple[str, ...], str]:
        url = f"https://{zone}{securitytxt.PLACE}"
        self.notes.asked.append(f"GET {url}")
        answer = await self._http.get(url, accept=("text/plain",))
        if not isinstance(answer, Page) or answer.status != 200:
            code = f"status {answer.status}" if isinstance(answer, Page) else _code(answer)
            self.notes.faults.append(f"{url}: {code}")
            return (), ""
        read = securitytxt.read(answer.body, url=url, now=now)
        if read.code:
            self.notes.faults.append(f"{url}: {read.code}")
        return read.contacts, url if read.contacts else ""


def _code(answer: object) -> str:
    return str(getattr(answer, "code", "moved"))


def _hostname(name: str) -> str:
    """A name fit to be asked for and shown; empty for anything else."""
    return normalise_domain(name.rstrip(".")) or ""


def mailbox_of(rname: str) -> str:
    r"""An SOA's `host\.master.example.net` as a mail address; empty where it is none."""
    name, local, escaped = rname.rstrip("."), "", False
    for place, character in enumerate(name):
        if escaped and character.isdigit():
            return ""  # an odd octet by its number
        if escaped or character not in "\\.":
            local, escaped = local + character, False
        elif character == "\\":
            escaped = True
        else:
            domain = _hostname(name[place + 1 :])
            return f"{local}@{domain}" if local and domain else ""
    return ""
