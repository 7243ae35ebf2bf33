"""The registries that are asked: their servers, in what manner, and how often.

The RDAP table is IANA's bootstrap registry (RFC 9224) as published on 2019-06-07 (IPv4),
2019-11-06 (IPv6) and 2021-12-07 (AS numbers), read in meeb/whoisit `tests/data_bootstrap.json`
(data stamped 2022-07-08). An operator's newer file takes its place; a registry that answers for
other space says so by a redirect, which is followed. WHOIS servers of national registries: the
`ip_del_list` and `servers_charset_list` of rfc1036/whois, seen 2026-11-24. Paces: LACNIC
publishes ten questions a minute; the others publish none, so one a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from openletter.wire.bootstrap import Bootstrap, Service
from openletter.wire.registry import parse_range

ONE_A_SECOND = 1.0


@dataclass(frozen=True, kw_only=True)
class Registry:
    """One registry; `ask` and `ask_as` are its WHOIS questions about an address and an AS."""

    name: str
    rdap: str = ""
    whois: str = ""
    ask: str = "{}"
    ask_as: str = "AS{}"
    pace: float = ONE_A_SECOND
    """Seconds between two questions to one of its servers."""
    domains: tuple[str, ...] = ()
    """Its own mail domains and servers' domain: an answer with nothing else is a signpost."""


REGISTRIES = (
    Registry(
        name="ripencc", rdap="https://rdap.db.ripe.net/", whois="whois.ripe.net", ask="-r {}",
        ask_as="-r AS{}", domains=("ripe.net",),
    ),
    Registry(
        name="arin", rdap="https://rdap.arin.net/registry/", whois="whois.arin.net", ask="n + {}",
        ask_as="a + {}", domains=("arin.net",),
    ),
    Registry(
        name="apnic", rdap="https://rdap.apnic.net/", whois="whois.apnic.net",
        domains=("apnic.net",),
    ),
    Registry(
        name="lacnic", rdap="https://rdap.lacnic.net/rdap/", whois="whois.lacnic.net", pace=7.5,
        domains=("lacnic.net",),
    ),
    Registry(
        name="afrinic", rdap="https://rdap.afrinic.net/rdap/", whois="whois.afrinic.net",
        domains=("afrinic.net",),
    ),
    Registry(
        name="jpnic", whois="whois.nic.ad.jp", ask="{}/e", ask_as="AS{}/e",
        domains=("nic.ad.jp",),
    ),
    Registry(
        name="krnic", whois="whois.nic.or.kr",
        domains=("nic.or.kr", "krnic.net", "krnic.or.kr", "kisa.or.kr", "nida.or.kr"),
    ),
    Registry(
        name="registro.br", whois="whois.registro.br", pace=7.5,
        domains=("registro.br", "nic.br"),
    ),
)  # fmt: skip

_PUBLISHED = "2019-06-07 (IPv4), 2019-11-06 (IPv6), 2021-12-07 (AS)"
_FIRST_OCTETS = {
    "afrinic": "41 102 105 154 196-197",
    "apnic": "1 14 27 36 39 42-43 49 58-61 101 103 106 110-126 133 150 153 163 171 175 180 "
    "182-183 202-203 210-211 218-223",
    "arin": "3-4 6-9 11-13 15-24 26 28-30 32-35 38 40 44-45 47-48 50 52 54-56 63-76 96-100 104 "
    "107-108 128-132 134-140 142-144 146-149 152 155-162 164-170 172-174 184 192 198-199 "
    "204-209 214-216",
    "ripencc": "2 5 25 31 37 46 51 53 57 62 77-95 109 141 145 151 176 178 185 188 193-195 "
    "212-213 217",
    "lacnic": "177 179 181 186-187 189-191 200-201",
}
_PREFIXES = {
    "afrinic": "2001:4200::/23 2c00::/12",
    "apnic": "2001:200::/23 2001:4400::/23 2001:8000::/19 2001:a000::/20 2001:b000::/20 "
    "2001:c00::/23 2001:e00::/23 2400::/12",
    "arin": "2001:1800::/23 2001:400::/23 2001:4800::/23 2600::/12 2610::/23 2620::/23 2630::/12",
    "ripencc": "2001:1400::/22 2001:1a00::/23 2001:1c00::/22 2001:2000::/19 2001:4000::/23 "
    "2001:4600::/23 2001:4a00::/23 2001:4c00::/23 2001:5000::/20 2001:600::/23 2001:800::/22 "
    "2003::/18 2a00::/12 2a10::/12",
    "lacnic": "2001:1200::/23 2800::/12",
}
_AS_NUMBERS = {
    "afrinic": "36864-37887 327680-329727",
    "apnic": "4608-4865 7467-7722 9216-10239 17408-18431 23552-24575 37888-38911 45056-46079 "
    "55296-56319 58368-59391 63488-64098 64297-64395 131072-151865",
    "arin": "1-1876 1902-2042 2044-2046 2048-2106 2137-2584 2615-2772 2823-2829 2880-3153 "
    "3354-4607 4866-5376 5632-6655 6912-7466 7723-8191 10240-12287 13312-15359 16384-17407 "
    "18432-20479 21504-23455 23457-23551 25600-27647 29696-30719 31744-33791 35840-36863 "
    "39936-40959 46080-47103 53248-55295 62464-63487 64198-64296 393216-401308",
    "ripencc": "1877-1901 2043 2047 2107-2136 2585-2614 2773-2822 2830-2879 3154-3353 5377-5631 "
    "6656-6911 8192-9215 12288-13311 15360-16383 20480-21503 24576-25599 28672-29695 30720-31743 "
    "33792-35839 38912-39935 40960-45055 47104-52223 56320-58367 59392-61439 61952-62463 "
    "64396-64495 196608-213403",
    "lacnic": "27648-28671 52224-53247 61440-61951 64099-64197 262144-273820",
}


@cache
def packaged() -> Bootstrap:
    """The table above as a bootstrap."""
    found = sorted(_services(), key=lambda each: (each.family, each.first, -each.last))
    return Bootstrap(publication=_PUBLISHED, services=tuple(found))


def named(name: str) -> Registry | None:
    """The registry of that name."""
    return next((each for each in REGISTRIES if each.name == name), None)


def of_host(host: str) -> Registry | None:
    """Whose server a host is: by its WHOIS server's name or by its domain."""
    bare = host.lower().rstrip(".")
    return next(
        (
            each
            for each in REGISTRIES
            if bare == each.whois or any(_lies_in(bare, domain) for domain in each.domains)
        ),
        None,
    )


def of_mail_domain(domain: str) -> Registry | None:
    """The registry whose own mailboxes lie in a domain."""
    bare = domain.lower().rstrip(".")
    return next(
        (each for each in REGISTRIES if any(_lies_in(bare, own) for own in each.domains)), None
    )


def pace_of(host: str) -> float:
    """Seconds between two questions to a host."""
    found = of_host(host)
    return found.pace if found else ONE_A_SECOND


def _lies_in(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def _services() -> Iterator[Service]:
    for each in REGISTRIES:
        urls = (each.rdap,)
        for first, last in _runs(_FIRST_OCTETS.get(each.name, "")):
            yield Service(family=4, first=first << 24, last=((last + 1) << 24) - 1, urls=urls)
        for prefix in _PREFIXES.get(each.name, "").split():
            ends = parse_range(prefix)
            if ends:
                yield Service(family=6, first=int(ends[0]), last=int(ends[1]), urls=urls)
        for first, last in _runs(_AS_NUMBERS.get(each.name, "")):
            yield Service(family=0, first=first, last=last, urls=urls)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    for run in text.split():
        first, _, last = run.partition("-")
        yield int(first), int(last or first)
