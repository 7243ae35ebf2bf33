"""Loaded lists of networks: whose they are, as of when, and what they make of rows that stand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network

from django.db import connection, transaction

from openletter.evidence.models import Observation, SpaceList
from openletter.evidence.rules.spaces import ListKind, Network, Spaces
from openletter.wire.intervals import Intervals


def known_spaces() -> Spaces:
    """Everything that the loaded lists say."""
    lists = SpaceList.objects.values_list("kind", "networks")
    return Spaces((ListKind(kind), map(ip_network, networks)) for kind, networks in lists)


@transaction.atomic
def load_list(
    name: str,
    kind: ListKind,
    networks: Sequence[Network],
    *,
    said_by: str,
    as_of: datetime,
    actor: str,
    now: datetime,
) -> SpaceList:
    """Put a list in the place of its earlier self, and mark the statements it bears on.

    They are weighed again: what was counted as a server may turn out to be an exit.
    """
    told = sorted({str(network) for network in networks})
    before = set(SpaceList.objects.filter(pk=name).values_list("networks", flat=True).first() or [])
    row, _ = SpaceList.objects.update_or_create(
        pk=name,
        defaults={
            "kind": kind,
            "said_by": said_by,
            "as_of": as_of,
            "networks": told,
            "sha256": hashlib.sha256("\n".join(told).encode()).digest(),
            "loaded_at": now,
            "loaded_by": actor,
        },
    )
    _mark(before ^ set(told))
    return row


_MARK = """
UPDATE observation SET space = told.space, weighed_at = NULL
FROM unnest(%s::bigint[], %s::text[]) AS told (id, space)
WHERE observation.id = told.id
"""


def _mark(changed: set[str]) -> None:
    """What the lists say now of the addresses in networks that came or went."""
    networks = map(ip_network, changed)
    touched = Intervals((network[0], network[-1]) for network in networks)
    if not touched:
        return
    spaces = known_spaces()
    rows = Observation.objects.values_list("id", "ip", "space", "about")
    told = [
        (key, now)
        for key, ip, before, about in rows.iterator(chunk_size=10_000)
        if ip in touched and (now := str(spaces.of(ip, about) or "")) != before
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [[key for key, _ in told], [space for _, space in told]])
