"""Looks for what a person must hear of, and tells it once by a way of its own.

`openletter watch` asks every 20 seconds. What was told is kept in the state folder and not in the
database, which may be what is away; a disk too full for that is remembered by the process.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from functools import partial
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error, connection

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation, TimelineEntry
from openletter.campaigns.rules import CampaignState
from openletter.letters import doorway, keys, selectors
from openletter.letters.rules.facts import LetterError
from openletter.net import alarm
from openletter.net.smtp_client import Door, Timeouts, proving
from openletter.replies import breaker
from openletter.shell.causes import Cause, Code, Known, Notice, compare, told
from openletter.shell.configuration import Endpoint
from openletter.wire.smtp import Envelope
from openletter.wire.smtp_auth import Login

SILENT_SECONDS = 60
EVERY_SECONDS = 20
ACTOR = "step:watch"
NO_ROOM = "the disk is nearly full"
_FILE = "alerts.json"
_IN_DATABASE = frozenset(Code) - {Code.DISK, Code.DATABASE, Code.DOWN}
_OPEN = (CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.WAITING)
_ALIVE = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 second'"  # noqa: E501

log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Look:
    """What one look found; of a kind in `unseen` nothing can be said."""

    found: list[Cause] = field(default_factory=list)
    unseen: frozenset[Code] = frozenset()


@dataclass(kw_only=True)
class Watch:
    """What is known, from one look to the next."""

    state: Path
    known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = read_known(self.state)

    def once(self, *, now: datetime) -> list[Notice]:
        """Look, tell what is new, remember it; gives what somebody has heard."""
        seen = look(now=now)
        return self.hear(seen.found, unseen=seen.unseen, now=now)

    def hear(
        self, found: Iterable[Cause], *, unseen: frozenset[Code] = frozenset(), now: datetime
    ) -> list[Notice]:
        """What a look found becomes news once; what nobody could be told is tried again."""
        self.known, news = compare(self.known, found, unseen=unseen)
        heard = [notice for notice in news if tell(notice, now=now)]
        for notice in heard:
            self.known = told(self.known, notice)
        keep(self.state, self.known)
        return heard


def impatient() -> None:
    """A database that hangs is away: connections of this process give up soon."""
    limits = {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "options": "-c statement_timeout=10000 -c lock_timeout=5000",
    }
    options = connection.settings_dict.setdefault("OPTIONS", {})
    options.update({name: value for name, value in limits.items() if name not in options})


# -- looking --------------------------------------------------------------------------------------


def look(*, now: datetime) -> Look:
    """Everything that can be wrong, each by its own way of looking."""
    seen = Look()
    lacks_room = _lacks_room()
    try:
        seen.found += _in_database(now)
        if lacks_room:
            campaigns.pause_leaving(because=NO_ROOM, now=now, actor=ACTOR)
    except Error as problem:  # Django's class of all its databases' errors
        seen.unseen = _IN_DATABASE
        seen.found.append(Cause(code=Code.DATABASE, detail=type(problem).__name__))
        connection.close()
    if lacks_room:
        failed = "; nothing could be paused: the database is away" if seen.unseen else ""
        seen.found = [each for each in seen.found if not _says_no_room(each)]
        seen.found.append(Cause(code=Code.DISK, detail=lacks_room + failed))
    return seen


def _lacks_room() -> str:
    free = shutil.disk_usage(settings.STATE).free // 1_000_000
    floor = settings.TELLING.disk_floor
    return f"{free} MB are free, {floor} are the least" if free < floor else ""


def _says_no_room(cause: Cause) -> bool:
    return cause.code is Code.LEAVING_PAUSED and cause.detail == NO_ROOM


def _in_database(now: datetime) -> list[Cause]:
    found = [*_tripped()]
    paused = Installation.objects.exclude(leaving_paused_at=None).first()
    if paused is not None:
        found.append(Cause(code=Code.LEAVING_PAUSED, detail=paused.leaving_paused_because))
    running = Campaign.objects.filter(state=CampaignState.RUNNING)
    if running.exists() and not _workers():
        detail = f"no heartbeat for {SILENT_SECONDS} seconds"
        found.append(Cause(code=Code.WORKER, detail=detail))
    real = Campaign.objects.filter(exercise=False)
    if real.filter(state__in=_OPEN).exists():
        found += _keys(now)
    if paused is None and real.filter(state=CampaignState.RUNNING, paused_at=None).exists():
        found += _smarthost()
    return found


def _tripped() -> Iterable[Cause]:
    """Campaigns whose latest pause is the breaker's own."""
    for campaign in Campaign.objects.filter(state__in=_OPEN).exclude(paused_at=None):
        pauses = TimelineEntry.objects.filter(campaign=campaign, action="paused").order_by("-at")
        if pauses.values_list("actor", flat=True).first() == breaker.ACTOR:
            yield Cause(code=Code.BREAKER, about=campaign.slug, detail=campaign.paused_because)


def _workers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [SILENT_SECONDS])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _keys(now: datetime) -> list[Cause]:
    folder, named = Path(settings.STATE) / "keys", settings.DKIM_SELECTOR
    try:
        state = selectors.condition(folder, named=named, now=now)
    except (LetterError, OSError, ValueError) as problem:
        return [Cause(code=Code.NO_KEY, detail=f"{folder}: {type(problem).__name__}")]
    if state.signing is None or not keys.exists(folder, selector=state.signing.selector):
        return [Cause(code=Code.NO_KEY, detail=f"{folder} has no pair that signs")]
    if state.is_old:
        return [Cause(code=Code.OLD_KEY, detail=f"{state.age.days} days: {state.signing.selector}")]
    return []


def _smarthost() -> list[Cause]:
    limits = Timeouts(connect=5, opening=10, reply=10, dot=10)
    door = replace(doorway.real_door(), timeouts=limits)
    (problem,) = alarm.within(alarm.IN_ALL, [lambda: doorway.offers(door).problem])
    where = f"{door.host}:{door.port}"
    return [Cause(code=Code.SMARTHOST, detail=f"{where}: {problem}")] if problem else []


# -- telling --------------------------------------------------------------------------------------


def tell(notice: Notice, *, now: datetime) -> bool:
    """Whether somebody heard, by either way; where no way is set, the log is all there is."""
    report = log.info if notice.has_ended else log.error
    report("alert", cause=notice.cause.code.value, about=notice.cause.about, said=notice.subject)
    ways = _ways(notice, now)
    if not ways:
        return True
    problems = alarm.within(alarm.IN_ALL, ways)
    for problem in filter(None, problems):
        log.warning("alert not delivered", problem=problem)
    return "" in problems


def _ways(notice: Notice, now: datetime) -> list[alarm.Way]:
    chosen, ways = settings.TELLING, list[alarm.Way]()
    if chosen.webhook:
        said = notice.as_json(installation=settings.SITE_ADDRESS, at=now.isoformat())
        ways.append(partial(alarm.post, chosen.webhook, said))
    if chosen.smtp:
        envelope = Envelope(
            sender=chosen.sender, recipient=chosen.recipient, raw=_mail(notice, now)
        )
        ways.append(partial(_mailed, chosen.smtp, envelope))
    return ways


def _mailed(where: Endpoint, envelope: Envelope) -> str:
    """By the second route; a certificate file that can't be read is a sentence, too."""
    try:
        return alarm.mail(route(where), envelope)
    except (OSError, ValueError) as problem:
        return f"mail: {type(problem).__name__}: {problem}"


def route(where: Endpoint) -> Door:
    """The mail server of alerts, as the settings say."""
    chosen = settings.TELLING
    login = Login(user=chosen.user, password=chosen.password) if chosen.user else None
    return Door(
        host=where.host, port=where.port, exercise=False,
        ehlo_name=settings.EHLO_NAME or platform.node() or "localhost",
        tls=proving(chosen.authority) if chosen.tls != "never" else None,
        at_once=chosen.tls == "implicit", login=login,
    )  # fmt: skip


def _mail(notice: Notice, now: datetime) -> bytes:
    mail = EmailMessage(policy=SMTP.clone(max_line_length=200))
    mail["From"], mail["To"] = settings.TELLING.sender, settings.TELLING.recipient
    mail["Subject"] = f"openletter: {notice.subject}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=settings.TELLING.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{notice.text}\n\n-- \n{settings.SITE_ADDRESS}\n")
    return mail.as_bytes()


# -- remembering ----------------------------------------------------------------------------------


def read_known(state: Path) -> dict[str, Known]:
    """What was told before this process began; an unreadable file is told anew."""
    try:
        rows = json.loads((state / _FILE).read_text(encoding="utf-8"))
        return {one.cause.key: one for one in map(_read, rows)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, LookupError) as problem:
        log.warning("alerts unreadable", problem=type(problem).__name__)
        return {}


def _read(row: Mapping[str, object]) -> Known:
    cause = row["cause"]
    if not isinstance(cause, dict):
        raise TypeError("a cause was expected")
    read = Cause(code=Code(cause["code"]), about=str(cause["about"]), detail=str(cause["detail"]))
    seen, missed = _number(row["seen"]), _number(row["missed"])
    return Known(cause=read, seen=seen, missed=missed, is_told=bool(row["is_told"]))


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a number was expected")
    return value


def keep(state: Path, known: Mapping[str, Known]) -> None:
    """Put in place whole; a disk without room is no reason to stop looking."""
    fresh = state / f".{_FILE}.{os.getpid()}"
    try:
        fresh.write_text(json.dumps([asdict(one) for one in known.values()]), encoding="utf-8")
        fresh.replace(state / _FILE)
    except OSError as problem:
        log.warning("alerts not kept", problem=type(problem).__name__)
