"""The journal: what was about to leave, in a file outside the database.

A batch is appended and forced to disk before the first byte of its first letter. A database that
was restored or copied can so be told what left after its backup. Only lines that end whole count:
one torn by a crash was never forced to disk, so nothing of its batch had left.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

LARGEST_BATCH = 100
_TAIL = 64 * 1024


class What(StrEnum):
    """Kinds of lines."""

    MARK = "mark"
    HANDING = "handing"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line. `number` rises with every claim; a mailbox stands as its hash only."""

    what: What
    number: int
    mark: str
    at: datetime
    message_id: str = ""
    campaign: str = ""
    wave: int | None = None
    kind: str = ""
    mailbox: str = ""


class BatchTooLarge(ValueError):  # noqa: N818 - what it says
    """More letters than a crash may leave unknown."""


def mailbox_hash(mailbox: str) -> str:
    return hashlib.sha256(mailbox.encode()).hexdigest()


class Journal:
    """The journal of a state folder; may be absent until the first line."""

    def __init__(self, state: Path) -> None:
        self.path = state / "journal" / "deliveries.ndjson"

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def append(self, lines: Sequence[Line]) -> None:
        """All lines in one write, forced to disk before this returns; or none, and an OSError."""
        if len(lines) > LARGEST_BATCH:
            raise BatchTooLarge(len(lines))
        if not lines:
            return
        is_new = not self.exists
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._opened() as handle:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            data = (b"!\n" if torn else b"") + b"".join(map(_encode, lines))
            try:
                _force(handle, data)
            except OSError:
                os.ftruncate(handle, size)  # needs no room; a line that stays would say "it left"
                raise
        if is_new:
            _force_folder(self.path.parent)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)

    def read(self) -> Iterator[Line]:
        """Every whole line, oldest first."""
        if not self.exists:
            return
        with self.path.open("rb") as file:
            for raw in file:
                line = _decode(raw)
                if line is not None:
                    yield line

    def tail(self) -> tuple[int, str]:
        """The highest number and the last mark of the last lines; (0, "") where there is none."""
        if not self.exists:
            return 0, ""
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = [line for line in map(_decode, file) if line is not None]
        return max((line.number for line in lines), default=0), lines[-1].mark if lines else ""

    def left(self) -> dict[str, Line]:
        """What was handed over, by Message-ID; without what came back before its first byte.

        A line takes back the claim of its own number only: one that lost its turn may write late.
        """
        found: dict[str, Line] = {}
        for line in self.read():
            last = found.get(line.message_id)
            if line.what is What.HANDING:
                found[line.message_id] = line
            elif line.what is What.RETURNED and last is not None and last.number == line.number:
                del found[line.message_id]
        return found


def _force(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
    os.fsync(handle)


def _encode(line: Line) -> bytes:
    row = asdict(line) | {"at": line.at.isoformat()}
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _decode(raw: bytes) -> Line | None:
    """None for a torn line or one of another making."""
    if not raw.endswith(b"\n"):
        return None
    try:
        row = json.loads(raw)
        return Line(
            what=What(row["what"]),
            number=int(row["number"]),
            mark=str(row["mark"]),
            at=datetime.fromisoformat(row["at"]),
            message_id=str(row["message_id"]),
            campaign=str(row["campaign"]),
            wave=row["wave"] if isinstance(row["wave"], int) else None,
            kind=str(row["kind"]),
            mailbox=str(row["mailbox"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _force_folder(folder: Path) -> None:
    """A new file is only there for good when its folder is on disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
