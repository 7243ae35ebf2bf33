"""Thousands of rows at once by COPY: a step's bulk way to write what the ORM reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from psycopg import sql


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Append rows to a table; of arrays and JSON the text is expected (`array`, `as_json`)."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def copy_binary(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> None:
    """The same for large or many octets: each column with PostgreSQL's name of its type."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def check_keys() -> None:
    """Look up all foreign keys now, not at the commit: before the timeline's lock is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def new_ids(table: str, count: int) -> list[int]:
    """So many keys that no row of the table has or will get by itself."""
    query = """
        SELECT nextval(pg_get_serial_sequence(quote_ident(%s), 'id')) FROM generate_series(1, %s)
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [table, count])
        return [row[0] for row in cursor.fetchall()]


def array(values: Iterable[str | int]) -> str:
    """An array as COPY reads it."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_json(value: object) -> str:
    """A JSON column as COPY reads it."""
    return json.dumps(value, ensure_ascii=False)
