"""The door that a campaign's letters leave by, as the settings say, and what passes it.

Exercises have one door, the built-in mailbox; real letters have the smarthost or the submission
service. Who wants to know what is behind it asks `offers`; who wants to see what it does to a
letter sends one to himself by `trial`.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings

from openletter.campaigns.models import Campaign
from openletter.letters import keys, selectors
from openletter.letters.claimed import Claimed
from openletter.letters.rules import answers
from openletter.letters.rules.dkim import SigningKey
from openletter.net.mailbox import known_port
from openletter.net.smtp_client import Session
from openletter.net.smtp_door import Door, DoorClosedError, Timeouts, hang_up, open_door, proving
from openletter.wire.smtp import Envelope, Fate
from openletter.wire.smtp_auth import Login, withheld

log = structlog.get_logger()


def mailbox_folder(state: Path) -> Path:
    """Where the exercises' built-in mailbox keeps what arrives."""
    return state / "mailbox"


def door_of(campaign: Campaign, state: Path) -> Door | None:
    """None: an exercise whose mailbox does not run."""
    if not campaign.exercise:
        return real_door()
    port = known_port(mailbox_folder(state))
    if port is None:
        log.warning("no-mailbox", folder=str(mailbox_folder(state)))
        return None
    return Door(
        host="127.0.0.1", port=port, exercise=True, ehlo_name="exercise.invalid",
        timeouts=Timeouts(connect=5, opening=30, reply=30, dot=60),
    )  # fmt: skip


def real_door() -> Door:
    """The smarthost or submission service of the settings."""
    leaving = settings.LEAVING
    login = Login(user=leaving.user, password=leaving.password) if leaving.user else None
    return Door(
        host=settings.SMARTHOST.host, port=settings.SMARTHOST.port, exercise=False,
        ehlo_name=settings.EHLO_NAME or platform.node() or "localhost",
        tls=proving(leaving.authority) if leaving.tls != "never" else None,
        at_once=leaving.tls == "implicit", login=login,
    )  # fmt: skip


def sealed(campaign: Campaign, one: Claimed, *, now: datetime) -> Envelope:
    """Letters are signed already; an answer is signed here, where the key is."""
    raw = one.raw
    if one.is_answer:
        raw = answers.sign(raw, keys=signing_keys(campaign), at=now)
    return Envelope(sender=one.sender, recipient=one.recipient, raw=raw)


def signing_keys(campaign: Campaign) -> tuple[SigningKey, ...]:
    """The campaign's pair as it signs now."""
    folder = Path(settings.STATE) / "keys"
    selector = (
        keys.EXERCISE
        if campaign.exercise
        else selectors.signing(folder, named=settings.DKIM_SELECTOR)
    )
    domain = campaign.sender_address.rpartition("@")[2].lower()
    return keys.load(folder, domain=domain, selector=selector)


# -- for whoever looks after the door -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What a door offers; `problem` says why it did not open."""

    host: str
    port: int
    extensions: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    tls: str = ""
    cipher: str = ""
    signed_in: str = ""
    until: str = ""
    """When its certificate ends, as the certificate says it; empty where it proved none."""
    problem: str = ""

    @property
    def pipelines(self) -> bool:
        return "PIPELINING" in self.extensions


def offers(door: Door) -> Offers:
    """Open the door, look around, and go; no letter's address is said."""
    try:
        found = open_door(door)
    except DoorClosedError as closed:
        said = f"{closed.fate.code or ''} {closed.fate.text}".strip()
        return Offers(host=door.host, port=door.port, problem=said or "it did not open")
    hang_up(found.socket)
    return Offers(
        host=door.host, port=door.port, extensions=tuple(sorted(found.extensions)),
        mechanisms=found.opened.mechanisms, tls=found.tls, cipher=found.cipher,
        signed_in=found.signed_in, until=found.until,
    )  # fmt: skip


def trial(door: Door, envelope: Envelope) -> Fate:
    """One mail through this door, to a mailbox of our own; a closed door is a fate, too.

    It is no letter: nothing is claimed, journaled or counted, so it must not be sent to others.
    """
    try:
        with Session(door) as session:
            fate = session.hand_over(envelope)
    except DoorClosedError as closed:
        return closed.fate
    return fate if door.login is None else replace(fate, text=withheld(fate.text, door.login))
