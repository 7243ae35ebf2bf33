"""Reading, while letters leave, what the mail server shows of them: its log, or copies it keeps.

So that what is accepted becomes delivered without a person, and sending goes on. A log is read on
from where the last look ended; a journal mailbox is an mbox file or a Maildir. What can't be read
is said once in our own log, and nothing is settled by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings

from openletter.letters.rules.copies import Copy, copy_of
from openletter.letters.settle import from_copies, from_log
from openletter.wire.mailfile import mails_of
from openletter.wire.mime import read_mail
from openletter.wire.postfixlog import read_log

log = structlog.get_logger()

EVERY = 5
"""Seconds between two looks."""
LOG_TAIL = 16 * 1024 * 1024
"""How much of a log is read in one look."""
LARGEST_COPY = 2 * 1024 * 1024
_OVERLAP = 60


def read_what_left(state: Path, *, now: datetime) -> None:
    """Look at log and mailbox, where the settings name them."""
    if settings.LEAVING.log:
        read_smarthost_log(state, Path(settings.LEAVING.log), now=now)
    if settings.LEAVING.mailbox:
        read_journal_mailbox(state, Path(settings.LEAVING.mailbox), now=now)


def read_smarthost_log(state: Path, log_file: Path, *, now: datetime) -> None:
    """Learn from the mail server's log what was delivered."""
    place = _Place(state / "journal" / "log-read")
    if not place.is_due(now):
        return
    try:
        with log_file.open("rb") as file:
            size, inode = file.seek(0, os.SEEK_END), os.fstat(file.fileno()).st_ino
            start = max(place.offset if place.inode == inode else 0, size - LOG_TAIL)
            start = start if start <= size else 0
            file.seek(start)
            data = file.read(LOG_TAIL)
    except OSError as error:
        log.warning("smarthost-log-unreadable", error=type(error).__name__)
        place.keep(now, inode=place.inode, offset=place.offset)
        return
    whole = data[: data.rfind(b"\n") + 1]
    place.keep(now, inode=inode, offset=start + len(whole))
    lines = whole.decode("utf-8", "replace").split("\n")
    zone = now.astimezone().tzinfo or UTC
    from_log(read_log(lines, now=now, zone=zone), by="step:send", now=now)


def read_journal_mailbox(state: Path, mailbox: Path, *, now: datetime) -> None:
    """Learn from the copies that a submission service keeps what it has passed on."""
    place = _Place(state / "journal" / "mailbox-read")
    if not place.is_due(now):
        return
    try:
        if mailbox.is_dir():
            since, read = place.offset, list(_new_files(mailbox, place.offset))
            raws = [path.read_bytes()[:LARGEST_COPY] for _, path in read]
            inode, end = 0, max([since, *(at for at, _ in read)])
        else:
            inode, end, raws = _new_in_mbox(mailbox, place)
    except OSError as error:
        log.warning("journal-mailbox-unreadable", error=type(error).__name__)
        place.keep(now, inode=place.inode, offset=place.offset)
        return
    place.keep(now, inode=inode, offset=end)
    from_copies(map(_copy, raws), by="step:send", now=now)


def copies_in(path: Path) -> Iterator[Copy]:
    """Every copy in an mbox file or a Maildir, for `openletter settle --mailbox`."""
    if path.is_dir():
        for _, file in sorted(_new_files(path, 0)):
            yield _copy(file.read_bytes()[:LARGEST_COPY])
        return
    with path.open("rb") as mbox:
        yield from map(_copy, mails_of(mbox, largest=LARGEST_COPY))


def _copy(raw: bytes) -> Copy:
    return copy_of(read_mail(raw))


def _new_files(maildir: Path, since: int) -> Iterator[tuple[int, Path]]:
    """Files of a Maildir (or of a plain folder of mails) that are not much older than `since`."""
    folders = [maildir / "cur", maildir / "new"]
    for folder in [one for one in folders if one.is_dir()] or [maildir]:
        for path in folder.iterdir():
            at = int(path.stat().st_mtime)
            if path.is_file() and at >= since - _OVERLAP:
                yield at, path


def _new_in_mbox(mbox: Path, place: _Place) -> tuple[int, int, list[bytes]]:
    """Mails that begin at or after the place; the last one may still grow, so it is read again."""
    with mbox.open("rb") as file:
        size, inode = file.seek(0, os.SEEK_END), os.fstat(file.fileno()).st_ino
        start = place.offset if place.inode == inode and place.offset <= size else 0
        file.seek(start)
        raws = list(mails_of(file, largest=LARGEST_COPY))
        file.seek(start)
        last = max((at for at, line in _lines(file, start) if line.startswith(b"From ")), default=0)
    return inode, last or start, raws


def _lines(file: Iterator[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    at = start
    for line in file:
        yield at, line
        at += len(line)


class _Place:
    """How far a file was read, and when, kept beside the journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.inode = self.offset = 0
        self._at = 0.0
        try:
            row = json.loads(path.read_text())
            self.inode, self.offset = int(row["inode"]), int(row["offset"])
            self._at = float(row["at"])
        except (OSError, ValueError, KeyError, TypeError):
            return

    def is_due(self, now: datetime) -> bool:
        """A clock set back does not put off the next look."""
        return not 0 <= now.timestamp() - self._at < EVERY

    def keep(self, now: datetime, *, inode: int, offset: int) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        row = {"inode": inode, "offset": offset, "at": now.timestamp()}
        beside.write_text(json.dumps(row))
        beside.replace(self._path)
