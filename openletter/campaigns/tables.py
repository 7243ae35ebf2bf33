"""Many rows of one table in at one go: their numbers are drawn first, then one binary COPY.

For whoever writes thousands a second and knows every column; the ORM reads them as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is written by COPY: its columns in order, each with PostgreSQL's type."""

    name: str
    columns: dict[str, str]

    def numbers(self, count: int) -> list[int]:
        """Draw so many ids, rising."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [self.name, count],
            )
            return [number for (number,) in cursor.fetchall()]

    def copy(self, rows: Iterable[Sequence[object]]) -> None:
        statement = f"COPY {self.name} ({', '.join(self.columns)}) FROM STDIN WITH (FORMAT BINARY)"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(self.columns.values()))
            for row in rows:
                copy.write_row(row)


def check_keys() -> None:
    """Look up all foreign keys now, not at the commit: before the timeline's lock is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
