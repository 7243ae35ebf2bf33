"""Mails that carry reports: everything in them that is a report, and nobody else's address."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import FileVerdict
from openletter.evidence.rules.recognise import Hint
from openletter.wire.reportmail import is_mail
from openletter.wire.unpack import Limits
from openletter.words import Judgement, Role, Weakness
from tests.wire.feed_files import gzipped, judge_bytes, proxy_report, proxy_row, zipped
from tests.wire.mail_files import (
    BOUNDARY,
    HEADERS,
    HONEY_POT,
    PROSE,
    X_ARF,
    arf,
    attached,
    feedback,
    honey_pot,
    mail,
    within,
    x_arf,
)
from tests.wire.xarf_files import as_bytes, fourth, third

REPORT = "2026-03-02-scan_http_proxy-example-asn.csv"


class Read(NamedTuple):
    rows: list[Judged]
    files: list[FileVerdict]

    def said(self) -> list[tuple[str, str, str]]:
        return [(str(row.ip), row.judgement, row.reason) for row in self.rows]

    def named(self) -> list[tuple[str, str | None]]:
        return [(one.file, one.reason) for one in self.files]


def read(raw: bytes, name: str = "r.eml", *, limits: Limits | None = None) -> Read:
    return Read(*judge_bytes(raw, name, limits=limits))


def csv(ip: str = "192.0.2.1") -> bytes:
    return proxy_report(proxy_row(ip))


@pytest.mark.parametrize(
    ("name", "content", "inner"),
    [
        (REPORT, csv(), ""),
        (f"{REPORT}.gz", gzipped(csv()), ""),
        (f"{REPORT}.zip", zipped({REPORT: csv()}), f"!{REPORT}"),
        ("2026-03-02-scan_http_proxy-delayed.csv", csv(), ""),
    ],
)
def test_an_attached_report_is_read_as_if_it_were_handed_in(
    name: str, content: bytes, inner: str
) -> None:
    found = read(mail(PROSE, attached(name, content)))
    assert found.said() == [("192.0.2.1", "accept", "says-open")]
    (verdict,) = found.files
    assert verdict.file == f"r.eml!{name}{inner}"
    assert (verdict.source, verdict.outcome) == ("shadowserver-scan-http-proxy", "ok")
    assert "reports@example.net" in verdict.detail
    assert "2026-03-02T06:00:00Z" in verdict.detail


def test_every_attachment_is_read_and_two_of_one_name_stay_two() -> None:
    found = read(
        mail(
            PROSE,
            attached(REPORT, csv("192.0.2.1"), "text/csv"),
            attached(REPORT, csv("192.0.2.2"), "text/csv"),
            attached("logo.png", b"\x89PNG", "image/png"),
            attached("signature.asc", b"-----BEGIN", "application/pgp-signature"),
            attached("report.pdf", b"%PDF-1.7", "application/pdf"),
            attached("table.xlsx", zipped({"a.xml": b"<a/>"}), "application/x"),
            kind="multipart/signed",
        )
    )
    assert [str(row.ip) for row in found.rows] == ["192.0.2.1", "192.0.2.2"]
    assert found.named() == [
        (f"r.eml!{REPORT}", None),
        (f"r.eml!{REPORT} (2)", None),
        ("r.eml!report.pdf", "format-not-read"),
        ("r.eml!table.xlsx", "format-not-read"),
    ]


def test_names_of_attachments_are_labels() -> None:
    found = read(mail(attached("../../etc/a!b.csv", csv())))
    assert [one.file for one in found.files] == ["r.eml!a_b.csv"]
    encoded = attached("x", csv()).replace('filename="x"', f"filename*=UTF-8''{REPORT}%20x.csv")
    assert read(mail(encoded)).files[0].file == f"r.eml!{REPORT} x.csv"


def test_a_feedback_report_names_the_source_and_nobody_else() -> None:
    found = read(arf())
    (row,) = found.rows
    assert (str(row.ip), row.port, row.role, row.weakness) == ("192.0.2.80", None, Role.EXIT, None)
    assert (row.judgement, row.reason) == (Judgement.CORROBORATES, "sent-spam")
    assert row.seen_at is not None
    assert row.seen_at.isoformat() == "2026-03-02T05:00:00+00:00"
    assert row.about["mail_from"] == "Reports <reports@example.net>"
    assert found.named() == [("r.eml!feedback-report", None)]


@pytest.mark.parametrize(
    ("fields", "judgement", "reason"),
    [
        ({"Source_IP": "[192.0.2.80]"}, "corroborates", "sent-spam"),
        ({"Source_IP": "IPv6:2001:db8::1"}, "corroborates", "sent-spam"),
        ({"Source_IP": "192.0.2.80 (mail.example)"}, "corroborates", "sent-spam"),
        ({"Feedback_Type": "not-spam"}, "corroborates", "complaint-taken-back"),
        ({"Feedback_Type": "auth-failure"}, "corroborates", "says-something-else"),
        ({"Feedback_Type": "something-new"}, "corroborates", "says-something-else"),
        ({"Source_IP": None}, "reject", "missing-address"),
        ({"Source_IP": "mail.example"}, "reject", "host-name"),
        ({"Source_IP": "192.0.2.80\r\nSource-IP: 192.0.2.81"}, "reject", "field-twice"),
        ({"Feedback_Type": None}, "reject", "field-missing"),
        ({"User_Agent": None}, "reject", "field-missing"),
        ({"Version": None}, "reject", "field-missing"),
        ({"Version": "one"}, "reject", "report-version-unknown"),
        ({"Arrival_Date": "yesterday"}, "reject", "bad-time"),
        ({"Arrival_Date": "Mon, 02 Mar 2026 05:00:00"}, "reject", "bad-time"),
        ({"Arrival_Date": "Wed, 02 Mar 2033 05:00:00 +0000"}, "quarantine", "time-in-future"),
    ],
)
def test_each_feedback_report_is_worth_what_it_says(
    fields: dict[str, str | None], judgement: str, reason: str
) -> None:
    (row,) = read(arf(**fields)).rows
    assert (row.judgement, row.reason) == (judgement, reason)


def test_a_report_without_its_own_time_is_of_the_mails_date() -> None:
    (row,) = read(arf(Arrival_Date=None)).rows
    assert row.seen_at is not None
    assert (row.seen_at.isoformat(), row.dated_by) == ("2026-03-02T06:00:00+00:00", "file")


CHECKS = (
    "checked_at,ip,port,protocol,weakness,verdict,transcript_sha256\n"
    f"2026-03-02T06:00:00Z,192.0.2.9,8080,tcp,open-http-proxy,open,{'a' * 64}\n"
).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checks.csv", CHECKS),
        ("socks_proxy.ipset", b"# socks_proxy\n192.0.2.9\n"),
        ("dnsbl.dronebl.org.zone", b":127.0.0.9:open proxy\n192.0.2.9\n"),
    ],
)
def test_one_mail_is_one_voice_whatever_names_its_parts_give_themselves(
    name: str, content: bytes
) -> None:
    """A report and, beside it, what calls itself a second source: whoever wrote one wrote both."""
    found = read(mail(attached(REPORT, csv("192.0.2.9")), attached(name, content, "text/plain")))
    assert found.said() == [("192.0.2.9", "accept", "says-open")]
    assert (f"r.eml!{name}", "unnamed-in-mail") in found.named()


def test_what_lies_below_a_report_is_evidence_and_not_read() -> None:
    listing = attached("proxies.txt", b"http://198.51.100.1:8080\n", "text/plain")
    assert read(arf(listing)).said() == [("192.0.2.80", "corroborates", "sent-spam")]
    inner = within(mail(attached(REPORT, csv("192.0.2.9"))), mark="i")
    assert read(arf(inner)).said() == [("192.0.2.80", "corroborates", "sent-spam")]


def test_a_list_of_links_in_a_complaint_opens_nobody() -> None:
    """Spam's links look like proxies to whoever reads lists of those."""
    links = attached("links.txt", b"http://192.0.2.5:8080/\nhttp://192.0.2.6:3128/\n", "text/plain")
    found = read(mail(PROSE, links))
    assert found.rows == []
    assert found.named() == [("r.eml!links.txt", "unnamed-in-mail")]
    rows, _ = judge_bytes(mail(PROSE, links), "r.eml", hint=Hint(source="unnamed-list"))
    assert [row.judgement for row in rows] == ["accept", "accept"]


def test_an_x_arf_mail_names_the_source_and_not_the_log() -> None:
    found = read(x_arf(X_ARF))
    (row,) = found.rows
    assert (str(row.ip), row.port, row.role) == ("192.0.2.150", None, Role.EXIT)
    assert (row.judgement, row.reason, row.line) == ("corroborates", "attacked", 10)
    assert row.about["service"] == "ssh"
    assert row.seen_at is not None
    assert row.seen_at.isoformat() == "2026-03-02T05:00:00+00:00"
    assert found.named() == [("r.eml!report.txt", None)]


@pytest.mark.parametrize(
    ("old", "new", "reason", "weakness"),
    [
        ("login-attack", "spam", "sent-spam", None),
        ("login-attack", "open-relay", "reported-only", Weakness.OPEN_RELAY),
        ("login-attack", "open-proxy", "kind-not-named", None),
        ("Category: abuse\n", "", "field-missing", None),
        ("Source: 192.0.2.150\n", "Source: \n", "field-missing", None),
        ("0.2\nUser", "7\nUser", "report-version-unknown", None),
        ("Source-Type: ip-address", "Source-Type: uri", "no-address-reported", None),
        ("Source: 192.0.2.150", "Source: 192.0.2.150/24", "range", None),
        ("Source: 192.0.2.150\n", "Source: 192.0.2.1\nSource: 192.0.2.2\n", "field-twice", None),
        ("Mon, 02 Mar 2026 06:00:00 +0100", "soon", "bad-time", None),
        ("Mon, 02 Mar 2026 06:00:00 +0100", "2026-03-02T06:00:00", "bad-time", None),
        ("Mon, 02 Mar 2026 06:00:00 +0100", "2026-03-02T06:00:00+01:00", "attacked", None),
        ("Mon, 02 Mar 2026 06:00:00 +0100", "Mon, 02 Mar 2026 06:00:00 XYZ", "bad-time", None),
        ("Mon, 02 Mar 2026 06:00:00 +0100", "Mon, 02 Mar 2026 06:00:00 -0000", "attacked", None),
    ],
)
def test_each_x_arf_report_is_worth_what_it_says(
    old: str, new: str, reason: str, weakness: Weakness | None
) -> None:
    (row,) = read(x_arf(X_ARF.replace(old, new))).rows
    assert (row.reason, row.weakness) == (reason, weakness)
    assert row.judgement is not Judgement.ACCEPT


def test_one_x_arf_mail_may_hold_many_reports() -> None:
    text = X_ARF + X_ARF.replace("192.0.2.150", "192.0.2.151")
    assert [str(row.ip) for row in read(x_arf(text)).rows] == ["192.0.2.150", "192.0.2.151"]


def test_a_honey_pot_mail_names_only_what_stands_in_its_sections() -> None:
    found = read(honey_pot())
    assert found.said() == [
        ("192.0.2.31", "corroborates", "attacked"),
        ("192.0.2.32", "corroborates", "sent-spam"),
        ("None", "reject", "bad-address"),
    ]
    assert {row.dated_by for row in found.rows if row.ip} == {"day"}
    (row,) = read(honey_pot(HONEY_POT.replace("03/01/2026", "13/41/2026"))).rows[:1]
    assert row.reason == "bad-time"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream"])
def test_xarf_is_read_where_it_lies_in_a_mail(kind: str) -> None:
    report = attached("xarf.json", as_bytes(fourth()), kind)
    envelope = feedback(Feedback_Type="xarf", Source_IP=None, Arrival_Date=None)
    log = attached("log.txt", b"198.51.100.1\n", "text/plain")
    for raw in (
        mail(PROSE, report),
        mail(PROSE, envelope, report, log, kind="multipart/report; report-type=feedback-report"),
    ):
        found = read(raw)
        assert found.said() == [("192.0.2.50", "accept", "says-open")]
        assert found.rows[0].weakness is Weakness.OPEN_SOCKS
        assert found.named() == [("r.eml!xarf.json", None)]


def test_xarf_may_be_all_that_a_mail_says() -> None:
    for kind in ("text/plain", "application/json"):
        head = f"{HEADERS}Content-Type: {kind}\r\n\r\n".encode()
        found = read(head + as_bytes(third()))
        assert found.said() == [("192.0.2.55", "accept", "says-open")]
        assert found.named() == [("r.eml!part-1.json", None)]


def test_a_forwarded_report_mail_is_read() -> None:
    inner = mail(PROSE, attached(REPORT, csv("192.0.2.5")))
    found = read(mail(PROSE, within(inner, mark="a")))
    assert found.said() == [("192.0.2.5", "accept", "says-open")]
    assert found.named() == [(f"r.eml!mail-1!{REPORT}", None)]
    as_file = read(mail(PROSE, attached("old.eml", inner)))
    assert as_file.named() == [(f"r.eml!old.eml!{REPORT}", None)]


def test_a_mailbox_is_read_mail_by_mail() -> None:
    one = b"From a@example.net Mon Mar  2 07:00:00 2026\n"
    box = one + mail(attached(REPORT, csv("192.0.2.1"))) + b"\n" + one + arf() + b"\n"
    found = read(box, "box.mbox")
    assert found.named() == [
        (f"box.mbox!1!{REPORT}", None),
        ("box.mbox!2!feedback-report", None),
    ]
    assert read(one + arf(), "box.mbox").named() == [("box.mbox!feedback-report", None)]


def test_mails_in_archives_are_read_and_archives_in_mails_in_archives_too() -> None:
    raw = mail(attached(f"{REPORT}.zip", zipped({REPORT: csv()})))
    found = read(zipped({"a.eml": raw, "b.eml": arf()}), "day.zip")
    assert found.named() == [
        (f"day.zip!a.eml!{REPORT}.zip!{REPORT}", None),
        ("day.zip!b.eml!feedback-report", None),
    ]
    assert read(gzipped(arf()), "m.eml.gz").named() == [("m.eml.gz!feedback-report", None)]
    deeper = read(mail(attached("x.zip", zipped({"a.eml": raw}))))
    assert deeper.named() == [("r.eml!x.zip!a.eml", "nested-archive")]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (mail(PROSE), "mail-without-report"),
        (HEADERS.encode() + b"\r\nSee 192.0.2.1\r\n192.0.2.2\r\n", "mail-without-report"),
        (mail(attached(REPORT, csv())).removesuffix(f"--{BOUNDARY}--\r\n".encode()),
         "mail-cut-off"),
        (mail(attached(REPORT, csv()))[:-300], "mail-cut-off"),
        (mail(PROSE, kind='multipart/encrypted; protocol="application/pgp-encrypted"'),
         "mail-encrypted"),
        (HEADERS.encode() + b"Content-Type: application/pkcs7-mime\r\n\r\nMIAG",
         "mail-encrypted"),
        (HEADERS.encode() + b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
         b"\r\nMIAG", "format-not-read"),
        (mail(PROSE, kind="multipart/report; report-type=delivery-status"),
         "mail-without-report"),
        (mail(*[PROSE] * 300), "too-many-members"),
        (mail(attached(REPORT, csv()).replace("\r\n\r\n", "\r\n\r\n*")), "damaged-attachment"),
        (mail(attached(f"{REPORT}.zip", zipped({REPORT: csv()})[:-30])), "damaged-zip"),
        (mail(attached(f"{REPORT}.gz", gzipped(csv())[:-4])), "truncated-gzip"),
        (mail(attached(REPORT, csv().decode().encode("utf-16"))), "wrong-encoding"),
    ],
)  # fmt: skip
def test_a_mail_that_is_not_read_says_why_and_gives_nothing(raw: bytes, reason: str) -> None:
    found = read(raw)
    assert found.rows == []
    assert [one.reason for one in found.files] == [reason]
    assert found.files[0].outcome in {"refused", "unrecognised"}


def test_whose_word_reports_are_says_the_operator() -> None:
    def source(raw: bytes, declared: str) -> tuple[str | None, str | None]:
        (verdict,) = judge_bytes(raw, "r.eml", hint=Hint(source=declared))[1]
        return verdict.source, verdict.reason

    assert source(arf(), "feedback-report") == ("feedback-report", None)
    assert source(arf(), "dronebl") == ("dronebl", "format-differs")
    assert source(as_bytes(third()), "nobody") == ("nobody", "source-unknown")
    assert source(as_bytes(third()), "") == ("xarf", None)


# -- hostile mails -------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    raw = mail(attached(REPORT, csv())).decode()
    for _ in range(depth):
        raw = f"{HEADERS}Content-Type: message/rfc822\r\n\r\n{raw}"
    return raw.encode()


def test_mails_in_mails_without_end_are_refused() -> None:
    assert read(nested(2)).said() == [("192.0.2.1", "accept", "says-open")]
    assert [one.reason for one in read(nested(1000)).files] == ["mail-too-deep"]
    raw = mail(attached(REPORT, csv()))
    for at in range(5):
        raw = mail(attached(f"{at}.eml", raw))
    assert [one.reason for one in read(raw).files] == ["mail-too-deep"]
    deep = "".join(f'--b{at}\r\nContent-Type: multipart/mixed; boundary="b{at + 1}"\r\n\r\n'
                   for at in range(300))  # fmt: skip
    shell = HEADERS + 'Content-Type: multipart/mixed; boundary="b0"\r\n\r\n'
    assert [one.reason for one in read(f"{shell}{deep}--b0--".encode()).files] == ["mail-too-deep"]


def test_what_unpacks_to_too_much_is_refused() -> None:
    small = Limits(total=100_000, ratio=20, ratio_from=20_000, members=5)
    bomb = zipped({"a.csv": b"0" * 90_000})
    assert [one.reason for one in read(mail(attached("b.zip", bomb)), limits=small).files] == [
        "bomb"
    ]
    large = mail(attached("a.csv", b"0" * 90_000))
    assert [one.reason for one in read(large, limits=small).files] == ["too-large"]
    many = mail(*[attached(f"{at}.csv", csv()) for at in range(9)])
    assert [one.reason for one in read(many, limits=small).files] == ["too-many-members"]
    members = zipped({f"{at}.csv": csv() for at in range(9)})
    assert [one.reason for one in read(mail(attached("m.zip", members)), limits=small).files] == [
        "too-many-members"
    ]


def test_a_vast_mail_is_refused_before_it_is_held() -> None:
    raw = HEADERS.encode() + b"\r\n" + b"x" * (33 << 20)
    assert [one.reason for one in read(raw).files] == ["mail-too-large"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m.eml", raw)
    found = read(out.getvalue(), "m.zip", limits=Limits(ratio=100_000))
    assert found.named() == [("m.zip!m.eml", "mail-too-large")]


def test_a_reporting_part_without_end_is_refused() -> None:
    endless = feedback() + "X: y\r\n" * 300_000
    kind = "multipart/report; report-type=feedback-report"
    assert read(mail(PROSE, endless, kind=kind)).named() == [("r.eml!feedback-report", "too-large")]
    assert read(x_arf(X_ARF + "---\n" * 400_000)).named() == [
        ("r.eml!report.txt", "format-unknown")
    ]


def test_headers_without_end_are_refused() -> None:
    raw = (HEADERS + "X-Long: " + "a" * (2 << 20) + "\r\n\r\nbody").encode()
    assert [one.reason for one in read(raw).files] == ["mail-too-large"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEADERS.encode(), True),
        (b"\xef\xbb\xbf" + HEADERS.encode(), True),
        (b"DKIM-Signature: v=1\r\nARC-Seal: i=1\r\nFrom: a@b\r\nTo: c@d\r\n", True),
        (b"From a@b Mon Mar  2 07:00:00 2026\nSubject: x\n", True),
        (b"Subject: only\n", False),
        (b"Proxy list: today\n192.0.2.1\n", False),
        (b"192.0.2.1 From: a\n", False),
        (b"ip,port\n", False),
        (b"", False),
    ],
)
def test_a_mail_is_told_by_its_headers(head: bytes, expected: bool) -> None:
    assert is_mail(head) is expected


MAILS = [
    arf(),
    x_arf(X_ARF),
    honey_pot(),
    mail(PROSE, attached(f"{REPORT}.zip", zipped({REPORT: csv()}))),
    mail(PROSE, within(mail(attached("xarf.json", as_bytes(third()))), mark="i")),
    b"From a@b Mon Mar  2 07:00:00 2026\n" + arf() + b"\nFrom a@b Mon Mar  2 07:00:00 2026\n",
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(MAILS),
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from(
                [b"", b"\r\n\r\n", b"--=_part", b"--=_part--", b"\x00", b"\xff", b": ", b"From ",
                 b"Content-Type: message/rfc822\r\n\r\n", b"=?utf-8?B?AAAA?=", b"\r\n--"]
            ),
            st.integers(0, 40),
        ),
        max_size=5,
    ),
)  # fmt: skip
def test_a_mangled_mail_is_read_or_refused_and_names_no_bystander(
    raw: bytes, cuts: list[tuple[float, bytes, int]]
) -> None:
    for place, piece, gone in cuts:
        at = int(place * len(raw))
        raw = raw[:at] + piece + raw[at + gone :]
    found = read(raw)
    assert found.files
    assert sum(one.rows for one in found.files) == len(found.rows)
    named = {str(row.ip) for row in found.rows if row.judgement is not Judgement.REJECT}
    bystanders = {"198.51.100.7", "198.51.100.66", "198.51.100.23", "203.0.113.99", "192.0.2.99"}
    assert not named & bystanders


def test_base64_that_goes_on_forever_is_refused() -> None:
    body = base64.b64encode(b"\0" * (26 << 20)).decode()
    raw = mail(f"Content-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}")
    assert [one.reason for one in read(raw).files] == ["mail-too-large"]
