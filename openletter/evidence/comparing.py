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


def known_from(desk: Desk, files: Sequence[Path], *, once: bool = False) -> None:
    """`known4` and `known6`: what earlier days said, each statement once.

    Kept as tables, but where they are asked only once, and would be written to be read.
    """
    ranked = f"(sign >> {signs.SAYS_SHIFT} & {signs.SAYS_MASK}) IN {signs.RANKED}"
    rows = " UNION ALL ".join(f"SELECT * FROM read_parquet({file(path)})" for path in files)
    source = f"({rows})" if files else f"({_NO_ROWS})"
    how = f"{source} WHERE judgement <> 'same-as' AND {ranked}"
    distinct = "DISTINCT " if len(files) > 1 else ""
    four = f"SELECT {distinct}((lo - {MAPPED}) << {signs.BITS}) | sign AS id FROM {how}"
    six = f"SELECT {distinct}hi, lo, sign FROM {how}"
    asked = {"known4": f"{four} AND {is_four()}", "known6": f"{six} AND NOT {is_four()}"}
    for name, query in asked.items():
        if not once:
            desk.run(f"CREATE OR REPLACE TEMP TABLE kept_{name} AS {query}")
        found = query if once else f"SELECT * FROM kept_{name}"
        desk.run(f"CREATE OR REPLACE TEMP VIEW {name} AS {found}")


_NO_ROWS = "SELECT 0::UBIGINT AS hi, 0::UBIGINT AS lo, 0::UINTEGER AS sign, '' AS judgement LIMIT 0"


def compare(desk: Desk, piece: Piece = ALL) -> Compared:
    """`uniq4`/`uniq6` beside what is known of this piece; leaves what is new in `fresh`.

    One pass each: what is new is gathered in the row that has the counts, so that nothing of what
    is known has to be written down again.
    """
    desk.run(_beside(piece))
    desk.run(_FRESH)
    unique = desk.number("SELECT (SELECT count(*) FROM uniq4) + (SELECT count(*) FROM uniq6)")
    counts = "SELECT sum(new)::BIGINT, sum(same)::BIGINT, sum(gone)::BIGINT FROM beside"
    (new, same, gone), *_ = desk.rows(counts)
    desk.run("DROP TABLE beside")
    told = {"new": int(str(new)), "same": int(str(same)), "gone": int(str(gone))}
    return Compared(**told, changed=unique - told["new"] - told["same"])


_HOW = signs.HOW_BITS
_COUNTED = (
    "count(*) FILTER (before IS NULL) AS new, count(*) FILTER (sign = before) AS same, "
    "count(*) FILTER (sign IS NULL) AS gone, "
)


def _beside(piece: Piece) -> str:
    here = piece.of_four(f"(id >> {signs.BITS})::UINTEGER")
    return f"""
    CREATE OR REPLACE TEMP TABLE beside AS
    SELECT {_COUNTED} list({{'id': sign, 'seen': seen}}) FILTER (before IS NULL) AS news4,
           NULL::STRUCT(hi UBIGINT, lo UBIGINT, sign UINTEGER, seen BIGINT)[] AS news6
    FROM (SELECT uniq4.id AS sign, uniq4.seen, known.id AS before
          FROM uniq4 FULL JOIN (SELECT id FROM known4 WHERE {here}) AS known
          ON uniq4.id >> {_HOW} = known.id >> {_HOW})
    UNION ALL
    SELECT {_COUNTED} NULL, list({{'hi': hi, 'lo': lo, 'sign': sign, 'seen': seen}})
           FILTER (before IS NULL)
    FROM (SELECT uniq6.hi, uniq6.lo, uniq6.sign, uniq6.seen, known.sign AS before
          FROM uniq6 FULL JOIN (SELECT * FROM known6 WHERE {str(piece.has_six).lower()}) AS known
          ON uniq6.hi = known.hi AND uniq6.lo = known.lo
          AND uniq6.sign >> {_HOW} = known.sign >> {_HOW})
    """


_FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT 0::UBIGINT AS hi, ({MAPPED} + (id >> {signs.BITS}))::UBIGINT AS lo,
       (id & {(1 << signs.BITS) - 1})::UINTEGER AS sign, seen
FROM (SELECT unnest(news4, recursive := true) FROM beside WHERE news4 IS NOT NULL)
UNION ALL
SELECT hi, lo, sign, seen
FROM (SELECT unnest(news6, recursive := true) FROM beside WHERE news6 IS NOT NULL)
"""
