"""The ingest step: what strangers packed is opened apart first, then judged and stored.

Nothing is unpacked inside a transaction, and nothing in this process.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO

from openletter.campaigns.models import Campaign
from openletter.evidence import apart, spool, steps
from openletter.evidence.models import Batch
from openletter.evidence.rules.reading import Contents
from openletter.wire.unpack import Limits, Part, UnreadableFileError


def ingest(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Judge and store waiting files, the oldest first."""
    waiting = list(steps.waiting_batches(campaign, now=now)[:limit])
    for batch in waiting:
        take_in(batch, now=now)
    return len(waiting)


def take_in(batch: Batch, *, now: datetime) -> Batch:
    """Open a file's contents apart, then judge and store all of it or nothing. Twice is once."""
    if batch.state != Batch.State.WAITING:
        return batch
    with spool.open_kept(bytes(batch.sha256)) as stream:
        contents = opened(batch.name, stream)
        return steps.ingest_batch(batch, now=now, contents=contents)


def opened(name: str, stream: BinaryIO) -> Contents:
    """The contents, or the reason why there are none, ready to be told again."""
    found: Iterable[Part] = ()
    problem = ""
    try:
        found = apart.contents(name, stream)
    except UnreadableFileError as trouble:
        problem = trouble.code

    def told(name: str, stream: BinaryIO, *, limits: Limits | None = None) -> Iterable[Part]:
        if problem:
            raise UnreadableFileError(problem)
        return found

    return told
