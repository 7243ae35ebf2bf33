"""RPSL text: objects, references and dumps, also broken ones."""

from __future__ import annotations

import gzip
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import rpsl, rpsl_links
from openletter.wire.registry import Place, Registration, UnreadableError, parse_address

DUMP = b"""\
# a comment
% another

inetnum:        192.0.2.0 - 192.0.2.255
netname:        NET
country:        EU # really worldwide
org:            ORG-A1-TEST
tech-c:         T1-TEST
mnt-by:         M-MNT, N-MNT
mnt-irt:        IRT-A
remarks:        first line
                second line
+
remarks:        third
source:         RIPE # Filtered

organisation:   ORG-A1-TEST
org-name:       Holder\r
org-type:       LIR
country:        NL
abuse-c:        A1-TEST
org:            ORG-B1-TEST
source:         RIPE

role:           Abuse
nic-hdl:        a1-test
abuse-mailbox:  abuse@isp.example
e-mail:         desk@isp.example
tech-c:         A1-TEST
source:         RIPE

irt:            IRT-A
abuse-mailbox:  irt@isp.example
e-mail:         help@isp.example

person:         T
nic-hdl:        T1-TEST
e-mail:         t@isp.example
notify:         log@isp.example

mntner:         M-MNT
upd-to:         changes@isp.example
abuse-mailbox:  mnt@isp.example
mnt-by:         M-MNT
"""


def gather(text: bytes, address: str) -> list[Registration]:
    ip = parse_address(address)
    assert ip is not None
    return rpsl_links.gather(lambda: [text], lambda each: each.covers(ip), faults=Counter())


def test_references_are_followed_as_the_database_does() -> None:
    found = gather(DUMP, "192.0.2.7")[0]
    said = [(each.value, each.place, each.role, each.depth) for each in found.written]
    assert said == [
        ("irt@isp.example", Place.ABUSE_BOX, "irt", 0),
        ("help@isp.example", Place.ABUSE_ROLE, "irt", 0),
        ("abuse@isp.example", Place.ABUSE_BOX, "abuse-c", 1),
        ("desk@isp.example", Place.ABUSE_ROLE, "abuse-c", 1),
        ("t@isp.example", Place.CONTACT, "tech-c", 1),
        ("log@isp.example", Place.NOTICE, "notify", 1),
        ("mnt@isp.example", Place.ABUSE_BOX, "mnt-by", 2),
        ("changes@isp.example", Place.NOTICE, "upd-to", 2),
    ]
    assert (found.country, found.holder.country, found.holder.name) == (None, "NL", "Holder")
    assert (found.registry, found.maintainers) == ("ripencc", ("M-MNT", "N-MNT"))
    assert found.remarks[0].lines == ("first line", "second line", "", "third")


def test_objects_that_point_at_each_other_end() -> None:
    circle = b"""\
inetnum: 192.0.2.0/24
org: ORG-A
abuse-c: ORG-A
mnt-by: M

organisation: ORG-A
org: ORG-B
abuse-c: R
mnt-by: M

organisation: ORG-B
org: ORG-A

role: R
nic-hdl: R
abuse-c: R
admin-c: R
mnt-by: M

mntner: M
mnt-by: M
admin-c: R
"""
    assert len(gather(circle, "192.0.2.1")) == 1


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_pieces_may_break_anywhere(size: int) -> None:
    text = DUMP.replace(b"\n", b"\r\n")
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    whole = list(rpsl.objects([DUMP], faults=Counter()))
    assert list(rpsl.objects(pieces, faults=Counter())) == whole
    packed = gzip.compress(DUMP) + gzip.compress(b"\n\nrole: x\n")
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert len(list(rpsl.objects(rpsl.unpacked(pieces), faults=Counter()))) == len(whole) + 1


@pytest.mark.parametrize("cut", [3, 11, 40, -1, -9])
def test_a_gzip_that_ends_early_is_refused(cut: int) -> None:
    with pytest.raises(UnreadableError):
        list(rpsl.unpacked([gzip.compress(DUMP)[:cut]]))


def test_a_huge_object_is_dropped_and_counted_and_the_rest_goes_on() -> None:
    faults: Counter[str] = Counter()
    line = b"remarks: " + b"x" * 100_000 + b"\n"
    huge = b"inetnum: 192.0.2.0/24\n" + line * 20
    pieces = [huge[at : at + 65_536] for at in range(0, len(huge), 65_536)]
    found = list(rpsl.objects([*pieces, b"\n\nrole: after\nnic-hdl: A1\n"], faults=faults))
    assert [each.kind for each in found] == ["role"]
    assert faults["too-large"] == 1


def test_wrong_encodings_are_read_and_lines_without_colon_counted() -> None:
    faults: Counter[str] = Counter()
    text = "person: Müller\nnic-hdl: M1\n".encode("latin-1") + b"nonsense\n"
    found = next(rpsl.objects([text], faults=faults))
    assert found.first("person") == "Müller"
    assert faults == {"no-attribute": 1}


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_any_bytes_are_read(raw: bytes, size: int) -> None:
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    directory = rpsl_links.Directory()
    for each in rpsl.objects(pieces, faults=Counter()):
        directory.add(each)
        rpsl_links.registration(each, directory)


_line = st.builds(
    "{}: {}\n".format,
    st.sampled_from(sorted(rpsl.KEPT)),
    st.text(max_size=30) | st.sampled_from(["A1", "192.0.2.0 - 192.0.2.9", "x@y.example", "2001:db8::/32"]),
)  # fmt: skip


@given(st.lists(st.lists(_line, min_size=1, max_size=6).map("".join), max_size=6))
def test_any_objects_resolve(blocks: list[str]) -> None:
    text = "\n".join(blocks).encode("utf-8", "surrogatepass")
    for each in gather(text, "192.0.2.1"):
        assert each.first is not None
