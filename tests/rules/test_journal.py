"""The journal survives torn lines, keeps order, and takes back what never left."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openletter.letters.journal import BatchTooLarge, Journal, Line, What, mailbox_hash

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def line(number: int, what: What = What.HANDING, message: str = "") -> Line:
    return Line(
        what=what, number=number, mark="m", at=AT, message_id=message or f"<{number}@x>",
        campaign="relays", wave=3, kind="first", mailbox=mailbox_hash("abuse@example.net"),
    )  # fmt: skip


def test_lines_come_back_as_they_went_in(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert (list(journal.read()), journal.tail()) == ([], (0, ""))
    journal.append([line(1), line(2)])
    journal.append([line(3)])
    assert [one.number for one in journal.read()] == [1, 2, 3]
    assert next(journal.read()) == line(1)
    assert journal.tail() == (3, "m")
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_is_skipped_and_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1), line(2)])
    whole = journal.path.read_bytes()
    for cut in range(1, len(whole) // 2 - 1):
        journal.path.write_bytes(whole[:-cut])
        assert journal.tail()[0] == 1
        journal.append([line(4)])
        assert [one.number for one in journal.read()] == [1, 4]


def test_what_came_back_did_not_leave(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1), line(2), line(1, What.RETURNED)])
    assert list(journal.left()) == ["<2@x>"]


def test_who_says_late_that_it_came_back_takes_no_later_claim_back(tmp_path: Path) -> None:
    """A sender that lost its turn puts back; another claims and sends before that is written."""
    journal = Journal(tmp_path)
    again = replace(line(1), number=2)
    journal.append([line(1), again, line(1, What.RETURNED)])
    assert journal.left() == {"<1@x>": again}


def test_a_batch_is_at_most_what_a_crash_may_leave_unknown(tmp_path: Path) -> None:
    with pytest.raises(BatchTooLarge):
        Journal(tmp_path).append([line(number) for number in range(101)])


def test_nonsense_in_the_file_is_no_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    with journal.path.open("ab") as file:
        file.write(b'{"what":"handing"}\nnull\n\xff\xfe\n[1]\n')
    assert [one.number for one in journal.read()] == [1]


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """The kernel lets no file of this process grow beyond: a write is cut short, the next fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 10, 150, 600])
def test_what_finds_no_room_leaves_no_line_behind(tmp_path: Path, room: int) -> None:
    journal = Journal(tmp_path)
    journal.append([line(1)])
    whole = journal.path.read_bytes()
    with room_for(len(whole) + room), pytest.raises(OSError, match="too large"):
        journal.append([line(2), line(3), line(4), line(5)])
    assert journal.path.read_bytes() == whole
    journal.append([line(2)])
    assert [one.number for one in journal.read()] == [1, 2]
