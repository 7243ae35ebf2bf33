"""Networks and who answers for them, from a file: first, last, mailbox and country as texts."""

from __future__ import annotations

from pathlib import Path

from openletter.columns.engine import Desk, file
from openletter.columns.keys import MAPPED, four, halves, quad
from openletter.columns.ranges import flatten, is_four, lay_out, owned

COLUMNS = ("first", "last", "mailbox", "country")


def from_file(desk: Desk, path: Path) -> int:
    """Tables `ranges4`, `ranges6` and `owners` (owner, mailbox, country); returns networks read.

    Parquet or CSV. A network whose ends are not plain addresses of one family is left out.
    """
    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    told = ", ".join(f"{name}::VARCHAR AS {name}" for name in COLUMNS)
    desk.run(
        "CREATE OR REPLACE TEMP TABLE owners AS "
        f"SELECT row_number() OVER ()::INTEGER - 1 AS owner, * FROM (SELECT {told} "
        f"FROM {read}({file(path)}))"
    )
    for end in ("first", "last"):
        desk.run(_numbers(end))
    blocks = list(desk.rows(_BLOCKS))
    sides: tuple[list[tuple[int, int, int]], ...] = ([], [])
    for version, first, last, owner in blocks:
        sides[version == 6].append((int(str(first)), int(str(last)), int(str(owner))))
    lay_out(desk, flatten(sides[0]), flatten(sides[1]))
    return len(blocks)


def _numbers(end: str) -> str:
    """A table of one end of each network as a key."""
    six = halves(
        f"(SELECT owner, {end} AS addr FROM owners WHERE contains({end}, ':'))", keep="owner"
    )
    return f"""
    CREATE OR REPLACE TEMP TABLE {end}_of AS
    SELECT owner, 0::UBIGINT AS hi, ({MAPPED} + {four("quad")})::UBIGINT AS lo
    FROM (SELECT owner, {quad(end)} AS quad FROM owners WHERE NOT contains({end}, ':'))
    WHERE {four("quad")} IS NOT NULL
    UNION ALL {six}
    """


_BLOCKS = f"""
SELECT CASE WHEN {is_four("a.hi", "a.lo")} THEN 4 ELSE 6 END AS version,
  CASE WHEN {is_four("a.hi", "a.lo")} THEN (a.lo - {MAPPED})::UHUGEINT
       ELSE (a.hi::UHUGEINT << 64) | a.lo END,
  CASE WHEN {is_four("a.hi", "a.lo")} THEN (b.lo - {MAPPED})::UHUGEINT
       ELSE (b.hi::UHUGEINT << 64) | b.lo END, owner
FROM first_of AS a JOIN last_of AS b USING (owner)
WHERE {is_four("a.hi", "a.lo")} = {is_four("b.hi", "b.lo")} AND (b.hi, b.lo) >= (a.hi, a.lo)
"""


def work_lists(desk: Desk, source: str) -> None:
    """Table `work`: what of `source` each mailbox would be told; without one, nobody would be."""
    rows = owned(source, keep="hi, lo, sign, seen")
    desk.run(
        "CREATE OR REPLACE TEMP TABLE work AS "
        "SELECT mailbox, any_value(country) AS country, count(*) AS count, "
        "list({'hi': hi, 'lo': lo, 'sign': sign, 'seen': seen}) AS items "
        f"FROM ({rows}) LEFT JOIN owners USING (owner) GROUP BY mailbox"
    )
