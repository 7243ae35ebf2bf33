"""Addresses as registries write them, and as attackers would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import mailaddress
from openletter.wire.mailaddress import Address, Fault, Refused


def _texts(value: str) -> list[str]:
    return [each.text for each in mailaddress.read_value(value) if isinstance(each, Address)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abuse@isp.example", ["abuse@isp.example"]),
        ("  Abuse@ISP.Example.  ", ["Abuse@isp.example"]),
        ("mailto:abuse@isp.example?subject=hi", ["abuse@isp.example"]),
        ("MAILTO:abuse@isp.example", ["abuse@isp.example"]),
        ("Abuse Desk <abuse@isp.example>", ["abuse@isp.example"]),
        ("abuse@isp.example, noc@isp.example", ["abuse@isp.example", "noc@isp.example"]),
        ("abuse@isp.example;noc@isp.example or postmaster@isp.example",
         ["abuse@isp.example", "noc@isp.example", "postmaster@isp.example"]),
        ("abuse@isp.example / noc@isp.example", ["abuse@isp.example", "noc@isp.example"]),
        ("abuse (at) isp (dot) example", ["abuse@isp.example"]),
        ("abuse[at]isp.example", ["abuse@isp.example"]),
        ("abuse@bücher.example", ["abuse@xn--bcher-kva.example"]),
        ("abuse@xn--bcher-kva.example", ["abuse@xn--bcher-kva.example"]),
        ("'abuse@isp.example'", ["abuse@isp.example"]),
        ("„abuse@isp.example“", ["abuse@isp.example"]),
        ('"abuse"@isp.example', ["abuse@isp.example"]),
        ("abuse @ isp.example", ["abuse@isp.example"]),
        ("e-mail:abuse@isp.example", ["abuse@isp.example"]),
        ("abuse@isp.example/noc@isp.example|x@isp.example",
         ["abuse@isp.example", "noc@isp.example", "x@isp.example"]),
        ("S=abuse/O=isp@gate.example", ["S=abuse/O=isp@gate.example"]),
        ("net-abuse AT isp DOT co DOT example", ["net-abuse@isp.co.example"]),
        ("abuse (at) isp dot example", ["abuse@isp.example"]),
    ],
)  # fmt: skip
def test_what_registries_write(value: str, expected: list[str]) -> None:
    assert _texts(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "abuse@isp.example\r\nBcc: all@victims.example",
        "abuse@isp.example\nSubject: x",
        "abuse\x00@isp.example",
        "abuse@isp.example\x0b\x0cx@y.example",
        "abuse@isp.example\u2028Bcc: x@y.example",
        "abuse\u202e@isp.example",
        "good@isp.example, evil@isp.example\r\nx",
    ],
)
def test_a_control_character_refuses_the_whole_value(value: str) -> None:
    read = mailaddress.read_value(value)
    assert [each.fault for each in read if isinstance(each, Refused)] == [Fault.CONTROL_CHARACTER]
    assert len(read) == 1
    assert all(isinstance(each, Refused) and each.shown.isprintable() for each in read)


@pytest.mark.parametrize(
    "value",
    [
        "N/A", "none", "abuse at isp", "@isp.example", "abuse@", "abuse@localhost", "abuse@[192.0.2.1]",
        "abuse@192.0.2.1", '"odd box"@isp.example', "a..b@isp.example", ".a@isp.example", "åbuse@isp.example",
        "a" * 65 + "@isp.example", "a@" + "b" * 64 + ".example", "a@-isp.example", "a@isp_net.example\ud800",
        "a@" + ".".join(["b" * 60] * 5) + ".example",
    ],
)  # fmt: skip
def test_what_is_no_address(value: str) -> None:
    assert _texts(value) == []
    assert mailaddress.read_value(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Report abuse at www.isp.example", []),
        ("ask us at help dot isp dot example", []),
        ("jörg.abuse@isp.example", []),
        ("тест.abuse@isp.example", []),
        ("投诉邮箱abuse@isp.example。谢谢", ["abuse@isp.example"]),
        ("mailto:abuse@isp.example?subject=spam", ["abuse@isp.example"]),
        ("«abuse@isp.example»", ["abuse@isp.example"]),
        ('"abuse"@isp.example', ["abuse@isp.example"]),
    ],
)
def test_half_of_a_local_part_is_nobodys_mailbox(text: str, expected: list[str]) -> None:
    hits = mailaddress.in_text(mailaddress.spelled_out(text))
    assert [value for _, _, value in hits] == expected


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_whatever_comes_only_clean_addresses_leave(value: str) -> None:
    for each in mailaddress.read_value(value):
        if isinstance(each, Address):
            assert each.text.isascii()
            assert each.text.isprintable()
            assert each.text.count("@") == 1
            assert " " not in each.text
            assert each.mailbox == each.mailbox.lower()
            assert mailaddress.one(each.text) == each
        else:
            assert each.shown.isascii()
            assert each.shown.isprintable()


@given(st.text(max_size=500))
def test_free_text_never_breaks(text: str) -> None:
    for start, end, value in mailaddress.in_text(mailaddress.spelled_out(text)):
        assert 0 <= start < end
        assert "@" in value
