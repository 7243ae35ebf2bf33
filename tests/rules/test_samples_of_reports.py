"""Real reports and lists, and what each is worth."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openletter.evidence.rules.reading import FileVerdict
from openletter.words import AddressClass, Judgement, Role, Weakness
from tests.samples import shared
from tests.wire.feed_files import judge_bytes

# file, outcome, source, and how many rows got which judgement
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
JUDGED = [
    ("shadowserver/scan_http_proxy.csv", "shadowserver-scan-http-proxy", {"accept": 3}),
    ("shadowserver/scan_socks.csv", "shadowserver-scan-socks", {"accept": 3}),
    (
        "shadowserver/population_http_proxy.csv",
        "shadowserver-population-http-proxy",
        {"reachable-only": 3},
    ),
    ("shadowserver/scan_smtp.2021.csv", "shadowserver-scan-smtp", {"reachable-only": 2}),
    (
        "shadowserver/scan_smtp_vulnerable.csv",
        "shadowserver-scan-smtp-vulnerable",
        {"reachable-only": 2},
    ),
    ("shadowserver/blocklist.csv", "shadowserver-blocklist", {"corroborates": 3}),
    ("shadowserver/spam_url.csv", "shadowserver-spam-url", {"corroborates": 3}),
    ("n6/shadowserver_smtp.csv", "shadowserver-scan-smtp", {"reachable-only": 1}),
    ("n6/sblam_spam.txt", "sblam", {"corroborates": 6, "reject": 1}),
    ("feeds/firehol-socks_proxy_1d.ipset", "firehol-socks-proxy", {"accept": 4}),
    ("feeds/proxy-list-spysme.txt", "spysme", {"accept": 9}),
    (
        "feeds/rbldnsd-relays.ip4set",
        "example-dnsbl",
        {"accept": 3, "corroborates": 2, "reject": 1, "withdrawn": 1},
    ),
]
NOT_READ = [
    ("shadowserver/compromised_website.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/device_id.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/event4_sinkhole_http.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/scan_http.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/scan_http_vulnerable.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/scan_telnet.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/special.csv", "refused", "not-about-our-weaknesses"),
    ("shadowserver/report-columns.tsv", "unrecognised", "csv-needs-mapping"),
    ("feeds/dnsbl-answers.tsv", "unrecognised", "csv-needs-mapping"),
    ("feeds/proxy-list-monosans.json", "unrecognised", "json-not-read"),
    ("README.md", "unrecognised", "format-unknown"),
    ("abuseio/Comcast_example_1.eml", "unrecognised", "mail-not-read"),
    ("xarf/v4-vulnerability-open-service.json", "unrecognised", "json-not-read"),
]


def one_verdict(sample: str) -> FileVerdict:
    content = shared("samples", "reports", sample).read_bytes()
    _, verdicts = judge_bytes(content, sample, now=TODAY)
    (verdict,) = verdicts
    return verdict


@pytest.mark.parametrize(("sample", "source", "judgements"), JUDGED)
def test_each_sample_is_worth_what_it_says(
    sample: str, source: str, judgements: dict[str, int]
) -> None:
    verdict = one_verdict(sample)
    assert (verdict.source, verdict.by_judgement) == (source, judgements)
    assert verdict.rows == sum(judgements.values())


@pytest.mark.parametrize(("sample", "outcome", "reason"), NOT_READ)
def test_what_is_not_ours_is_named_and_not_read(sample: str, outcome: str, reason: str) -> None:
    verdict = one_verdict(sample)
    assert (verdict.outcome, verdict.reason, verdict.rows) == (outcome, reason, 0)


@pytest.mark.parametrize("folder", ["abuseio", "xarf", "xarf/negative", "feeds", "n6"])
def test_no_sample_of_any_kind_is_more_than_a_file_can_say(folder: str) -> None:
    for path in sorted(shared("samples", "reports", folder).iterdir()):
        if path.is_file():
            rows, verdicts = judge_bytes(path.read_bytes(), path.name)
            assert sum(verdict.rows for verdict in verdicts) == len(rows)


def test_the_zone_file_tells_kinds_apart_and_takes_back_what_it_takes_back() -> None:
    content = shared("samples", "reports", "feeds", "rbldnsd-relays.ip4set").read_bytes()
    rows, _ = judge_bytes(content, "rbldnsd-relays.ip4set")
    told = {str(row.ip): (row.weakness, row.code) for row in rows if row.says is Judgement.ACCEPT}
    assert told == {
        "192.0.2.10": (Weakness.OPEN_RELAY, "127.0.0.2"),
        "203.0.113.8": (Weakness.OPEN_HTTP_PROXY, "127.0.0.3"),
        "203.0.113.9": (Weakness.OPEN_SOCKS, "127.0.0.4"),
    }
    assert all(row.role is Role.UNKNOWN for row in rows)
    assert [(str(row.first), str(row.last)) for row in rows if row.reason == "range"] == [
        ("192.0.2.16", "192.0.2.31"),
        ("198.51.100.0", "198.51.100.15"),
    ]
    assert [row.reason for row in rows if row.judgement is Judgement.REJECT] == ["test-point"]


def test_a_list_dated_in_its_head_is_dated() -> None:
    content = shared("samples", "reports", "feeds", "proxy-list-spysme.txt").read_bytes()
    rows, _ = judge_bytes(content, "proxy-list-spysme.txt")
    assert {row.seen_at.isoformat() for row in rows if row.seen_at} == {"2020-06-21T04:55:10+00:00"}
    assert {row.port for row in rows} >= {44898, 80, 3128}
    assert {row.address_class for row in rows} == {AddressClass.DOCUMENTATION}
