"""The sources that speak in a world: the packaged ones and those that were declared."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from openletter.campaigns.models import Campaign
from openletter.evidence import sourcebook
from openletter.evidence.models import Source, Suspension
from openletter.evidence.rules.definitions import read_definition
from openletter.evidence.rules.feeds import SourceBook


def all_sources() -> SourceBook:
    """The packaged sources and the declared ones, of every world."""
    declared = Source.objects.exclude(definition=None).values_list("definition", flat=True)
    feeds = [feed for raw in declared if raw is not None for feed in read_definition(raw)]
    return sourcebook.packaged().with_feeds(feeds)


def known_sources(exercise: Campaign | None) -> SourceBook:
    """Those that speak in a world; invented ones speak in exercises only."""
    book = all_sources()
    if exercise is not None:
        return book
    return SourceBook((feed for feed in book if not feed.made_up), other_reports=book.other_reports)


def suspended_in(exercise: Campaign | None, *, at: datetime | None = None) -> list[str]:
    """Sources that count for nothing in this world now, or did at a moment."""
    rows = Suspension.objects.filter(exercise=exercise)
    if at is None:
        rows = rows.filter(ended_at=None)
    else:
        rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=at), at__lte=at)
    return sorted(set(rows.values_list("source_id", flat=True)))
