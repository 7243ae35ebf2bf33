"""The bulk way and the row way judge alike: every statement, refusal, line, double and count."""

from __future__ import annotations

import io
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openletter.columns import keys, straight
from openletter.columns.engine import Desk, Room, desk
from openletter.evidence import columnar, sourcebook
from openletter.evidence.bulk_reading import sheet_of
from openletter.evidence.kinds import microseconds, moment_of
from openletter.evidence.layouts import layout_of
from openletter.evidence.plaintimes import form_of, plausible
from openletter.evidence.rules.feeds import Format
from openletter.evidence.rules.judge import Circumstances, Judged
from openletter.evidence.rules.reading import FileVerdict, circumstances, known_form, read_file
from openletter.evidence.rules.recognise import Hint, Recognised
from openletter.evidence.rules.signs import said_by
from openletter.evidence.rules.times import parse_time
from openletter.wire.lines import lines
from openletter.wire.mappedcsv import read_mapping
from openletter.wire.unpack import parts
from openletter.words import Judgement
from tests.wire.feed_files import PROXY_HEADER

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BOOK = sourcebook.packaged()
STATED = set(Judgement) - {Judgement.QUARANTINE, Judgement.REJECT}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("columns")


def row_way(name: str, content: bytes, hint: Hint) -> tuple[list[Judged], FileVerdict]:
    found = list(read_file(name, io.BytesIO(content), book=BOOK, now=NOW, hint=hint))
    verdict = found[-1]
    assert isinstance(verdict, FileVerdict)
    return [one.judged for one in found if not isinstance(one, FileVerdict)], verdict


def stated(judged: list[Judged]) -> list[tuple[object, ...]]:
    return sorted(
        (
            one.row, one.line, one.ip.exploded, one.port, one.protocol, one.weakness, one.role,
            one.says, one.judgement, one.reason, one.code, one.seen_at, one.same_as,
        )
        for one in judged
        if one.judgement in STATED and one.ip is not None
    )  # fmt: skip


def bulk_stated(at: Desk, path: Path) -> Iterator[tuple[object, ...]]:
    columns = "row, line, hi, lo, sign, says, judgement, reason, code, seen, same_as"
    for row, line, hi, lo, sign, says, judgement, reason, code, seen, same_as in at.rows(
        f"SELECT {columns} FROM read_parquet('{path}')"
    ):
        said = said_by(sign)
        assert said.says == says
        yield (
            row, line, keys.address_of(hi, lo).exploded, said.port, said.protocol, said.weakness,
            said.role, says, judgement, reason, code,
            moment_of(seen) if seen is not None else None, same_as,
        )  # fmt: skip


def compare(state: Path, name: str, content: bytes, hint: Hint) -> columnar.Sheet | None:
    """Both ways over one file; returns the sheet, None where the file is not columnar."""
    with desk(state, room=Room(memory="300MB", temp="1GB")) as at:
        sheet = sheet_of(at, name, io.BytesIO(content), book=BOOK, now=NOW, hint=hint)
        if sheet is None:
            return None
        judged, verdict = row_way(name, content, hint)
        told: list[tuple[object, ...]] = []
        for number, _piece in enumerate(sheet.pieces()):
            path = at.place(f"day-{number}.parquet")
            sheet.write(path, labels={})
            told.extend(bulk_stated(at, path))
        assert sorted(told, key=str) == sorted(stated(judged), key=str)
    refused = [one for one in judged if one.ip is None or one.judgement not in STATED]
    assert sheet.kept_refusals() == [one for one in refused if one.first is None]
    assert sheet.networks() == [one for one in refused if one.first is not None]
    assert +sheet.told.by_judgement == Counter(verdict.by_judgement)
    assert +sheet.told.by_reason == Counter(verdict.by_reason)
    return sheet


def count(state: Path, name: str, content: bytes, hint: Hint) -> None:
    """The counts of a survey, which keeps no facts, beside those of the rows."""
    with desk(state, room=Room(memory="300MB", temp="1GB")) as at:
        part = next(iter(parts(name, io.BytesIO(content))))
        known = known_form(part, book=BOOK, hint=hint)
        layout = layout_of(known) if isinstance(known, Recognised) else None
        if layout is None or not isinstance(known, Recognised):
            return
        around = circumstances(part, known, now=NOW)
        sheet = columnar.Sheet(at, layout=layout, around=around, counts_only=True)
        sheet.read(part.open(), head=list(lines(part.open())), original=None)
        for _piece in sheet.pieces():
            pass
        _, verdict = row_way(name, content, hint)
    assert +sheet.told.by_judgement == Counter(verdict.by_judgement)
    assert +sheet.told.by_reason == Counter(verdict.by_reason)


# -- hostile files -------------------------------------------------------------------------------

ADDRESSES = [
    "192.0.2.1", "192.0.2.2", "198.51.100.7", "203.0.113.200", "::ffff:192.0.2.1",
    "::ffff:c000:201", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8:0:0::1", "[2001:db8::2]",
    " 192.0.2.1", "192.0.2.1 ", "192.0.2.010", "192.0.2.08", "192.0.2.256", "192.0.2", "",
    "192.0.2.0/24", "192.0.2.9/32", "host.example", "2001:db8::1::2", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8", "::", "fe80::1%eth0", "0.0.0.0", "255.255.255.255", "11.22.33.4", "=cmd()",
    "１９２.0.2.1", "192.0.2.1\x00", "192.0.2.1\x1c", "abcd:ef", "12345::1", "2001:db8::192.0.2.33",
    "192.0.2.3-192.0.2.3", "192.0.2.3-192.0.2.9", "64:ff9b::c000:201", "64:ff9b::192.0.2.1",
]  # fmt: skip
TIMES = [
    "2026-03-02 06:00:00", "2026-03-02T06:00:00Z", "2026-03-01 23:59:59", "2026-03-02", "",
    "2026-03-02 13:30:00", "2026-03-02 12:30:00", "1980-01-01 00:00:00", "2026-02-30 00:00:00",
    "yesterday", " 2026-03-02 06:00:00 ", "2026-03-02T06:00:00.123456Z", "1772431200", "20260302060000",
]  # fmt: skip
PORTS = ["3128", "80", "", "0", "65536", "08080", " 80", "x", "1080"]
TAGS = [
    "http-connect-proxy", "socks5", "open-relay", "http;socks5", "botnet", "", "HTTP", "socks4,http",
]  # fmt: skip
cell = st.sampled_from
RUBBISH = [
    "", "   ", "\t", '"', '"unclosed,192.0.2.1', 'a"b,c', '"two\nlines",x', "\x00", "x" * 3000,
    ",,,", '"a""b"', "# a remark", "\ufeff", "\r", "a\rb", "; remark", "// remark", "\u2028", "é",
]  # fmt: skip


def quoted(text: str, how: int) -> str:
    """A cell as different writers write it; 0 as it is, 1 and 2 quoted, 3 badly quoted."""
    if how in {1, 2}:
        return '"' + text.replace('"', '""') + '"'
    return f' "{text}"' if how == 3 else text


@st.composite
def table_rows(draw: st.DrawFn, *columns: st.SearchStrategy[str]) -> str:
    if draw(st.integers(0, 11)) == 0:
        return draw(cell(RUBBISH))
    cells = [
        quoted(draw(one), draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3]))) for one in columns
    ]
    if draw(st.integers(0, 20)) == 0:
        cells.append("one too many")
    return ",".join(cells)


@st.composite
def files(draw: st.DrawFn, header: str, rows: st.SearchStrategy[str]) -> bytes:
    lines = draw(st.lists(rows, max_size=25))
    if header:
        lines.insert(0, header)
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end, end + end]))
    raw = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()
    if draw(st.integers(0, 8)) == 0:
        at = draw(st.integers(len(header), max(len(header), len(raw) - 1)))
        raw = raw[:at] + draw(st.sampled_from([b"\xff", b"\x00", b"\r", b'"'])) + raw[at:]
    return raw


MAPPING = read_mapping(
    {
        "columns": {"address": ["ip", "other"], "port": "port", "time": "seen", "tags": "kind", "code": "code"},
        "values": {"tags": {"socks5": ["open-socks", "open-http-proxy"]}},
        "facts": {"hostname": "name"},
    }
)  # fmt: skip
UNDATED = read_mapping(
    {"columns": {"address": "ip"}, "constants": {"tags": "open-relay", "port": "25"}}
)
FAST = settings(
    max_examples=int(os.environ.get("BULK_EXAMPLES", "8")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
mapped_rows = table_rows(
    cell(ADDRESSES), cell(ADDRESSES), cell(PORTS), cell(TIMES), cell(TAGS), cell(["", "x", "y;z"]),
    cell(["", "dyn-1-2-3.example", "a\u202eb"]),
)  # fmt: skip


@FAST
@given(content=files("ip,other,port,seen,kind,code,name", mapped_rows))
def test_mapped_tables(state: Path, content: bytes) -> None:
    compare(state, "own.csv", content, Hint(mapping=MAPPING))
    count(state, "own.csv", content, Hint(mapping=MAPPING))


@FAST
@given(content=files("when,ip", table_rows(cell(TIMES), cell(ADDRESSES))))
def test_tables_without_times(state: Path, content: bytes) -> None:
    compare(state, "own-2026-03-01.csv", content, Hint(mapping=UNDATED))


JSON_VALUES = st.one_of(
    cell(ADDRESSES), cell(PORTS), cell(TIMES), cell(TAGS), st.none(), st.booleans(),
    st.sampled_from([0, 80, -1, 3128, 1.5, 80.0, 10**19, [], ["socks5"], {"ip": "192.0.2.7"}]),
    st.sampled_from(['a"b', "back\\slash", "tab\t", "é", "\u2028", "x" * 50]),
)  # fmt: skip
JSON_RUBBISH = [
    "", " ", "{}", "[]", "null", '"text"', "{", '{"ip":"192.0.2.1"', '{"ip":"192.0.2.1","ip":"x"}',
    '{"ip":"192.0.2.1"} {"ip":"192.0.2.2"}', '{"IP":"192.0.2.1","port":80}', '{"ip":NaN}',
    '{"ip":"192.0.2.1","port":080}', '{"ip":"192.0.2.\\ud800"}', "{'ip':'192.0.2.1'}",
    '{"ip":192.0.2.1,"port":"80}', '\ufeff{"ip":"192.0.2.1"}', '{"ip":"192.0.2.1\x01"}',
]  # fmt: skip


@st.composite
def objects(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 9)) == 0:
        return draw(cell(JSON_RUBBISH))
    row = {
        "ip": draw(cell(ADDRESSES)), "port": draw(st.sampled_from([80, 3128, 1080, None])),
        "seen": draw(cell(TIMES)), "kind": draw(cell(TAGS)), "name": draw(cell(["", "a.example"])),
        "more": draw(st.sampled_from([1, 1.5, "text", None, True, 'q"q'])),
    }  # fmt: skip
    if draw(st.integers(0, 5)) == 0:
        row[draw(st.sampled_from([*row, "other", "Port", "code"]))] = draw(JSON_VALUES)
    pairs = draw(st.permutations([*row])) if draw(st.integers(0, 9)) == 0 else [*row]
    tight = draw(st.booleans())
    return json.dumps(
        {key: row[key] for key in pairs}, ensure_ascii=draw(st.booleans()),
        separators=(",", ":") if tight else None,
    )  # fmt: skip


FIRST = '{"ip": "192.0.2.1", "port": 80, "seen": "2026-03-02 06:00:00", "kind": "http", "name": "", "more": 1}'


@FAST
@given(content=files(FIRST, objects()))
def test_objects_one_a_line(state: Path, content: bytes) -> None:
    compare(state, "own.json", content, Hint(mapping=MAPPING))
    count(state, "own.json", content, Hint(mapping=MAPPING))


def test_most_objects_are_read_in_columns(state: Path) -> None:
    rows = [
        {"ip": f"192.0.2.{number % 250}", "port": 80 + number % 3, "kind": "http", "x": number}
        for number in range(3_000)
    ]
    for at in range(0, 3_000, 100):
        rows[at]["kind"] = 'q"http'
    content = "\n".join(json.dumps(row) for row in rows).encode()
    sheet = compare(state, "own-2026-03-01.json", content, Hint(mapping=MAPPING))
    assert sheet is not None
    assert sheet.told.rows_by_judge <= 30


@st.composite
def report_rows(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 11)) == 0:
        return draw(cell(RUBBISH))
    cells = [
        draw(cell(TIMES)), "medium", draw(cell(ADDRESSES)), draw(cell(["tcp", "udp", "TCP", "", "icmp"])),
        draw(cell(PORTS)), draw(cell(["", "dyn-192-0-2-1.example"])), draw(cell(TAGS)), "64496", "NL", "R", "C",
        "0", "ptr", "", "HTTP/1.1", draw(cell(["200", "407", "403", ""])), "Connection, established",
        "", "", "", "", draw(cell(["", "squid", '=cmd|"x"'])), "", "", "",
    ]  # fmt: skip
    how = st.sampled_from([0, 0, 0, 1, 3])
    return ",".join(quoted(one, 1 if "," in one else draw(how)) for one in cells)


@FAST
@given(content=files(PROXY_HEADER, report_rows()))
def test_reports(state: Path, content: bytes) -> None:
    compare(state, "2026-03-02-scan_http_proxy-x.csv", content, Hint())


@st.composite
def entries(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 9)) == 0:
        return draw(cell(RUBBISH))
    scheme = draw(cell(["", "", "http://", "SOCKS5://", "ftp://", "socks4://user:pw@", "//"]))
    port = draw(cell(["", ":80", ":", ":x", ":99999", ":080"]))
    rest = draw(cell(["", "", "", " US", "/path", "#x", "\t"]))
    return scheme + draw(cell(ADDRESSES)) + port + rest


@FAST
@given(content=files("", entries()), source=cell(["", "firehol-socks-proxy", "spysme"]))
def test_lists(state: Path, content: bytes, source: str) -> None:
    compare(state, "list-2026-03-01.txt", content, Hint(source=source))


def test_a_file_of_several_blocks(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straight, "BLOCK", 2_000)
    monkeypatch.setattr(straight, "SAMPLE", 70)  # so most kinds are in no sample
    dice = random.Random(7)
    lines = ["ip,other,port,seen,kind,code,name"]
    for number in range(3_000):
        ip = f"192.0.2.{number % 250}" if dice.random() < 0.97 else dice.choice(ADDRESSES)
        line = f"{ip},,{dice.choice(PORTS[:3])},{TIMES[number % 3]},{dice.choice(TAGS)},,n{number}"
        lines.append(line if dice.random() < 0.99 else dice.choice(RUBBISH))
    content = "\n".join(lines).encode()
    sheet = compare(state, "own.csv", content, Hint(mapping=MAPPING))
    assert sheet is not None
    assert sheet.told.rows_by_judge < 600


def test_a_file_in_pieces(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "PIECE_LINES", 300)
    dice = random.Random(11)
    lines = ["ip,other,port,seen,kind,code,name"]
    for number in range(2_000):
        ip = f"198.51.100.{number % 250}" if dice.random() < 0.9 else dice.choice(ADDRESSES)
        lines.append(f"{ip},,{dice.choice(PORTS)},{dice.choice(TIMES)},{dice.choice(TAGS)},,n")
        if dice.random() < 0.02:
            lines.append(dice.choice(RUBBISH))
    content = "\n".join(lines).encode()
    compare(state, "own.csv", content, Hint(mapping=MAPPING))
    count(state, "own.csv", content, Hint(mapping=MAPPING))


FORMS = ("2026-03-02T06:00:00Z", "2026-03-02 06:00:00", "2026-03-02T06:00:00.123456Z")
bent = st.tuples(
    st.sampled_from(FORMS),
    st.lists(st.tuples(st.integers(0, 26), st.sampled_from("0123456789 -:.TZ+e")), max_size=3),
)


def spelled(form: str, changes: list[tuple[int, str]]) -> str:
    """A time with some of its letters changed, or one added in front."""
    letters = list(form)
    for at, letter in changes:
        letters[at % len(letters)] = letter
    return "".join(letters)


@FAST
@given(of=st.sampled_from(FORMS), given=st.lists(bent, min_size=30, max_size=30))
def test_times_that_the_engine_reads(
    state: Path, of: str, given: list[tuple[str, list[tuple[int, str]]]]
) -> None:
    texts = [spelled(*one) for one in given]
    around = Circumstances(feed=next(iter(BOOK)), now=NOW)
    form = form_of([of], around)
    assert form is not None
    with desk(state) as at:
        at.fill("asked", ["w VARCHAR"], [(text,) for text in [of, *texts, f" {of[:-2]}Z"]])
        told = f"SELECT w, {plausible('read', around)} FROM (SELECT w, {form.read('w')} AS read "
        found = {str(text): number for text, number in at.rows(f"{told} FROM asked)")}
    assert found[of] is not None
    for text, number in found.items():
        moment = parse_time(text.strip())
        if isinstance(number, int):
            assert moment is not None, text
            assert microseconds(moment) == number, text
            assert form.spell(number) == text


def test_rows_that_need_a_proof_each_are_read_row_by_row() -> None:
    header = ("ip", "port", "seen", "kind", "code", "name")
    feed = next(iter(BOOK))
    known = Recognised(format=Format.MAPPED, feed=feed, header=header, mapping=MAPPING)
    assert layout_of(known) is not None
    proven = replace(known, feed=replace(feed, needs_transcript=True))
    assert layout_of(proven) is None
