"""Observations as they may be told: what terms forbid is taken off before anybody shows them.

Whoever shows evidence outside the house takes it from here, so that there is nothing to leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime

from django.db.models import Q, QuerySet

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign, Partner
from openletter.evidence.models import Finding, Observation, RangeListing, Source
from openletter.evidence.rules.terms import BadTermsError, Telling, Terms, read_terms, to_holder

_FOR_TEAMS = Q(terms__cert_only=True)
_NOTHING = Terms(to_holder=Telling.NOTHING, cert_only=True)


def terms_of(source: Source) -> Terms:
    """A source's terms; such as nobody can read allow nothing."""
    try:
        return read_terms(source.terms)
    except BadTermsError:
        return _NOTHING


def told_to_holder(rows: Iterable[Observation], *, partner: Partner) -> list[Observation]:
    """The statements that this partner may tell the holder, each with no more than may be told.

    They are copies, never to be saved; a time that may not be told is None.
    """
    told = []
    for row in rows:
        level = to_holder(terms_of(row.source), by_cert=partner.is_cert)
        if level is not Telling.NOTHING:
            told.append(_cut(copy(row), level))
    return told


def _cut(row: Observation, level: Telling) -> Observation:
    if level < Telling.ALL:
        row.code = None
        row.about = {key: text for key, text in row.about.items() if key in _OF_THE_SERVER}
    if level < Telling.FACTS:
        row.port = row.protocol = None
        row.seen_at = None  # type: ignore[assignment]  # not told; never saved
        row.about = {}
    return row


_OF_THE_SERVER = frozenset({"banner", "server", "via", "hostname"})
"""What the server says of itself, to everybody who asks."""


def ports_told(finding: Finding, rows: Sequence[Observation]) -> tuple[int, ...]:
    """The finding's ports, as far as a statement that may be told names them."""
    named = {row.port for row in rows}
    return tuple(port for port in finding.ports if port in named)


def last_told(rows: Iterable[Observation]) -> datetime | None:
    """The newest time that may be told."""
    return max(filter(None, map(when, rows)), default=None)


def when(row: Observation) -> datetime | None:
    """The statement's time, or None where it may not be told."""
    return row.seen_at


def attribution_of(row: Observation) -> str:
    """Whom the source wants to be named beside its word."""
    return terms_of(row.source).attribution


def exportable(rows: QuerySet[Observation]) -> QuerySet[Observation]:
    """Statements whose facts may leave the house in a file."""
    kept_back = Q(terms__to_holder__in=["name", "nothing"]) | _FOR_TEAMS
    return rows.exclude(source__in=Source.objects.filter(kept_back))


def ranges_over(ip: Address, *, exercise: Campaign | None) -> QuerySet[RangeListing]:
    """What sources say of networks around an address; support, and never counted."""
    rows = RangeListing.objects.filter(exercise=exercise, first__lte=ip, last__gte=ip)
    return rows.select_related("source").order_by("-seen_at", "-id")


def held_by(partner: Partner) -> Q:
    """Observations that a partner may see inside the house."""
    return Q() if partner.is_cert else ~Q(source__in=Source.objects.filter(_FOR_TEAMS))


def hidden_sources(partner: Partner) -> frozenset[str]:
    """Sources of which this partner sees nothing."""
    if partner.is_cert:
        return frozenset()
    return frozenset(Source.objects.filter(_FOR_TEAMS).values_list("id", flat=True))
