"""Which server answers for an address: IANA's files, and the table that comes with the program."""

from __future__ import annotations

import contextlib
import json
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import bootstrap, registries
from openletter.wire.bootstrap import Bootstrap
from openletter.wire.registry import UnreadableError
from tests.samples import shared


def a_file(*services: object, publication: str = "2026-01-02T00:00:00Z") -> bytes:
    return json.dumps({"version": "1.0", "publication": publication, "services": services}).encode()


FILE = a_file(
    [["198.51.100.0/24", "192.0.2.0/24"], ["http://b.example/rdap/", "https://b.example/rdap"]],
    [["192.0.2.128/25", "2001:db8::/32"], ["https://c.example/"]],
    [["64496-64511", "65536"], ["https://d.example/"]],
)


def asked(found: Bootstrap, text: str) -> tuple[str, ...]:
    return found.urls_for(int(text[2:]) if text.startswith("AS") else ip_address(text))


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("192.0.2.1", ("https://b.example/rdap/", "http://b.example/rdap/")),
        ("192.0.2.200", ("https://c.example/",)), ("2001:db8::1", ("https://c.example/",)),
        ("198.51.100.255", ("https://b.example/rdap/", "http://b.example/rdap/")),
        ("203.0.113.1", ()), ("2001:db9::1", ()), ("AS64500", ("https://d.example/",)),
        ("AS65536", ("https://d.example/",)), ("AS64512", ()), ("0.0.0.1", ()),
    ],
)  # fmt: skip
def test_the_longest_prefix_answers_https_first(text: str, urls: tuple[str, ...]) -> None:
    assert asked(bootstrap.read(FILE), text) == urls


def test_two_files_are_one() -> None:
    one = bootstrap.read(a_file([["192.0.2.0/24"], ["https://a.example/"]], publication="2026"))
    two = bootstrap.read(a_file([["2001:db8::/32"], ["https://b.example/"]], publication="2027"))
    both = one.merged(two)
    assert asked(both, "192.0.2.9") == ("https://a.example/",)
    assert asked(both, "2001:db8::9") == ("https://b.example/",)
    assert both.publication == "2026; 2027"


def test_entries_that_are_none_are_counted() -> None:
    found = bootstrap.read(
        a_file(
            [["192.0.2.0/24", "nonsense", "9-1", "192.0.2.0-192.0.2.9"], ["https://a.example/"]],
            [["198.51.100.0/24"], ["ftp://a.example/", "https://u:p@a.example/", "https://[x/"]],
            "odd", [["andy"], ["ARIN"], ["https://a.example/"]], [[], ["https://a.example/"]],
        )
    )  # fmt: skip
    assert len(found.services) == 1
    assert found.faults == 7


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"services": 1}', b'{"services": []}', b"\xff", b"[" * 99_999]
)
def test_what_is_no_such_file_is_refused(document: bytes) -> None:
    with pytest.raises(UnreadableError):
        bootstrap.read(document)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(document: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        bootstrap.read(document)


_ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=30) | st.sampled_from(["192.0.2.0/24", "1-2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(_ANY)
def test_any_services_are_read_or_refused(services: object) -> None:
    with contextlib.suppress(UnreadableError):
        bootstrap.read(json.dumps({"services": services}).encode())


def test_the_packaged_table_is_the_published_one() -> None:
    """Every prefix of the sample of IANA's files leads to the same server."""
    sample = json.loads(
        shared("samples", "registry", "bootstrap", "whoisit_bootstrap.json").read_bytes()
    )
    ours = registries.packaged()
    for part in ("ipv4", "ipv6", "asn"):
        theirs = bootstrap.read(json.dumps(sample[part]).encode())
        assert theirs.faults == 0
        for each in theirs.services:
            for number in (each.first, each.last):
                place = number if each.family == 0 else ip_address(_bytes(number, each.family))
                assert ours.urls_for(place)[0] == theirs.urls_for(place)[0], place
    assert ours.urls_for(ip_address("10.0.0.1")) == ()


def _bytes(number: int, family: int) -> bytes:
    return number.to_bytes(4 if family == 4 else 16, "big")


def test_hosts_belong_to_registries() -> None:
    assert registries.pace_of("rdap.lacnic.net") == 7.5
    assert registries.pace_of("rdap.db.ripe.net") == 1.0
    assert registries.pace_of("rdap.example") == 1.0
    jpnic = registries.of_mail_domain("nic.ad.jp")
    assert jpnic is not None
    assert jpnic.whois == "whois.nic.ad.jp"
    assert registries.of_host("notripe.net") is None
    assert registries.named("krnic") is not None
    assert registries.named("nobody") is None
