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
    ("README.md", "unrecognised", "format-unknown"),
]
MAILS_OF_SHADOWSERVER = [
    "2015-01-01-dns_openresolver-sample-asn.csv.zip.eml",
    "2015-01-01-scan_redis-sample-asn.csv.zip.eml",
    "2019-10-15-scan_ftp-sample-asn.csv.zip.eml",
    "2019-10-15-scan_http-sample-asn.csv.zip.eml",
]
# the reports in other mails: file, source, judgement and address of each row
REPORTS = [
    ("abuseio/Blocklistde_Example_1.eml", "x-arf-mail", ["attacked 10.0.2.150"]),
    ("abuseio/Blocklistde_Example_2.eml", "x-arf-mail", ["attacked fdf1:cb9d:f59e:19b0::33:4f"]),
    ("abuseio/Comcast_example_1.eml", "feedback-report", ["sent-spam 10.17.18.5"]),
    ("abuseio/spamexperts_1.eml", "feedback-report", ["sent-spam 172.16.10.13"]),
    (
        "abuseio/Projecthoneypot_Example_free_1.eml",
        "project-honey-pot",
        [f"attacked 10.0.2.{n}" for n in (1, 2, 3)] + [f"sent-spam 10.0.2.{n}" for n in (4, 5)],
    ),
    ("xarf/v3-openservice.json", "xarf", ["not-about-our-weaknesses 192.0.2.55"]),
    ("xarf/v3-openservice-minimal.json", "xarf", ["not-about-our-weaknesses 192.0.2.55"]),
    ("xarf/v3-spam.json", "xarf", ["sent-spam 192.168.1.100"]),
    ("xarf/v4-messaging-spam.json", "xarf", ["sent-spam 192.168.1.100"]),
    ("xarf/v4-infrastructure-compromised-server.json", "xarf", ["taken-over 203.0.113.150"]),
    ("xarf/v4-reputation-blocklist.json", "xarf", ["listed-elsewhere 203.0.113.200"]),
    (
        "xarf/v4-vulnerability-misconfiguration.json",
        "xarf",
        ["not-about-our-weaknesses 192.0.2.75"],
    ),
    (
        "xarf/v4-vulnerability-open-service.json",
        "xarf",
        ["not-about-our-weaknesses 192.0.2.50"],
    ),
]
# why each invalid report is refused: the reason, and where in it
INVALID = {
    "harassment_sample_no_description": "report-type-unknown Report.ReportType",
    "harassment_sample_no_harasser": "report-type-unknown Report.ReportType",
    "invalid_additional_fields": "field-wrong-type Report.Custom.NumberOfIncidents",
    "invalid_b64_flag": "field-wrong-type Report.Samples[0].Base64Encoded",
    "invalid_byte_count": "field-wrong-type Report.ByteCount",
    "invalid_date": "bad-time Report.Date",
    "invalid_destination": "bad-address Report.DestinationIp",
    "invalid_destination2": "bad-address Report.DestinationIp",
    "invalid_email_as_identifier_potentially_compromised_account":
        "field-not-allowed Report.Account.AccountIdentifier",
    "invalid_emails": "bad-mail-address Report.SmtpMailFromAddress",
    "invalid_empty": "field-missing ReporterInfo",
    "invalid_empty_account": "field-missing Report.Account.AccountIdentifier",
    "invalid_exploit_wrong_cve": "field-not-allowed Report.CVE",
    "invalid_exploit_wrong_vector": "field-not-allowed Report.CVSS.Vector",
    "invalid_exploit_wrong_version": "field-not-allowed Report.CVSS.Version",
    "invalid_file_hash": "field-not-allowed Report.FileHash.HashAlgorithm",
    "invalid_file_info": "field-not-allowed Report.FileSize",
    "invalid_first_seen": "bad-time Report.FirstSeen",
    "invalid_host_name": "bad-host-name Report.RpzDomain",
    "invalid_infringed_props": "bad-link Report.SourceUrl",
    "invalid_internal_processing_wrong_data_type":
        "field-wrong-type InternalProcessing.SubscriberInformation.ID",
    "invalid_ip": "bad-address Report.SourceIp",
    "invalid_ip2": "bad-address Report.SourceIp",
    "invalid_missing_account": "field-missing Report.Account",
    "invalid_missing_report": "field-missing Report",
    "invalid_missing_report_class_report_type": "field-missing Report.ReportClass",
    "invalid_missing_reporter": "field-missing ReporterInfo",
    "invalid_missing_reporter_props": "field-missing ReporterInfo.ReporterOrg",
    "invalid_missing_reporter_props2": "field-wrong-type ReporterInfo",
    "invalid_missing_reporter_props3": "field-wrong-type ReporterInfo",
    "invalid_missing_reporter_props4": "field-wrong-type ReporterInfo",
    "invalid_missing_reporter_props5": "field-missing ReporterInfo.ReporterOrgEmail",
    "invalid_on_behalf_of": "field-not-allowed OnBehalfOf.ComplainantOrg",
    "invalid_openservice": "field-wrong-type Report.ServiceName",
    "invalid_openservice2": "field-not-allowed Report.TransportProtocol",
    "invalid_openservice3": "field-missing Report.ServiceName",
    "invalid_openservice4": "field-missing Report.ServiceName",
    "invalid_openservice_missing_service": "field-missing Report.ServiceName",
    "invalid_ports": "bad-port Report.SourcePort",
    "invalid_report_class_report_type": "field-wrong-type Report.ReportClass",
    "invalid_report_class_report_type2": "field-not-allowed Report.ReportClass",
    "invalid_report_part": "field-missing Report.SourceIp",
    "invalid_reporter_info": "field-unknown ReporterInfo.ShouldNotBeHere",
    "invalid_reporter_metadata": "field-wrong-type Report.ReporterCaseID",
    "invalid_reporter_metadata2": "field-wrong-type Report.ReporterCaseID",
    "invalid_sample": "field-wrong-type Report.Samples",
    "invalid_sample_2": "field-missing Report.Samples[0].ContentType",
    "invalid_type": "report-type-unknown Report.ReportType",
    "invalid_used_ip_in_potentially_compromised_account":
        "field-wrong-type Report.Account.AccountIdentifier",
    "invalid_used_url_in_potentially_compromised_account": "field-unknown Report.SourceUrl",
}  # fmt: skip


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


@pytest.mark.parametrize("sample", MAILS_OF_SHADOWSERVER)
def test_an_archive_in_a_report_mail_is_opened_and_named(sample: str) -> None:
    verdict = one_verdict(f"abuseio/{sample}")
    attachment = sample.removesuffix(".eml")
    assert verdict.file.endswith(f"{sample}!{attachment}!{attachment.removesuffix('.zip')}")
    assert (verdict.outcome, verdict.reason) == ("refused", "not-about-our-weaknesses")


@pytest.mark.parametrize(("sample", "source", "told"), REPORTS)
def test_a_report_of_something_else_says_so_and_opens_nothing(
    sample: str, source: str, told: list[str]
) -> None:
    content = shared("samples", "reports", sample).read_bytes()
    rows, (verdict,) = judge_bytes(content, sample, now=TODAY)
    assert (verdict.source, verdict.is_read) == (source, True)
    assert [f"{row.reason} {row.ip}" for row in rows] == told
    assert {row.judgement for row in rows} <= {Judgement.CORROBORATES, Judgement.REJECT}
    assert all(row.role is not Role.ENTRY for row in rows if row.reason == "sent-spam")


def test_every_invalid_report_is_refused_and_says_where() -> None:
    paths = sorted(shared("samples", "reports", "xarf", "negative").glob("*.json"))
    found = {}
    for path in paths:
        rows, (verdict,) = judge_bytes(path.read_bytes(), path.name, now=TODAY)
        assert (verdict.outcome, len(rows)) == ("refused", 1)
        assert rows[0].judgement is Judgement.REJECT
        found[path.stem] = f"{verdict.reason} {verdict.detail.partition(':')[0]}"
    assert found == INVALID


@pytest.mark.parametrize("sample", ["Abusehub_Example_1.eml", "Abusehub_Example_2.eml"])
def test_a_signed_mail_gives_all_its_tables(sample: str) -> None:
    content = shared("samples", "reports", "abuseio", sample).read_bytes()
    _, verdicts = judge_bytes(content, sample, now=TODAY)
    assert [verdict.file.rpartition(".")[2] for verdict in verdicts] == ["csv", "csv"]
    assert verdicts[1].reason == "not-about-our-weaknesses"


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
