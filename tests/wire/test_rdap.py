"""RDAP answers as servers give them, and as they should never."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import rdap
from openletter.wire.registry import Party, Place, Registration, Subject, UnreadableError


def read(**answer: Any) -> Registration:
    return rdap.read(json.dumps(answer))[0]


def card(*emails: Any, name: str = "Desk", kind: str = "group", label: str = "") -> list[Any]:
    rows: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]
    rows += [["kind", {}, "text", kind], ["adr", {"label": label}, "text", [""] * 7]]
    rows += [[*email] if isinstance(email, list) else ["email", {}, "text", email]
             for email in emails]  # fmt: skip
    return ["vcard", rows]


def entity(*emails: Any, roles: Any = ("abuse",), **more: Any) -> dict[str, Any]:
    found = {"handle": "H1", "roles": list(roles), "vcardArray": card(*emails)}
    return {**found, **more}


def places(found: Registration) -> list[tuple[str, Place, int]]:
    return [(each.value, each.place, each.depth) for each in found.written]


def test_entities_are_read_at_every_depth_outermost_first() -> None:
    inner = entity("abuse@isp.example", roles=["noc", "abuse contact"])
    outer = entity("info@isp.example", roles=["registrant"], entities=[{"entities": [inner]}])
    found = read(startAddress="192.0.2.0", endAddress="192.0.2.255", entities=[outer])
    assert places(found) == [
        ("info@isp.example", Place.CONTACT, 0),
        ("abuse@isp.example", Place.ABUSE_ROLE, 2),
    ]
    assert found.subject is Subject.NETWORK


def test_type_abuse_and_preference_come_before_order() -> None:
    typed = entity(
        ["email", {"type": ["work", "abuse"]}, "text", "abuse@isp.example"], "help@isp.example"
    )
    pref = entity("help@isp.example", ["email", {"pref": "1"}, "text", "abuse@isp.example"])
    for each in (typed, pref):
        found = read(objectClassName="autnum", startAutnum=64496, entities=[each])
        assert places(found) == [
            ("abuse@isp.example", Place.ABUSE_BOX, 0),
            ("help@isp.example", Place.ABUSE_ROLE, 0),
        ]


def test_old_addresses_with_zeros_and_lengths() -> None:
    found = read(startAddress="062.239.237.000/32", endAddress="062.239.237.255/32")
    assert (str(found.first), str(found.last)) == ("62.239.237.0", "62.239.237.255")
    found = read(cidr0_cidrs=[{"v6prefix": "2001:DB8::", "length": 32}])
    assert str(found.last) == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
    found = read(objectClassName="ip network", handle="198.51.100.0 - 198.51.100.255")
    assert str(found.first) == "198.51.100.0"


@pytest.mark.parametrize(
    ("label", "country"),
    [
        ("Dijk 1\nUtrecht\nThe Netherlands", "NL"),
        ("Dijk 1\\nUtrecht\\nNETHERLANDS", "NL"),
        ("1 Main St\r\nSan Jose\r\nCA\r\n95113\r\nUnited States", "US"),
        ("Calle 1, Bogotá, Colombia", "CO"),
        ("Yerevan, Armenia, 0010", "AM"),
        ("Newark\nDE\n19711", None),
        ("Atlanta\nGeorgia Tech Street", None),
        ("", None),
    ],
)
def test_the_country_at_the_end_of_an_address(label: str, country: str | None) -> None:
    org = {"roles": ["registrant"], "vcardArray": card(kind="org", name="Org", label=label)}
    assert read(startAddress="192.0.2.0", entities=[org]).holder.address_country == country


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"[1]", b'"text"', b"\xff\xfe\x00", b"[" * 100_000, b"{]"]
)
def test_what_is_no_answer_is_refused(document: bytes) -> None:
    with pytest.raises(UnreadableError):
        rdap.read(document)


def test_a_huge_answer_is_cut_not_followed() -> None:
    many = [entity(f"abuse{number}@isp.example") for number in range(5_000)]
    found = read(startAddress="192.0.2.0", endAddress="192.0.2.255", entities=many)
    assert len(found.written) == rdap.MOST_ADDRESSES
    deep: dict[str, Any] = entity("deep@isp.example")
    for _ in range(50):
        deep = {"entities": [deep]}
    assert read(startAddress="192.0.2.0", entities=[deep]).written == ()


def test_names_carry_no_control_characters() -> None:
    org = {"roles": ["registrant"], "handle": "A\x00B", "vcardArray": card(
        kind="org", name="Evil\r\nOrg\u202e\ud800")}  # fmt: skip
    holder = read(startAddress="192.0.2.0", entities=[org]).holder
    assert holder.name.isprintable()
    assert holder.name.startswith("Evil Org")
    assert "\x00" not in holder.handle


def test_a_person_answer_is_an_individual() -> None:
    found = read(
        objectClassName="entity",
        handle="DOE",
        vcardArray=card("jane@isp.example", kind="individual"),
    )
    assert (found.subject, found.written[0].party) == (Subject.ENTITY, Party.INDIVIDUAL)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["entities", "roles", "vcardArray", "handle", "startAddress", "endAddress", "remarks",
             "description", "networks", "startAutnum", "objectClassName", "status", "cidr0_cidrs",
             "country", "port43", "links", "v4prefix", "length"]
        ) | st.text(max_size=5),
        children,
        max_size=6,
    ),
    max_leaves=40,
)  # fmt: skip


@given(_json)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        found = rdap.read(json.dumps(value))
    except UnreadableError:
        assert not isinstance(value, dict)
        return
    assert found
    for each in found:
        assert (each.first is None) == (each.last is None)
        assert each.first is None or each.covers(each.first)


@given(st.lists(st.one_of(st.none(), st.text(max_size=9), st.lists(_json, max_size=6)), max_size=6))
def test_any_card_is_read(rows: Any) -> None:
    found = rdap.read_card(["vcard", rows])
    assert all(isinstance(value, str) for value, _, _ in found.emails)


def test_a_jscontact_card_is_read_where_no_jcard_is() -> None:
    card = {
        "@type": "Card", "version": "1.0", "kind": "org", "name": {"full": "Isp B.V."},
        "emails": {
            "a": {"address": "noc@isp.example"},
            "b": {"address": "desk@isp.example", "contexts": {"abuse": True}, "pref": 1},
            "c": "odd", "d": {"address": ["odd"]},
        },
        "addresses": {"x": {"countryCode": "NL"}},
    }  # fmt: skip
    entity = {"handle": "A", "roles": ["abuse"], "jscard": card}
    (found,) = rdap.read(
        json.dumps({"startAddress": "192.0.2.0", "endAddress": "192.0.2.255", "entities": [entity]})
    )
    assert found.holder.name == "Isp B.V."
    assert found.holder.address_country == "NL"
    assert [(each.value, each.place) for each in found.written][:2] == [
        ("desk@isp.example", Place.ABUSE_BOX),
        ("noc@isp.example", Place.ABUSE_ROLE),
    ]
    for odd in (None, [], "x", {"emails": [], "addresses": 3, "name": "x", "kind": {}}):
        rdap.read(json.dumps({"entities": [{"jscard": odd}], "startAddress": "192.0.2.0"}))
