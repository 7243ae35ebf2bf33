"""Asks the network: our own resolver, our own domains' mail servers, the door, zones about us.

Nothing is asked of anybody whom the operator did not name: DNS goes to his resolver, SMTP to his
smarthost and to the servers that his own zones name, blocklists are those of his settings.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.conf import settings

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.doctor import house, trial
from openletter.doctor.house import Sender
from openletter.doctor.rules import reach, zone
from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.zone import Route
from openletter.evidence import jobs as evidence_jobs
from openletter.letters import doorway
from openletter.letters.rules.facts import LetterError
from openletter.net import recipients
from openletter.net.dns_ports import Server
from openletter.net.recipients import Ways
from openletter.net.smtp_client import Timeouts
from openletter.net.talks import hold_all
from openletter.wire.address import address_class
from openletter.wire.dns_talk import Talk
from openletter.wire.smtp import Envelope, Fate, Outcome
from openletter.words import AddressClass, new_secret

_BRISK = Timeouts(connect=10, opening=30, reply=60, dot=120)
_UNDISCIPLINED = 5
"""What the kernel answers about a clock that nobody keeps right (TIME_ERROR)."""


def examine(
    campaign: Campaign | None, *, now: datetime, ways: Ways | None = None
) -> Iterator[Check]:
    """Everything, as it is found; real campaigns and what they need only."""
    sender = house.sender_of(campaign)
    yield from _zone(sender, now=now)
    yield from _routes(sender, campaign, ways or Ways())
    yield from _door(now)
    yield from _clock()
    yield from _blocklists(now)
    yield house.key_age(now=now)
    yield from house.of_installation()
    yield trial.state_of(Path(settings.STATE))
    if campaign is not None:
        yield from house.of_campaign(campaign)


# -- DNS ----------------------------------------------------------------------------------------


def _zone(sender: Sender, *, now: datetime) -> Iterator[Check]:
    resolver, domains = settings.OUTSIDE.resolver, sender.domains
    outgoing = settings.LEAVING.outgoing
    if resolver is None:
        yield Look("dns", domains.sender).not_asked("no-resolver")
        return
    talks: list[Talk[list[Check]]] = [
        zone.spf(domains, outgoing), *_of_keys(sender, now=now), zone.dmarc(domains),
        *(_listed(zone.reverse(address)) for address in outgoing),
    ]  # fmt: skip
    server = Server(host=resolver.host, port=resolver.port)
    for checks in hold_all(talks, resolver=server):
        yield from checks
    if not outgoing:
        yield Look("ptr", domains.sender).not_asked("outgoing-unknown")


def _of_keys(sender: Sender, *, now: datetime) -> list[Talk[list[Check]]]:
    """Missing or unreadable keys are a check of their own."""
    try:
        return [_listed(zone.dkim(key)) for key in house.own_keys(sender.domains.sender, now=now)]
    except (LetterError, OSError, ValueError):
        return []


def _listed(talk: Talk[Check]) -> Talk[list[Check]]:
    return [(yield from talk)]


# -- who takes our mail -------------------------------------------------------------------------


def _routes(sender: Sender, campaign: Campaign | None, ways: Ways) -> Iterator[Check]:
    """The servers of bounces, of replies, and of postmaster and abuse, each asked once."""
    resolver, domains = settings.OUTSIDE.resolver, sender.domains
    if resolver is None:
        return
    wanted = reach.wanted(
        domains, known=house.known_addresses(campaign), chance=new_secret(),
        campaign=campaign.slug if campaign else "CAMPAIGN",
    )  # fmt: skip
    server = Server(host=resolver.host, port=resolver.port)
    talks = [zone.mail_route(one.domain, name=one.name) for one in wanted]
    for one, route in zip(wanted, hold_all(talks, resolver=server), strict=True):
        yield from route.checks
        if route.servers:
            yield from one.judge(_heard(route, one, ways))


def _heard(route: Route, wanted: reach.Wanted, ways: Ways) -> reach.Answers:
    heard = recipients.ask(
        route.servers, wanted.recipients, ehlo_name=settings.EHLO_NAME or platform.node(),
        ways=ways,
    )  # fmt: skip
    return reach.Answers(
        host=heard.host, tls=heard.tls, is_proved=heard.is_proved, problem=heard.problem,
        taken={one.recipient: one for one in heard.taken},
    )  # fmt: skip


# -- the door -----------------------------------------------------------------------------------


def _door(now: datetime) -> Iterator[Check]:
    try:
        door = replace(doorway.real_door(), timeouts=_BRISK)
    except (OSError, ValueError) as problem:
        yield Look("door", str(settings.SMARTHOST)).bad("door-closed", why=str(problem))
        return
    found = doorway.offers(door)
    offered = reach.Offered(
        where=str(settings.SMARTHOST), is_here=settings.SMARTHOST.is_loopback,
        problem=found.problem, tls=found.tls, until=found.until, pipelines=found.pipelines,
    )  # fmt: skip
    yield from reach.door(offered, now=now)


def send(sender: Sender, recipient: str, *, again: bool, now: datetime) -> tuple[trial.Note, Fate]:
    """The test letter through the door; the note says what became of it."""
    state = Path(settings.STATE)
    note = trial.prepare(sender, recipient, again=again, now=now)
    sent = note.sent
    envelope = Envelope(sender=sent.sender, recipient=sent.recipient, raw=sent.raw)
    fate = doorway.trial(replace(doorway.real_door(), timeouts=_BRISK), envelope)
    said = f"{fate.outcome} {fate.code or ''} {fate.text}".strip()
    never_left = fate.outcome in (Outcome.REFUSED, Outcome.DEFERRED)
    told = replace(note, fate=said, never_left=never_left)
    trial.keep(state, told)
    return told, fate


# -- clock and blocklists -----------------------------------------------------------------------


def _clock() -> Iterator[Check]:
    yield house.database_clock(clock.wall)
    look = Look("clock", "kernel")
    kept = _is_kept_right()
    if kept is None:
        yield look.not_asked("clock-kernel-silent")
    else:
        yield look.good("clock-kept-right") if kept else look.warning("clock-not-kept-right")


def _is_kept_right() -> bool | None:
    """Whether somebody (NTP) keeps the kernel's clock right, as the kernel says; None: unknown."""
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != _UNDISCIPLINED


def _blocklists(now: datetime) -> Iterator[Check]:
    outgoing = settings.LEAVING.outgoing
    public = [one for one in outgoing if address_class(one) is AddressClass.GLOBAL]
    look = Look("blocklists", ", ".join(map(str, outgoing)) or "-")
    if not settings.OUTSIDE.zones:
        yield look.not_asked("no-zones")
    elif not public:
        yield look.not_asked("outgoing-unknown")
    else:
        for name, told in evidence_jobs.ask_about_own(public, now=now):
            yield from reach.listed(name, told, public)
