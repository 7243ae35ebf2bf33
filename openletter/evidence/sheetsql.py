"""The SQL of a sheet (`columnar.Sheet`): its tables and the questions asked of them.

Tables: `raw` (a row a line), `six` (plain IPv6), `times`, `kinds` (what a
judgement rests on, numbered), `spoken` (what each kind says), `strays` (lines judged one by one),
`odd` (what those say), `uniq4` and `uniq6` (each statement once, with its first line).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from openletter.columns import keys
from openletter.columns.engine import file, literal
from openletter.columns.ranges import is_four
from openletter.evidence.layouts import Layout
from openletter.evidence.pieces import piece_of
from openletter.evidence.rules import signs

LINE_SHIFT = 24
"""Bits of a row's meaning behind its line, in one number whose smallest is the first row's."""
MAKE_ODD = (
    "CREATE OR REPLACE TEMP TABLE odd_rows "
    "(line UBIGINT, hi UBIGINT, lo UBIGINT, m UINTEGER, seen BIGINT, cells VARCHAR[])"
)


def rest(layout: Layout, prefix: str = "") -> str:
    """Names of the columns that hold what a judgement rests on."""
    return "".join(f", {prefix}r{at}" for at in range(len(layout.rest)))


def raw(path: Path, layout: Layout) -> str:
    """SQL: the straight file, a row a line; the text of a plain IPv4 address is not kept."""
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(layout.cells))
    force = ", ".join(f"'c{at}'" for at in range(layout.cells))
    read = (
        f"read_csv({file(path)}, header = false, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', comment = '', "
        f"new_line = '\\n', null_padding = false, ignore_errors = false, skip = 0, "
        f"force_not_null = [{force}])"
    )
    told = "".join(f", {one} AS r{at}" for at, one in enumerate(layout.rest))
    time = f", {layout.time} AS w" if layout.time else ""
    wanted = "".join(f", c{at}" for at in layout.wanted if stored(at, layout) == f"c{at}")
    kept = f"{', w' if time else ''}{rest(layout)}{wanted}"
    return f"""
    SELECT row_number() OVER ()::UBIGINT AS line, k4,
           CASE WHEN k4 IS NULL THEN addr END AS addr{kept}
    FROM (SELECT *, {keys.four("quad")} AS k4
          FROM (SELECT *, {keys.quad("addr")} AS quad
                FROM (SELECT *, {layout.address} AS addr{time}{told} FROM {read})))
    """


def whole(path: Path, layout: Layout) -> str:
    """The file as one table."""
    return f"CREATE OR REPLACE TEMP TABLE raw AS {raw(path, layout)}"


def in_pieces(path: Path, layout: Layout, *, folder: Path, pieces: int) -> str:
    """The file in pieces: IPv4 addresses by their hash, all other rows in the last."""
    piece = f"CASE WHEN k4 IS NULL THEN {pieces} ELSE {piece_of('k4', pieces)} END"
    return (
        f"COPY (SELECT *, ({piece})::USMALLINT AS piece FROM ({raw(path, layout)})) "
        f"TO {file(folder)} (FORMAT parquet, COMPRESSION lz4_raw, PARTITION_BY (piece))"
    )


def one_piece(files: Sequence[Path]) -> str:
    """One of the pieces as the table."""
    listed = ", ".join(file(path) for path in files)
    read = f"read_parquet([{listed}], hive_partitioning = false)"
    return f"CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM {read}"


def stored(at: int, layout: Layout) -> str:
    """Under which name a wanted cell stands in `raw`; that of a plain IPv4 address is NULL."""
    cell = f"c{at}"
    if cell in {layout.address, layout.time}:
        return "addr" if cell == layout.address else "w"
    return f"r{layout.rest.index(cell)}" if cell in layout.rest else cell


def six(layout: Layout) -> str:
    """Plain IPv6 rows, with all that is known of them; mapped IPv4 is spelled too oddly."""
    time = ", w" if layout.time else ""
    keep = f"line{time}{rest(layout)}"
    source = "(SELECT * FROM raw WHERE contains(addr, ':'))"
    return f"CREATE OR REPLACE TEMP TABLE six AS {keys.halves(source, keep=keep)}"


def kinds(layout: Layout, *, header_end: int) -> str:
    """Each combination of what a judgement rests on, and the line where it first stands."""
    names = rest(layout)
    found = f"SELECT min(line) AS line{names} FROM raw WHERE line > {header_end}"
    return (
        "CREATE OR REPLACE TEMP TABLE kinds AS "
        f"SELECT row_number() OVER ()::UINTEGER AS t, * FROM ({found} GROUP BY ALL)"
    )


def plain4(layout: Layout, columns: str, *, of: str = "spoken", header_end: int) -> str:
    """Plain IPv4 rows with what the table `of` knows of their kind; `columns` of both."""
    return f"""
    SELECT {columns} FROM (SELECT * FROM raw WHERE k4 IS NOT NULL AND line > {header_end}) AS row
    {_joined(layout, of)}
    """


def plain6(layout: Layout, columns: str, *, of: str = "spoken", header_end: int) -> str:
    """The same of plain IPv6 rows."""
    return f"""
    SELECT {columns} FROM (SELECT * FROM six WHERE line > {header_end}) AS row
    {_joined(layout, of)}
    """


def _joined(layout: Layout, of: str) -> str:
    names = rest(layout).removeprefix(", ")
    kind = f"JOIN {of} USING ({names})" if names else f"CROSS JOIN {of}"
    return f"{kind} JOIN times USING (w)" if layout.time else kind


def seen(layout: Layout) -> str:
    """When a plain row was seen, in microseconds: its own time, or its kind's."""
    return "times.seen" if layout.time else "spoken.seen"


def strays(
    layout: Layout, *, header_end: int, odd_times: bool, special: bool, unclear: bool
) -> str:
    """Lines that no kind speaks for: no plain address, no plain time, or a special one."""
    where = f"line > {header_end}"
    apart = "ANTI JOIN apart USING (line)"
    no_four = f"(SELECT line FROM raw WHERE k4 IS NULL AND {where})"
    found = [f"SELECT line FROM {no_four} ANTI JOIN six USING (line) {apart}"]
    if layout.time:
        odd = "w NOT IN (SELECT w FROM times)" if odd_times else "w = ''"
        found.append(f"SELECT line FROM (SELECT line FROM raw WHERE {odd} AND {where}) {apart}")
    if special:
        found += special_lines(header_end)
    if unclear:
        names = rest(layout).removeprefix(", ")
        kind = f"JOIN kinds USING ({names})" if names else "CROSS JOIN kinds"
        rows = f"(SELECT * FROM raw {apart} WHERE {where})"
        kinds_of = kind.replace("kinds", "(SELECT * EXCLUDE (line) FROM kinds)")
        found.append(f"SELECT line FROM {rows} {kinds_of} WHERE t IN (SELECT t FROM unclear)")
    return f"CREATE OR REPLACE TEMP TABLE strays AS {' UNION '.join(found)}"


def special_lines(header_end: int) -> list[str]:
    """Lines of plain rows whose address is special."""
    return [_special4(header_end), _special6(header_end)]


def refused(layout: Layout, *, header_end: int) -> str:
    """Plain rows of kinds that state nothing; their own strays apart."""
    names = rest(layout)
    columns, end = "t, line", header_end
    return f"""
    CREATE OR REPLACE TEMP TABLE refusing_kinds AS
    SELECT t{names} FROM kinds WHERE t IN (SELECT t FROM refusing);
    CREATE OR REPLACE TEMP TABLE refused AS SELECT * FROM (
      {plain4(layout, columns, of="refusing_kinds", header_end=end)}
      UNION ALL {plain6(layout, columns, of="refusing_kinds", header_end=end)})
    WHERE line NOT IN (SELECT line FROM strays)
    """


def _special4(header_end: int) -> str:
    return (
        "SELECT line FROM (SELECT line, k4 FROM raw WHERE k4 IS NOT NULL "
        f"AND line > {header_end}) AS row ASOF JOIN special4 ON row.k4 >= special4.first "
        "WHERE k4 <= special4.last"
    )


def _special6(header_end: int) -> str:
    return (
        "SELECT line FROM (SELECT line, (hi::UHUGEINT << 64) | lo AS number FROM six "
        f"WHERE line > {header_end}) AS row ASOF JOIN special6 ON row.number >= special6.first "
        "WHERE number <= special6.last"
    )


def unique4(layout: Layout, *, header_end: int, with_strays: bool) -> str:
    """Each statement about an IPv4 address once: its number, first row, newest time and count."""
    columns = (
        f"(k4::UBIGINT << {signs.BITS}) | sign AS id, (line << {LINE_SHIFT}) | m AS first, "
        f"{seen(layout)} AS seen"
    )
    rows = plain4(layout, columns, header_end=header_end)
    apart = "AND line NOT IN (SELECT line FROM strays)" if with_strays else ""
    return f"""
    CREATE OR REPLACE TEMP TABLE uniq4 AS
    SELECT id, min(first) AS first, max(seen) AS seen, count(*)::UINTEGER AS n
    FROM ({rows} WHERE is_ranked {apart}
          UNION ALL
          SELECT ((lo - {keys.MAPPED}) << {signs.BITS}) | sign, (line << {LINE_SHIFT}) | m, odd.seen
          FROM odd JOIN meanings USING (m) WHERE {is_four()} AND is_ranked)
    GROUP BY id
    """


def unique6(layout: Layout, *, header_end: int, with_strays: bool) -> str:
    """The same of IPv6 addresses."""
    columns = f"hi, lo, sign, (line << {LINE_SHIFT}) | m AS first, {seen(layout)} AS seen"
    rows = plain6(layout, columns, header_end=header_end)
    apart = "AND line NOT IN (SELECT line FROM strays)" if with_strays else ""
    return f"""
    CREATE OR REPLACE TEMP TABLE uniq6 AS
    SELECT hi, lo, sign, min(first) AS first, max(seen) AS seen, count(*)::UINTEGER AS n
    FROM ({rows} WHERE is_ranked {apart}
          UNION ALL
          SELECT hi, lo, sign, (line << {LINE_SHIFT}) | m, odd.seen
          FROM odd JOIN meanings USING (m) WHERE NOT {is_four()} AND is_ranked)
    GROUP BY hi, lo, sign
    """


def write(
    path: Path, layout: Layout, *, header_end: int, labels: Mapping[str, str], with_skips: bool
) -> str:
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
      FROM ({_statements(layout, header_end)}) AS told {skips if with_skips else ""}
    ) TO {file(path)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{told}}})
    """


def _statements(layout: Layout, header_end: int) -> str:
    cells = "".join(f", c{at}" for at in layout.wanted)
    kept = "".join(f", {stored(at, layout)} AS c{at}" for at in layout.wanted)
    says = f"sign, says, reason, code, is_ranked, {seen(layout)} AS seen"
    first = f"first >> {LINE_SHIFT} AS first_line"
    four = f"line, 0::UBIGINT AS hi, ({keys.MAPPED} + k4)::UBIGINT AS lo, {says}, {first}{kept}"
    six = f"line, hi, lo, {says}, {first}{cells}"
    odd = "".join(f", cells[{place}] AS c{at}" for place, at in enumerate(layout.wanted, start=1))
    uniq4 = f"JOIN (SELECT id, first FROM uniq4) ON id = (k4::UBIGINT << {signs.BITS}) | sign"
    uniq6 = "JOIN (SELECT hi, lo, sign, first FROM uniq6) USING (hi, lo, sign)"
    text = f"SELECT line AS text_line{kept} FROM raw"
    apart = "WHERE line NOT IN (SELECT line FROM strays)"
    return f"""
    {plain4(layout, four, header_end=header_end)} {uniq4} {apart}
    UNION ALL
    {plain6(layout, six, header_end=header_end)} JOIN ({text}) ON text_line = line {uniq6} {apart}
    UNION ALL
    SELECT line, hi, lo, sign, says, reason, code, is_ranked, odd.seen,
           coalesce(first, line << {LINE_SHIFT}) >> {LINE_SHIFT} AS first_line{odd}
    FROM odd JOIN meanings USING (m) LEFT JOIN ({_firsts()}) USING (hi, lo, sign)
    """


def _firsts() -> str:
    return f"""
    SELECT 0::UBIGINT AS hi, ({keys.MAPPED} + (id >> {signs.BITS}))::UBIGINT AS lo,
           (id & {(1 << signs.BITS) - 1})::UINTEGER AS sign, first
    FROM uniq4
    UNION ALL SELECT hi, lo, sign, first FROM uniq6
    """
