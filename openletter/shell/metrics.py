"""`/metrics` on loopback: what the rows say, read at the moment somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from wsgiref.simple_server import WSGIServer

from django.db import close_old_connections
from django.db.models import Count
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from openletter.campaigns import clock
from openletter.campaigns.models import Installation, LineState
from openletter.letters.models import Delivery
from openletter.shell.configuration import Endpoint


class LineCollector(Collector):
    """Counts by step and by state; no address, no reference, no mailbox."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read the rows anew for every scrape."""
        close_old_connections()
        yield from _line()
        yield _deliveries()
        paused = Installation.objects.filter(leaving_paused_at__isnull=False).exists()
        yield GaugeMetricFamily(
            "openletter_leaving_paused", "1 while nothing may leave us", value=float(paused)
        )
        close_old_connections()


def _line() -> Iterator[GaugeMetricFamily]:
    labels = ["campaign", "step"]
    waiting = GaugeMetricFamily("openletter_waiting", "Rows that wait for a step", labels=labels)
    oldest = GaugeMetricFamily(
        "openletter_oldest_seconds", "How long the oldest row waits for a step", labels=labels
    )
    done = GaugeMetricFamily("openletter_done", "Rows that a step settled so far", labels=labels)
    for state in LineState.objects.select_related("campaign"):
        names = [state.campaign.slug, state.step]
        waiting.add_metric(names, state.waiting)
        done.add_metric(names, state.done)
        age = (clock.now(state.campaign) - state.oldest).total_seconds() if state.oldest else 0
        oldest.add_metric(names, max(age, 0))
    yield from (waiting, oldest, done)


def _deliveries() -> GaugeMetricFamily:
    found = GaugeMetricFamily("openletter_deliveries", "Letters by state", labels=["state"])
    for row in Delivery.objects.values("state").annotate(number=Count("pk")):
        found.add_metric([row["state"]], row["number"])
    return found


def serve(endpoint: Endpoint) -> WSGIServer | None:
    """Answer on loopback from a thread; None where another process of ours already does."""
    registry = CollectorRegistry()
    registry.register(LineCollector())
    try:
        server, _thread = start_http_server(endpoint.port, endpoint.host, registry=registry)
    except OSError:
        return None
    return server
