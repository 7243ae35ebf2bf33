"""JSON as strangers write it: cut into values in any pieces, and never trusted further."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire.jsonvalues import JsonValue, Limits, first, values

SMALL = Limits(value=200, depth=4, containers=20, skipped=300)


def read(raw: bytes, *, step: int = 64, limits: Limits | None = None) -> list[JsonValue]:
    pieces = (raw[at : at + step] for at in range(0, len(raw), step))
    return list(values(pieces, limits=limits))


def told(raw: bytes, *, limits: Limits | None = None) -> list[object]:
    """Each value, or the code of what is wrong with it."""
    return [one.problem or one.value for one in read(raw, limits=limits)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (b'{"a":1}', [{"a": 1}]),
        (b'\xef\xbb\xbf{"a":1}\n', [{"a": 1}]),
        (b'[{"a":1},\n{"b":"]}\\""}]', [{"a": 1}, {"b": ']}"'}]),
        (b'{"a":1}\n{"b":2}', [{"a": 1}, {"b": 2}]),
        (b'{\n"a":1}\n{\n"b":2}', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}\n{bad\n{"b":2}\n', [{"a": 1}, "json-broken", {"b": 2}]),
        (b'{bad\n{"b":2}\n', ["json-broken", {"b": 2}]),
        (b'[1,"x",true]', [1, "x", True]),
        (b"[1,]", [1, "json-broken"]),
        (b"[1 2]", [1, "json-broken"]),
        (b"[1]x", [1, "json-broken"]),
        (b"[1", [1, "json-cut-off"]),
        (b"[", ["json-cut-off"]),
        (b'{"a":', ["json-cut-off"]),
        (b"<html>", ["json-broken"]),
        (b'{"a":1,"a":2}', ["json-doubled-key"]),
        (b'{"a":{"b":1,"b":1}}', ["json-doubled-key"]),
        (b'{"a":NaN}', ["json-number"]),
        (b'{"a":1e999}', ["json-number"]),
        (b'{"a":' + b"9" * 5000 + b"}", ["json-number"]),
        (b'{"a":"\\ud800"}', ["json-half-letter"]),
        (b'{"a":"\\ud83d\\ude00"}', [{"a": "\U0001f600"}]),
        (b'{"a":"\xff"}', ["wrong-encoding"]),
    ],
)
def test_each_look_of_json_is_read_or_named(raw: bytes, expected: list[object]) -> None:
    assert told(raw) == expected
    assert [one.problem or one.value for one in read(raw, step=1)] == expected


def test_values_know_the_line_they_began_on() -> None:
    raw = b'\n\n{\n"a":1}\n{"b":\n2}'
    assert [(one.number, one.line) for one in read(raw)] == [(1, 3), (2, 5)]
    assert [one.line for one in read(b'[\n{"a":1},\n{"a":2}\n]')] == [2, 3]


def test_one_value_too_many_bytes_is_passed_over_and_the_next_is_read() -> None:
    long = json.dumps({"a": "x" * 250}).encode()
    assert told(b"[" + long + b',{"b":1}]', limits=SMALL) == ["json-too-large", {"b": 1}]
    assert told(long + b'\n{"b":1}\n', limits=SMALL) == ["json-too-large", {"b": 1}]


def test_what_is_far_too_large_or_deep_ends_the_reading() -> None:
    vast = json.dumps({"a": "x" * 900}).encode()
    assert told(b"[" + vast + b',{"b":1}]', limits=SMALL) == ["json-too-large"]
    assert told(b"[[[[[[[1]]]]]],2]", limits=SMALL) == ["json-too-deep"]
    assert told(b"[" + b"[" * 9 + b"]" * 9 + b"]", limits=SMALL) == ["json-too-deep"]
    many = b"[[" + b"{}," * 30 + b"{}]]"
    assert told(many, limits=SMALL) == ["json-too-large"]


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"x", b'"', b"\\", b'{"a":"', b" "])
def test_a_vast_line_ends_in_a_refusal_and_is_never_held(piece: bytes) -> None:
    def endless() -> Iterator[bytes]:
        chunk = piece * ((1 << 16) // len(piece))
        for _ in range(1024):
            yield chunk

    began = time.process_time()
    found = first(endless())
    assert found is None or found.problem or found.value == ""
    assert time.process_time() - began < 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
            max_leaves=8,
        ).map(lambda inner: {"v": inner}),
        max_size=5,
    ),
    st.integers(1, 40),
    st.sampled_from([0, 1]),
)
def test_what_json_writes_is_read_back_in_any_pieces(
    given_values: list[object], step: int, form: int
) -> None:
    listed = json.dumps(given_values, indent=form or None).encode()
    lines = b"\n".join(json.dumps(one).encode() for one in given_values)
    for raw in (listed, lines):
        found = read(raw, step=step)
        assert [one.value for one in found] == given_values
        assert not any(one.problem for one in found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 20))
def test_no_bytes_break_it_and_pieces_change_nothing(raw: bytes, step: int) -> None:
    assert read(raw, step=step) == read(raw, step=1000)
