"""Many spellings, one address; a spelling with two readings is none."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire.address import (
    Address,
    NotAddress,
    address_class,
    parse_address,
    parse_port,
    parse_range,
)
from openletter.words import AddressClass


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\t", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]", "192.0.2.1"),
        ("64:ff9b::c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2002:c000:201::1", "2002:c000:201::1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.1-192.0.2.1", "192.0.2.1"),
        ("192.0.2.001", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:0db8:0000:0000:0000:0000:0000:0001]", "2001:db8::1"),
        ("2001:db8::0.0.0.1", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1"),
    ],
)
def test_many_spellings_are_one_target(text: str, meant: str) -> None:
    assert str(parse_address(text)) == meant


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing-address"),
        ("  ", "missing-address"),
        ("192.0.2.010", "ambiguous-address"),
        ("192.0.2.08", "ambiguous-address"),
        ("1111.2222.3333.4444", "bad-address"),
        ("192.0.2.256", "bad-address"),
        ("192.0.2", "bad-address"),
        ("3221225985", "bad-address"),
        ("0xC0000201", "bad-address"),
        ("192.0.2.1.", "bad-address"),
        ("192.0.2.1/24", "range"),
        ("2001:db8::/64", "range"),
        ("192.0.2.1-192.0.2.9", "range"),
        ("fe80::1%eth0", "scoped-address"),
        ("2001:db8:::1", "bad-address"),
        ("\u0661\u0669\u0662.0.2.1", "bad-address"),
        ("192.0.2.1\u202e", "bad-address"),
        ("host.example", "bad-address"),
    ],
)
def test_what_is_no_single_address_says_why(text: str, code: str) -> None:
    assert parse_address(text) == NotAddress(code)


@pytest.mark.parametrize(
    ("text", "world"),
    [
        ("192.0.2.1", AddressClass.DOCUMENTATION),
        ("198.51.100.1", AddressClass.DOCUMENTATION),
        ("203.0.113.1", AddressClass.DOCUMENTATION),
        ("2001:db8::1", AddressClass.DOCUMENTATION),
        ("3fff::1", AddressClass.DOCUMENTATION),
        ("10.1.1.1", AddressClass.PRIVATE),
        ("172.16.0.1", AddressClass.PRIVATE),
        ("172.32.0.1", AddressClass.GLOBAL),
        ("192.168.0.1", AddressClass.PRIVATE),
        ("fd00::1", AddressClass.PRIVATE),
        ("127.0.0.2", AddressClass.LOOPBACK),
        ("::1", AddressClass.LOOPBACK),
        ("0.0.0.0", AddressClass.SPECIAL),
        ("100.64.0.1", AddressClass.SPECIAL),
        ("169.254.1.1", AddressClass.SPECIAL),
        ("198.18.0.1", AddressClass.SPECIAL),
        ("224.0.0.1", AddressClass.SPECIAL),
        ("255.255.255.255", AddressClass.SPECIAL),
        ("fe80::1", AddressClass.SPECIAL),
        ("ff02::1", AddressClass.SPECIAL),
        ("1.1.1.1", AddressClass.GLOBAL),
        ("2606:4700::1", AddressClass.GLOBAL),
    ],
)
def test_every_address_has_its_world(text: str, world: AddressClass) -> None:
    address = parse_address(text)
    assert not isinstance(address, NotAddress)
    assert address_class(address) is world


@given(st.text(max_size=50))
def test_no_text_is_an_accident(text: str) -> None:
    assert isinstance(parse_address(text), Address | NotAddress)


@given(st.ip_addresses())
def test_an_address_reads_back_as_itself(address: Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    translated = int(address) >> 32 == int(ipaddress.IPv6Address("64:ff9b::")) >> 32
    same = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if translated else mapped or address
    assert parse_address(str(address)) == same
    assert parse_address(address.exploded.upper()) == same


@given(st.ip_addresses(v=4))
def test_the_quick_way_of_sorting_agrees_with_the_tables(address: ipaddress.IPv4Address) -> None:
    from openletter.wire.address import _class_by_tables

    assert address_class(address) is _class_by_tables(address)


@given(st.text(max_size=8))
def test_ports(text: str) -> None:
    port = parse_port(text)
    assert port is None or str(port) == text.strip().lstrip("0") or port == int(text)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "1e3", "80 80", "\u0668\u0660", "", "99999"])
def test_no_port(text: str) -> None:
    assert parse_port(text) is None


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("192.0.2.0/24", "192.0.2.0 192.0.2.255"),
        ("192.0.2.77/24", "192.0.2.0 192.0.2.255"),
        ("192.0.2.16-192.0.2.31", "192.0.2.16 192.0.2.31"),
        ("192.0.2.1", "192.0.2.1 192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0 255.255.255.255"),
        ("2001:db8::/127", "2001:db8:: 2001:db8::1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0 192.0.2.255"),
        ("2001:db8::1-2001:db8::9", "2001:db8::1 2001:db8::9"),
    ],
)
def test_ends_of_a_range(text: str, ends: str) -> None:
    told = parse_range(text)
    assert not isinstance(told, NotAddress)
    assert " ".join(map(str, told)) == ends


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.9-192.0.2.1",
        "192.0.2.1-2001:db8::1",
        "192.0.2.0/33",
        "::ffff:192.0.2.0/24",
        "-",
        "/",
    ],
)
def test_no_range(text: str) -> None:
    assert isinstance(parse_range(text), NotAddress)


@given(st.text(max_size=50))
def test_no_range_is_an_accident(text: str) -> None:
    told = parse_range(text)
    assert isinstance(told, NotAddress) or told[0] <= told[1]  # type: ignore[operator]


def test_tunnelled_addresses_are_special() -> None:
    for text in ("2002:c000:201::1", "2001:0:c000:201::1"):
        assert address_class(ipaddress.ip_address(text)) is AddressClass.SPECIAL
