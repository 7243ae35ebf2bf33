"""Columnar primitives beside their plain meaning: keys, longest match, straight lines."""

from __future__ import annotations

import io
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openletter.columns import keys, straight
from openletter.columns.engine import Room, desk
from openletter.columns.netblocks import from_file, work_lists
from openletter.columns.ranges import NOBODY, flatten
from openletter.wire.address import parse_address

FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


SPELLINGS = [
    "", "1.2.3", "01.2.3.4", "256.1.1.1", "::", "1::2::3", "::ffff:102:304", "1:2:3:4::5:6:7:8",
    "1:2:3:4:5:6:7::", "::1.2.3.4", "12345::", ":1::", "1:::2", "1.2.3.4\n", "¹.2.3.4",
    "64:ff9b::102:304", "64:ff9b::1:0:0", "64:ff9b:1::1", "::ffff:0:102:304",
]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(0, 9)), max_size=12))
def test_flattened_ranges_answer_as_the_narrowest_one(raw: list[tuple[int, int, int]]) -> None:
    nested = [(first, first + more, owner) for first, more, owner in raw]
    starts = flatten(nested)
    assert [first for first, _ in starts] == sorted({first for first, _ in starts})
    if not _is_nested(nested):
        return
    for number in range(85):
        over = [(last - first, owner) for first, last, owner in nested if first <= number <= last]
        owner = [whose for first, whose in starts if first <= number][-1:] or [NOBODY]
        narrowest = {whose for width, whose in over if width == min(w for w, _ in over)}
        assert owner[0] in narrowest if over else owner[0] == NOBODY


def _is_nested(ranges: list[tuple[int, int, int]]) -> bool:
    pairs = ((a, b) for a in ranges for b in ranges)
    return not any(a[0] < b[0] <= a[1] < b[1] for a, b in pairs)


@FEW
@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.ip_addresses(v=6).map(lambda one: one.exploded.upper()),
            st.sampled_from(SPELLINGS),
            st.text("0123456789.:/xe+ \x00é", max_size=16),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_keys_are_those_of_the_addresses_that_we_read(tmp_path: Path, texts: list[str]) -> None:
    with desk(tmp_path, room=Room(memory="100MB", temp="100MB")) as at:
        at.fill("asked", ["n INTEGER", "addr VARCHAR"], list(enumerate(texts)))
        told: dict[int, tuple[int, int]] = {}
        at.run(keys.PAIRS)
        for n, number in at.rows(f"SELECT n, k4 FROM ({keys.fours('asked')})"):
            if number is not None:
                told[int(str(n))] = (0, keys.MAPPED | int(str(number)))
        for n, high, low in at.rows(keys.halves("asked", keep="n")):
            told[int(str(n))] = (int(str(high)), int(str(low)))
    for n, text in enumerate(texts):
        read = parse_address(text)
        is_plain = isinstance(read, IPv4Address | IPv6Address)
        if n in told:
            assert is_plain, text
            assert told[n] == keys.key_of(read), text
            assert keys.address_of(*told[n]) == read
        elif is_plain:  # spelled too oddly for SQL: those go through parse_address itself
            assert text != str(read), text


def test_the_most_specific_network_answers(tmp_path: Path) -> None:
    networks = {
        "192.0.2.0/24": "wide", "192.0.2.64/26": "mid", "192.0.2.65/32": "one",
        "2001:db8::/32": "six", "2001:db8:0:1::/64": "inner", "198.51.100.0/24": "other",
    }  # fmt: skip
    path = tmp_path / "networks.csv"
    lines = [
        f"{net[0]},{net[-1]},{name}@example.net,NL"
        for text, name in networks.items()
        for net in [ip_network(text)]
    ]
    path.write_text(
        "\n".join(
            ["first,last,mailbox,country", *lines, "192.0.2.9,2001:db8::,bad@x.example,NL", ""]
        )
    )
    asked = [
        "192.0.2.1",
        "192.0.2.64",
        "192.0.2.65",
        "192.0.2.66",
        "203.0.113.1",
        "2001:db8::1",
        "2001:db8:0:1::5",
        "2001:db9::",
    ]
    (tmp_path / "kept").mkdir()
    for _again in range(2):
        with desk(tmp_path / "state", also=[path, tmp_path / "kept"]) as at:
            from_file(at, path, kept=(tmp_path / "kept").resolve())
            rows = [(*keys.key_of(ip_address(text)), 0, 0) for text in asked]
            at.fill("news", ["hi UBIGINT", "lo UBIGINT", "sign UINTEGER", "seen BIGINT"], rows)
            work_lists(at, "news")
            told = {
                str(box): int(str(count))
                for box, count in at.rows("SELECT mailbox, count FROM work")
            }
        assert told == {
            "None": 2, "wide@example.net": 1, "mid@example.net": 2, "one@example.net": 1,
            "six@example.net": 1, "inner@example.net": 1,
        }  # fmt: skip


@pytest.mark.parametrize("size", [7, 64, 1 << 19])
def test_a_line_without_end_takes_no_memory_and_is_odd(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straight, "BLOCK", 500)
    content = b"a,b\n" + b"x" * 100_000 + b"\n1,2\n"
    seen: list[tuple[int, int]] = []

    def odd(number: int, window: object) -> int:
        assert isinstance(window, list)
        seen.append((number, len(window[0])))
        return 1

    stream = io.BytesIO(content)
    made = straight.straighten(
        iter(lambda: stream.read(size), b""), copy=tmp_path / "c", original=None,
        shape=straight.Table(2, b",", longest=1_000), odd=odd,
    )  # fmt: skip
    assert made.lines == 3
    assert [number for number, _ in seen] == [2]
    assert seen[0][1] > 1_000
    assert (tmp_path / "c").read_bytes() == b"a,b\n,\n1,2\n"
