"""Which files go the columnar way, and the way itself, from a file to a judged sheet."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from openletter.columns.engine import Desk
from openletter.evidence.columnar import Sheet
from openletter.evidence.layouts import laid_out
from openletter.evidence.rules import reading
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.recognise import Hint, NotRead, Recognised
from openletter.wire.lines import lines
from openletter.wire.unpack import Part, parts


def sheet_of(
    desk: Desk, name: str, stream: BinaryIO, *, book: SourceBook, now: datetime, hint: Hint
) -> Sheet | None:
    """The only part of a file, judged; None where it is not read this way."""
    (part,) = parts(name, stream)
    known = reading.known_form(part, book=book, hint=hint)
    if isinstance(known, NotRead):
        return None
    return judged(desk, part, known, now=now)


def judged(
    desk: Desk, part: Part, known: Recognised, *, now: datetime, original: Path | None = None
) -> Sheet | None:
    found = laid_out(known, part)
    if found is None:
        return None
    known, layout = found
    around = reading.circumstances(part, known, now=now)
    sheet = Sheet(desk, layout=layout, around=around)
    head = islice(lines(part.open()), reading.HEAD_LINES)
    sheet.read(part.open(), head=list(head), original=original)
    return sheet
