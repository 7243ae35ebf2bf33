"""The send step: claim, journal, hand over, record. The only place where letters leave."""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign
from openletter.letters import keys, selectors, sending
from openletter.letters.journal import Journal
from openletter.letters.mark import at_start
from openletter.letters.rules import answers
from openletter.letters.rules.facts import LetterError
from openletter.letters.sending import Claimed
from openletter.letters.settle import from_log
from openletter.net.mailbox import known_port
from openletter.net.smtp_client import Door, DoorClosedError, Session, Timeouts, proving
from openletter.wire.postfixlog import read_log
from openletter.wire.smtp import Envelope, Fate, Outcome

log = structlog.get_logger()

_Result = TypeVar("_Result")

LOG_EVERY, LOG_TAIL = 60, 16 * 1024 * 1024
"""Seconds between two looks at the mail server's log, and how much of its end is read."""
PATIENCE = 60.0
"""Seconds that a sender waits for its database before it lets letters become `unknown`."""
REFUSALS_IN_A_ROW = 5
"""So many refusals about us, one after the other, and the campaign pauses itself."""


def mailbox_folder(state: Path) -> Path:
    """Where the exercises' built-in mailbox keeps what arrives."""
    return state / "mailbox"


def hand_over(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Settle at most `limit` waiting letters; zero while paused or while another one sends."""
    state = Path(settings.STATE)
    with sending.alone() as alone:
        if not alone:
            return 0
        trouble = at_start(state, now=now)
        if trouble is not None:
            log.warning("leaving-paused", because=trouble.code)
            return 0
        if settings.SMARTHOST_LOG and not campaign.exercise:
            read_smarthost_log(state, Path(settings.SMARTHOST_LOG), now=now)
        back = sending.send_back(campaign, now=now)
        elsewhere = sending.find_elsewhere(campaign, now=now)
        settled = _one_batch(campaign, state, now=now, limit=limit)
    return settled + sum(back.values()) + elsewhere


def read_smarthost_log(state: Path, log_file: Path, *, now: datetime) -> None:
    """Learn from the mail server's log what was delivered; at most once a minute."""
    seen = state / "journal" / "log-read"
    if seen.exists() and now.timestamp() - seen.stat().st_mtime < LOG_EVERY:
        return
    seen.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen.touch()
    try:
        with log_file.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            lines = file.read().decode("utf-8", "replace").split("\n")[1:]
    except OSError as error:
        log.warning("smarthost-log-unreadable", error=type(error).__name__)
        return
    zone = now.astimezone().tzinfo or UTC
    from_log(read_log(lines, now=now, zone=zone), by="step:send", now=now)


def _one_batch(campaign: Campaign, state: Path, *, now: datetime, limit: int) -> int:
    door = _door(campaign, state)
    if door is None or sending.is_stopped(campaign):
        return 0
    try:
        session = Session(door)
        session.open()
    except DoorClosedError as closed:
        log.warning("door-closed", text=closed.fate.text, code=closed.fate.code)
        return 0
    with session:
        claimed = sending.claim(campaign, worker=_worker(), now=now, limit=limit)
        if not claimed:
            return 0
        journal = Journal(state)
        try:
            journal.append([one.journal for one in claimed])
        except OSError:
            sending.put_back(claimed, now=now)
            raise
        return _hand_over_all(campaign, claimed, session, journal=journal, now=now)


def _hand_over_all(
    campaign: Campaign,
    claimed: Sequence[Claimed],
    session: Session,
    *,
    journal: Journal,
    now: datetime,
) -> int:
    """One after the other; a stop or a closed door puts back what was not begun."""
    refused = 0
    for position, one in enumerate(claimed):
        stopped = _surely(partial(sending.is_stopped, campaign))
        fate = None if stopped else _say(session, campaign, one, now=now)
        if fate is None:
            _put_back(claimed[position:], journal, now=now)
            return position
        _surely(partial(sending.record, one, fate, now=now))
        refused = refused + 1 if _is_about_us(fate) else 0
        if refused >= REFUSALS_IN_A_ROW:
            because = f"the mail server refuses us: {fate.code} {fate.text}"[:300]
            campaigns.pause(campaign, actor="step:send", because=because, now=now)
    return len(claimed)


def _say(session: Session, campaign: Campaign, one: Claimed, *, now: datetime) -> Fate | None:
    """None: the door closed, or the key was missing, before a word of this letter was said."""
    try:
        return session.hand_over(_envelope(campaign, one, now=now))
    except DoorClosedError as closed:
        log.warning("door-closed", text=closed.fate.text, code=closed.fate.code)
    except LetterError as error:
        log.error("not-signed", because=str(error))  # noqa: TRY400 - the key's name says it all
    return None


def _envelope(campaign: Campaign, one: Claimed, *, now: datetime) -> Envelope:
    """Letters are signed already; an answer is signed here, where the key is."""
    raw = one.raw
    if one.is_answer:
        folder = Path(settings.STATE) / "keys"
        real = selectors.signing(folder, named=settings.DKIM_SELECTOR)
        domain = campaign.sender_address.rpartition("@")[2].lower()
        selector = keys.EXERCISE if campaign.exercise else real
        pair = keys.load(folder, domain=domain, selector=selector)
        raw = answers.sign(raw, keys=pair, at=now)
    return Envelope(sender=one.sender, recipient=one.recipient, raw=raw)


def _put_back(claimed: Sequence[Claimed], journal: Journal, *, now: datetime) -> None:
    """First the database, then the journal: a crash in between leaves too much in the journal."""
    _surely(partial(sending.put_back, claimed, now=now))
    journal.append([one.returned(now=now) for one in claimed])


def _surely(act: Callable[[], _Result]) -> _Result:
    """Wait for a database that went away: only this process knows what it has handed over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline or connection.in_atomic_block:
                raise
            log.warning("database-away")
            connection.close()
            time.sleep(0.5)


def _is_about_us(fate: Fate) -> bool:
    """Refused for what we are or how we are set up, not for the mailbox."""
    refused = fate.outcome in (Outcome.REFUSED, Outcome.DEFERRED)
    return refused and (fate.is_about_us or " 5.7." in f" {fate.text}" or fate.code == 554)


def _door(campaign: Campaign, state: Path) -> Door | None:
    """Exercises have one door, the built-in mailbox; real letters have the smarthost."""
    if campaign.exercise:
        port = known_port(mailbox_folder(state))
        if port is None:
            log.warning("no-mailbox", folder=str(mailbox_folder(state)))
            return None
        return Door(
            host="127.0.0.1", port=port, exercise=True, ehlo_name="exercise.invalid",
            timeouts=Timeouts(connect=5, reply=30, dot=60),
        )  # fmt: skip
    return Door(
        host=settings.SMARTHOST.host, port=settings.SMARTHOST.port, exercise=False,
        ehlo_name=settings.EHLO_NAME or platform.node() or "localhost",
        tls=proving() if settings.SMARTHOST_TLS == "starttls" else None,
    )  # fmt: skip


def _worker() -> str:
    """Names this run, so that only it may say what became of its letters."""
    return f"{platform.node()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
