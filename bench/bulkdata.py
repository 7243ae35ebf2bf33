"""Made-up findings, known rows and netblocks for bench/bulk.py: the same for the same numbers.

Addresses are drawn from the whole space as numbers; nothing is ever sent to one. The files are
written to a scratch folder and never kept in the repository.
"""

# ruff: noqa: INP001 - a script

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

KINDS = ("open-relay", "open-http-proxy", "open-socks", "socks5")
PORTS = (25, 3128, 1080, 9050)
SECONDS = 86_400
HEADER = "ip,source,kind,seen_at,port"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many rows, hosts that rows are drawn from, rows known before, and netblocks."""

    rows: int = 10_000_000
    hosts: int = 16_000_000
    known: int = 9_000_000
    blocks: int = 950_000


def macros(connection: duckdb.DuckDBPyConnection) -> None:
    """`draw(n, salt, below)`: a number that looks drawn, the same every time."""
    connection.execute(
        "CREATE MACRO draw(n, salt, below) AS (hash(n * 1000003 + salt) % below::UBIGINT)::BIGINT"
    )


def netblocks(connection: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Table `blocks`: allocations, and what was reassigned inside them; four in five are IPv4."""
    connection.execute(
        f"""
        CREATE TABLE blocks AS WITH
        four AS (SELECT n, [14,15,16,17,18,19,20,21,22][1 + draw(n, 1, 9)] AS bits,
                 ((16777216 + draw(n, 2, 3707764736)) >> (32 - bits)) << (32 - bits) AS first
                 FROM range({size.blocks // 25}) AS r(n)),
        six AS (SELECT n, [29,32,36,40][1 + draw(n, 3, 4)] AS bits,
                ((2305843009213693952 + draw(n, 4, 1152921504606846976)) >> (64 - bits))
                << (64 - bits) AS first FROM range({size.blocks // 50}) AS r(n)),
        four_in AS (SELECT m AS n,
                    greatest([24,25,26,27,28,29,30,32][1 + draw(m, 5, 8)], bits + 1) AS inner_bits,
                    ((first + draw(m, 6, (1::BIGINT << (32 - bits)))) >> (32 - inner_bits))
                    << (32 - inner_bits) AS first
                    FROM range({size.blocks * 19 // 25}) AS r(m)
                    JOIN four ON four.n = draw(m, 7, {size.blocks // 25})),
        six_in AS (SELECT m AS n,
                   greatest([44,48,56,64][1 + draw(m, 8, 4)], bits + 1) AS inner_bits,
                   ((first + draw(m, 9, (1::BIGINT << (64 - bits)))) >> (64 - inner_bits))
                   << (64 - inner_bits) AS first
                   FROM range({size.blocks * 9 // 50}) AS r(m)
                   JOIN six ON six.n = draw(m, 10, {size.blocks // 50})),
        every AS (SELECT 4 AS version, first, bits, n FROM four
                  UNION ALL SELECT 4, first, inner_bits, n + 100000000 FROM four_in
                  UNION ALL SELECT 6, first, bits, n + 200000000 FROM six
                  UNION ALL SELECT 6, first, inner_bits, n + 300000000 FROM six_in)
        SELECT version::UTINYINT AS version, first::UBIGINT AS first,
               (first + ((1::BIGINT << ((CASE version WHEN 4 THEN 32 ELSE 64 END) - bits)) - 1))
               ::UBIGINT AS last, bits::UTINYINT AS bits,
               'abuse@n' || floor(pow(draw(n, 11, 1000000) / 1000000, 4) * 150000)::INTEGER
               || '.example' AS mailbox,
               (['NL', 'US', 'BR', 'JP', 'DE', 'ID', 'ZA', 'FR'])[1 + draw(n, 13, 8)] AS country
        FROM every
        """
    )


def hosts(connection: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Table `host`: what rows are drawn from; one in twenty IPv6, three in a hundred unowned."""
    connection.execute(
        "CREATE TABLE numbered AS SELECT *, "
        "row_number() OVER (ORDER BY version, first, bits, mailbox) - 1 AS n FROM blocks"
    )
    connection.execute(
        f"""
        CREATE TABLE host AS
        SELECT h.n, draw(h.n, 23, 4)::UTINYINT AS kind,
               CASE WHEN draw(h.n, 24, 100) < 3 AND b.version = 4
                    THEN 16777216 + draw(h.n, 25, 3707764736)
                    ELSE b.first + draw(h.n, 26, b.last - b.first + 1) END AS hi,
               b.version AS version
        FROM (SELECT n, CASE WHEN n % 20 = 0
                        THEN {size.blocks * 4 // 5} + draw(n, 20, {size.blocks // 5 - 10})
                        ELSE draw(n, 21, {size.blocks * 4 // 5 - 10}) END AS at
              FROM range({size.hosts}) AS r(n)) AS h
        JOIN numbered AS b ON b.n = h.at
        """
    )
    connection.execute("DROP TABLE numbered")


TEXT = """
CASE version WHEN 4 THEN (hi >> 24) || '.' || (hi >> 16 & 255) || '.' || (hi >> 8 & 255) || '.'
  || (hi & 255)
ELSE format('{:x}:{:x}:{:x}:{:x}::1', hi >> 48, hi >> 32 & 65535, hi >> 16 & 65535, hi & 65535) END
"""
BROKEN = (
    "['999.1.2.3', '192.0.2.010', 'host.example', '', '192.0.2.0/24', '2001:db8::g', "
    "'192.0.2', 'fe80::1%eth0', '=cmd()', '1.2.3.4.5']"
)


def _text(end: str) -> str:
    """SQL: one end of a network as text; the last address of an IPv6 one ends in all ones."""
    tail = ":ffff:ffff:ffff:ffff" if end == "last" else "::"
    groups = ", ".join(f"{end} >> {shift} & 65535" for shift in (48, 32, 16, 0))
    six = f"format('{{:x}}:{{:x}}:{{:x}}:{{:x}}{tail}', {groups})"
    four = " || '.' || ".join(f"({end} >> {shift} & 255)" for shift in (24, 16, 8, 0))
    return f"CASE version WHEN 4 THEN {four} ELSE {six} END"


def findings(connection: duckdb.DuckDBPyConnection, path: Path, size: Size, *, day: int) -> None:
    """A CSV of `rows` rows in no order, one in two hundred broken."""
    connection.execute(
        f"""
        COPY (
          SELECT CASE WHEN draw(r.n, 30 + {day}, 200) = 0
                 THEN ({BROKEN})[1 + draw(r.n, 31, 10)] ELSE {TEXT} END AS ip,
            'src' || draw(r.n, 32, 12) AS source,
            {list(KINDS)}[1 + kind] AS kind,
            strftime(to_timestamp(1764000000 + {day * SECONDS} + draw(r.n, 33, {SECONDS}))
                     AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS seen_at,
            {list(PORTS)}[1 + kind] AS port
          FROM (SELECT n, draw(n, 34 + {day}, {size.hosts}) AS at FROM range({size.rows}) AS q(n)) r
          JOIN host ON host.n = r.at
        ) TO '{path}' (FORMAT csv, HEADER)
        """
    )


def make(folder: Path, size: Size, given_signs: Sequence[int] = ()) -> None:
    """`blocks.parquet`, `findings.csv`, and what was known the day before, as a CSV and as kept.

    `given_signs` are what a row of each kind says, as the product writes it (`rules.signs`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET preserve_insertion_order = false")
    connection.execute(f"SET memory_limit = '6GB'; SET temp_directory = '{folder / 'made'}'")
    macros(connection)
    netblocks(connection, size)
    first, last = (_text(end) for end in ("first", "last"))
    connection.execute(
        f"COPY (SELECT {first} AS first, {last} AS last, mailbox, country FROM blocks) "
        f"TO '{folder / 'blocks.parquet'}' (FORMAT parquet)"
    )
    hosts(connection, size)
    findings(connection, folder / "findings.csv", size, day=1)
    signs = list(given_signs) or [0] * len(KINDS)
    connection.execute(
        f"""COPY (SELECT n + 1 AS "row", n + 2 AS line,
          CASE version WHEN 4 THEN 0 ELSE hi END::UBIGINT AS hi,
          CASE version WHEN 4 THEN {0xFFFF << 32} + hi ELSE 1 END::UBIGINT AS lo,
          ({signs})[1 + kind]::UINTEGER AS sign, 'accept' AS judgement
        FROM (SELECT DISTINCT ON (hi, kind, version) * FROM host WHERE n < {size.known}))
        TO '{folder / "known.parquet"}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    connection.execute(
        f"""COPY (SELECT {TEXT} AS ip, 'src0' AS source, {list(KINDS)}[1 + kind] AS kind,
        '2025-11-24T12:00:00Z' AS seen_at, {list(PORTS)}[1 + kind] AS port
        FROM host WHERE n < {size.known}) TO '{folder / "before.csv"}' (FORMAT csv, HEADER)"""
    )


if __name__ == "__main__":
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    share = rows / 10_000_000
    make(
        Path(sys.argv[1]),
        Size(rows=rows, hosts=int(16_000_000 * share), known=int(9_000_000 * share)),
    )
