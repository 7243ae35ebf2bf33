"""A full feed beside the one before it: what is new, changed, still there, gone.

A statement is still there when the same source says the same of the same place again, changed when
it says something else of it. What isn't named any more has gone only if the feed can be trusted to
be complete (`rules.rounds.whole`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from openletter.columns.engine import Desk, file
from openletter.columns.keys import MAPPED
from openletter.columns.ranges import is_four
from openletter.evidence.pieces import ALL, Piece
from openletter.evidence.rules import signs


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Statements of a feed beside the ones before; `gone` counts what is named no more."""

    new: int
    changed: int
    same: int
    gone: int

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            same=self.same + other.same,
            gone=self.gone + other.gone,
        )


NOTHING = Compared(new=0, changed=0, same=0, gone=0)


def known_from(desk: Desk, files: Sequence[Path], piece: Piece = ALL) -> None:
    """Tables `known4` and `known6`: what earlier days said, each statement once."""
    ranked = f"(sign >> {signs.SAYS_SHIFT} & {signs.SAYS_MASK}) IN {signs.RANKED}"
    once = "judgement <> 'same-as'"
    rows = " UNION ALL ".join(f"SELECT * FROM read_parquet({file(path)})" for path in files)
    source = f"({rows})" if files else f"({_NO_ROWS})"
    distinct = "DISTINCT " if len(files) > 1 else ""
    desk.run(
        f"CREATE OR REPLACE TEMP TABLE known4 AS SELECT {distinct}"
        f"((lo - {MAPPED}) << {signs.BITS}) | sign AS id FROM {source} "
        f"WHERE {is_four()} AND {piece.holds} AND {once} AND {ranked}"
    )
    desk.run(
        f"CREATE OR REPLACE TEMP TABLE known6 AS SELECT {distinct}hi, lo, sign FROM {source} "
        f"WHERE NOT {is_four()} AND {piece.holds} AND {once} AND {ranked}"
    )


_NO_ROWS = "SELECT 0::UBIGINT AS hi, 0::UBIGINT AS lo, 0::UINTEGER AS sign, '' AS judgement LIMIT 0"


def compare(desk: Desk) -> Compared:
    """`uniq4`/`uniq6` beside `known4`/`known6`; leaves what is new in `fresh`."""
    desk.run(_FOUR)
    desk.run(_SIX)
    desk.run(_FRESH)
    unique = desk.number("SELECT (SELECT count(*) FROM uniq4) + (SELECT count(*) FROM uniq6)")
    (new, same, gone), *_ = desk.rows(_COUNTS)
    told = {"new": int(str(new)), "same": int(str(same)), "gone": int(str(gone))}
    return Compared(**told, changed=unique - told["new"] - told["same"])


_HOW = signs.HOW_BITS
_FOUR = f"""
CREATE OR REPLACE TEMP TABLE beside4 AS
SELECT uniq4.id, uniq4.first, uniq4.seen, known4.id AS before
FROM uniq4 FULL JOIN known4 ON uniq4.id >> {_HOW} = known4.id >> {_HOW}
"""
_SIX = f"""
CREATE OR REPLACE TEMP TABLE beside6 AS
SELECT uniq6.hi, uniq6.lo, uniq6.sign, uniq6.first, uniq6.seen, known6.sign AS before
FROM uniq6 FULL JOIN known6 ON uniq6.hi = known6.hi AND uniq6.lo = known6.lo
 AND uniq6.sign >> {_HOW} = known6.sign >> {_HOW}
"""
_COUNTS = """
SELECT sum(new)::BIGINT, sum(same)::BIGINT, sum(gone)::BIGINT FROM (
  SELECT count(*) FILTER (before IS NULL) AS new, count(*) FILTER (id = before) AS same,
         count(*) FILTER (id IS NULL) AS gone FROM beside4
  UNION ALL
  SELECT count(*) FILTER (before IS NULL), count(*) FILTER (sign = before),
         count(*) FILTER (sign IS NULL) FROM beside6)
"""
_FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT 0::UBIGINT AS hi, ({MAPPED} + (id >> {signs.BITS}))::UBIGINT AS lo,
       (id & {(1 << signs.BITS) - 1})::UINTEGER AS sign, seen
FROM beside4 WHERE before IS NULL
UNION ALL SELECT hi, lo, sign, seen FROM beside6 WHERE before IS NULL
"""
