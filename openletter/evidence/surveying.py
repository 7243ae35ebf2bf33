"""What feeds would mean before any campaign: what is new, for how many mailboxes, in which places.

Files only: no database. Counts and lists of numbers; addresses are told to nobody here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from openletter.columns.engine import Desk, TooMuchError, desk
from openletter.columns.netblocks import from_file, work_lists
from openletter.evidence import comparing
from openletter.evidence.columnar import Sheet
from openletter.evidence.layouts import laid_out
from openletter.evidence.rules import reading
from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.recognise import Hint, NotRead, Recognised
from openletter.wire import unpack
from openletter.wire.lines import lines

Contents = Callable[[str, BinaryIO], Sequence[unpack.Part]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to survey with: known day files, a file of networks, how to read the feeds."""

    book: SourceBook
    now: datetime
    hint: Hint
    known: tuple[Path, ...] = ()
    netblocks: Path | None = None


@dataclass(kw_only=True)
class Survey:
    """What came of it; `work` has mailbox, country and how many statements it would be told."""

    by_judgement: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)
    compared: comparing.Compared = comparing.NOTHING
    not_read: dict[str, str] = field(default_factory=dict)
    without_contact: int = 0
    mailboxes: int = 0
    by_country: dict[str, int] = field(default_factory=dict)


def survey(
    paths: Sequence[Path], *, asked: Asked, state: Path, contents: Contents
) -> Iterator[tuple[Survey, Desk]]:
    """One survey of all files, and the desk with its table `work` as long as it is looked at."""
    also = [path.resolve() for path in (*asked.known, *paths) if path.is_file()]
    if asked.netblocks:
        also.append(asked.netblocks.resolve())
    kept = (state / "networks").resolve()
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    with desk(state, also=[kept, *also]) as at:
        made = Survey()
        at.run(_NEW)
        for path in paths:
            _file(at, path, made, asked=asked, contents=contents)
        _spread(at, made, asked, kept=kept)
        yield made, at


def _file(at: Desk, path: Path, made: Survey, *, asked: Asked, contents: Contents) -> None:
    try:
        with path.open("rb") as stream:
            for part in contents(str(path), stream):
                _part(at, part, made, asked=asked, path=path.resolve())
    except unpack.UnreadableFileError as problem:
        made.not_read[str(path)] = problem.code
    except TooMuchError:
        made.not_read[str(path)] = "reader-out-of-memory"


_NEW = "CREATE OR REPLACE TEMP TABLE news (hi UBIGINT, lo UBIGINT, sign UINTEGER, seen BIGINT)"


def _part(at: Desk, part: unpack.Part, made: Survey, *, asked: Asked, path: Path) -> None:
    known = reading.known_form(part, book=asked.book, hint=asked.hint)
    found = laid_out(known, part) if isinstance(known, Recognised) else None
    if isinstance(known, NotRead) or found is None:
        made.not_read[part.name] = known.reason if isinstance(known, NotRead) else "read-by-ingest"
        return
    around = reading.circumstances(part, known, now=asked.now)
    sheet = Sheet(at, layout=found[1], around=around, counts_only=True)
    head = list(islice(lines(part.open()), reading.HEAD_LINES))
    sheet.read(part.open(), head=head, original=_original(part, path))
    known_days = [one.resolve() for one in asked.known]
    comparing.known_from(at, known_days, once=sheet.is_one_piece)
    for piece in sheet.pieces():
        made.compared += comparing.compare(at, piece)
        at.run("INSERT INTO news SELECT hi, lo, sign, seen FROM fresh")
    for name, count in sheet.told.by_judgement.items():
        made.by_judgement[name] = made.by_judgement.get(name, 0) + count
    for name, count in sheet.told.by_reason.items():
        made.by_reason[name] = made.by_reason.get(name, 0) + count


def _original(part: unpack.Part, path: Path) -> Path | None:
    """The file itself, where nothing had to be unpacked."""
    with path.open("rb") as stream:
        head = stream.read(1 << 12)
    first = next(part.open(), b"")
    return path if first and first.startswith(head) else None


def _spread(at: Desk, made: Survey, asked: Asked, *, kept: Path) -> None:
    """From what is new to who would be told."""
    if asked.netblocks is None:
        return
    from_file(at, asked.netblocks.resolve(), kept=kept)
    work_lists(at, "news")
    made.without_contact = at.number("SELECT sum(count) FROM work WHERE mailbox IS NULL")
    made.mailboxes = at.number("SELECT count(*) FROM work WHERE mailbox IS NOT NULL")
    query = (
        "SELECT coalesce(country, ''), sum(count)::BIGINT FROM work "
        "WHERE mailbox IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    made.by_country = {str(name): int(str(count)) for name, count in at.rows(query)}


def mailboxes(at: Desk) -> Iterator[tuple[str, str, int]]:
    """Mailbox, country and how many statements it would be told, the most first."""
    query = (
        "SELECT mailbox, coalesce(country, ''), count FROM work "
        "WHERE mailbox IS NOT NULL ORDER BY count DESC, mailbox"
    )
    for name, country, count in at.rows(query):
        yield str(name), str(country), int(str(count))
