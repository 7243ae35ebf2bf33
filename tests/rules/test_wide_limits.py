"""Whatever a stranger sends to be judged in columns ends in rows or in one clear refusal."""

from __future__ import annotations

import gzip
import itertools
import json
import zipfile
from functools import partial
from pathlib import Path

import pytest

from openletter.columns.engine import Room, TooMuchError, desk
from openletter.evidence import sourcebook
from openletter.evidence.apart import contents
from openletter.evidence.rules.recognise import Hint
from openletter.evidence.surveying import Asked, Survey, survey
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.unpack import Limits
from tests.rules.test_bulk_like_rows import NOW

MAPPING = read_mapping({"columns": {"address": "ip", "tags": "kind", "port": "port"}})
HEADER, ROW = b"ip,kind,port\n", b"192.0.2.1,http,80\n"
SMALL = Limits(total=4 << 20, ratio_from=1 << 20)


def surveyed(path: Path, state: Path, limits: Limits | None = None) -> Survey:
    asked = Asked(book=sourcebook.packaged(), now=NOW, hint=Hint(mapping=MAPPING))
    opened = partial(contents, limits=limits)
    return next(made for made, _ in survey([path], asked=asked, state=state, contents=opened))


def endless(path: Path, head: bytes, size: int, tail: bytes = b"") -> Path:
    """A file that goes on and on without an end of line."""
    with path.open("wb") as out:
        out.write(head)
        out.writelines(itertools.repeat(b"x" * (1 << 20), size >> 20))
        out.write(tail)
    return path


def bomb(path: Path, size: int) -> Path:
    """A row said again and again, packed a thousandfold."""
    block = ROW * (1 << 14)
    rows = itertools.chain([HEADER], itertools.repeat(block, size // len(block)))
    if path.suffix == ".gz":
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.writelines(rows)
        return path
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.csv", "w", force_zip64=True) as member,
    ):
        member.writelines(rows)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.txt"])
def test_one_line_without_end(name: str, tmp_path: Path) -> None:
    head = b'{"ip": "' if name == "a.json" else b"x"
    made = surveyed(endless(tmp_path / name, head, 12 << 20), tmp_path / "state")
    assert not made.by_judgement
    assert list(made.not_read.values()) in (["line-too-long"], ["json-cut-off"], ["json-too-large"])


def test_a_line_without_end_among_rows_is_one_refusal(tmp_path: Path) -> None:
    path = endless(tmp_path / "a.csv", HEADER + ROW, 12 << 20, b"\n" + ROW)
    made = surveyed(path, tmp_path / "state")
    assert made.by_reason == {"says-open": 1, "same-target": 1, "line-too-long": 1}


def test_an_object_without_end_among_rows_is_one_refusal(tmp_path: Path) -> None:
    row = json.dumps({"ip": "192.0.2.1", "kind": "http", "port": 80}).encode() + b"\n"
    path = endless(tmp_path / "a.json", row + row + b'{"ip": "', 12 << 20, b"\n" + row)
    made = surveyed(path, tmp_path / "state")
    assert made.by_reason == {"says-open": 1, "same-target": 2, "json-too-large": 1}


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz"])
def test_a_bomb_is_refused_whole(name: str, tmp_path: Path) -> None:
    made = surveyed(bomb(tmp_path / name, 12 << 20), tmp_path / "state", SMALL)
    assert not made.by_judgement
    assert set(made.not_read.values()) <= {"too-large", "too-compressed"}
    assert made.not_read


def test_work_beyond_its_room_is_a_refusal(tmp_path: Path) -> None:
    with desk(tmp_path, room=Room(memory="20MB", temp="1MB")) as at, pytest.raises(TooMuchError):
        at.run("CREATE TABLE t AS SELECT hash(n)::VARCHAR || n AS a FROM range(5000000) AS r(n)")


@pytest.mark.full
def test_a_gigabyte_of_one_line_and_a_bomb_of_four(tmp_path: Path) -> None:
    for name in ("a.csv", "a.json"):
        head = b'{"ip": "' if name == "a.json" else b"x"
        made = surveyed(endless(tmp_path / name, head, 1 << 30), tmp_path / "state")
        assert (made.by_judgement, len(made.not_read)) == ({}, 1)
    inside = endless(tmp_path / "b.csv", HEADER + ROW, 1 << 30, b"\n" + ROW)
    made = surveyed(inside, tmp_path / "state")
    assert made.by_reason == {"says-open": 1, "same-target": 1, "line-too-long": 1}
    made = surveyed(bomb(tmp_path / "a.zip", 4 << 30), tmp_path / "state")
    assert (made.by_judgement, len(made.not_read)) == ({}, 1)
