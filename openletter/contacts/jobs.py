"""The step `lookup`: cases in, questions out through `net`, answers to the rows. Interruptible.

No transaction is open while a server is asked. One run takes some seconds at most, so that a
worker that is told to stop does so; pausing stops it between two questions. A killed run leaves
servers' turns taken and nothing else: what was answered is kept, the rest is asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from django.conf import settings

from openletter import __version__
from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.contacts import asking, steps
from openletter.contacts.desk_of_rows import RowsDesk
from openletter.contacts.live import Registries, user_agent
from openletter.contacts.rules.course import begin
from openletter.contacts.walking import Asker, Pacer, walk
from openletter.net.dns_ports import Server
from openletter.net.guess_client import GuessClient
from openletter.net.http_client import HttpClient
from openletter.net.whois_client import WhoisClient
from openletter.wire import bootstrap, registries
from openletter.wire.bootstrap import Bootstrap
from openletter.wire.registry import UnreadableError

BUDGET = timedelta(seconds=20)
log = structlog.get_logger()


def look_up(
    campaign: Campaign,
    *,
    now: datetime,
    limit: int,
    asker: Asker | None = None,
    pacer: Pacer | None = None,
) -> int:
    """Look up the next cases; how many are through with it. Never asks for an exercise."""
    if not asking.is_on(campaign) or asking.is_paused(campaign):
        return 0
    cases, covered = asking.take(campaign, now=now, limit=limit)
    if not cases:
        return covered
    table = known_servers(settings.OUTSIDE.look_up.bootstrap)
    addresses = list(dict.fromkeys(case.ip for case in cases))
    pacer = pacer or Pacer(clock=clock.wall, stop=_stop(campaign, until=clock.wall() + BUDGET))
    courses = walk(
        [begin(each, table, may_guess=may_guess()) for each in addresses],
        desk=RowsDesk(moving=asking.moving(addresses) if may_guess() else ()),
        asker=asker or clients(),
        pacer=pacer,
    )
    at = pacer.clock()
    decide_anew = partial(steps.send_back, because="looked-up", actor=asking.ACTOR, now=at)
    return covered + asking.settle(cases, courses, now=at, then=decide_anew)


def may_guess() -> bool:
    """Whether what registries leave open is guessed: switched on, and there is a resolver."""
    return bool(settings.OUTSIDE.look_up.may_guess and settings.OUTSIDE.resolver is not None)


def _stop(campaign: Campaign, *, until: datetime) -> Callable[[], bool]:
    return lambda: clock.wall() >= until or asking.is_paused(campaign)


def clients() -> Registries:
    """As this installation asks."""
    http = HttpClient(user_agent=user_agent(__version__, settings.CONTACT_MAIL))
    guess = None
    if may_guess() and settings.OUTSIDE.resolver is not None:
        resolver = Server(host=settings.OUTSIDE.resolver.host, port=settings.OUTSIDE.resolver.port)
        guess = GuessClient(
            resolver=resolver, http=http, zone=settings.OUTSIDE.look_up.contact_zone
        )
    return Registries(http=http, whois=WhoisClient(), guess=guess)


def known_servers(files: tuple[Path, ...]) -> Bootstrap:
    """The operator's bootstrap files; where one can't be read, the packaged table."""
    found = bootstrap.NOTHING
    for path in files:
        try:
            found = found.merged(bootstrap.read(path.read_bytes()))
        except (OSError, UnreadableError) as problem:
            log.warning("bootstrap-unreadable", file=str(path), error=type(problem).__name__)
            return registries.packaged()
    return found if files else registries.packaged()
