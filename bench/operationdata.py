"""The files of the replayed operation: what six sources say, and what a registry knows.

Reports and a team's feed as CSV, packed; a proxy list as plain lines; two blocklists and a copy of
one as zones. Stale rows, doubles and rows that nobody can read are among them.
"""

# ruff: noqa: INP001 (a part of a program)
from __future__ import annotations

import gzip
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench.operationworld import (
    COPY,
    HTTP,
    LIST,
    OTHER_ZONE,
    RELAY,
    REPORT,
    SEED,
    SOCKS,
    TEAM,
    ZONE,
    Box,
    Suspect,
    boxes,
    dotted,
    strays,
    suspects_of,
)

DIRT = 0.004
"""So many rows more that nobody can read."""
_COMMON = (
    '"timestamp","severity","ip","protocol","port","hostname","tag","asn","geo","region","city",'
    '"naics","hostname_source","sector"'
)
_HTTP = (
    f'{_COMMON},"http","http_code","http_reason","content_type","connection","proxy_authenticate",'
    '"via","server","content_length","transfer_encoding","http_date"'
)
_CERT = '"ip","asn","cc","lastseen","type","local_port","banner"'
_SERVERS = ("squid/3.5.27", "squid/5.7", "", "Mikrotik HttpProxy", "tinyproxy/1.11.1", "")
_BANNERS = ("ESMTP Postfix", "ESMTP Exim 4.94", "ESMTP", "Microsoft ESMTP MAIL Service")
_TYPES = {RELAY: "openrelay", HTTP: "openproxy", SOCKS: "opensocks"}
_SCHEMES = {HTTP: ("http", "https"), SOCKS: ("socks5", "socks4")}
_CODES = {RELAY: 2, HTTP: 3, SOCKS: 4}
_REASONS = {RELAY: "Open relay", HTTP: "Open HTTP proxy", SOCKS: "SOCKS proxy"}
_OLD = timedelta(days=62)


class Writer:
    """Rows of each file, gathered in the order of addresses, written in no order."""

    def __init__(self, *, day: datetime) -> None:
        self.day, self.dice = day, random.Random(SEED + 2)  # noqa: S311
        self.rows: dict[str, list[str]] = defaultdict(list)

    def say(self, one: Suspect, country: str) -> None:
        """One row in each file of those that have seen it."""
        for kind in one.seen_by:
            name, row = self._row(one, kind, country)
            self.rows[name].append(row)

    def _row(self, one: Suspect, kind: str, country: str) -> tuple[str, str]:
        ip, dice = dotted(one.ip), self.dice
        at = self.day - timedelta(seconds=dice.randrange(7_200, 108_000))
        at -= _OLD if one.is_old else timedelta(0)
        if kind == REPORT:
            return self._report(one, ip, at, country)
        if kind == TEAM:
            banner = f"220 mail.example {dice.choice(_BANNERS)}" if one.weakness == RELAY else ""
            return kind, (
                f'"{ip}","{64496 + one.ip % 16}","{country.lower()}","{at:%Y-%m-%dT%H:%M:%SZ}",'
                f'"{_TYPES[one.weakness]}","{one.port}","{banner}"'
            )
        if kind == LIST:
            return kind, f"{dice.choice(_SCHEMES[one.weakness])}://{ip}:{one.port}"
        code = _CODES[one.weakness]
        text = f"{_REASONS[one.weakness]} on port {one.port} - see https://bl.{kind}.example/?$"
        return kind, ip if code == 2 else f"{ip} :127.0.0.{code}:{text}"

    def _report(self, one: Suspect, ip: str, at: datetime, country: str) -> tuple[str, str]:
        is_http = one.weakness == HTTP
        tag = "http-connect-proxy" if is_http else self.dice.choice(("socks4", "socks5"))
        row = (
            f'"{at:%Y-%m-%d %H:%M:%S}","medium","{ip}","tcp","{one.port}","","{tag}",'
            f'"{64496 + one.ip % 16}","{country}","Example","Example","0","",""'
        )
        if not is_http:
            return "scan_socks", row
        server = self.dice.choice(_SERVERS)
        return "scan_http_proxy", (
            f'{row},"HTTP/1.1","200","Connection established","","","","","{server}","","",'
            f'"{at:%a, %d %b %Y %H:%M:%S} GMT"'
        )

    def spoil(self) -> None:
        """A few rows more in each file that nobody can read, or that stand there twice."""
        for name, rows in self.rows.items():
            for _ in range(int(len(rows) * DIRT)):
                whole = self.dice.choice(rows)
                spoiled = whole.replace("10.", "10.999.", 1) if self.dice.random() < 0.5 else whole
                rows.append(spoiled)
            self.dice.shuffle(self.rows[name])

    def write(self, folder: Path) -> list[Path]:
        """The files, as their sources name them."""
        day = f"{self.day:%Y-%m-%d}"
        made = self.day - timedelta(hours=5)
        for name, head in (("scan_http_proxy", _HTTP), ("scan_socks", _COMMON)):
            yield_to = folder / f"{day}-{name}-operation.csv.gz"
            _write(yield_to, [head], self.rows[name])
        _write(folder / f"certwacht-open-{day}.csv.gz", [_CERT], self.rows[TEAM])
        listed = f"# Proxylijst, checked {made:%Y-%m-%d %H:%M} UTC, scheme://address:port"
        _write(folder / f"proxylijst-{day}.txt", [listed, ""], self.rows[LIST])
        for name in (ZONE, OTHER_ZONE, COPY):
            at = made - timedelta(days=name == COPY)
            _write(folder / f"{name}-{at:%Y-%m-%d}.zone", _zone_head(name, at), self.rows[name])
        return sorted(folder.iterdir())


def _zone_head(name: str, made: datetime) -> list[str]:
    zone = f"bl.{name}.example"
    return [
        f"$SOA 3600 ns.{zone} hostmaster.{zone} {made:%Y%m%d}01 600 300 86400 300",
        f"$NS 3600 ns.{zone}",
        f"# {zone}: made {made:%Y-%m-%dT%H:%M:%SZ}",
        f":127.0.0.2:Open relay - see https://{zone}/lookup?$",
        "127.0.0.2",
    ]


def _write(path: Path, head: Iterable[str], rows: Iterable[str]) -> None:
    raw = "\n".join([*head, *rows, ""]).encode()
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


def write_feeds(folder: Path, *, rows: int, day: datetime) -> int:
    """Files with so many suspect rows in all; a tenth as many mailboxes. Returns how many rows."""
    folder.mkdir(parents=True)
    writer = Writer(day=day)
    for box in boxes(rows // 10):
        for one in suspects_of(box):
            writer.say(one, box.country)
    told = sum(map(len, writer.rows.values()))
    for one in strays(max(0, int(rows / (1 + DIRT)) - told)):
        writer.say(one, "GB")
    writer.spoil()
    writer.write(folder)
    return sum(map(len, writer.rows.values()))


# -- the registry --------------------------------------------------------------------------------


def write_registry(path: Path, *, mailboxes: int) -> int:
    """A registry's dump with every network, its holder and where abuse is reported."""
    found = boxes(mailboxes)
    with path.open("w", encoding="utf-8") as out:
        out.write("% Made for openletter's benchmark.\n\n")
        out.writelines(text for box in found for text in _objects(box))
    return len(found)


def _objects(box: Box) -> Iterator[str]:
    kind = "LIR" if box.is_provider else "OTHER"
    status = "ALLOCATED PA" if box.is_provider else "ASSIGNED PA"
    handle = f"ORG-B{box.number}-EXAMPLE"
    yield (
        f"organisation:   {handle}\norg-name:       {box.name}\norg-type:       {kind}\n"
        f"address:        Example street 1\ncountry:        {box.country}\n"
        f"abuse-c:        A{box.number}-EXAMPLE\nmnt-by:         B{box.number}-MNT\n"
        "source:         EXAMPLE\n\n"
    )
    yield (
        f"role:           {box.name} Abuse\naddress:        Example street 1\n"
        f"nic-hdl:        A{box.number}-EXAMPLE\nabuse-mailbox:  {box.address}\n"
        f"mnt-by:         B{box.number}-MNT\nsource:         EXAMPLE\n\n"
    )
    yield (
        f"inetnum:        {dotted(box.first)} - {dotted(box.last)}\n"
        f"netname:        BOX-{box.number}\ncountry:        {box.country}\n"
        f"org:            {handle}\nadmin-c:        A{box.number}-EXAMPLE\n"
        f"tech-c:         A{box.number}-EXAMPLE\nstatus:         {status}\n"
        f"mnt-by:         B{box.number}-MNT\ncreated:        2019-03-01T10:00:00Z\n"
        "last-modified:  2026-01-01T10:00:00Z\nsource:         EXAMPLE\n\n"
    )
