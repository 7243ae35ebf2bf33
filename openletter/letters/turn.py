"""Whose turn it is: one sender at a time a database, so that what another one left is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_LOCK = (0x0C4A1, -1)


@contextmanager
def alone() -> Iterator[bool]:
    """One sender at a time a database; False: another one is at work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            _unlock()


def _unlock() -> None:
    """A lost connection has let go of it already."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)
