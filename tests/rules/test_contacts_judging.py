"""Contacts judged once for many blocks are those of each block judged by itself."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openletter.contacts.rules.blocks import as_json, as_text, block_of, from_json
from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.judging import Judge
from openletter.contacts.rules.refuse import World
from openletter.wire.registry import (
    Holder,
    Party,
    Place,
    Registration,
    Remark,
    Source,
    Subject,
    Written,
    parse_address,
)

NAMES = st.sampled_from([
    "BAKKERIJ", "DSL-POOL-7", "OFFICE-LAN", "NET-123", "NET-4567", "RIPE-NCC", "ERX-NETBLOCK", "",
    "CUSTOMER-3G", "University-X", "IANA-STUB", "hosting", "10.0.0.0 - 10.0.0.255",
])  # fmt: skip
BOXES = st.sampled_from([
    "abuse@isp.example", "jan.bakker@isp.example", "hostmaster@ripe.net", "noc@apnic.net, a@b.example",
    "<abuse@lacnic.net>", "nonsense", "abuse@other.example", "a@b@c",
])  # fmt: skip
WRITTEN = st.builds(
    Written, value=BOXES, place=st.sampled_from(Place), role=st.sampled_from(["abuse-c", "mnt-by", "tech-c"]),
    object=st.sampled_from(["A1", "B1"]), party=st.sampled_from(Party),
    party_name=st.sampled_from(["", "IP Administration", "Jan Bakker", "NOC"]),
    depth=st.integers(0, 2),
)  # fmt: skip
REMARKS = st.sampled_from([(), (Remark(lines=("abuse to abuse@remark.example",), object="A1"),),
                           (Remark(lines=("made up",), object="A1"),)])  # fmt: skip


@st.composite
def registrations(draw: st.DrawFn) -> Registration:
    size = draw(st.sampled_from([16, 256, 4_096, 8_192]))
    first = parse_address(f"10.{draw(st.integers(0, 3))}.0.0")
    assert first is not None
    return Registration(
        source=Source.RPSL, registry=draw(st.sampled_from(["ripencc", "arin", "apnic"])),
        subject=Subject.NETWORK, handle=f"{first} - {first + size - 1}", name=draw(NAMES),
        status=draw(st.sampled_from(["", "ASSIGNED PA", "ALLOCATED PA"])), first=first,
        last=first + size - 1, country="NL",
        holder=draw(st.sampled_from([Holder(), Holder(handle="O1", name="Bakkerij"),
                                     Holder(handle="C123456", name="Tele2", kind="LIR")])),
        written=tuple(draw(st.lists(WRITTEN, max_size=3))), remarks=draw(REMARKS),
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(registrations(), min_size=2, max_size=12))
def test_what_is_shared_is_what_each_would_get(found: list[Registration]) -> None:
    judge = Judge(World.REAL)
    for each in [*found, *found]:
        contacts = judge(each)
        candidates = candidates_of(each, world=World.REAL)
        assert contacts.json == _json(candidates)
        assert contacts.mailboxes == tuple({c.mailbox: None for c in candidates if not c.refused})
        assert [from_json(as_json(c)) for c in candidates] == candidates
        text = as_text(block_of(each, contacts))
        assert text.count("\t") == 10


def _json(candidates: list[object]) -> str:
    import json

    return json.dumps([as_json(each) for each in candidates], ensure_ascii=False)  # type: ignore[arg-type]


def test_a_file_is_known_by_how_it_begins(tmp_path: Path) -> None:
    from openletter.contacts.reading import look

    heads = {
        "rpsl": b"% comment\n\ninetnum: 192.0.2.0/24\n", "rdap": b'{"handle": "x"}',
        "delegated": b"2|apnic|20260301|1|19830101|20260301|+1000\n",
        "arin-xml": b"<?xml version='1.0'?><bulkwhois>", "nrtm4": b'\x1e{"nrtm_version": 4}\n',
        "nrtm4-notification": b"eyJhbGciOiJFUzI1NiJ9.e30.AA", "special": b"Address Block,Name,RFC\n",
    }  # fmt: skip
    for form, head in heads.items():
        path = tmp_path / form
        path.write_bytes(head)
        assert [each.form for each in look([path])] == [form]
