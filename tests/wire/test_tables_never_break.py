"""Proxy lists, answers, JSON tables, lists of networks: whatever they hold, a row or a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openletter.evidence.rules.recognise import Hint
from openletter.wire import dnsblanswers, jsonvalues, mappedcsv, plainlist, proxylist, rbldnsd
from openletter.wire.lines import Line
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.spacelist import BadListError, networks
from tests.laws.sources import PACKAGE
from tests.wire.feed_files import judge_bytes

SAMPLES = sorted((PACKAGE / "evidence/sources").glob("*/samples/*"))
KEYS = st.sampled_from(
    ["ip", "host", "port", "protocol", "protocols", "type", "proxy", "exit_ip", "username", "alive",
     "last_checked", "socks5", "data", "proxies", "x"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**13),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["192.0.2.1", "192.0.2.1:80", "socks5", "http", "2001:db8::1", "a@192.0.2.1:1"]
    ),
    st.text(max_size=12),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=14,
)
TOKENS = st.sampled_from(
    ["192.0.2.1", "1.2.0.192.bl.example", "\t", "NOERROR", "NXDOMAIN", "127.0.0.2", "127.255.255.1",
     "203.0.113.1", ",", ":", "@", "/24", "-", "!", "$", "socks5", "\u202e", "[", "]", "::1", " "]
)  # fmt: skip
TEXTS = st.lists(st.lists(TOKENS, max_size=8).map("".join), max_size=12)
MAPPING = read_mapping({"columns": {"address": "ip", "port": "port", "tags": "type"}})


@given(JSON)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_judged(value: object) -> None:
    content = json.dumps(value).encode()
    for hint in (Hint(), Hint(mapping=MAPPING), Hint(source="monosans")):
        rows, verdicts = judge_bytes(content, "x.json", hint=hint)
        assert len(rows) == sum(verdict.rows for verdict in verdicts)
        assert not any("a@" in row.excerpt for row in rows)
    told = list(proxylist.rows_of_values(jsonvalues.values([content])))
    assert [row.row for row in told] == list(range(1, len(told) + 1))
    list(mappedcsv.rows_of_values(jsonvalues.values([content]), MAPPING))


@given(TEXTS)
@settings(max_examples=120, deadline=None)
def test_any_lines_are_rows(texts: list[str]) -> None:
    read = [Line(number, text) for number, text in enumerate(texts, start=1)]
    for parse in (plainlist.rows, rbldnsd.rows, dnsblanswers.rows):
        for row in parse(read):
            assert row.row >= 1
    rbldnsd.exceptions(read)
    rbldnsd.names_domains(read)
    dnsblanswers.is_answers(read)
    content = "\n".join(texts).encode()
    rows, verdicts = judge_bytes(content, "x")
    assert len(rows) == sum(verdict.rows for verdict in verdicts)
    try:
        found = networks(read)
    except BadListError:
        return
    assert all(network.num_addresses >= 1 for network in found)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
@given(data=st.data())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_sample_with_bytes_changed_breaks_nothing(sample: Path, data: st.DataObject) -> None:
    content = bytearray(sample.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "double"]))
        if kind == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        else:
            content[at:at] = content[at : at + 40]
        if not content:
            return
    rows, verdicts = judge_bytes(bytes(content), sample.name)
    assert verdicts
    assert len(rows) == sum(verdict.rows for verdict in verdicts)
    assert all(row.reason for row in rows)


def test_a_user_and_password_are_never_kept() -> None:
    secret = "Tr0ub4dor"
    content = "\n".join(
        [
            f"http://me:{secret}@192.0.2.1:80",
            f"me:{secret}@192.0.2.2:80",
            f"192.0.2.3:80:me:{secret}",
        ]
    )
    rows, _ = judge_bytes(content.encode(), "list.txt")
    assert len(rows) == 3
    assert not any(secret in repr(row) for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        '[{"ip": "192.0.2.1", "port": 80, "protocol": "http", "proxy": "http://u:p@192.0.2.1:80"}]',
        '[{"ip": "192.0.2.1", "port": 80, "protocol": "http", "Username": "u"}]',
        "IP Address,Port,Type,User\n192.0.2.1,80,HTTP,u\n",
    ],
)
def test_who_must_sign_in_is_not_open(content: str) -> None:
    (row,), _ = judge_bytes(content.encode(), "x")
    assert (row.judgement, row.reason, row.port) == ("reachable-only", "asks-for-sign-in", 80)


def test_an_address_may_begin_with_colons_and_a_value_too() -> None:
    zone = b"$NS 1 ns.example\n:2:Open relay\n::1\n2001:db8::1\n::text\n2001:db8::2\n"
    rows, _ = judge_bytes(zone, "dnsbl.example")
    assert [(str(row.ip), row.reason) for row in rows] == [
        ("::1", "says-open"), ("2001:db8::1", "says-open"), ("2001:db8::2", "bad-answer"),
    ]  # fmt: skip
