"""Archives, mails and Parquet of strangers, opened by a process of its own (`jail`).

One process a file. It gets the open file and a place to write to, no name and no network; it ends
when it is done, when a limit is reached, or when we end it. However it ends, the answer is parts
to be judged or one reason why there are none.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import openletter
from openletter.evidence.jail import LENGTH, OUT_OF_MEMORY, PARQUET
from openletter.wire.containers import contents as read_here
from openletter.wire.reportmail import is_mail
from openletter.wire.unpack import CHUNK, PACKED, Limits, Part, UnreadableFileError
from openletter.wire.visible import visible

_HEAD = 16_384
_BOOT = (
    "import sys; sys.path[:] = sys.argv[2].split('\\n'); "
    "from openletter.evidence.jail import main; raise SystemExit(main(sys.argv[1]))"
)
_LARGEST_INDEX = 8 << 20
_ENDED = {
    -signal.SIGXCPU: "reader-out-of-time",
    -signal.SIGXFSZ: "too-large",
    OUT_OF_MEMORY: "reader-out-of-memory",
}


@dataclass(frozen=True, kw_only=True)
class Ends:
    """How much the other process may take: memory, seconds of work, seconds in all."""

    memory: int = 1 << 30
    seconds: int = 120
    patience: int = 300


def contents(
    name: str, stream: BinaryIO, *, limits: Limits | None = None, ends: Ends | None = None
) -> list[Part]:
    """The same as wire.containers.contents; what has to be unpacked or decoded is so elsewhere."""
    head = stream.read(_HEAD)
    stream.seek(0)
    if not needs_unpacking(head):
        return read_here(name, stream, limits=limits)
    with _on_disk(stream) as source:
        return _read_apart(name, source, limits=limits or Limits(), ends=ends or Ends())


def needs_unpacking(head: bytes) -> bool:
    """Whether more than plain lines comes out of a file that begins so."""
    return head.startswith((*PACKED, PARQUET)) or is_mail(head)


def _read_apart(name: str, source: BinaryIO, *, limits: Limits, ends: Ends) -> list[Part]:
    place = _Place()
    asked = {
        **asdict(limits),
        "name": name[:600],
        "out": place.number,
        "memory": ends.memory,
        "seconds": ends.seconds,
    }
    _run(json.dumps(asked), source, place, patience=ends.patience)
    index = place.index()
    if "refused" in index:
        raise UnreadableFileError(str(index["refused"]))
    listed = index.get("parts")
    if not isinstance(listed, list):
        raise UnreadableFileError("reader-crashed")
    return [_part(entry, place) for entry in listed]


def _run(asked: str, source: BinaryIO, place: _Place, *, patience: int) -> None:
    """Start it and wait for its end; it says nothing but what it leaves in the place."""
    root = str(Path(openletter.__file__).parent.parent)
    paths = "\n".join([root, *(path for path in sys.path if path)])
    command = [sys.executable, "-I", "-S", "-B", "-c", _BOOT, asked, paths]
    source.seek(0)
    try:
        done = subprocess.run(
            command,
            stdin=source.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            pass_fds=(place.number,),
            cwd="/",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableFileError("reader-out-of-time") from None
    if done.returncode:
        raise UnreadableFileError(_ENDED.get(done.returncode, "reader-crashed"))


class _Place:
    """A file without a name that the other process writes to; it goes when nobody reads it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as made:
            self.number = os.dup(made.fileno())
        self._gone = weakref.finalize(self, os.close, self.number)

    def index(self) -> Mapping[str, object]:
        """What the process says of its parts: the last thing it wrote, in front of its length."""
        size = os.fstat(self.number).st_size
        length = int.from_bytes(os.pread(self.number, LENGTH, max(0, size - LENGTH)), "big")
        if not 0 < length <= min(_LARGEST_INDEX, size - LENGTH):
            raise UnreadableFileError("reader-crashed")
        raw = os.pread(self.number, length, size - LENGTH - length)
        try:
            index = json.loads(raw)
        except (ValueError, RecursionError):
            raise UnreadableFileError("reader-crashed") from None
        return index if isinstance(index, dict) else {}

    def chunks(self, start: int, size: int) -> Iterator[bytes]:
        at, end = start, start + size
        while at < end and (chunk := os.pread(self.number, min(CHUNK, end - at), at)):
            yield chunk
            at += len(chunk)


def _part(entry: object, place: _Place) -> Part:
    """A part as the index tells it; one that makes no sense is none."""
    told = entry if isinstance(entry, dict) else {}
    start, size = told.get("start"), told.get("size")
    if not isinstance(start, int) or not isinstance(size, int) or start < 0 or size < 0:
        raise UnreadableFileError("reader-crashed")
    around = told.get("told")
    around = around if isinstance(around, dict) else {}
    return Part(
        name=_shown(told.get("name", ""), limit=600),
        refused=str(told.get("refused", ""))[:60],
        form=str(told.get("form", ""))[:40],
        told={str(key)[:60]: _shown(value, limit=200) for key, value in around.items()},
        open=lambda: place.chunks(start, size),
    )


def _shown(text: object, *, limit: int) -> str:
    """What was made visible over there stays as it is; anything else is made so here."""
    told = str(text)[:limit]
    return told if told.isprintable() else visible(told, limit=limit)


@contextlib.contextmanager
def _on_disk(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream itself where it is an open file, else a copy of it that is one."""
    try:
        stream.fileno()
    except (OSError, AttributeError):
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            copy.flush()
            stream.seek(0)
            yield copy
    else:
        yield stream
