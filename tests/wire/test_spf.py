"""SPF records by their grammar (RFC 7208): what is one, what is none, what macros make of names."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire.spf import Circumstances, SpfError, expanded, is_spf, read_spf


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1", "v=spf1 ", "V=SPF1 -ALL", "v=spf1 a mx -all", "v=spf1 a/24//64 mx:x.example/30 ?all",
        "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", "v=spf1 redirect=_spf.example.net",
        "v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all", "v=spf1 include:%{d} ptr ptr:example.net",
        "v=spf1 moo.cow-far_out=man:dog/cat ip4:1.2.3.4 -all", "v=spf1 exp=explain._spf.%{d} -all",
        "v=spf1 a:sub.example.net.", "v=spf1 ip4:192.0.2.1/24",
    ],
)  # fmt: skip
def test_records(text: str) -> None:
    assert is_spf(text.encode())
    read_spf(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 a:", "v=spf1 include", "v=spf1 include:", "v=spf1 ip4:", "v=spf1 ip4:192.0.2",
        "v=spf1 ip4:192.0.2.0/33", "v=spf1 ip4:2001:db8::1", "v=spf1 ip6:192.0.2.1", "v=spf1 all:x",
        "v=spf1 a/33", "v=spf1 a//129", "v=spf1 a/024", "v=spf1 ip4:192.0.2.0/255.255.255.0",
        "v=spf1 redirect=a.example redirect=b.example", "v=spf1 -", "v=spf1 foo", "v=spf1 foo:bar.example",
        "v=spf1 include:example", "v=spf1 include:a.123", "v=spf1 exists:%{x}.example.net",
        "v=spf1 exists:%{d", "v=spf1 exists:%a.example.net", "v=spf1 include:%{c}.example.net",
        "v=spf1 redirect=", "v=spf1 a\tb", "v=spf1 é", "v=spf1 ip6:fe80::1%eth0", "v=spf1 =x",
        "v=spf1 a:" + "a" * 600 + ".example",
    ],
)  # fmt: skip
def test_a_mistake_anywhere_spoils_the_whole_record(text: str) -> None:
    with pytest.raises(SpfError):
        read_spf(text.encode())


@pytest.mark.parametrize("text", ["v=spf10 -all", "v=spf2.0/pra", " v=spf1", "spf1", ""])
def test_what_is_no_spf_at_all(text: str) -> None:
    assert not is_spf(text.encode())


@pytest.mark.parametrize(
    ("macro", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"), ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"), ("%{d1}", "com"), ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"), ("%{l}", "strong-bad"), ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("a%%b%_c%-d", "a%b c%20d"), ("%{S}", "strong-bad%40email.example.com"),
    ],
)  # fmt: skip
def test_the_macros_of_section_7_4(macro: str, name: str) -> None:
    about = Circumstances(
        address=ip_address("192.0.2.3"), sender="strong-bad@email.example.com",
        domain="email.example.com",
    )  # fmt: skip
    assert expanded(macro, about) == name


def test_ipv6_is_spelled_by_nibbles_and_long_names_lose_their_left() -> None:
    about = Circumstances(
        address=ip_address("2001:db8::cb01"), sender="x@" + "label." * 60 + "example.com",
        domain="email.example.com",
    )  # fmt: skip
    assert expanded("%{ir}.%{v}._spf.%{d2}", about) == (
        "1.0.b.c." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )
    long = expanded("%{o}", about)
    assert len(long) <= 253
    assert long.endswith(".label.example.com")


@given(st.binary(max_size=600))
def test_no_record_raises_anything_else(noise: bytes) -> None:
    try:
        read_spf(b"v=spf1 " + noise)
    except SpfError:
        return


@given(st.text("ab.-%{}dilr0123/:+~?= ", max_size=200))
def test_what_looks_like_one_is_read_or_refused(noise: str) -> None:
    about = Circumstances(address=ip_address("192.0.2.3"), sender="a@b.example", domain="b.example")
    try:
        for term in read_spf(f"v=spf1 {noise}".encode()).terms:
            assert len(expanded(term.domain, about)) <= 253
    except SpfError:
        return


def test_hostile_lengths_take_no_time() -> None:
    for piece in (
        "a" * 7900,
        "%{d}" * 1900,
        "." * 7900,
        "-" * 7900,
        "a:" + "a." * 3900,
        "/" * 7900,
    ):
        with pytest.raises(SpfError):
            read_spf(f"v=spf1 {piece}!".encode())
