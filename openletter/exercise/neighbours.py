"""The mail servers around the stage: the owners' mailboxes, and our own intake for replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.exercise.people import Character, people
from openletter.net.intake import intake
from openletter.net.mailbox import Mailbox
from openletter.replies import steps as replies
from openletter.words import normalise_mailbox


def refuser() -> object:
    """What the owners' mail servers say to RCPT TO; greylisting ones only the first time."""
    tries: Counter[str] = Counter()

    def refuse(rcpt: str) -> tuple[int, str] | None:
        mailbox = normalise_mailbox(rcpt) or rcpt
        person = people().get(mailbox)
        tries[mailbox] += 1
        if person is None or person.character is Character.DEAD:
            return 550, "5.1.1 no such user here"
        if person.character is Character.GREYLISTS and tries[mailbox] == 1:
            return 451, "4.7.1 greylisted, come again later"
        return None

    return refuse


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Where the mail goes: the folder of what owners got, the port of our intake."""

    folder: Path
    intake_port: int


@contextmanager
def neighbours(campaign_id: int, state: Path) -> Iterator[Neighbours]:
    """Both servers, listening on loopback while the block runs."""

    def store(raw: bytes, *, envelope_from: str, rcpt: str) -> None:
        try:
            campaign = Campaign.objects.get(pk=campaign_id)
            now = clock.now(campaign)
            replies.store_mail(raw, envelope_from=envelope_from, rcpt=rcpt, now=now)
        finally:
            connection.close()  # the intake's thread has one of its own

    def accepts(rcpt: str) -> bool:
        try:
            return replies.accepts(rcpt)
        finally:
            connection.close()

    folder = state / "mailbox"
    ours = intake(host="127.0.0.1", port=0, accepts=accepts, store=store)
    with Mailbox(folder, refuse=refuser()), ours:  # type: ignore[arg-type]
        yield Neighbours(folder=folder, intake_port=ours.port)
