"""Files taken in and weighed, for tests: what several sources say of the same addresses."""

from __future__ import annotations

from datetime import datetime

from openletter.campaigns.models import Campaign
from openletter.evidence import steps, taking
from openletter.evidence.models import Batch
from tests.builders import NOW
from tests.wire.feed_files import PROXY_HEADER, proxy_row

ZONE_HEAD = (
    "$SOA 3000 ns1.dnsbl.example hostmaster.dnsbl.example 0 600 300 86400 300\n"
    ":127.0.0.3:Open HTTP proxy - see https://dnsbl.example/lookup?$\n"
)


def take_in(
    content: str | bytes,
    name: str,
    campaign: Campaign | None,
    *,
    now: datetime = NOW,
    complete: bool = True,
    source: str = "",
    fetched_at: datetime | None = None,
) -> Batch:
    """Store and judge one file."""
    raw = content.encode() if isinstance(content, str) else content
    batch = steps.store_file(
        raw, name=name, exercise=campaign, now=now, complete=complete, source=source,
        fetched_at=fetched_at,
    )  # fmt: skip
    return taking.take_in(batch, now=now)


def a_scan(*addresses: str, campaign: Campaign | None, now: datetime = NOW) -> Batch:
    """Shadowserver's report of open HTTP proxies at these addresses, seen an hour ago."""
    time = now.replace(hour=(now.hour - 1) % 24).strftime("%Y-%m-%d %H:%M:%S")
    rows = [proxy_row(ip, time=time) for ip in addresses]
    content = "\n".join([PROXY_HEADER, *rows, ""])
    return take_in(content, f"{now:%Y-%m-%d}-scan_http_proxy-test.csv", campaign, now=now)


def a_zone(*addresses: str, campaign: Campaign | None, now: datetime = NOW) -> Batch:
    """A DNS blocklist that names these addresses as where an open HTTP proxy's traffic leaves."""
    head = ZONE_HEAD + f"# {now:%Y-%m-%d %H:%M}\n"
    content = head + "\n".join(addresses) + "\n"
    return take_in(content, "dnsbl.example", campaign, now=now, fetched_at=now)


def proxy_list(*addresses: str, at: datetime = NOW) -> str:
    """The spys.me list as of a moment: a third source, whose origin is known."""
    head = f"Proxy list (#400) updated at {at:%a, %d %b %y %H:%M:%S} +0000"
    return "\n".join([head, "", *(f"{ip}:3128 NL-H-S -" for ip in addresses), ""])


def said_open(*addresses: str, campaign: Campaign, now: datetime = NOW) -> None:
    """Two independent sources say that an HTTP proxy stands open; all of it weighed."""
    a_scan(*addresses, campaign=campaign, now=now)
    a_zone(*addresses, campaign=campaign, now=now)
    while steps.weigh(campaign, now=now, limit=1000):
        pass
