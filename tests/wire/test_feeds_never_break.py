"""Whatever the bytes: no exception, no lost row, and the same answer in any pieces."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openletter.evidence.rules.recognise import Hint
from openletter.wire import mappedcsv, plainlist, rbldnsd, shadowserver
from openletter.wire.lines import Line, lines
from openletter.wire.mappedcsv import CsvMapping, read_mapping
from openletter.wire.table import records
from openletter.wire.unpack import Limits, UnreadableFileError, parts
from openletter.wire.visible import csv_cell, visible
from tests.wire.feed_files import (
    PROXY_HEADER,
    gzipped,
    judge_bytes,
    proxy_report,
    proxy_row,
    zipped,
)

NAMES = st.sampled_from(
    [
        "2026-03-02-scan_http_proxy-a.csv",
        "scan_socks.csv",
        "2026-03-02-blocklist-a.csv",
        "list.txt",
        "dnsbl.example",
        "x.zip!../../scan_smtp.csv",
        "",
    ]
)
PIECES = st.sampled_from(
    [
        PROXY_HEADER,
        proxy_row(),
        proxy_row("::ffff:192.0.2.1"),
        "192.0.2.1",
        "http://[2001:db8::1]:8080",
        "socks5://user:secret@192.0.2.1:1080/x",
        "$SOA 3000 ns.dnsbl.example hostmaster.dnsbl.example 0 600 300 86400 300",
        ":127.0.0.2:Open relay $",
        "!192.0.2.1",
        "192.0.2.0/24 :4:text",
        '"',
        '"a,"b',
        ",",
        "#",
        "\x00",
        "\u202e",
        "\r",
        "=1+1",
    ]
)
LINES = st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=30).map("\n".join)
CONTENT = st.one_of(
    st.binary(max_size=400), LINES.map(lambda text: text.encode("utf-8", "replace"))
)
MAPPING = read_mapping(
    {
        "columns": {"address": "ip", "port": ["port", "p2"], "time": "when", "tags": "kind"},
        "values": {"tags": {"openrelay": ["open-relay"]}},
        "facts": {"hostname": "rdns"},
    }
)


def in_pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for cut in sorted(cut % (len(content) + 1) for cut in cuts):
        yield content[at:cut]
        at = cut
    yield content[at:]


@given(CONTENT, NAMES)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_file_is_judged_and_every_row_is_counted(content: bytes, name: str) -> None:
    rows, verdicts = judge_bytes(content, name)
    assert verdicts
    assert len(rows) == sum(verdict.rows for verdict in verdicts)
    for verdict in verdicts:
        assert verdict.rows == sum(verdict.by_judgement.values()) == sum(verdict.by_reason.values())
        assert verdict.outcome in {"ok", "ok-with-rejects", "refused", "unrecognised"}
    assert all(row.reason for row in rows)


@given(CONTENT, st.sampled_from(["dronebl", "spysme", "shadowserver-scan-socks", "nobody"]))
@settings(max_examples=150, deadline=None)
def test_a_declared_source_breaks_nothing_either(content: bytes, source: str) -> None:
    rows, verdicts = judge_bytes(content, "x", hint=Hint(source=source))
    assert len(rows) == sum(verdict.rows for verdict in verdicts)


@given(CONTENT)
@settings(max_examples=150, deadline=None)
def test_a_mapping_breaks_nothing_either(content: bytes) -> None:
    content = b"ip,port,when,kind,rdns\n" + content
    rows, verdicts = judge_bytes(content, "x.csv", hint=Hint(mapping=MAPPING))
    assert len(rows) == sum(verdict.rows for verdict in verdicts)


@given(CONTENT, st.lists(st.integers(0, 500), max_size=6), st.sampled_from([8, 64, 1 << 20]))
def test_lines_are_the_same_in_any_pieces(content: bytes, cuts: list[int], limit: int) -> None:
    whole = list(lines([content], limit=limit))
    assert list(lines(in_pieces(content, cuts), limit=limit)) == whole
    assert [line.number for line in whole] == list(range(1, len(whole) + 1))
    assert all(len(line.text) <= max(limit, 200) for line in whole)


@given(st.lists(st.text(max_size=60), max_size=20))
def test_parsers_give_a_row_for_every_record(texts: list[str]) -> None:
    read = [Line(number, text) for number, text in enumerate(texts, start=1)]
    list(plainlist.rows(read))
    list(rbldnsd.rows(read))
    rbldnsd.exceptions(read)
    table = list(records(iter(read)))
    assert len(list(shadowserver.rows(table, ("timestamp", "ip")))) == len(table)
    assert len(list(mappedcsv.rows(table, ("ip", "port"), MAPPING))) == len(table)
    assert all(record.line <= len(texts) for record in table)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_damaged_archive_is_refused_whole_or_read_whole(
    content: bytes, place: int, byte: int, as_zip: bool
) -> None:
    packed = bytearray(zipped({"a.csv": content}) if as_zip else gzipped(content))
    packed[place % len(packed)] = byte
    with contextlib.suppress(UnreadableFileError):
        for part in parts("x", io.BytesIO(bytes(packed))):
            if not part.refused:
                assert b"".join(part.open()) is not None


@pytest.mark.parametrize("keep", range(0, 60, 7))
def test_a_gzip_file_cut_anywhere_is_refused(keep: int) -> None:
    packed = gzipped(proxy_report(proxy_row()))[: 20 + keep * 2]
    rows, (verdict,) = judge_bytes(packed)
    assert (rows, verdict.outcome) == ([], "refused")


def test_gzip_members_one_behind_the_other_are_one_file() -> None:
    rows, (verdict,) = judge_bytes(
        gzipped(f"{PROXY_HEADER}\n".encode()) + gzipped(proxy_row().encode())
    )
    assert (len(rows), verdict.outcome) == (1, "ok")


@given(st.text(max_size=300))
def test_shown_text_hides_nothing_and_is_short(text: str) -> None:
    shown = visible(text)
    assert len(shown) <= 200
    assert shown.isprintable() or shown == ""
    assert csv_cell(shown)[:1] not in {"=", "+", "-", "@", "\t", "\r"}


def test_a_mapping_that_says_nonsense_is_refused_by_name() -> None:
    for raw, word in [
        ({}, "address"),
        ({"columns": {"address": 3}}, "address"),
        ({"columns": {"address": "ip", "colour": "x"}}, "colour"),
        ({"colums": {}}, "colums"),
        ({"columns": {"address": "ip"}, "delimiter": ",,"}, "delimiter"),
        ({"columns": []}, "columns"),
        ({"columns": {"address": "ip"}, "values": {"tags": {"a": []}}}, "tags"),
    ]:
        with pytest.raises(mappedcsv.BadMappingError, match=word):
            read_mapping(raw)
    assert isinstance(MAPPING, CsvMapping)


def test_limits_hold_before_a_row_is_read() -> None:
    bomb = gzipped(b"0" * (1 << 20))
    rows, (verdict,) = judge_bytes(bomb, limits=Limits(ratio=50, ratio_from=1 << 16))
    assert (rows, verdict.reason) == ([], "bomb")
    rows, (verdict,) = judge_bytes(bomb, limits=Limits(total=1 << 16))
    assert (rows, verdict.reason) == ([], "too-large")
    many = zipped({f"{n}.txt": b"192.0.2.1" for n in range(6)})
    _, (verdict,) = judge_bytes(many, limits=Limits(members=5))
    assert verdict.reason == "too-many-members"
    _, (verdict,) = judge_bytes(zipped({"a": b"0" * (1 << 20)}), limits=Limits(total=1 << 16))
    assert verdict.reason == "too-large"
