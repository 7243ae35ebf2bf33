"""The columnar engine reads and writes in its folder and nowhere else, with fixed means."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from openletter.columns.engine import Desk, NotAFileError, Room, TooMuchError, desk, file, sweep
from tests.laws.sources import ROOT


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    (tmp_path / "outside").mkdir()
    with desk(tmp_path / "state", room=Room(memory="100MB", temp="50MB")) as made:
        (made.folder / "in.csv").write_text("a\n1\n")
        (made.folder / "link.csv").symlink_to(outside)
        yield made


FORBIDDEN = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM read_csv('{outside}/*.csv')",
    "SELECT * FROM read_csv('{folder}/../../outside.csv')",
    "SELECT * FROM read_csv('{folder}/link.csv')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "SELECT * FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "COPY (SELECT 1) TO '{outside}/out.csv'",
    "COPY (SELECT 1) TO 'http://127.0.0.1:9/out.csv'",
    "ATTACH '{outside}/other.db'",
    "EXPORT DATABASE '{outside}/all'",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "LOAD '{outside}/x.duckdb_extension'",
    "CREATE SECRET (TYPE s3)",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '64GB'",
    "SET threads = 64",
    "SET autoload_known_extensions = true",
    "SET temp_directory = '/tmp'",
    "SET custom_extension_repository = 'http://127.0.0.1:9'",
    "RESET lock_configuration",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_nothing_leads_out_of_the_folder(at: Desk, statement: str) -> None:
    outside = at.folder.parent.parent / "outside"
    asked = statement.format(folder=at.folder, outside=outside)
    with pytest.raises(duckdb.Error):
        at.engine.execute(asked).fetchall()
    assert list(outside.iterdir()) == []


def test_files_of_the_folder_are_read_and_written(at: Desk) -> None:
    assert at.number(f"SELECT count(*) FROM read_csv({file(at.place('in.csv'))})") == 1
    at.run(f"COPY (SELECT 1 AS a) TO {file(at.place('out.parquet'))} (FORMAT parquet)")
    assert at.place("out.parquet").is_file()


@pytest.mark.parametrize(
    "name", ["/x/*.csv", "/x/?.csv", "/x/[ab].csv", "s3://b/x", "http://h/x", "x"]
)
def test_a_path_that_could_mean_more_than_a_file_is_refused(name: str) -> None:
    with pytest.raises(NotAFileError):
        file(Path(name) if "://" not in name else _Spelled(name))  # type: ignore[arg-type]


class _Spelled:
    """A path that keeps the two slashes that `Path` would fold."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def is_absolute(self) -> bool:
        return True


def test_memory_and_temp_space_have_an_end(at: Desk) -> None:
    with pytest.raises(TooMuchError):
        at.run(
            "CREATE TABLE big AS SELECT repeat(hash(i)::VARCHAR, 20) AS t FROM range(5000000) r(i)"
        )


def test_no_extension_is_loaded_beyond_those_in_the_wheel(at: Desk) -> None:
    query = "SELECT extension_name FROM duckdb_extensions() WHERE loaded AND install_path <> ''"
    places = [str(row[0]) for row in at.rows(query) if "BUILT" not in str(row[0])]
    assert set(places) <= {"core_functions", "icu", "json", "parquet"}


def test_the_folder_goes_and_what_a_killed_process_left_goes_too(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        folder = made.folder
        sweep(tmp_path)
        assert folder.is_dir()
    assert not folder.exists()
    left = tmp_path / "columns-999999999-x"
    left.mkdir()
    with desk(tmp_path):
        assert not left.exists()


def test_a_file_is_judged_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    """In an empty network namespace even an attempt to reach out would fail; nothing does."""
    lone = [shutil.which("unshare") or "unshare", "-rn", "true"]
    if subprocess.run(lone, capture_output=True, check=False).returncode != 0:
        pytest.skip("no network namespaces here")
    script = (
        "import io, sys; from pathlib import Path; from tests.rules import test_bulk_like_rows as t;"
        "c = b'ip,other,port,seen,kind,code,name\\n' + b''.join(b'192.0.2.%d,,80,2026-03-02 06:00:00,"
        "http,,\\n' % n for n in range(250));"
        "t.compare(Path(sys.argv[1]), 'own.csv', c, t.Hint(mapping=t.MAPPING)); print('alike')"
    )
    told = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert told.stdout.strip() == "alike", told.stderr
