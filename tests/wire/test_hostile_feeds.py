"""Each known trap in a feed, what it is called, and that the rest of the file goes on."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime

import pytest

from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.recognise import Hint
from openletter.wire.mappedcsv import read_mapping
from openletter.words import Judgement, Role, Weakness
from tests.wire.feed_files import (
    NOW,
    PROXY_HEADER,
    gzipped,
    judge_bytes,
    proxy_report,
    proxy_row,
    reasons,
    zipped,
)


def between(bad: str | bytes) -> list[Judged]:
    """A bad row between two good ones."""
    raw = bad.encode() if isinstance(bad, str) else bad
    good, after = proxy_row("192.0.2.1").encode(), proxy_row("192.0.2.3").encode()
    return judge_bytes(b"\n".join([PROXY_HEADER.encode(), good, raw, after]))[0]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (proxy_row("192.0.2.2", time="2026-03-09 00:00:00"), "time-in-future"),
        (proxy_row("192.0.2.2", time="1970-01-01 00:00:00"), "time-before-internet"),
        (proxy_row("192.0.2.2", time="0000-00-00 00:00:00"), "bad-time"),
        (proxy_row("192.0.2.2", time="0000-03-01 00:00:00"), "bad-time"),
        (proxy_row("192.0.2.2", time="2026-02-30 00:00:00"), "bad-time"),
        (proxy_row("192.0.2.2", time="yesterday"), "bad-time"),
        (proxy_row("192.0.2.2", time=""), "missing-time"),
        (proxy_row("192.0.2.2", port="0"), "bad-port"),
        (proxy_row("192.0.2.2", port="65536"), "bad-port"),
        (proxy_row("192.0.2.2", port="-1"), "bad-port"),
        (proxy_row("192.0.2.2", port=""), "missing-port"),
        (proxy_row(""), "missing-address"),
        (proxy_row("192.0.2.0/99"), "bad-address"),
        (proxy_row("192.0.2.010"), "ambiguous-address"),
        (proxy_row("proxy.example"), "host-name"),
        (proxy_row("fe80::1%eth0"), "scoped-address"),
        (proxy_row("192.0.2.2", hostname="a\x00b"), "nul-byte"),
        (proxy_row("192.0.2.2").encode() + b"\xff", "wrong-encoding"),
        (proxy_row("192.0.2.2", hostname="café").encode("latin-1"), "wrong-encoding"),
        (proxy_row("192.0.2.2") + ",one,too,many", "wrong-columns"),
        ("2026-03-02 06:00:00,medium,192.0.2.2", "wrong-columns"),
        (proxy_row("192.0.2.2", hostname='"never closed'), "unclosed-quote"),
        (proxy_row("192.0.2.2", hostname="a" * (10 << 20)), "line-too-long"),
        (proxy_row("192.0.2.2").replace(",tcp,", ",sctp,"), "bad-protocol"),
    ],
)
def test_a_bad_row_says_why_and_the_others_go_on(bad: str | bytes, reason: str) -> None:
    first, wrong, last = between(bad)
    assert (str(first.ip), str(last.ip)) == ("192.0.2.1", "192.0.2.3")
    assert (first.judgement, last.judgement) == (Judgement.ACCEPT, Judgement.ACCEPT)
    assert (wrong.reason, wrong.row, wrong.line) == (reason, 2, 3)
    assert wrong.judgement in {Judgement.REJECT, Judgement.QUARANTINE}
    assert len(wrong.excerpt) <= 200


def test_the_same_target_in_other_spelling_is_the_same() -> None:
    rows = judge_bytes(
        proxy_report(
            proxy_row("192.0.2.1"),
            proxy_row("::ffff:192.0.2.1"),
            proxy_row("::ffff:c000:201", time="2026-03-02 07:00:00"),
            proxy_row("192.0.2.1", port="8080"),
            proxy_row("192.000.002.001"),
        )
    )[0]
    assert [row.judgement for row in rows] == [
        "accept",
        "same-as",
        "same-as",
        "accept",
        "same-as",
    ]
    assert [row.same_as for row in rows] == [None, 1, 1, None, 1]
    assert {str(row.ip) for row in rows} == {"192.0.2.1"}


def test_one_row_with_two_weaknesses_is_two_statements() -> None:
    rows = judge_bytes(proxy_report(proxy_row(tag="http-connect-proxy;socks5")))[0]
    assert {row.weakness for row in rows} == {Weakness.OPEN_HTTP_PROXY, Weakness.OPEN_SOCKS}
    assert {(row.row, row.line, row.judgement) for row in rows} == {(1, 2, Judgement.ACCEPT)}


@pytest.mark.parametrize(
    ("tag", "code"), [("http-connect-proxy-closed", "200"), ("http-connect-proxy", "407")]
)
def test_a_proxy_that_asks_for_a_sign_in_is_reachable_not_open(tag: str, code: str) -> None:
    (row,) = judge_bytes(proxy_report(proxy_row(tag=tag, code=code)))[0]
    assert (row.judgement, row.reason) == (Judgement.REACHABLE_ONLY, "asks-for-sign-in")
    assert row.weakness is Weakness.OPEN_HTTP_PROXY


def test_columns_are_found_by_name_in_any_order() -> None:
    names = PROXY_HEADER.split(",")
    cells = proxy_row("192.0.2.7").split(",")
    mixed = sorted(zip(names, cells, strict=True), reverse=True)
    content = "\n".join([",".join(n for n, _ in mixed), ",".join(c for _, c in mixed)])
    (row,), (verdict,) = judge_bytes(content.upper().encode(), "scan_http_proxy.csv")
    assert (str(row.ip), row.port, verdict.outcome) == ("192.0.2.7", 3128, "ok")


@pytest.mark.parametrize(
    ("name", "source", "judgement"),
    [
        ("2026-03-02-scan_http_proxy-ministry-asn.csv", "scan-http-proxy", "accept"),
        ("2026-03-02-scan6_http_proxy-delayed.csv", "scan6-http-proxy", "accept"),
        ("2026-03-02-population_http_proxy-x.csv", "population-http-proxy", "reachable-only"),
        ("without-a-type.csv", "scan-http-proxy", "accept"),
    ],
)
def test_the_name_says_which_report_it_is(name: str, source: str, judgement: str) -> None:
    (row,), (verdict,) = judge_bytes(proxy_report(proxy_row()), name)
    assert (verdict.source, row.judgement) == (f"shadowserver-{source}", judgement)


COMMON = "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo"


@pytest.mark.parametrize(
    ("columns", "tag", "source", "reason"),
    [
        (",http,http_code,server,via", "http-connect-proxy", "scan-http-proxy", "says-open"),
        (",via", "http-connect-proxy", "scan-http-proxy", "says-open"),
        ("", "socks5", "scan-socks", "says-open"),
        ("", "http-connect-proxy", "scan-socks", "says-open"),
        ("", "telnet", "scan-socks", "not-about-our-weaknesses"),
        (",banner", "smtp;21nails", "scan-smtp", "mail-server-answers"),
        (",banner", "telnet", "scan-smtp", "not-about-our-weaknesses"),
        (",http,http_code,www_authenticate", "http", "scan-http-proxy", "not-about-our-weaknesses"),
        (",source,reason", "", "blocklist", "listed-elsewhere"),
        (",device_vendor,device_type,device_model", "ssl", None, None),
    ],
)
def test_without_a_telling_name_the_columns_and_then_the_rows_decide(
    columns: str, tag: str, source: str | None, reason: str | None
) -> None:
    row = f"2026-03-02 06:00:00,medium,192.0.2.1,tcp,1080,,{tag},64496,NL" + "," * columns.count(
        ","
    )
    rows, (verdict,) = judge_bytes(f"{COMMON}{columns}\n{row}\n".encode(), "noname.csv")
    assert verdict.source == (f"shadowserver-{source}" if source else None)
    assert [one.reason for one in rows] == ([reason] if reason else [])


def test_without_a_name_a_row_must_say_itself_what_it_is() -> None:
    (row,), _ = judge_bytes(proxy_report(proxy_row(tag="something")), "noname.csv")
    assert (row.judgement, row.reason) == (Judgement.REJECT, "not-about-our-weaknesses")


def test_a_formula_stays_text_and_hidden_letters_are_shown() -> None:
    (row,), _ = judge_bytes(
        proxy_report(proxy_row(hostname="\u202egro.example\u200b", server="=HYPERLINK(1)"))
    )
    assert row.about["hostname"] == "\\u202egro.example\\u200b"
    assert row.about["server"] == "=HYPERLINK(1)"


def test_a_quoted_cell_may_span_lines_and_lines_are_counted() -> None:
    rows = between(proxy_row("192.0.2.2", hostname='"two\nlines"'))
    assert [(row.row, row.line) for row in rows] == [(1, 2), (2, 3), (3, 5)]
    assert rows[1].about["hostname"] == "two\\u000alines"


def test_names_in_an_archive_are_labels() -> None:
    members = {
        "../../etc/scan_http_proxy.csv": proxy_report(proxy_row("192.0.2.1")),
        "/abs/scan_http_proxy.csv": proxy_report(proxy_row("192.0.2.2")),
        "C:\\scan_http_proxy.csv": proxy_report(proxy_row("192.0.2.3")),
        "in/scan_http_proxy.csv": proxy_report(proxy_row("192.0.2.4")),
        "inner.csv.gz": gzipped(proxy_report(proxy_row("192.0.2.5"))),
    }
    rows, verdicts = judge_bytes(zipped(members), "day.zip")
    assert [str(row.ip) for row in rows] == ["192.0.2.4"]
    assert [(verdict.file, verdict.reason) for verdict in verdicts] == [
        ("day.zip!../../etc/scan_http_proxy.csv", "unsafe-member-name"),
        ("day.zip!/abs/scan_http_proxy.csv", "unsafe-member-name"),
        ("day.zip!C:\\\\scan_http_proxy.csv", "unsafe-member-name"),
        ("day.zip!in/scan_http_proxy.csv", None),
        ("day.zip!inner.csv.gz", "nested-archive"),
    ]


def test_a_damaged_member_refuses_the_whole_archive() -> None:
    packed = bytearray(zipped({"a.csv": proxy_report(proxy_row()), "b.csv": b"x" * 500}))
    info = zipfile.ZipFile(__import__("io").BytesIO(bytes(packed))).getinfo("b.csv")
    packed[info.header_offset + 40] ^= 0xFF
    rows, (verdict,) = judge_bytes(bytes(packed), "day.zip")
    assert (rows, verdict.reason, verdict.outcome) == ([], "damaged-zip", "refused")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty-file"),
        (b"\n\n  \n", "empty-file"),
        (proxy_report(proxy_row()).decode().encode("utf-16"), "wrong-encoding"),
        (proxy_report(proxy_row()).decode().encode("utf-16-le"), "wrong-encoding"),
        (b"BZh91AY&SY", "format-not-read"),
        (b"%PDF-1.7\n", "format-not-read"),
        (zipped({}), "empty-archive"),
        (b"PK\x03\x04nonsense", "damaged-zip"),
        (b"From x@example.org Mon Mar  2\nSubject: report\n", "mail-without-report"),
        (b'{"version": "4.0.0"}', "json-needs-mapping"),
        (b"<?xml version='1.0'?><a/>", "markup-not-read"),
        (b"Once upon a time\nthere was a list\n", "format-unknown"),
        (b"a,b,c\n1,2,3\n", "csv-needs-mapping"),
        (b"timestamp,ip,asn,geo,ip,tag\n", "duplicate-column"),
    ],
)
def test_a_file_that_is_not_read_says_why(content: bytes, reason: str) -> None:
    rows, (verdict,) = judge_bytes(content, "x")
    assert (rows, verdict.reason, verdict.rows) == ([], reason, 0)
    assert verdict.outcome in {"refused", "unrecognised"}


def test_a_zone_file_in_all_its_forms() -> None:
    zone = (
        b"$SOA 3000 ns.dnsbl.example hostmaster.dnsbl.example 0 600 300 86400 300\n"
        b"$TIMESTAMP 1772420400\n"
        b":2:Open relay $\n"
        b"192.0.2.1\n"
        b"192.0.2.2 :127.0.0.3:http $\n"
        b"192.0.2.3\t:4\n"
        b"192.0.2.4 :77:of no meaning\n"
        b"192.0.2.5/32\n"
        b"192.0.2.6-6\n"
        b"192.0.2.8-15\n"
        b"10.20\n"
        b"192.0.2.64/27\n"
        b"!192.0.2.70\n"
        b"192.0.2.70\n"
        b"2001:db8::1\n"
        b"2001:db8::/64\n"
        b"; a remark\n"
        b"nonsense here\n"
        b"127.0.0.2\n"
    )
    rows, (verdict,) = judge_bytes(zone, "dnsbl.example")
    told = [(str(row.ip) if row.ip else None, row.code, row.judgement, row.reason) for row in rows]
    assert told == [
        ("192.0.2.1", "127.0.0.2", "accept", "says-open"),
        ("192.0.2.2", "127.0.0.3", "accept", "says-open"),
        ("192.0.2.3", "127.0.0.4", "accept", "says-open"),
        ("192.0.2.4", "127.0.0.77", "corroborates", "unknown-code"),
        ("192.0.2.5", "127.0.0.2", "accept", "says-open"),
        ("192.0.2.6", "127.0.0.2", "accept", "says-open"),
        (None, "127.0.0.2", "corroborates", "range"),
        (None, "127.0.0.2", "corroborates", "range"),
        (None, "127.0.0.2", "corroborates", "range"),
        ("192.0.2.70", "127.0.0.2", "withdrawn", "excluded-by-zone"),
        ("192.0.2.70", "127.0.0.2", "withdrawn", "excluded-by-zone"),
        ("2001:db8::1", "127.0.0.2", "accept", "says-open"),
        (None, "127.0.0.2", "corroborates", "range"),
        (None, None, "reject", "bad-address"),
        ("127.0.0.2", "127.0.0.2", "reject", "test-point"),
    ]
    assert [f"{row.first}-{row.last}" for row in rows if row.first] == [
        "192.0.2.8-192.0.2.15",
        "10.20.0.0-10.20.255.255",
        "192.0.2.64-192.0.2.95",
        "2001:db8::-2001:db8::ffff:ffff:ffff:ffff",
    ]
    assert {row.seen_at for row in rows if row.says is Judgement.ACCEPT} == {
        datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    }
    assert verdict.rows == 15


@pytest.mark.parametrize(
    ("zone", "code", "judgement", "weakness", "reason"),
    [
        ("dnsbl.dronebl.org", 8, "accept", "open-socks", "says-open"),
        ("dnsbl.dronebl.org", 9, "accept", "open-http-proxy", "says-open"),
        ("dnsbl.dronebl.org", 12, "corroborates", None, "says-something-else"),
        ("dnsbl.dronebl.org", 13, "corroborates", None, "says-something-else"),
        ("dnsbl.dronebl.org", 19, "corroborates", None, "says-something-else"),
        ("dnsbl.dronebl.org", 99, "corroborates", None, "unknown-code"),
        ("rbl.efnetrbl.org", 1, "corroborates", None, "kind-not-named"),
        ("rbl.efnetrbl.org", 4, "corroborates", None, "says-something-else"),
    ],
)
def test_codes_mean_what_their_zone_says_and_name_the_exit(
    zone: str, code: int, judgement: str, weakness: str | None, reason: str
) -> None:
    (row,), _ = judge_bytes(f"$NS 1 ns.example\n192.0.2.1 :{code}:x\n".encode(), zone)
    assert (row.judgement, row.weakness, row.reason) == (judgement, weakness, reason)
    assert row.role is Role.EXIT


def test_a_plain_list_in_all_its_forms() -> None:
    content = (
        b"# a list\n"
        b"\n"
        b"192.0.2.1\n"
        b"192.0.2.2:3128\n"
        b"http://192.0.2.3:8080\n"
        b"SOCKS5://user:secret@192.0.2.4:1080/path\n"
        b"socks4://[2001:db8::4]:1080\n"
        b"[2001:db8::5]:80\n"
        b"2001:db8::6\n"
        b"192.0.2.7:99999\n"
        b"192.0.2.8:\n"
        b"http://proxy.example:8080\n"
        b"ftp://192.0.2.9:21\n"
        b"192.0.2.0/24\n"
        b"11.22.33.0\n"
        b"11.22.33.255\n"
        b"http://192.0.2.10:8080  # a remark\n"
        b"192.0.2.11,8080,NL\n"
    )
    rows, _ = judge_bytes(content, "list.txt")
    told = [(str(row.ip), row.port, row.weakness, row.role, row.reason) for row in rows]
    assert told == [
        ("192.0.2.1", None, None, "unknown", "no-weakness-named"),
        ("192.0.2.2", 3128, None, "entry", "no-weakness-named"),
        ("192.0.2.3", 8080, "open-http-proxy", "entry", "says-open"),
        ("192.0.2.4", 1080, "open-socks", "entry", "asks-for-sign-in"),
        ("2001:db8::4", 1080, "open-socks", "entry", "says-open"),
        ("2001:db8::5", 80, None, "entry", "no-weakness-named"),
        ("2001:db8::6", None, None, "unknown", "no-weakness-named"),
        ("192.0.2.7", None, None, "entry", "bad-port"),
        ("192.0.2.8", None, None, "entry", "bad-port"),
        ("None", None, None, "entry", "host-name"),
        ("192.0.2.9", 21, None, "entry", "not-about-our-weaknesses"),
        ("None", None, None, "unknown", "range"),
        ("11.22.33.0", None, None, "unknown", "filler-address"),
        ("11.22.33.255", None, None, "unknown", "filler-address"),
        ("192.0.2.10", 8080, "open-http-proxy", "entry", "says-open"),
        ("192.0.2.11", None, None, "unknown", "no-weakness-named"),
    ]
    assert not any("secret" in row.excerpt or "secret" in str(row.about) for row in rows)


def test_a_mapped_table() -> None:
    mapping = read_mapping(
        {
            "source": "spamhaus-cert",
            "delimiter": ";",
            "columns": {"address": "ip", "port": ["local_port", "port"], "time": "lastseen",
                        "tags": "botname"},
            "constants": {"protocol": "tcp"},
            "facts": {"hostname": "rdns"},
            "time": {"format": "%d/%m/%Y %H:%M", "zone": "+01:00"},
        }
    )  # fmt: skip
    content = (
        b"IP;LastSeen;BotName;Local_Port;port;rdns\n"
        b"192.0.2.1;02/03/2026 10:00;openrelay;;25;mail.example\n"
        b"192.0.2.2;02/03/2026 10:00;conficker;;25;\n"
        b"192.0.2.3;2 March;openrelay;25;;\n"
    )
    rows, (verdict,) = judge_bytes(content, "cert.csv", hint=Hint(mapping=mapping))
    assert [row.reason for row in rows] == ["says-open", "not-about-our-weaknesses", "bad-time"]
    first = rows[0]
    assert (first.weakness, first.port, first.role) == (Weakness.OPEN_RELAY, 25, Role.ENTRY)
    assert first.seen_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert first.about == {"hostname": "mail.example"}
    assert (verdict.format, verdict.source) == ("mapped", "spamhaus-cert")
    _, (missing,) = judge_bytes(b"a;b\n1;2\n", "cert.csv", hint=Hint(mapping=mapping))
    assert (missing.reason, missing.outcome) == ("column-missing", "refused")


def test_a_clock_that_runs_a_little_ahead_is_forgiven() -> None:
    assert reasons(proxy_report(proxy_row(time="2026-03-02 12:59:00"))) == ["says-open"]
    assert reasons(proxy_report(proxy_row(time="2026-03-02 13:01:00"))) == ["time-in-future"]
    assert NOW.hour == 12


def test_age_and_kind_of_address_are_recorded_and_drop_nothing() -> None:
    rows = judge_bytes(
        proxy_report(
            proxy_row("10.0.0.1", time="2004-01-29 00:00:00"),
            proxy_row("8.8.8.8"),
            proxy_row("127.0.0.1"),
            proxy_row("224.0.0.1"),
        )
    )[0]
    assert {row.judgement for row in rows} == {Judgement.ACCEPT}
    assert [row.address_class for row in rows] == ["private", "global", "loopback", "special"]


@pytest.mark.parametrize(
    ("told", "hour"),
    [
        ("1772420400", 3),
        ("2026:03:02", 0),
        ("2026:03:02:04", 4),
        ("2026:03:02:04:30:00", 4),
        ("2026-03-02T05:00:00Z", 5),
    ],
)
def test_a_zone_says_when_it_was_written(told: str, hour: int) -> None:
    zone = f"$NS 1 ns.example\n$TIMESTAMP {told}\n192.0.2.1\n".encode()
    (row,), _ = judge_bytes(zone, "dnsbl.example")
    assert row.seen_at is not None
    assert (row.seen_at.date().isoformat(), row.seen_at.hour) == ("2026-03-02", hour)


def test_a_zone_that_says_now_or_nothing_is_undated() -> None:
    (row,), _ = judge_bytes(b"$NS 1 ns.example\n$TIMESTAMP now\n192.0.2.1\n", "dnsbl.example")
    assert row.seen_at is None


@pytest.mark.parametrize(
    "value", [":²:x", ":" + "9" * 5000 + ":x", ":0127:x", "::x", ":128.0.0.1:x"]
)
def test_an_odd_value_of_a_zone_has_no_known_code(value: str) -> None:
    zone = f"$NS 1 ns.example\n192.0.2.1 {value}\n192.0.2.2\n".encode()
    odd, plain = judge_bytes(zone, "dnsbl.example")[0]
    assert odd.judgement is not Judgement.ACCEPT
    assert plain.judgement is Judgement.ACCEPT


def test_declared_sources_and_what_does_not_fit_them() -> None:
    def verdict(content: bytes, source: str, *, mapped: bool = False) -> tuple[str, str | None]:
        mapping = read_mapping({"columns": {"address": "ip"}}) if mapped else None
        hint = Hint(source=source, mapping=mapping)
        (told,) = judge_bytes(content, "x", hint=hint)[1]
        return told.outcome, told.reason

    assert verdict(b"192.0.2.1\n", "dronebl") == ("ok", None)
    assert verdict(b"192.0.2.1\n", "nobody") == ("refused", "source-unknown")
    assert verdict(b"192.0.2.1\n", "spamhaus-cert") == ("refused", "column-missing")
    assert verdict(b"ip\n192.0.2.1\n", "nobody", mapped=True) == ("refused", "source-unknown")
    assert verdict(b"ip,ip\n", "", mapped=True) == ("refused", "duplicate-column")
    assert verdict(b"ip\xff\n", "", mapped=True) == ("refused", "header-unreadable")
    assert verdict(b"timestamp,ip,asn,geo,infection,family\n", "") == (
        "refused",
        "not-about-our-weaknesses",
    )
    assert verdict(b"timestamp,src_ip,asn,geo\n", "shadowserver-scan-socks") == (
        "refused",
        "column-missing",
    )
    assert verdict(b"\x00\x00ab\n\xff\xfe\n", "") == ("unrecognised", "binary")


def test_archives_that_hide_something_are_refused() -> None:
    locked = bytearray(zipped({"a.csv": proxy_report(proxy_row())}))
    central = locked.rindex(b"PK\x01\x02")
    locked[central + 8] |= 1
    _, (verdict,) = judge_bytes(bytes(locked), "day.zip")
    assert verdict.reason == "encrypted-member"
    strange = bytearray(zipped({"a.csv": proxy_report(proxy_row())}))
    strange[strange.rindex(b"PK\x01\x02") + 10] = 99
    _, (verdict,) = judge_bytes(bytes(strange), "day.zip")
    assert verdict.reason == "format-not-read"


def test_gzip_with_something_behind_it_is_refused_and_padding_is_not() -> None:
    packed = gzipped(proxy_report(proxy_row()))
    assert judge_bytes(packed + b"\0" * 512)[1][0].outcome == "ok"
    assert judge_bytes(packed + b"something")[1][0].reason == "damaged-gzip"


def test_a_network_in_a_report_supports_and_opens_nothing() -> None:
    first, wide, last = between(proxy_row("192.0.2.0/24"))
    assert (first.judgement, last.judgement) == (Judgement.ACCEPT, Judgement.ACCEPT)
    assert (wide.judgement, wide.reason, wide.ip) == (Judgement.CORROBORATES, "range", None)
    assert (str(wide.first), str(wide.last)) == ("192.0.2.0", "192.0.2.255")
    assert (wide.weakness, wide.port) == (Weakness.OPEN_HTTP_PROXY, None)
