"""Networks and who answers for them, from a file: first, last, mailbox and country as texts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from openletter.columns.engine import Desk, file
from openletter.columns.keys import MAPPED, PAIRS, fours, halves
from openletter.columns.ranges import flatten, is_four, lay_out, owned

COLUMNS = ("first", "last", "mailbox", "country")


def from_file(desk: Desk, path: Path, *, kept: Path) -> int:
    """Tables `ranges4`, `ranges6`, `holders` (owner, box, country) and `boxes` (box, mailbox).

    Returns the number of networks read.

    Parquet or CSV. A network whose ends are not plain addresses of one family is left out. What
    was made of a file is kept in `kept`, a folder of the desk's, under the file's SHA-256.
    """
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    places = {name: kept / f"{digest}-{name}.parquet" for name in _TABLES}
    if not all(place.is_file() for place in places.values()):
        _make(desk, path)
        for name, place in places.items():
            made = desk.place(f"{name}.parquet")
            desk.run(f"COPY {name} TO {file(made)} (FORMAT parquet)")
            made.replace(place)
    for name, place in places.items():
        desk.run(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_parquet({file(place)})"
        )
    desk.run(
        "CREATE OR REPLACE TEMP TABLE ranges6 AS "
        "SELECT (hi::UHUGEINT << 64) | lo AS first, owner FROM halves6"
    )
    return desk.number("SELECT count(*) FROM holders")


_TABLES = ("holders", "boxes", "ranges4", "halves6")


def _make(desk: Desk, path: Path) -> None:
    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    told = ", ".join(f"{name}::VARCHAR AS {name}" for name in COLUMNS)
    desk.run(
        "CREATE OR REPLACE TEMP TABLE owners AS "
        f"SELECT row_number() OVER ()::INTEGER - 1 AS owner, * FROM (SELECT {told} "
        f"FROM {read}({file(path)}))"
    )
    desk.run(_BOXES)
    desk.run(_HOLDERS)
    desk.run(PAIRS)
    for end in ("first", "last"):
        desk.run(_numbers(end))
    four = desk.engine.execute(_BLOCKS4).fetchall()
    halved = desk.engine.execute(_BLOCKS6).fetchall()  # the driver is slow at 128-bit numbers
    six = [(a << 64 | b, c << 64 | d, owner) for a, b, c, d, owner in halved]
    lay_out(desk, flatten(four), flatten(six))
    desk.run(
        "CREATE OR REPLACE TEMP TABLE halves6 AS SELECT (first >> 64)::UBIGINT AS hi, "
        "(first & 18446744073709551615::UHUGEINT)::UBIGINT AS lo, owner FROM ranges6"
    )


def _numbers(end: str) -> str:
    """A table of one end of each network as a key."""
    ends = f"SELECT owner, {end} AS addr FROM owners"
    six = halves(f"({ends} WHERE contains({end}, ':'))", keep="owner")
    four = fours(f"({ends} WHERE NOT contains({end}, ':'))")
    return f"""
    CREATE OR REPLACE TEMP TABLE {end}_of AS
    SELECT owner, 0::UBIGINT AS hi, ({MAPPED} + k4)::UBIGINT AS lo
    FROM ({four}) WHERE k4 IS NOT NULL
    UNION ALL {six}
    """


_BOTH = "FROM first_of AS a JOIN last_of AS b USING (owner)"
_FOUR_A, _FOUR_B = is_four("a.hi", "a.lo"), is_four("b.hi", "b.lo")
_BLOCKS4 = (
    f"SELECT a.lo - {MAPPED}, b.lo - {MAPPED}, owner {_BOTH} "
    f"WHERE {_FOUR_A} AND {_FOUR_B} AND b.lo >= a.lo"
)
_BLOCKS6 = (
    "SELECT a.hi, a.lo, b.hi, b.lo, owner "
    f"{_BOTH} WHERE NOT {_FOUR_A} AND NOT {_FOUR_B} "
    "AND (b.hi > a.hi OR (b.hi = a.hi AND b.lo >= a.lo))"
)


_BOXES = """
CREATE OR REPLACE TEMP TABLE boxes AS
SELECT row_number() OVER ()::UINTEGER AS box, mailbox
FROM (SELECT DISTINCT mailbox FROM owners WHERE mailbox IS NOT NULL)
"""
_HOLDERS = """
CREATE OR REPLACE TEMP TABLE holders AS
SELECT owner, box, country FROM owners LEFT JOIN boxes USING (mailbox)
"""


def work_lists(desk: Desk, source: str) -> None:
    """Table `work`: what of `source` each mailbox would be told; without one, nobody would be."""
    rows = owned(source, keep="hi, lo, sign, seen")
    desk.run(
        "CREATE OR REPLACE TEMP TABLE work AS "
        "SELECT mailbox, country, count, items FROM ("
        "SELECT box, any_value(country) AS country, count(*) AS count, "
        "list({'hi': hi, 'lo': lo, 'sign': sign, 'seen': seen}) AS items "
        f"FROM ({rows}) LEFT JOIN holders USING (owner) GROUP BY box) LEFT JOIN boxes USING (box)"
    )
