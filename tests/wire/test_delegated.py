"""delegated-extended: counts, prefix lengths, holders, and lines that can't be."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import delegated
from openletter.wire.registry import parse_address

FILE = b"""\
# comment
2|ripencc|20260301|5|19830705|20260228|+0100
ripencc|*|ipv4|*|2|summary
ripencc|NL|ipv4|192.0.2.0|768|20100101|allocated|one
ripencc|DE|ipv6|2001:db8::|32|20100101|assigned|one
ripencc|EU|asn|64496|16|20100101|allocated|two
ripencc||ipv4|198.51.100.0|256||available
ripencc|NL|ipv4|255.255.255.0|512|20100101|allocated|three
ripencc|NL|ipv4|192.0.2.0|many|20100101|allocated|four
ripencc|NL|ipv6|2001:db8::|129|20100101|allocated|five
"""


def test_counts_need_not_be_powers_of_two() -> None:
    faults: Counter[str] = Counter()
    found = list(delegated.read(FILE.split(b"\n"), faults=faults))
    assert [(str(each.first), str(each.last)) for each in found[:2]] == [
        ("192.0.2.0", "192.0.4.255"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ]
    assert (found[2].first_as, found[2].last_as, found[2].country) == (64496, 64511, None)
    assert [each.is_held for each in found] == [True, True, True, False]
    assert faults == {"bad-line": 3}
    address = parse_address("192.0.4.9")
    assert address is not None
    assert found[0].covers(address)
    assert found[2].covers(64500)
    assert not found[2].covers(address)


def test_a_file_is_recognised_by_its_first_lines() -> None:
    assert delegated.is_delegated(FILE)
    assert delegated.is_delegated(b"afrinic|ZA|asn|7231|1|19961014|allocated|F36\n")
    assert not delegated.is_delegated(b"inetnum: 192.0.2.0/24\n")
    assert not delegated.is_delegated(b"{}")


@given(st.lists(st.text(alphabet="ripencc|NLasv46.:0123456789*\x00é", max_size=60), max_size=10))
def test_any_lines_are_read(lines: list[str]) -> None:
    for each in delegated.read((line.encode() for line in lines), faults=Counter()):
        assert each.first is not None or each.first_as is not None
