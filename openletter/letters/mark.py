"""The installation's mark: one database, one journal and one state folder belong together.

A restored backup, a copied database or a copied folder shows here, before anything leaves. Then
everything that leaves is paused, every letter that was about to leave becomes `unknown`, what the
journal knows and the database does not is written down, and a person says go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Installation, Wave
from openletter.campaigns.rules import Entry
from openletter.letters.journal import LARGEST_BATCH, Journal, Line, What
from openletter.letters.models import Delivery, HandedElsewhere
from openletter.letters.turn import alone
from openletter.words import DeliveryState, Reason

_MACHINE = Path("/etc/machine-id")
_ABOUT_TO_LEAVE = (DeliveryState.CLEARED, DeliveryState.DEFERRED, DeliveryState.HANDING)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What the file `mark` in the state folder says."""

    mark: str
    place: str


def at_start(state: Path, *, now: datetime) -> Reason | None:
    """Call before anything may leave. Returns why everything is paused, or None.

    Letters in hand that no living sender holds any more become `unknown`.
    """
    with alone() as mine, transaction.atomic():
        _durable()
        row = Installation.objects.select_for_update().first()
        if row is None:
            row = _first_start(state, now=now)
        trouble = _trouble(state, row)
        if trouble is not None:
            _pause_all(state, row, trouble, now=now)
        elif mine:
            make_unknown([DeliveryState.HANDING], because="crash", now=now)
    if trouble is not None:
        return trouble
    if row.leaving_paused_at is not None:
        return Reason(code="leaving-paused", values={"because": row.leaving_paused_because})
    return None


def after_restore(state: Path, *, now: datetime) -> Reason:
    """A backup was played back: pause, `unknown`, and learn from the journal what left since."""
    trouble = Reason(code="backup-restored")
    with transaction.atomic():
        _durable()
        row = Installation.objects.select_for_update().first() or _first_start(state, now=now)
        _pause_all(state, row, trouble, now=now)
    return trouble


def go_on(state: Path, *, by: str, now: datetime) -> None:
    """A person has looked: this database, this folder and this place are the installation now."""
    with transaction.atomic():
        _durable()
        row = Installation.objects.select_for_update().first() or _first_start(state, now=now)
        trouble = _trouble(state, row)
        if trouble is not None:
            _pause_all(state, row, trouble, now=now)
            _adopt(state, row, now=now)
        campaigns.resume_leaving(actor=f"user:{by}", now=now)


# -- what fits, and what does not ---------------------------------------------------------------


def _trouble(state: Path, row: Installation) -> Reason | None:
    kept, journal = _read_mark(state), Journal(state)
    last, journal_mark = journal.tail()
    if kept is None:
        return Reason(code="mark-missing")
    if kept.mark != str(row.mark) or (journal_mark and journal_mark != kept.mark):
        return Reason(code="mark-differs")
    if kept.place != _place(state, _mark_file(state).stat().st_ino):
        return Reason(code="place-differs")
    if last > row.journal_position:
        values = {"journal": last, "database": row.journal_position}
        return Reason(code="database-behind-journal", values=values)
    if row.journal_position - last > LARGEST_BATCH or not journal.exists:
        return Reason(code="journal-lost", values={"database": row.journal_position})
    return None


def _first_start(state: Path, *, now: datetime) -> Installation:
    """A database without a mark: brand-new with a new folder, or strange to this one."""
    if _read_mark(state) is None and not Journal(state).exists:
        row = Installation.objects.create(id=1, mark=uuid.uuid4())
        _adopt(state, row, now=now)
        return row
    return Installation.objects.create(id=1, mark=uuid.uuid4())


def _adopt(state: Path, row: Installation, *, now: datetime) -> None:
    """A new mark in all three places; the old one opens nothing any more."""
    journal = Journal(state)
    last, _ = journal.tail()
    row.mark = uuid.uuid4()
    row.journal_position = max(row.journal_position, last) + 1
    row.save(update_fields=["mark", "journal_position"])
    line = Line(what=What.MARK, number=row.journal_position, mark=str(row.mark), at=now)
    journal.append([line])
    _write_mark(state, str(row.mark))


def _pause_all(state: Path, row: Installation, trouble: Reason, *, now: datetime) -> None:
    _learn(state)
    make_unknown(_ABOUT_TO_LEAVE, because=trouble.code, now=now)
    campaigns.pause_leaving(because=trouble.code, now=now)
    row.refresh_from_db()


def _learn(state: Path) -> None:
    """Write down what the journal handed over and this database does not know as its own."""
    left = Journal(state).left()
    known = set(Delivery.objects.filter(message_id__in=left).values_list("message_id", flat=True))
    known |= set(HandedElsewhere.objects.values_list("message_id", flat=True))
    waves = set(Wave.objects.values_list("campaign__slug", "id"))
    HandedElsewhere.objects.bulk_create(
        [
            HandedElsewhere(
                message_id=line.message_id,
                campaign=line.campaign,
                wave=line.wave if (line.campaign, line.wave) in waves else None,
                kind=line.kind,
                mailbox_hash=bytes.fromhex(line.mailbox),
                at=line.at,
            )
            for line in left.values()
            if line.message_id not in known and line.mailbox
        ],
        ignore_conflicts=True,
    )


def make_unknown(states: Sequence[DeliveryState], *, because: str, now: datetime) -> int:
    """Letters of these states become `unknown`, each with its line in the timeline."""
    rows = Delivery.objects.filter(state__in=states).select_for_update()
    found = list(rows.values_list("id", "state", "campaign_id", "partner_id"))
    Delivery.objects.filter(id__in=[one[0] for one in found]).update(
        state=DeliveryState.UNKNOWN, reason=because, settled_at=now
    )
    campaigns.record(
        Entry(
            subject=f"delivery:{pk}",
            actor="start",
            action="unknown",
            at=now,
            campaign_id=campaign,
            partner_id=partner,
            before={"state": before},
            after={"state": str(DeliveryState.UNKNOWN)},
            reason=Reason(code=because).as_json(),
        )
        for pk, before, campaign, partner in found
    )
    return len(found)


# -- the mark's file and place ------------------------------------------------------------------


def _mark_file(state: Path) -> Path:
    return state / "mark"


def _read_mark(state: Path) -> Mark | None:
    try:
        row = json.loads(_mark_file(state).read_text())
        return Mark(mark=str(row["mark"]), place=str(row["place"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_mark(state: Path, mark: str) -> None:
    """Beside, forced to disk, then renamed; the file's own inode is part of the place."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = state / f"mark.{os.getpid()}.new"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        place = _place(state, os.fstat(handle).st_ino)
        os.write(handle, json.dumps({"mark": mark, "place": place}).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    beside.replace(_mark_file(state))


def _place(state: Path, inode: int) -> str:
    """Where this is: machine, folder, file and database. A copy of any of them is elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()), oid FROM pg_database"
            " WHERE datname = current_database()"
        )
        cluster, database = cursor.fetchone()
    machine = _MACHINE.read_text().strip() if _MACHINE.is_file() else ""
    parts = (machine, str(state.resolve()), str(inode), str(cluster), str(database))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _durable() -> None:
    """A commit is on disk when it returns, whatever the server's default."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
