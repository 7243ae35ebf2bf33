"""Which provider takes a domain's mail: what is asked next, and what was answered.

Short transactions, none while DNS is asked (`jobs.py` does that in between, before a claim). Where
nobody could say, letters are paced by domain, and it is asked again later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from openletter.campaigns.models import Campaign
from openletter.letters.models import MailRoute
from openletter.letters.rules.routes import best_hosts, provider_of

LOOKED_AT = 2_000
"""So many of the next letters are looked at."""
SHORTEST, LONGEST = timedelta(days=1), timedelta(days=7)
_AGAIN, _LONGEST_AGAIN = timedelta(minutes=10), timedelta(days=1)
_UNASKED = """
SELECT next.domain FROM (
    SELECT domain, min(id) AS id FROM (
        SELECT domain, id FROM delivery WHERE campaign_id = %(campaign)s AND state = 'cleared'
        ORDER BY id LIMIT %(looked_at)s
    ) waiting GROUP BY domain
) next
LEFT JOIN mail_route r ON r.domain = next.domain
WHERE r.id IS NULL OR r.again_at <= %(now)s
ORDER BY next.id LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What DNS said of a domain's mail servers; a fault is no answer."""

    domain: str
    records: tuple[tuple[int, str], ...] = ()
    ttl: int = 0
    fault: str = ""


def unasked(campaign: Campaign, *, now: datetime, limit: int) -> list[str]:
    """Domains of the next letters that were not asked about, or too long ago."""
    values: dict[str, int | datetime] = {
        "campaign": campaign.pk, "now": now, "limit": limit, "looked_at": LOOKED_AT,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_UNASKED, values)
        return [str(row[0]) for row in cursor.fetchall() if row[0]]


@transaction.atomic
def keep(told: Iterable[Told], *, now: datetime) -> int:
    """Write answers down; a fault leaves what was known before."""
    answers = {one.domain: one for one in told}
    earlier = {row.domain: row for row in MailRoute.objects.filter(domain__in=answers)}
    rows = [_row(one, earlier.get(one.domain), now=now) for one in answers.values()]
    MailRoute.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["domain"],
        update_fields=["provider", "hosts", "fault", "tries", "asked_at", "again_at"],
    )
    return len(rows)


def _row(one: Told, earlier: MailRoute | None, *, now: datetime) -> MailRoute:
    row = MailRoute(domain=one.domain, provider=one.domain, asked_at=now, fault=one.fault[:40])
    if one.fault:
        row.tries = (earlier.tries if earlier else 0) + 1
        row.again_at = now + min(_AGAIN * (1 << min(row.tries - 1, 10)), _LONGEST_AGAIN)
        if earlier is not None:
            row.provider, row.hosts = earlier.provider, earlier.hosts
        return row
    row.hosts = best_hosts(one.records)
    row.provider = provider_of(one.domain, row.hosts)
    row.again_at = now + min(max(timedelta(seconds=one.ttl), SHORTEST), LONGEST)
    return row
