"""Registries' bulk forms: ARIN's XML and text, NRTMv4 mirrors, IANA's tables; also hostile ones."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import arinxml, delegated, nrtm4, rpsl, rpsl_links, special, xmlevents
from openletter.wire.registry import Party, Registration, UnreadableError

ARIN_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<bulkwhois xmlns="http://www.arin.net/bulkwhois/core/v1">
<poc><ref>x</ref><handle>ABUSE1-ARIN</handle><isRoleAccount>Y</isRoleAccount>
  <lastName>Abuse Desk</lastName><emails><email>abuse@prairie.example</email></emails>
  <iso3166-1><code2>US</code2><name>United States</name></iso3166-1></poc>
<poc><handle>JS1-ARIN</handle><isRoleAccount>N</isRoleAccount><firstName>Jane</firstName>
  <lastName>Smith</lastName><emails><email>jsmith@prairie.example</email></emails></poc>
<org><handle>PRAIR</handle><name>Prairie Broadband Inc.</name><customer>N</customer>
  <iso3166-1><code2>US</code2><code3>USA</code3><name>United States</name></iso3166-1>
  <streetAddress><line number="1">1 Main St</line></streetAddress>
  <pocLinks><pocLink description="Abuse" function="AB" handle="ABUSE1-ARIN"/>
  <pocLink description="Tech" function="T" handle="JS1-ARIN"/></pocLinks></org>
<net><handle>NET-203-0-113-0-1</handle><name>PRAIRIE</name><orgHandle>PRAIR</orgHandle>
  <startAddress>203.0.113.0</startAddress><endAddress>203.0.113.255</endAddress>
  <comment><line number="1">Report to abuse@prairie.example</line></comment>
  <netBlocks><netBlock><cidrLength>24</cidrLength><startAddress>203.000.113.000</startAddress>
  <endAddress>203.000.113.255</endAddress><type>DA</type></netBlock></netBlocks>
  <parentNetHandle>NET-203-0-0-0-0</parentNetHandle><version>4</version></net>
<net><handle>NET6-2001-DB8-1</handle><name>SIX</name><orgHandle>PRAIR</orgHandle>
  <netBlocks><netBlock><startAddress>2001:db8::</startAddress>
  <endAddress>2001:db8:ffff:ffff:ffff:ffff:ffff:ffff</endAddress><type>S</type></netBlock></netBlocks>
  <pocLinks><pocLink><handle>JS1-ARIN</handle><function>AB</function></pocLink></pocLinks></net>
<asn><handle>AS64496</handle><startAsNumber>64496</startAsNumber><orgHandle>PRAIR</orgHandle></asn>
<net><name>NO HANDLE</name></net>
</bulkwhois>
"""
ARIN_TEXT = b"""
NetHandle:      NET-203-0-113-0-1
OrgID:          PRAIR
NetName:        PRAIRIE
NetRange:       203.0.113.0 - 203.0.113.255
NetType:        direct allocation
Comment:        Report to abuse@prairie.example
Source:         ARIN

V6NetHandle:    NET6-2001-DB8-1
OrgID:          PRAIR
NetName:        SIX
NetRange:       2001:DB8:: - 2001:DB8:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF
NetType:        reassignment
AbuseHandle:    JS1-ARIN
Source:         ARIN

OrgID:          PRAIR
OrgName:        Prairie Broadband Inc.
Street:         1 Main St
Country:        US
OrgAbuseHandle: ABUSE1-ARIN
OrgTechHandle:  JS1-ARIN
Source:         ARIN

POCHandle:      ABUSE1-ARIN
IsRole:         Y
LastName:       Abuse Desk
Mailbox:        abuse@prairie.example
Source:         ARIN

POCHandle:      JS1-ARIN
IsRole:         N
FirstName:      Jane
LastName:       Smith
Mailbox:        jsmith@prairie.example
Source:         ARIN
"""


def resolved(objects: list[rpsl.RpslObject]) -> list[Registration]:
    directory = rpsl_links.Directory()
    for each in objects:
        if each.kind in rpsl_links.DIRECTORY:
            directory.add(each)
    found = (
        rpsl_links.registration(each, directory)
        for each in objects
        if each.kind in rpsl_links.NETWORKS
    )
    return [each for each in found if each is not None]


@pytest.mark.parametrize(
    "objects",
    [
        list(arinxml.objects([ARIN_XML], faults=rpsl.Faults())),
        list(rpsl.objects([ARIN_TEXT], faults=rpsl.Faults())),
    ],
    ids=["xml", "text"],
)
def test_arins_bulk_says_the_same_in_xml_and_in_text(objects: list[rpsl.RpslObject]) -> None:
    four, six = resolved(objects)
    assert (str(four.first), str(four.last)) == ("203.0.113.0", "203.0.113.255")
    assert (four.registry, four.handle, four.name) == ("arin", "NET-203-0-113-0-1", "PRAIRIE")
    assert four.holder.name == "Prairie Broadband Inc."
    assert (four.holder.handle, four.holder.country) == ("PRAIR", "US")
    assert four.status == "direct allocation"
    said = {(each.value, each.role, each.party) for each in four.written}
    assert ("abuse@prairie.example", "abuse-c", Party.GROUP) in said
    assert ("jsmith@prairie.example", "techhandle", Party.INDIVIDUAL) in said
    assert four.remarks[0].lines == ("Report to abuse@prairie.example",)
    assert (str(six.first), six.status) == ("2001:db8::", "reassignment")
    own = [each for each in six.written if each.depth == 0]
    assert [(each.value, each.role) for each in own] == [("jsmith@prairie.example", "abuse-c")]


@pytest.mark.parametrize("size", [1, 17, 4_096])
def test_xml_is_read_in_pieces_and_bad_records_are_noted_with_their_line(size: int) -> None:
    faults = rpsl.Faults()
    pieces = [ARIN_XML[at : at + size] for at in range(0, len(ARIN_XML), size)]
    found = list(arinxml.objects(pieces, wanted=rpsl_links.NETWORKS, faults=faults))
    assert len(found) == 2
    line = ARIN_XML[: ARIN_XML.index(b"<net><name>NO HANDLE")].count(b"\n") + 1
    assert [(at, reason) for _, at, reason in faults.examples] == [(line, "no-handle")]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><bulkwhois>&a;</bulkwhois>', "xml-with-dtd"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><bulkwhois/>', "xml-with-dtd"),
        (b"<bulkwhois><net>", "bad-xml"),
        (b"<bulkwhois></net>", "bad-xml"),
        (b"<a>" * 100, "too-deep"),
        (b"\xff\xfe\x00", "bad-xml"),
        (b'<bulkwhois a="' + b"x" * 3_000_000, "too-large"),
        (b"<bulkwhois><!-- " + b"x" * 3_000_000, "too-large"),
    ],
)
def test_hostile_xml_is_refused_whole(document: bytes, why: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        list(xmlevents.events([document]))
    assert refused.value.reason == why


def test_a_text_of_any_length_is_cut_and_not_collected() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"<bulkwhois><net><handle>H"
        for _ in range(200):
            yield b"x" * 100_000
        yield b"</handle></net></bulkwhois>"

    found = list(arinxml.objects(pieces(), faults=rpsl.Faults()))
    assert len(found[0].first("nethandle")) == xmlevents.LONGEST_TEXT


@given(st.binary(max_size=300))
def test_any_bytes_are_xml_or_refused(raw: bytes) -> None:
    for document in (raw, b"<bulkwhois><net>" + raw):
        with suppress(UnreadableError):
            list(arinxml.objects([document], faults=rpsl.Faults()))


# -- long lines, long objects, many attributes --------------------------------------------------


def test_a_line_without_end_is_not_collected() -> None:
    faults = rpsl.Faults()

    def pieces() -> Iterator[bytes]:
        yield b"inetnum: 192.0.2.0/24\nremarks: "
        for _ in range(100):
            yield b"x" * 1_000_000
        yield b"\n\nrole: after\nnic-hdl: A1\n"

    found = list(rpsl.objects(pieces(), faults=faults))
    assert [each.kind for each in found] == ["role"]
    assert faults == {"too-large": 1}


def test_an_object_of_many_attributes_and_lines_is_bounded() -> None:
    text = b"inetnum: 192.0.2.0/24\n" + b"mnt-by: A\n" * 50_000 + b" on\n" * 50_000
    found = next(rpsl.objects([text], faults=rpsl.Faults()))
    assert len(found.attributes) == rpsl.MOST_ATTRIBUTES
    assert len(rpsl_links.registration(found, rpsl_links.Directory()).maintainers) == 1  # type: ignore[union-attr]


def test_a_line_that_goes_on_belongs_to_the_attribute_before_it() -> None:
    text = b"inetnum: 192.0.2.0/24\nremarks: one\n two\nsecret: x\n hidden\nremarks: three\n+four\n"
    found = next(rpsl.objects([text], faults=rpsl.Faults()))
    assert found.all("remarks") == ["one\ntwo", "three\nfour"]


# -- delegated, special -------------------------------------------------------------------------


def test_bad_lines_of_delegated_statistics_are_told_with_their_number() -> None:
    faults = rpsl.Faults()
    lines = [
        b"2|apnic|20260301|3|19830101|20260301|+1000", b"# a comment",
        b"apnic|*|ipv4|*|3|summary", b"apnic|JP|ipv4|192.0.2.0|768|20100101|allocated|A91",
        b"apnic|JP|ipv4|192.0.2.0|-1|20100101|allocated|A91",
        b"apnic||ipv4|203.0.113.0|100||available|", b"apnic|AU|ipv6|2001:db8::|32||reserved|",
    ]  # fmt: skip
    found = list(delegated.read(lines, faults=faults))
    assert [(str(each.last), each.status, each.is_held) for each in found] == [
        ("192.0.4.255", "allocated", True), ("203.0.113.99", "available", False),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", False),
    ]  # fmt: skip
    assert [line for _, line, _ in faults.examples] == [5]


CSV = (
    b"Address Block,Name,RFC,Allocation Date,Termination Date,Source,Destination,Forwardable,"
    b"Globally Reachable,Reserved-by-Protocol\r\n"
    b"192.0.0.0/24 [2],IETF Protocol Assignments,[RFC6890],2010-01,N/A,False,False,False,False,False\r\n"
    b'"192.0.0.170/32, 192.0.0.171/32",NAT64/DNS64 Discovery,[RFC7050],2013-02,N/A,False,False,False,False,True\r\n'
    b"nonsense,None,,,,,,,,\r\n"
)
SPECIAL_XML = b"""<?xml version='1.0' encoding='UTF-8'?>
<registry xmlns="http://www.iana.org/assignments" id="iana-ipv6-special-registry">
<title>IANA IPv6 Special-Purpose Address Registry</title>
<registry id="iana-ipv6-special-registry-1"><record><address>2001:db8::/32</address>
<name>Documentation</name><global>False</global></record></registry></registry>"""


def test_ianas_special_purpose_registries_are_read_in_both_forms() -> None:
    faults = rpsl.Faults()
    assert special.is_special(CSV)
    assert special.is_special(SPECIAL_XML)
    found = [*special.read(CSV, faults=faults), *special.read(SPECIAL_XML, faults=faults)]
    assert [str(each.first) for each in found] == [
        "192.0.0.0", "192.0.0.170", "192.0.0.171", "2001:db8::",
    ]  # fmt: skip
    assert {each.status for each in found} == {"special-purpose"}
    assert faults == {"bad-range": 1}


# -- NRTMv4 -------------------------------------------------------------------------------------

SESSION = "ca128382-78d9-41d1-8927-1ecef15275be"
NETWORK = "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: A\nsource: TEST"
ROLE = "role: Abuse\nnic-hdl: A1-TEST\nabuse-mailbox: old@isp.example\nsource: TEST"


def sequence(*records: dict[str, object]) -> bytes:
    return b"".join(b"\x1e" + json.dumps(each).encode() + b"\n" for each in records)


def header(kind: str, version: int, **more: object) -> dict[str, object]:
    return {"nrtm_version": 4, "type": kind, "source": "TEST", "session_id": SESSION,
            "version": version} | more  # fmt: skip


def part(name: str, content: bytes, *, is_notification: bool = False) -> nrtm4.Part:
    def pieces() -> Iterator[bytes]:
        yield from (content[at : at + 40] for at in range(0, len(content), 40))

    sha256 = hashlib.sha256(content).digest()
    return nrtm4.Part(name=name, sha256=sha256, open=pieces, is_notification=is_notification)


def snapshot(version: int = 3) -> nrtm4.Part:
    records = [
        {"object": NETWORK},
        {"object": ROLE},
        {"object": "route: 192.0.2.0/24\norigin: AS64496"},
    ]
    return part("snapshot", sequence(header("snapshot", version), *records))


def delta(version: int, *changes: dict[str, object], **more: object) -> nrtm4.Part:
    return part(f"delta{version}", sequence(header("delta", version, **more), *changes))


def text_of(mirror: nrtm4.Mirror) -> str:
    return b"".join(mirror.content()).decode()


def test_deltas_are_worked_into_the_snapshot_in_order() -> None:
    changed = ROLE.replace("old@", "new@")
    mirror = nrtm4.mirror(
        [
            delta(5, {"action": "delete", "object_class": "route", "primary_key": "192.0.2.0/24as64496"}),
            delta(4, {"action": "add_modify", "object": changed},
                  {"action": "add_modify", "object": "mntner: M"}),
            snapshot(),
        ],
        key=None,
    )  # fmt: skip
    assert (mirror.version, mirror.session, mirror.signed) == (5, SESSION, False)
    text = text_of(mirror)
    assert "new@isp.example" in text
    assert "old@isp.example" not in text
    assert "route:" not in text
    assert text.count("mntner: M") == 1
    assert len(list(rpsl.objects(mirror.content(), faults=rpsl.Faults()))) == 3


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (lambda: [snapshot(), delta(5, {"action": "delete", "object_class": "x", "primary_key": "y"})], "nrtm-gap"),
        (lambda: [snapshot(), delta(3, {"action": "delete", "object_class": "x", "primary_key": "y"})], "nrtm-old-delta"),
        (lambda: [snapshot(), delta(4, {"action": "add_modify"})], "nrtm-bad-file"),
        (lambda: [snapshot(), delta(4)], "nrtm-bad-file"),
        (lambda: [snapshot(), delta(4, {"action": "x"}, session_id="other")], "nrtm-other-session"),
        (lambda: [delta(4, {"action": "add_modify", "object": NETWORK})], "nrtm-one-snapshot"),
        (lambda: [snapshot(), snapshot(4)], "nrtm-one-snapshot"),
        (lambda: [part("cut", snapshot_bytes()[:-5])], "nrtm-bad-file"),
        (lambda: [part("none", b"\x1e{}\n")], "nrtm-bad-file"),
    ],
)  # fmt: skip
def test_what_is_no_whole_mirror_is_refused_with_a_reason(
    parts: Callable[[], list[nrtm4.Part]], code: str
) -> None:
    with pytest.raises(nrtm4.MirrorError) as refused:
        text_of(nrtm4.mirror(parts(), key=None))
    assert refused.value.reason.code == code


def snapshot_bytes() -> bytes:
    return b"".join(snapshot().open())


def base(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def notification(
    files: list[nrtm4.Part],
    *,
    sign: Callable[[bytes], bytes],
    algorithm: str = "ES256",
    version: int = 4,
) -> nrtm4.Part:
    payload = header("notification", version, timestamp="2026-03-02T12:00:00Z") | {
        "snapshot": {"version": 3, "url": "s", "hash": files[0].sha256.hex()},
        "deltas": [{"version": 4, "url": "d", "hash": files[1].sha256.hex()}],
    }
    signed = (
        base(json.dumps({"alg": algorithm}).encode()) + b"." + base(json.dumps(payload).encode())
    )
    return part("unf.jose", signed + b"." + base(sign(signed)), is_notification=True)


def es256(private: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    def sign(content: bytes) -> bytes:
        low, high = utils.decode_dss_signature(private.sign(content, ec.ECDSA(hashes.SHA256())))
        return low.to_bytes(32, "big") + high.to_bytes(32, "big")

    return sign


def pem(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def files() -> list[nrtm4.Part]:
    return [snapshot(), delta(4, {"action": "add_modify", "object": "mntner: M"})]


def test_a_signed_notification_is_checked_with_the_registrys_key() -> None:
    private, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    given = files()
    good = notification(given, sign=es256(private))
    assert nrtm4.is_notification(b"".join(good.open()))
    assert nrtm4.mirror([*given, good], key=pem(private)).signed
    edwards = ed25519.Ed25519PrivateKey.generate()
    also = notification(given, sign=edwards.sign, algorithm="EdDSA")
    assert nrtm4.mirror([*given, also], key=pem(edwards)).signed
    for bad, key, code in (
        (good, pem(other), "nrtm-bad-signature"),
        (good, pem(edwards), "nrtm-bad-signature"),
        (
            notification(given, sign=es256(private), algorithm="none"),
            pem(private),
            "nrtm-bad-signature",
        ),
        (notification(given, sign=lambda _: b""), pem(private), "nrtm-bad-signature"),
        (good, b"no key", "nrtm-bad-key"),
        (part("u", b'{"nrtm_version":4}', is_notification=True), pem(private), "nrtm-not-signed"),
        (part("u", b"eyJ.x", is_notification=True), pem(private), "nrtm-bad-file"),
    ):
        with pytest.raises(nrtm4.MirrorError) as refused:
            nrtm4.mirror([*given, bad], key=key)
        assert refused.value.reason.code == code
    with pytest.raises(nrtm4.MirrorError) as refused:
        nrtm4.mirror(given, key=pem(private))
    assert refused.value.reason.code == "nrtm-no-notification"


def test_files_must_be_those_that_the_notification_names() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    given = files()
    said = notification(given, sign=es256(private))
    for changed, code in (
        ([replace(given[0], sha256=b"\0" * 32), given[1]], "nrtm-bad-hash"),
        ([given[0]], "nrtm-gap"),
        ([*given, delta(5, {"action": "add_modify", "object": "mntner: N"})], "nrtm-not-named"),
    ):
        with pytest.raises(nrtm4.MirrorError) as refused:
            nrtm4.mirror([*changed, said], key=pem(private))
        assert refused.value.reason.code == code


@given(st.binary(max_size=200))
def test_any_bytes_are_a_mirror_or_refused(raw: bytes) -> None:
    for content in (raw, b"\x1e" + raw, sequence(header("snapshot", 1)) + b"\x1e" + raw):
        with suppress(nrtm4.MirrorError):
            text_of(nrtm4.mirror([part("x", content)], key=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("person: Jan\nnic-hdl: jb1-test # x\n", ("person", "JB1-TEST")),
        ("route6: 2001:db8::/32\norigin: as64496", ("route6", "2001:DB8::/32AS64496")),
        ("inetnum: 192.0.2.0 -  192.0.2.255 # c", ("inetnum", "192.0.2.0-192.0.2.255")),
    ],
)
def test_objects_have_the_primary_keys_of_their_class(text: str, expected: tuple[str, str]) -> None:
    assert nrtm4.identity(text) == expected
