"""DuckDB beside Polars on the same files (made by bench/bulk.py): the choice of ADR 12.

    bench/engines.py DIR

The same work in both, as short as it can be said: read, take IPv4 and IPv6 apart, drop what is
malformed, count doubles, join with the day before. Each in a process of its own.
"""

# ruff: noqa: INP001, PLC0415 - a script, whose parts are processes of their own
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
QUAD = "^" + r"\.".join([OCTET] * 4) + "$"
SIX = "^([0-9a-f]{1,4}):([0-9a-f]{1,4}):([0-9a-f]{1,4}):([0-9a-f]{1,4})::1$"


def polars(folder: Path) -> None:
    """Read, judge, unite and compare in Polars, all of it in memory."""
    import polars as pl

    def keyed(name: str) -> pl.DataFrame:
        rows = pl.read_csv(folder / name, schema_overrides={"seen_at": pl.String})
        four = rows.select(
            pl.col("ip").str.extract_groups(QUAD).alias("quad"), "kind", "port", "seen_at"
        ).filter(pl.col("quad").struct.field("1").is_not_null())
        octets = [pl.col("quad").struct.field(str(at)).cast(pl.UInt64) for at in range(1, 5)]
        shifted = octets[0] * 2**24 + octets[1] * 2**16 + octets[2] * 2**8 + octets[3]
        four = four.select(shifted.alias("hi"), "kind", "port", "seen_at")
        six = rows.select(
            pl.col("ip").str.extract_groups(SIX).alias("six"), "kind", "port", "seen_at"
        ).filter(pl.col("six").struct.field("1").is_not_null())
        groups = [
            pl.col("six").struct.field(str(at)).str.to_integer(base=16).cast(pl.UInt64)
            for at in range(1, 5)
        ]
        high = groups[0] * 2**48 + groups[1] * 2**32 + groups[2] * 2**16 + groups[3]
        six = six.select(high.alias("hi"), "kind", "port", "seen_at")
        whole = pl.concat([four, six]).with_columns(
            pl.col("seen_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.epoch("s")
        )
        return whole.group_by("hi", "kind", "port").agg(pl.col("seen_at").max(), pl.len())

    now, known = keyed("findings.csv"), keyed("before.csv")
    same = now.join(known, on=["hi", "kind", "port"], how="semi").height
    told(now.height - same, same, known.height - same)


def duck(folder: Path) -> None:
    """The same in DuckDB, with the memory that the product gives it."""
    import duckdb

    engine = duckdb.connect()
    engine.execute("SET threads = 2; SET memory_limit = '2000MB'")
    engine.execute(f"SET temp_directory = '{folder / 'work' / 'spill'}'")
    quad = " | ".join(f"(quad.{name}::UBIGINT << {24 - 8 * at})" for at, name in enumerate("abcd"))
    high = " | ".join(
        f"(('0x' || lpad(six.{name}, 4, '0'))::UBIGINT << {48 - 16 * at})"
        for at, name in enumerate("abcd")
    )
    for table, name in (("now", "findings.csv"), ("known", "before.csv")):
        engine.execute(
            f"""
            CREATE TABLE raw AS SELECT * FROM read_csv('{folder / name}', header = true,
              auto_detect = false, columns = {{'ip': 'VARCHAR', 'source': 'VARCHAR',
              'kind': 'VARCHAR', 'seen_at': 'VARCHAR', 'port': 'USMALLINT'}});
            CREATE TABLE {table} AS SELECT hi, kind, port, max(seen) AS seen, count(*) AS n FROM (
              SELECT {quad} AS hi, kind, port, seen_at::TIMESTAMP AS seen FROM (
                SELECT regexp_extract(ip, '{QUAD}', ['a', 'b', 'c', 'd']) AS quad, * FROM raw)
              WHERE quad.a <> ''
              UNION ALL SELECT {high}, kind, port, seen_at::TIMESTAMP FROM (
                SELECT regexp_extract(ip, '{SIX}', ['a', 'b', 'c', 'd']) AS six, * FROM raw
                WHERE contains(ip, ':')) WHERE six.a <> '')
            GROUP BY ALL;
            DROP TABLE raw
            """
        )
    counts = "SELECT (SELECT count(*) FROM now), (SELECT count(*) FROM known)"
    now, known = engine.execute(counts).fetchall()[0]
    joined = "SELECT count(*) FROM now SEMI JOIN known USING (hi, kind, port)"
    same = engine.execute(joined).fetchall()[0][0]
    told(now - same, same, known - same)


def told(new: int, same: int, gone: int) -> None:
    """What came out, to be compared."""
    sys.stdout.write(f"new {new:,}, same {same:,}, gone {gone:,}\n")


if __name__ == "__main__":
    from bulk import run_part

    folder = Path(sys.argv[1]).resolve()
    if len(sys.argv) > 2:
        globals()[sys.argv[2]](folder)
    else:
        for name in ("polars", "duck"):
            wall, cpu, memory, _ = run_part(name, folder, script=__file__)
            sys.stdout.write(f"| {name} | {wall:.1f} s | {cpu:.1f} s | {memory:.2f} GB |\n")
