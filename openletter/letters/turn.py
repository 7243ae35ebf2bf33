"""Whose turn it is: one composer a campaign; one sender a database, which knows what was left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from openletter.campaigns.models import Campaign

_LOCK = (0x0C4A1, -1)
_COMPOSING, _PLANNING = 0x0C1E7, 0x0C1E8


def composing(campaign: Campaign) -> None:
    """One composer a campaign at a time, and no evidence taken back meanwhile; to the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_COMPOSING, campaign.pk])


def composing_beside(campaign: Campaign) -> None:
    """Several composers at a time, of different mailboxes; none while one has the turn alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [_COMPOSING, campaign.pk])


@contextmanager
def planning(campaign: Campaign) -> Iterator[bool]:
    """Who deals out a campaign's mailboxes to composers, so that none gets to two of them."""
    with _held(_PLANNING, campaign.pk) as mine:
        yield mine


@contextmanager
def alone() -> Iterator[bool]:
    """One sender at a time a database; False: another one is at work."""
    with _held(*_LOCK) as mine:
        yield mine


@contextmanager
def _held(*lock: int) -> Iterator[bool]:
    """A lock of this connection's, if nobody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            _unlock(*lock)


def is_ours() -> bool:
    """Whether this connection still has the turn: it goes with a connection that was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND pid = pg_backend_pid() AND classid = (%s)::int::oid AND objid = (%s)::int::oid)",
            _LOCK,
        )
        return bool(cursor.fetchone()[0])


def _unlock(*lock: int) -> None:
    """A lost connection has let go of it already."""
    if connection.is_usable():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
