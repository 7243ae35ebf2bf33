"""How many rows a second are judged, stored and weighed. Made-up rows, documentation addresses.

python bench/ingest.py [ROWS]              judged only (no database)
python bench/ingest.py [ROWS] --store      judged and stored in a private PostgreSQL, weighed
"""

# ruff: noqa: INP001, PLC0415 - a script; what loads Django is imported where it is measured

from __future__ import annotations

import io
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEADER = (
    "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,hostname_source,"
    "sector,http,http_code,http_reason,content_type,connection,proxy_authenticate,via,server,"
    "content_length,transfer_encoding,http_date"
)


def address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def report(rows: int) -> bytes:
    """A scan_http_proxy report; one row in ten repeats an address."""
    lines = [HEADER]
    for number in range(rows):
        ip = address(number - number % 10 if number % 10 == 9 else number)
        lines.append(
            f'"2026-03-02 0{number % 9}:15:00",medium,{ip},tcp,3128,node{number}.example.com,'
            f"http-connect-proxy,64496,NL,Region,City,517311,ptr,,HTTP/1.1,200,"
            f'"Connection established",,,,,squid/4.10,,,'
        )
    return "\n".join(lines).encode()


def proxy_list(rows: int) -> bytes:
    return "\n".join(f"http://{address(number)}:3128" for number in range(rows)).encode()


def zone(rows: int) -> bytes:
    head = "$SOA 3000 ns.dnsbl.example hostmaster.dnsbl.example 0 600 300 86400 300\n"
    body = "\n".join(address(number) for number in range(rows))
    return f"{head}$TIMESTAMP 2026:03:02:03\n:127.0.0.3:Open HTTP proxy $\n{body}\n".encode()


FILES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "report": ("2026-03-02-scan_http_proxy-bench.csv", report),
    "list": ("list.txt", proxy_list),
    "zone": ("dnsbl.example", zone),
}


def judged(rows: int) -> None:
    from openletter.evidence import sourcebook
    from openletter.evidence.rules.reading import read_file

    for kind, (name, make) in FILES.items():
        content = make(rows)
        start = time.process_time()
        events = read_file(name, io.BytesIO(content), book=sourcebook.packaged(), now=NOW)
        count = sum(1 for _ in events) - 1
        told(f"judge {kind}", count, time.process_time() - start)


def stored(rows: int) -> None:
    """Each file into the world of an exercise, then all of it weighed."""
    with tempfile.TemporaryDirectory(prefix="openletter-bench-") as state:
        os.environ["OPENLETTER_STATE"] = state
        from openletter import shell

        shell.setup(as_owner=True)
        from django.core.management import call_command

        from openletter.shell import postgres

        try:
            call_command("migrate", verbosity=0)
            _store_and_weigh(rows)
        finally:
            from django.db import connections

            connections.close_all()
            postgres.stop(Path(state))


def _store_and_weigh(rows: int) -> None:
    from openletter.evidence import steps
    from tests.builders import a_campaign

    campaign = a_campaign("bench")
    for kind, (name, make) in FILES.items():
        batch = steps.store_file(make(rows), name=name, exercise=campaign, now=NOW)
        start = time.monotonic()
        batch = steps.ingest_batch(batch, now=NOW)
        told(f"store {kind}", batch.rows, time.monotonic() - start)
    start = time.monotonic()
    count = 0
    while settled := steps.weigh(campaign, now=NOW, limit=20_000):
        count += settled
    told("weigh", count, time.monotonic() - start)


def told(what: str, rows: int, seconds: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"{what:14} {rows:>9,} rows {seconds:8.2f} s {rows / seconds:>10,.0f} rows/s ")
    sys.stdout.write(f"{memory:>6,} MiB peak\n")


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    judged(*numbers[:1] or [100_000])
    if "--store" in sys.argv:
        stored(*numbers[:1] or [100_000])
