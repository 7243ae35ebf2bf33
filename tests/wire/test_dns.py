"""DNS messages: dnspython reads our questions, we read its answers, and nothing breaks us."""

from __future__ import annotations

import ipaddress
import itertools
import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire.dns import (
    BadNameError,
    Garbled,
    Mx,
    Rcode,
    Record,
    Reply,
    Soa,
    Type,
    encode_name,
    is_answer_to,
    listing_question,
    query,
    question,
    read_reply,
    reversed_name,
)

LABEL = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789-_", min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
ADDRESS = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6).filter(lambda six: six.ipv4_mapped is None),  # dnspython makes v4 of it
)
SOA = "bl.test. 300 IN SOA ns.test. host.test. 7 600 300 86400 60"


def answer_to(asked: bytes, *rrsets: dns.rrset.RRset, number: int = 7, **more: object) -> bytes:
    """What a server would send, as dnspython writes it."""
    response = dns.message.make_response(dns.message.from_wire(query(number, asked)))
    response.answer.extend(rrsets)
    response.set_rcode(more.get("rcode", dns.rcode.NOERROR))
    if authority := more.get("authority"):
        response.authority.append(rrset(str(authority)))
    return response.to_wire()


def rrset(text: str, *more: str) -> dns.rrset.RRset:
    name, ttl, _, kind, rdata = text.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), "IN", kind, rdata, *more)


def read(message: bytes, asked: bytes) -> Reply:
    assert is_answer_to(message, asked)
    reply = read_reply(message, asked)
    assert isinstance(reply, Reply), reply
    return reply


@given(NAME, st.sampled_from(Type), st.integers(0, 65535), st.sampled_from([0, 1232]))
@settings(deadline=None)
def test_dnspython_reads_our_question(name: str, kind: Type, number: int, size: int) -> None:
    told = dns.message.from_wire(query(number, question(name, kind), udp_size=size))
    assert told.id == number
    assert told.question[0].name == dns.name.from_text(name)
    assert told.question[0].rdtype == dns.rdatatype.from_text(kind.name)
    assert told.flags == dns.flags.RD
    assert told.payload == size


@given(ADDRESS)
@settings(deadline=None)
def test_an_address_is_asked_for_under_its_reversed_name(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    there = dns.reversename.from_address(str(address))
    assert reversed_name(address) + "." == str(there)
    told = dns.message.from_wire(
        query(1, listing_question(address, encode_name("bl.test"), Type.A))
    )
    bare = str(there).removesuffix(".in-addr.arpa.").removesuffix(".ip6.arpa.")
    assert (
        str(told.question[0].name) == f"{bare}.bl.test." == f"{reversed_name(address, 'bl.test')}."
    )


@pytest.mark.parametrize(
    "name",
    ["a..b", "x" * 64, ".".join(["abcdefgh"] * 29), "münchen.example", "a b.example", "a\\.b"],
)
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(BadNameError):
        question(name, Type.A)


@pytest.mark.parametrize(
    ("kind", "rdata", "value"),
    [
        (Type.A, "127.0.0.9", "127.0.0.9"),
        (Type.AAAA, "2001:DB8:0::1", "2001:db8::1"),
        (Type.PTR, "Host.example.net.", "Host.example.net"),
        (Type.NS, "ns.example.net.", "ns.example.net"),
        (Type.MX, "10 mx.example.net.", Mx(10, "mx.example.net")),
        (Type.TXT, '"one " "two"', b"one two"),
        (
            Type.SOA,
            "ns.a.test. j\\.doe.a.test. 9 1 2 3 77",
            Soa("ns.a.test", "j\\.doe.a.test", 9, 77),
        ),
    ],
)
def test_records_are_read_as_dnspython_writes_them(kind: Type, rdata: str, value: object) -> None:
    asked = question("www.example.net", kind)
    reply = read(answer_to(asked, rrset(f"www.example.net. 60 IN {kind.name} {rdata}")), asked)
    assert reply == Reply(
        rcode=Rcode.NOERROR, answers=(Record("www.example.net", kind, 60, value),)
    )


def test_several_codes_are_several_answers_and_the_shortest_time_holds() -> None:
    asked = question("2.0.0.127.bl.test", Type.A)
    told = rrset("2.0.0.127.bl.test. 120 IN A 127.0.0.3", "127.0.0.9")
    reply = read(answer_to(asked, told), asked)
    assert {one.value for one in reply.answers} == {"127.0.0.3", "127.0.0.9"}
    assert reply.ttl == 120


def test_no_such_name_holds_as_long_as_the_soa_says() -> None:
    asked = question("7.2.0.192.bl.test", Type.A)
    reply = read(answer_to(asked, rcode=dns.rcode.NXDOMAIN, authority=SOA), asked)
    assert (reply.rcode, reply.answers, reply.negative_ttl) == (Rcode.NXDOMAIN, (), 60)


def test_an_alias_is_followed_and_other_names_are_left_out() -> None:
    asked = question("a.test", Type.A)
    reply = read(
        answer_to(
            asked,
            rrset("a.test. 60 IN CNAME b.test."),
            rrset("b.test. 60 IN A 127.0.0.2"),
            rrset("bank.example. 60 IN A 203.0.113.1"),
        ),
        asked,
    )
    assert [one.value for one in reply.answers] == ["127.0.0.2"]
    assert reply.aliases == ("b.test",)


def test_aliases_in_a_circle_and_without_end_are_garbled() -> None:
    asked = question("a.test", Type.A)
    circle = answer_to(
        asked, rrset("a.test. 1 IN CNAME b.test."), rrset("b.test. 1 IN CNAME a.test.")
    )
    names = ["a.test", *(f"n{number}.test" for number in range(12))]
    chain = [rrset(f"{one}. 1 IN CNAME {two}.") for one, two in itertools.pairwise(names)]
    assert isinstance(read_reply(circle, asked), Garbled)
    assert isinstance(read_reply(answer_to(asked, *chain), asked), Garbled)


def test_other_questions_numbers_and_requests_are_no_answers() -> None:
    asked = question("a.test", Type.A)
    good = answer_to(asked)
    assert is_answer_to(good, asked)
    assert is_answer_to(answer_to(question("A.TEST", Type.A)), asked)
    for wrong in (
        answer_to(question("b.test", Type.A)),
        answer_to(question("a.test", Type.TXT)),
        query(7, asked),
        good[:12],
        b"",
        good[:2] + b"\xa8" + good[3:],
    ):
        assert not is_answer_to(wrong, asked)


def raw(asked: bytes, body: bytes, *, answers: int = 1) -> bytes:
    return struct.pack("!HHHHHH", 7, 0x8180, 1, answers, 0, 0) + asked + body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xc0\x18" + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\2", id="pointer to itself"),
        pytest.param(b"\xff\xff" + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\2", id="pointer beyond the end"),
        pytest.param(b"\xc0\x0c" + b"\0\1\0\1\0\0\0\1\0\5\x7f\0\0\2\0", id="A of five octets"),
        pytest.param(b"\xc0\x0c" + b"\0\x1c\0\1\0\0\0\1\0\4\x7f\0\0\2", id="AAAA of four"),
        pytest.param(b"\xc0\x0c" + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0", id="cut off"),
        pytest.param(
            b"\xc0\x0c" + b"\0\1\0\1\0\0\0\1\xff\xff\x7f\0\0\2", id="length beyond the end"
        ),
        pytest.param(b"\xc0\x0c" + b"\0\x10\0\1\0\0\0\1\0\2\x09x", id="text beyond its record"),
        pytest.param(b"\xc0\x0c" + b"\0\x10\0\1\0\0\0\1\0\0", id="empty text"),
        pytest.param(b"\xc0\x0c" + b"\0\5\0\1\0\0\0\1\0\3\xc0\x0cx", id="name that ends early"),
        pytest.param(b"\x80" + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\2", id="label of a reserved kind"),
        pytest.param(b"\xc0\x0c" + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\2x", id="bytes behind the end"),
        pytest.param(b"\x3f" * 20_000, id="nothing but labels"),
    ],
)
def test_hostile_answers_are_garbled(body: bytes) -> None:
    asked = question("a.test", Type.A)
    assert isinstance(read_reply(raw(asked, body), asked), Garbled)
    many = struct.pack("!HHHHHH", 7, 0x8180, 1, 65535, 65535, 65535) + asked + body
    assert isinstance(read_reply(many, asked), Garbled)


def test_odd_octets_in_names_are_printed_so_that_nothing_is_mistaken_for_a_dot() -> None:
    asked = question("a.test", Type.PTR)
    rdata = b"\x03a.b\x04\x00\xff\x22x\x00"
    body = b"\xc0\x0c\0\x0c\0\1\0\0\0\1" + struct.pack("!H", len(rdata)) + rdata
    assert read(raw(asked, body), asked).answers[0].value == 'a\\.b.\\000\\255\\"x'


def test_unknown_records_are_kept_as_bytes_and_the_root_is_a_name() -> None:
    asked = question(".", Type.NS)
    assert asked == b"\0\0\2\0\1"
    unknown = raw(question("a.test", Type.A), b"\xc0\x0c\0\x63\0\1\0\0\0\1\0\2hi")
    assert read(unknown, question("a.test", Type.A)).answers == ()


def test_a_name_that_grows_too_long_is_not_asked_for() -> None:
    with pytest.raises(BadNameError):
        listing_question(
            ipaddress.IPv6Address("2001:db8::1"), encode_name(".".join(["x" * 60] * 4)), Type.A
        )


def test_a_truncated_answer_says_nothing_but_that() -> None:
    asked = question("a.test", Type.A)
    cut = struct.pack("!HHHHHH", 7, 0x8380, 1, 9, 0, 0) + asked + b"\xc0"
    assert read(cut, asked) == Reply(rcode=0, is_truncated=True)


def test_records_of_another_class_say_nothing() -> None:
    asked = question("a.test", Type.A)
    chaos = raw(asked, b"\xc0\x0c\0\1\0\3\0\0\0\1\0\4\x7f\0\0\2")
    assert read(chaos, asked).answers == ()


def test_edns_carries_the_upper_bits_of_the_code() -> None:
    asked = question("a.test", Type.A)
    response = dns.message.make_response(dns.message.from_wire(query(7, asked, udp_size=1232)))
    response.set_rcode(dns.rcode.BADVERS)
    assert read(response.to_wire(), asked).rcode == 16


@given(st.binary(max_size=120), st.integers(0, 4), st.sampled_from(Type))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_ends_as_a_value(body: bytes, answers: int, kind: Type) -> None:
    asked = question("a.test", kind)
    assert isinstance(read_reply(raw(asked, body, answers=answers), asked), Reply | Garbled)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_answer_ends_as_a_value_too(data: st.DataObject) -> None:
    asked = question("a.test", Type.MX)
    whole = bytearray(
        answer_to(
            asked,
            rrset("a.test. 60 IN CNAME b.test."),
            rrset("b.test. 60 IN MX 10 mx.b.test."),
            authority=SOA,
        )
    )
    start = 12 + len(asked)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(start, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(start, len(whole)))
    assert isinstance(read_reply(bytes(whole[:cut]), asked), Reply | Garbled)


@given(st.lists(st.tuples(NAME, st.ip_addresses(v=4)), max_size=6), NAME)
@settings(deadline=None)
def test_we_read_the_same_addresses_as_dnspython(
    told: list[tuple[str, ipaddress.IPv4Address]], name: str
) -> None:
    """The foreign oracle resolves its own answer."""
    asked = question(name, Type.A)
    sets = [rrset(f"{owner}. 60 IN A {address}") for owner, address in told]
    message = answer_to(asked, *sets)
    theirs = {
        item.address
        for one in dns.message.from_wire(message).answer
        if one.name == dns.name.from_text(name)
        for item in one
    }
    assert {str(one.value) for one in read(message, asked).answers} == theirs
