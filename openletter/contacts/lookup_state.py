"""What a person may want to know of the look-up: servers, and what is kept."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count

from openletter.contacts.lookup_rows import Fetch, LookUp, RegistryServer
from openletter.contacts.rules import pace

Row = dict[str, object]


def servers(*, now: datetime) -> list[Row]:
    """Every server that was ever asked, with its pace and whether it is left alone now."""
    return [
        {
            "type": "server",
            "server": row.host,
            "pace": pace.pace_of(row.host),
            "asked": row.asked,
            "answered": row.answered,
            "failures": row.failures,
            "closed_until": _at(row.closed_until) if _is_closed(row, now) else None,
            "because": row.closed_because if _is_closed(row, now) else "",
            "last_at": _at(row.last_at),
        }
        for row in RegistryServer.objects.order_by("host")
    ]


def kept(*, now: datetime) -> Row:
    """Answers that hold now by their end, and cases by how far their look-up is."""
    holding = Fetch.objects.filter(expires_at__gt=now).values("end").annotate(number=Count("id"))
    cases = LookUp.objects.values("state").annotate(number=Count("id"))
    return {
        "type": "kept",
        **{f"answers {row['end']}": row["number"] for row in holding.order_by("end")},
        **{f"cases {row['state']}": row["number"] for row in cases.order_by("state")},
    }


def _is_closed(row: RegistryServer, now: datetime) -> bool:
    return row.closed_until is not None and row.closed_until > now


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
