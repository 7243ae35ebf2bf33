"""How often wrong references may be typed: per neighbourhood, per reference and in total.

Limits count wrong tries only, in a row of our own (`cases.WrongTry`), and forget after a day.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest

from openletter.cases.models import WrongTry

WINDOW = timedelta(hours=1)
KEPT = timedelta(days=1)
PER_SOURCE = 10
PER_REFERENCE = 10
IN_TOTAL = 1_000


def source_of(request: HttpRequest) -> str:
    """The visitor's /24 or /64; behind a proxy, the last address that the proxy added."""
    told = str(request.META.get("REMOTE_ADDR", ""))
    if getattr(settings, "BEHIND_PROXY", False):
        told = str(request.META.get("HTTP_X_FORWARDED_FOR", told)).rpartition(",")[2].strip()
    return neighbourhood(told)


def neighbourhood(address: str) -> str:
    """`192.0.2.25` -> `192.0.2.0/24`; what is no address counts as one source."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def counted_as(typed: str) -> str:
    """What was typed as a reference, shortened to what the limit counts."""
    return "".join(sign for sign in typed.upper() if sign.isalnum())[:16]


def is_over(*, source: str, reference: str, now: datetime) -> bool:
    """Whether one of the three limits is reached."""
    recent = WrongTry.objects.filter(at__gt=now - WINDOW).aggregate(
        total=Count("id"),
        source=Count("id", filter=Q(source=source)),
        reference=Count("id", filter=Q(reference=reference)),
    )
    return bool(
        recent["total"] >= IN_TOTAL
        or recent["source"] >= PER_SOURCE
        or recent["reference"] >= PER_REFERENCE
    )


def note(*, source: str, reference: str, now: datetime) -> None:
    """One more wrong try; those of yesterday are forgotten."""
    WrongTry.objects.filter(at__lt=now - KEPT).delete()
    WrongTry.objects.create(at=now, source=source, reference=reference)
