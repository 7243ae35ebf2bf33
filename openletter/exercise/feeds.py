"""What the sources of the made-up world publish on a day, file by file, dirt included."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from openletter.exercise import dice
from openletter.exercise.dirt import DIRTY_ROWS, LIST_DIRT, ZONE_DIRT
from openletter.exercise.servers import Server, Sight, Sort, day, servers
from openletter.words import Weakness

Cells = dict[str, object]

COMMON = (
    "timestamp",
    "severity",
    "ip",
    "protocol",
    "port",
    "hostname",
    "tag",
    "asn",
    "geo",
    "region",
    "city",
    "naics",
    "hostname_source",
    "sector",
)
HTTP = (
    *COMMON,
    "http",
    "http_code",
    "http_reason",
    "content_type",
    "connection",
    "proxy_authenticate",
    "via",
    "server",
    "content_length",
    "transfer_encoding",
    "http_date",
)
BLOCKLIST = (
    "timestamp", "severity", "ip", "hostname", "source", "reason", "asn", "geo", "region", "city",
    "naics", "sector", "tag",
)  # fmt: skip
CERT = ("ip", "asn", "cc", "lastseen", "type", "local_port", "banner")
EXITS = ("seen_utc", "exit_address", "entry_hash", "through")


def seen_at(server: Server, sight: Sight, on: int) -> datetime:
    """When a pair of eyes last saw it, at most 30 hours before the feed of day `on`."""
    back = dice.number(2 * 3600, 30 * 3600, "seen", server, sight, on)
    if server.sort is Sort.OLD:
        back += 62 * 86400
    return day(on) - timedelta(seconds=back)


def visible(on: int, sight: Sight, *weaknesses: Weakness) -> Iterator[Server]:
    """The servers that a source lists on a day."""
    for server in servers():
        listed = sight in server.seen_by and server.sort not in {Sort.REACHABLE, Sort.EXIT}
        if listed and server.is_seen(on) and (not weaknesses or server.weakness in weaknesses):
            yield server


def _csv(columns: Sequence[str], rows: Iterable[Cells]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _hostname(server: Server) -> str:
    if dice.throw("hostname", server) < 0.35:
        return ""
    last = str(server.ip).replace(":", "-").split(".")[-1]
    first = dice.pick(("mail", "gw", "proxy", "host"), server)
    return f"{first}{last}.{server.holding.holder.domain}"


def _common(server: Server, at: datetime, tag: str) -> Cells:
    holder = server.holding.holder
    hostname = _hostname(server)
    return {
        "timestamp": f"{at:%Y-%m-%d %H:%M:%S}", "severity": "medium", "ip": server.ip,
        "protocol": "tcp", "port": server.port, "hostname": hostname, "tag": tag,
        "asn": dice.number(64496, 64511, "asn", holder), "geo": holder.country,
        "region": "Example", "city": holder.town, "naics": 0,
        "hostname_source": "ptr" if hostname else "",
    }  # fmt: skip


def _http_row(server: Server, at: datetime) -> Cells:
    names_itself = server.product.startswith("squid") and _hostname(server)
    return _common(server, at, "http-connect-proxy") | {
        "http": "HTTP/1.1", "http_code": 200, "http_reason": "Connection established",
        "via": f"1.1 {_hostname(server)} ({server.product})" if names_itself else "",
        "server": server.product,
        "http_date": f"{at:%a, %d %b %Y %H:%M:%S} GMT",
    }  # fmt: skip


def _closed_row(server: Server, at: datetime) -> Cells:
    return _common(server, at, "http-connect-proxy-closed") | {
        "severity": "low", "http": "HTTP/1.1", "http_code": 407,
        "http_reason": "Proxy Authentication Required", "content_type": "text/html;charset=utf-8",
        "connection": "keep-alive", "proxy_authenticate": 'Basic realm="proxy"',
        "server": server.product, "content_length": dice.number(150, 4000, "length", server),
        "http_date": f"{at:%a, %d %b %Y %H:%M:%S} GMT",
    }  # fmt: skip


def _dirty(columns: Sequence[str], rows: list[Cells], on: int) -> list[Cells]:
    """Rows as they come, with the day's broken ones among them and some rows twice."""
    if not rows:
        return rows
    known = set(columns)
    for n, patch in enumerate(DIRTY_ROWS):
        broken = rows[dice.number(0, len(rows) - 1, "broken", on, n)] | dict(patch)
        place = dice.number(0, len(rows), "place", on, n)
        rows.insert(place, {key: value for key, value in broken.items() if key in known})
    rows += [dict(row) for n, row in enumerate(rows) if dice.throw("again", on, n) < 0.02]
    return rows


def scan_http(on: int, version: int) -> bytes:
    found = visible(on, Sight.SHADOWSERVER, Weakness.OPEN_HTTP_PROXY)
    rows = [_http_row(s, seen_at(s, Sight.SHADOWSERVER, on)) for s in found
            if s.ip.version == version]  # fmt: skip
    return _csv(HTTP, _dirty(HTTP, rows, on) if version == 4 else rows)


def scan_socks(on: int) -> bytes:
    rows = [
        _common(s, seen_at(s, Sight.SHADOWSERVER, on), dice.pick(("socks4", "socks5"), s))
        for s in visible(on, Sight.SHADOWSERVER, Weakness.OPEN_SOCKS)
        if s.ip.version == 4
    ]
    return _csv(COMMON, _dirty(COMMON, rows, on))


def population(on: int) -> bytes:
    """Proxies that ask for a password: reachable, and never open."""
    rows = [
        _closed_row(s, seen_at(s, Sight.SHADOWSERVER, on))
        for s in servers()
        if s.sort is Sort.REACHABLE and s.ip.version == 4
    ]
    return _csv(HTTP, rows)


REASONS = {
    Weakness.OPEN_RELAY: "Open relay",
    Weakness.OPEN_HTTP_PROXY: "Open HTTP proxy",
    Weakness.OPEN_SOCKS: "SOCKS proxy",
}


def blocklist(on: int) -> bytes:
    """Other people's lists as one report passes them on: corroboration, no more."""
    rows: list[Cells] = []
    for server in visible(on, Sight.WIERHAVEN):
        row = _common(server, seen_at(server, Sight.WIERHAVEN, on), "") | {
            "source": "Wierhaven", "reason": REASONS[server.weakness],
        }  # fmt: skip
        rows.append({key: value for key, value in row.items() if key in BLOCKLIST})
    if rows:
        rows.append(dict(rows[0]) | {"ip": "192.0.2.0/24", "reason": "Whole network"})
    return _csv(BLOCKLIST, rows)


SCHEMES = {
    Weakness.OPEN_HTTP_PROXY: ("http", "http", "https"),
    Weakness.OPEN_SOCKS: ("socks5", "socks4"),
}


def _list_line(server: Server) -> str:
    host = f"[{server.ip}]" if server.ip.version == 6 else str(server.ip)
    return f"{dice.pick(SCHEMES[server.weakness], 'scheme', server)}://{host}:{server.port}"


def proxy_list(on: int) -> bytes:
    """A scraped list: whatever stood on some page, in no order."""
    found = visible(on, Sight.PROXYLIJST, Weakness.OPEN_HTTP_PROXY, Weakness.OPEN_SOCKS)
    lines = [_list_line(server) for server in found]
    lines += [line for line in lines if dice.throw("twice", line, on) < 0.03]
    lines += LIST_DIRT
    head = [f"# Proxylijst, checked {day(on):%Y-%m-%d} 06:00 UTC, scheme://address:port", ""]
    return "\n".join(head + dice.shuffled(lines, "order", on)).encode() + b"\n"


CODES = {Weakness.OPEN_RELAY: 2, Weakness.OPEN_HTTP_PROXY: 3, Weakness.OPEN_SOCKS: 4}


def zone(name: str, on: int, found: Iterable[Server], *, lag: int = 0) -> bytes:
    """An rbldnsd ip4set zone: default answer, then the address's own where it differs."""
    made = day(on) - timedelta(hours=5, days=lag)
    lines = [
        f"$SOA 3600 ns.{name} hostmaster.{name} {made:%Y%m%d}01 600 300 86400 300",
        f"$NS 3600 ns.{name}",
        f"# {name}: made {made:%Y-%m-%dT%H:%M:%SZ}",
        f":127.0.0.2:Open relay - see https://{name}/lookup?$",
        "127.0.0.2",
    ]
    for server in found:
        if server.ip.version == 4:
            code = CODES[server.weakness]
            text = f"{REASONS[server.weakness]} on port {server.port} - see https://{name}/lookup?$"
            lines.append(f"{server.ip}" if code == 2 else f"{server.ip} :127.0.0.{code}:{text}")
    return "\n".join(lines + ZONE_DIRT).encode() + b"\n"


CERT_TYPES = {
    Weakness.OPEN_RELAY: "openrelay",
    Weakness.OPEN_SOCKS: "opensocks",
    Weakness.OPEN_HTTP_PROXY: "openproxy",
}


def _banner(server: Server) -> str:
    if server.weakness is not Weakness.OPEN_RELAY:
        return ""
    name = _hostname(server) or "localhost.localdomain"
    return f"220 {name} ESMTP {server.product}".strip()


def cert_feed(on: int) -> bytes:
    """A national team's own columns; a mapping beside the feeds says what they mean."""
    rows: list[Cells] = [
        {
            "ip": s.ip, "asn": dice.number(64496, 64511, "asn", s.holding.holder),
            "cc": s.holding.holder.country.lower(), "type": CERT_TYPES[s.weakness],
            "lastseen": f"{seen_at(s, Sight.CERTWACHT, on):%Y-%m-%dT%H:%M:%SZ}",
            "local_port": s.port, "banner": _banner(s),
        }
        for s in visible(on, Sight.CERTWACHT)
    ]  # fmt: skip
    broken: list[Cells] = [
        {"ip": "not-an-address", "type": "openrelay"},
        {"ip": "", "type": "openrelay"},
        rows[3] | {"type": "conficker"},
        dict(rows[5]),
        dict(rows[8]),
    ]
    return _csv(CERT, rows + broken)


def exits(on: int) -> bytes:
    """Where traffic of proxies comes out: the addresses named here run no proxy themselves."""
    rows: list[Cells] = [
        {
            "seen_utc": f"{seen_at(s, Sight.CERTWACHT, on):%Y-%m-%dT%H:%M:%SZ}",
            "exit_address": s.ip, "entry_hash": f"{dice.number(0, 16**8, 'entry', s):08x}",
            "through": CERT_TYPES[s.weakness],
        }
        for s in servers()
        if s.sort is Sort.EXIT
    ]  # fmt: skip
    return _csv(EXITS, rows)


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        entry = zipfile.ZipInfo(name, (2026, 11, 2, 6, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return out.getvalue()


def shadowserver_files(on: int) -> Iterator[tuple[str, bytes]]:
    date = f"{day(on):%Y-%m-%d}"
    yield f"{date}-scan_http_proxy-quiet-harbour.csv.gz", _gzipped(scan_http(on, 4))
    name = f"{date}-scan6_http_proxy-quiet-harbour.csv"
    yield f"{name}.zip", _zipped(name, scan_http(on, 6))
    yield f"{date}-scan_socks-quiet-harbour.csv.gz", _gzipped(scan_socks(on))
    yield f"{date}-population_http_proxy-quiet-harbour.csv", population(on)
    yield f"{date}-blocklist-quiet-harbour.csv.gz", _gzipped(blocklist(on))


def other_files(on: int) -> Iterator[tuple[str, bytes]]:
    date = f"{day(on):%Y-%m-%d}"
    yield f"proxylijst-{date}.txt", proxy_list(on)
    yield f"wierhaven-{date}.zone", zone("bl.wierhaven.example", on, visible(on, Sight.WIERHAVEN))
    copied = zone("bl.spiegel.example", on, visible(on, Sight.SPIEGEL), lag=1)
    yield f"spiegel-{day(on - 1):%Y-%m-%d}.zone", copied
    yield f"tolhek-{date}.zone", zone("bl.tolhek.example", on, visible(on, Sight.TOLHEK))
    yield f"certwacht-open-{date}.csv.gz", _gzipped(cert_feed(on))
    yield f"certwacht-exits-{date}.csv", exits(on)
