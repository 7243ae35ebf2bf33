"""The same findings as CSV, JSON objects one a line and Parquet: in columns, and row by row.

    bench/bulkforms.py DIR [ROWS]     (DIR as made by bench/bulk.py; 1,000,000 of its rows)

Opened as a stranger's file is: Parquet by the child process, whose CPU is in the figure. In columns
is what `openletter survey` does up to each statement once; row by row is parser and judge alone.
"""

# ruff: noqa: INP001, PLC0415 - a script, whose parts are processes of their own
from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
FORMS = ("csv", "json", "parquet")


def make(folder: Path, rows: int) -> None:
    """The first rows of the findings in each form."""
    import duckdb

    engine = duckdb.connect()
    engine.execute("SET threads = 2")
    source = f"read_csv('{folder / 'findings.csv'}', all_varchar = true)"
    engine.execute(f"CREATE TABLE part AS SELECT * FROM {source} LIMIT {rows}")
    for form in FORMS:
        how = "csv, HEADER" if form == "csv" else form
        engine.execute(f"COPY part TO '{folder / f'part.{form}'}' (FORMAT {how})")


def columns(path: Path) -> None:
    """Judged in columns."""
    from bulk import MAPPING, NOW

    from openletter.evidence import sourcebook
    from openletter.evidence.apart import contents
    from openletter.evidence.rules.recognise import Hint
    from openletter.evidence.surveying import Asked, survey
    from openletter.wire.mappedcsv import read_mapping

    asked = Asked(book=sourcebook.packaged(), now=NOW, hint=Hint(mapping=read_mapping(MAPPING)))
    for made, _ in survey([path], asked=asked, state=path.parent / "work", contents=contents):
        sys.stdout.write(f"{sorted(made.by_judgement.items())} {made.not_read}\n")


def rows(path: Path) -> None:
    """Judged row by row."""
    from bulk import MAPPING, NOW

    from openletter.evidence import sourcebook
    from openletter.evidence.apart import contents
    from openletter.evidence.rules.reading import FileVerdict, read_file
    from openletter.evidence.rules.recognise import Hint
    from openletter.wire.mappedcsv import read_mapping

    hint = Hint(mapping=read_mapping(MAPPING))
    book = sourcebook.packaged()
    with path.open("rb") as stream:
        for one in read_file(str(path), stream, book=book, now=NOW, hint=hint, contents=contents):
            if isinstance(one, FileVerdict):
                sys.stdout.write(f"{sorted(one.by_judgement.items())}\n")


def main(folder: Path, count: int) -> None:
    """Each way over each form, in a process of its own."""
    make(folder, count)
    for form in FORMS:
        for way in ("columns", "rows"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begun = time.monotonic()
            path = str(folder / f"part.{form}")
            subprocess.run([sys.executable, __file__, way, path], check=True)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
            wall = time.monotonic() - begun
            sys.stdout.write(f"| {form} | {way} | {wall:.1f} s | {cpu:.1f} s |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] in {"columns", "rows"}:
        globals()[sys.argv[1]](Path(sys.argv[2]).resolve())
    else:
        main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
