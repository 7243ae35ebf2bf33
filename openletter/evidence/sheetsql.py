"""The SQL of a sheet (`columnar.Sheet`): its tables and the questions asked of them.

Tables: `lines` (a row a line, in no order), `kinds` (what a judgement rests on, numbered),
`late` (rows with a cell that isn't plain, or of a kind that no sample showed), `six` (plain IPv6),
`spoken` (what each kind says), `strays` (lines that no kind speaks for), `odd` (what those say),
`uniq4` and `uniq6` (each statement once, with its first line). Views: `plain4` and `plain6`, the
plain rows of a piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from openletter.columns import keys
from openletter.columns.engine import file, literal
from openletter.columns.ranges import is_four
from openletter.evidence.layouts import Layout
from openletter.evidence.pieces import Piece
from openletter.evidence.plaintimes import TimeForm, plausible
from openletter.evidence.rules import signs
from openletter.evidence.rules.judge import Circumstances

LINE_SHIFT = 24
"""Bits of a row's meaning behind its line, in one number whose smallest is the first row's."""
MAKE_ODD = (
    "CREATE OR REPLACE TEMP TABLE odd_rows "
    "(line UBIGINT, hi UBIGINT, lo UBIGINT, m UINTEGER, seen BIGINT, cells VARCHAR[])"
)


def rest(layout: Layout, prefix: str = "") -> str:
    """Names of the columns that hold what a judgement rests on."""
    return "".join(f", {prefix}r{at}" for at in range(len(layout.rest)))


def by_rest(layout: Layout, table: str) -> str:
    """SQL: a join with a table of kinds."""
    names = rest(layout).removeprefix(", ")
    return f"JOIN {table} USING ({names})" if names else f"CROSS JOIN {table}"


# -- reading -------------------------------------------------------------------------------------


def cells(path: Path, layout: Layout) -> str:
    """SQL: each line of a straight file: `line`, `addr`, `w`, `r0`... and the cells that are kept.

    Lines are numbered before anything else happens to them: joins keep no order.
    """
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(layout.cells))
    force = ", ".join(f"'c{at}'" for at in range(layout.cells))
    read = (
        f"read_csv({file(path)}, header = false, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', comment = '', "
        f"new_line = '\\n', null_padding = false, ignore_errors = false, skip = 0, "
        f"force_not_null = [{force}])"
    )
    told = "".join(f", {one} AS r{at}" for at, one in enumerate(layout.rest))
    time = layout.time or "''"
    kept = "".join(f", c{at}" for at in layout.kept)
    return (
        f"SELECT line, {layout.address} AS addr, {time} AS w{told}{kept} "
        f"FROM (SELECT row_number() OVER ()::UBIGINT AS line, * FROM {read})"
    )


def kinds(sample: Path, layout: Layout) -> str:
    """The combinations that a sample shows of what a judgement rests on."""
    names = rest(layout).removeprefix(", ")
    found = f"SELECT DISTINCT {names} FROM ({cells(sample, layout)})" if names else "SELECT 1"
    listed = f"row_number() OVER ()::UINTEGER AS t{rest(layout)}"
    return f"CREATE OR REPLACE TEMP TABLE kinds AS SELECT {listed} FROM ({found})"


def sampled_times(sample: Path, layout: Layout) -> str:
    """Some times as the file writes them."""
    return f"SELECT w FROM ({cells(sample, layout)}) WHERE w <> '' LIMIT 100"


def lines(path: Path, layout: Layout, *, form: TimeForm | None, around: Circumstances) -> str:
    """The file as a table; of a row that is plain in all, no text is kept but `kept`."""
    told = (form.read("w") if form else "NULL::BIGINT") if layout.time else "0::BIGINT"
    seen = plausible("told", around) if layout.time else "told"
    kept = "".join(f", c{at}" for at in layout.kept)
    texts = "".join(f", r{at}" for at in range(len(layout.rest)))
    names = " AND ".join(f"row.r{at} = kinds.r{at}" for at in range(len(layout.rest)))
    dated = (
        f"(SELECT row.*, kinds.t FROM (SELECT *, {seen} AS seen "
        f"FROM (SELECT *, {told} AS told FROM ({cells(path, layout)}))) AS row "
        f"LEFT JOIN kinds ON {names or 'true'})"
    )
    return f"""
    CREATE OR REPLACE TEMP TABLE lines AS
    SELECT line, k4, seen, t{kept},
           CASE WHEN k4 IS NULL OR seen IS NULL OR t IS NULL THEN [addr, w{texts}] END AS odd
    FROM ({keys.fours(dated)})
    """


def odds(layout: Layout, *, header_end: int) -> str:
    """Rows with something about them, beside those that were judged while reading."""
    told = "".join(f", odd[{at + 3}] AS r{at}" for at in range(len(layout.rest)))
    whole = "[" + ", ".join(f"c{at}" for at in layout.kept) + "]"
    shown = "NULL::VARCHAR[]" if layout.is_cellwise else whole
    return f"""
    CREATE OR REPLACE TEMP TABLE odds AS
    SELECT * FROM (SELECT line, k4, seen, t, odd[1] AS addr, odd[2] AS w, {shown} AS whole{told}
                   FROM lines WHERE odd IS NOT NULL AND line > {header_end})
    ANTI JOIN apart USING (line)
    """


ODD_TIMES = "SELECT DISTINCT w FROM odds WHERE seen IS NULL AND w <> ''"


def late_kinds(layout: Layout) -> str:
    """Kinds that no sample showed."""
    names = rest(layout).removeprefix(", ")
    return (
        "INSERT INTO kinds SELECT ((SELECT count(*) FROM kinds) + row_number() OVER ())::UINTEGER, "
        f"{names} FROM (SELECT DISTINCT {names} FROM odds WHERE t IS NULL)"
    )


def late(layout: Layout) -> str:
    """The odd rows with their kind, and their time where it could be read."""
    known = f"(SELECT * EXCLUDE (t) FROM odds) {by_rest(layout, 'kinds')}"
    return f"""
    CREATE OR REPLACE TEMP TABLE late AS
    SELECT line, k4, coalesce(told.seen, times.seen) AS seen, t, addr, w, whole
    FROM (SELECT * FROM {known}) AS told LEFT JOIN times USING (w)
    """


SIX = "CREATE OR REPLACE TEMP TABLE six AS " + keys.halves(
    "(SELECT * FROM late WHERE contains(addr, ':'))", keep="line, t, seen"
)


def texts(layout: Layout) -> str:
    """SQL: `line` and the wanted cells of each row; NULL spells a plain IPv4 address."""
    told = "".join(f", {_text(at, layout)} AS c{at}" for at in layout.wanted)
    return f"SELECT line, k4{told} FROM lines LEFT JOIN kinds USING (t)"


def _text(at: int, layout: Layout) -> str:
    cell = f"c{at}"
    if at in layout.kept:
        return f"lines.{cell}"
    if cell == layout.address:
        return "CASE WHEN k4 IS NULL THEN odd[1] END"
    if cell == layout.time:
        return f"coalesce(odd[2], {layout.spelled})" if layout.spelled else "odd[2]"
    if cell in layout.rest:
        place = layout.rest.index(cell)
        return f"coalesce(odd[{place + 3}], kinds.r{place})"
    return "''"


# -- plain rows ----------------------------------------------------------------------------------


def plain(piece: Piece, *, header_end: int) -> str:
    """The views of a piece's plain rows."""
    four, six = piece.of_four("k4"), "true" if piece.has_six else "false"
    return f"""
    CREATE OR REPLACE TEMP VIEW plain4 AS
    SELECT line, k4, t, seen FROM lines
    WHERE odd IS NULL AND line > {header_end} AND {four}
    UNION ALL SELECT line, k4, t, seen FROM late
    WHERE k4 IS NOT NULL AND seen IS NOT NULL AND {four};
    CREATE OR REPLACE TEMP VIEW plain6 AS
    SELECT line, hi, lo, t, seen FROM six WHERE seen IS NOT NULL AND {six}
    """


def first_plain(*, special: bool) -> str:
    """The first plain row of each kind, of an address that is nothing special."""
    apart = "WHERE line NOT IN (SELECT line FROM special)" if special else ""
    rows = "SELECT t, line FROM plain4 UNION ALL SELECT t, line FROM plain6"
    return f"SELECT t, min(line) FROM ({rows}) {apart} GROUP BY t"


SPECIAL = """
CREATE OR REPLACE TEMP TABLE special AS
SELECT line FROM (SELECT line, k4 FROM plain4 UNION ALL
                  SELECT line, k4 FROM late WHERE k4 IS NOT NULL AND seen IS NULL) AS row
ASOF JOIN special4 ON row.k4 >= special4.first WHERE k4 <= special4.last
UNION ALL
SELECT line FROM (SELECT line, (hi::UHUGEINT << 64) | lo AS number FROM six) AS row
ASOF JOIN special6 ON row.number >= special6.first WHERE number <= special6.last
"""
"""Lines whose row is judged for its address: fillers, exceptions, exits, scanners."""
NO_SPECIAL = "CREATE OR REPLACE TEMP TABLE special (line UBIGINT)"
LOOSE = """
CREATE OR REPLACE TEMP TABLE loose AS
SELECT late.line, late.t,
       coalesce(whole, CASE WHEN k4 IS NULL AND six.line IS NULL THEN [addr] END) AS addr,
       CASE WHEN late.seen IS NULL THEN w END AS w
FROM late LEFT JOIN (SELECT line FROM six) AS six USING (line)
WHERE (k4 IS NULL AND six.line IS NULL) OR late.seen IS NULL
"""
"""Rows without a plain address or time; of whole cells, what is plain is left out."""
ALIKE = """
CREATE OR REPLACE TEMP TABLE alike AS
SELECT row_number() OVER ()::UINTEGER AS g, *
FROM (SELECT addr, w, t, min(line) AS first_line, count(*) AS n
      FROM loose ANTI JOIN special USING (line) GROUP BY addr, w, t)
"""
"""Of loose rows that differ in nothing that a refusal rests on, the first, and how many."""
_GROUPED = """
loose JOIN alike ON loose.t = alike.t AND loose.addr IS NOT DISTINCT FROM alike.addr
AND loose.w IS NOT DISTINCT FROM alike.w
"""
_PLAIN = "(SELECT t, line FROM plain4 UNION ALL SELECT t, line FROM plain6)"
REFUSED = f"""
CREATE OR REPLACE TEMP TABLE refused AS
SELECT line, t, NULL::UINTEGER AS g FROM {_PLAIN}
SEMI JOIN refusing USING (t) ANTI JOIN special USING (line)
UNION ALL
SELECT loose.line, NULL, g FROM {_GROUPED} SEMI JOIN refusing_alike USING (g)
WHERE loose.line NOT IN (SELECT line FROM special)
"""
"""Lines of kinds, and of loose rows, that state nothing."""
STRAYS = f"""
CREATE OR REPLACE TEMP TABLE strays AS
SELECT line FROM special
UNION SELECT line FROM {_PLAIN} SEMI JOIN unclear USING (t)
UNION SELECT loose.line FROM {_GROUPED} ANTI JOIN refusing_alike USING (g)
"""
"""Lines that no kind speaks for and that are judged one by one."""


# -- each statement once -------------------------------------------------------------------------

ID = f"(k4::UBIGINT << {signs.BITS}) | sign"
_FIRST = f"(line << {LINE_SHIFT}) | m"
_ODD4 = f"((lo - {keys.MAPPED}) << {signs.BITS}) | sign"


def spoken_rows(view: str, columns: str, layout: Layout, *, apart: bool) -> str:
    """SQL: plain rows with what their kind says; `columns` may name `moment`."""
    moment = "seen" if layout.time else "says_when"
    strays = "WHERE line NOT IN (SELECT line FROM strays)" if apart else ""
    return (
        f"SELECT {columns} FROM (SELECT *, {moment} AS moment FROM {view} "
        f"JOIN spoken USING (t) {strays})"
    )


def unique4(layout: Layout, *, apart: bool) -> str:
    """Each statement about an IPv4 address once: its number, first row, newest time and count."""
    columns = f"{ID} AS id, {_FIRST} AS first, moment"
    rows = spoken_rows("plain4", columns, layout, apart=apart)
    return f"""
    CREATE OR REPLACE TEMP TABLE uniq4 AS
    SELECT id, min(first) AS first, max(moment) AS seen, count(*)::UINTEGER AS n
    FROM ({rows} WHERE is_ranked
          UNION ALL
          SELECT {_ODD4}, {_FIRST}, odd.seen
          FROM odd JOIN meanings USING (m) WHERE {is_four()} AND is_ranked)
    GROUP BY id
    """


def unique6(layout: Layout, *, apart: bool) -> str:
    """The same of IPv6 addresses."""
    columns = f"hi, lo, sign, {_FIRST} AS first, moment"
    rows = spoken_rows("plain6", columns, layout, apart=apart)
    return f"""
    CREATE OR REPLACE TEMP TABLE uniq6 AS
    SELECT hi, lo, sign, min(first) AS first, max(moment) AS seen, count(*)::UINTEGER AS n
    FROM ({rows} WHERE is_ranked
          UNION ALL
          SELECT hi, lo, sign, {_FIRST}, odd.seen
          FROM odd JOIN meanings USING (m) WHERE NOT {is_four()} AND is_ranked)
    GROUP BY hi, lo, sign
    """


def write(
    path: Path, layout: Layout, *, header_end: int, labels: Mapping[str, str], with_skips: bool,
    apart: bool,
) -> str:  # fmt: skip
    """All statements to a file, a row each as the judge would have put it, in no order."""
    told = ", ".join(f"{name}: {literal(text)}" for name, text in sorted(labels.items()))
    is_double = "is_ranked AND first_line < told.line"
    skips = (
        "ASOF LEFT JOIN skips AS told_skips ON told.line >= told_skips.line "
        "ASOF LEFT JOIN skips AS first_skips ON told.first_line >= first_skips.line"
    )
    n_told = "coalesce(told_skips.n, 0)" if with_skips else "0"
    n_first = "coalesce(first_skips.n, 0)" if with_skips else "0"
    cells = "".join(f", told.c{at}" for at in layout.wanted)
    return f"""
    COPY (
      SELECT (told.line - {header_end} - {n_told})::UBIGINT AS "row", told.line, told.hi, told.lo,
             told.sign, CASE WHEN {is_double} THEN 'same-as' ELSE says END AS judgement, says,
             CASE WHEN {is_double} THEN 'same-target' ELSE reason END AS reason, code, told.seen,
             CASE WHEN {is_double} THEN (first_line - {header_end} - {n_first})::UBIGINT END
               AS same_as{cells}
      FROM ({_statements(layout, apart=apart)}) AS told {skips if with_skips else ""}
    ) TO {file(path)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{told}}})
    """


def _statements(layout: Layout, *, apart: bool) -> str:
    cells = "".join(f", c{at}" for at in layout.wanted)
    says = "sign, says, reason, code, is_ranked, moment AS seen"
    first = f"first >> {LINE_SHIFT} AS first_line"
    four = f"line, 0::UBIGINT AS hi, ({keys.MAPPED} + k4)::UBIGINT AS lo, {says}, {ID} AS id"
    six = f"line, hi, lo, {says}"
    odd = "".join(f", cells[{place}] AS c{at}" for place, at in enumerate(layout.wanted, start=1))
    uniq4 = "JOIN (SELECT id, first FROM uniq4) USING (id)"
    uniq6 = "JOIN (SELECT hi, lo, sign, first FROM uniq6) USING (hi, lo, sign)"
    text = f"JOIN ({texts(layout)}) USING (line)"
    return f"""
    SELECT * EXCLUDE (id, first, k4{cells}), {first}{cells}
    FROM ({spoken_rows("plain4", four, layout, apart=apart)}) {uniq4} {text}
    UNION ALL
    SELECT * EXCLUDE (first, k4{cells}), {first}{cells}
    FROM ({spoken_rows("plain6", six, layout, apart=apart)}) {uniq6} {text}
    UNION ALL
    SELECT line, hi, lo, sign, says, reason, code, is_ranked, odd.seen,
           coalesce(first, line << {LINE_SHIFT}) >> {LINE_SHIFT} AS first_line{odd}
    FROM odd JOIN meanings USING (m) LEFT JOIN ({_FIRSTS}) USING (hi, lo, sign)
    """


_FIRSTS = f"""
SELECT 0::UBIGINT AS hi, ({keys.MAPPED} + (id >> {signs.BITS}))::UBIGINT AS lo,
       (id & {(1 << signs.BITS) - 1})::UINTEGER AS sign, first
FROM uniq4
UNION ALL SELECT hi, lo, sign, first FROM uniq6
"""
