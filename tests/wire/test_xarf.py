"""XARF reports, versions 3 and 4: what is read of a valid one, and why an invalid one is not."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire import xarf, xarf3, xarf4
from openletter.wire.feedrow import FeedRow
from tests.wire.xarf_files import Report, as_bytes, fourth, of_kind, third


def read(*reports: object, form: str = "one") -> list[FeedRow]:
    return list(xarf.rows(iter([as_bytes(*reports, form=form)])))


def fault(report: object) -> tuple[str, str]:
    """The reason and the place."""
    (row,) = read(report)
    return row.problem, row.excerpt.partition(":")[0]


def changed(report: Report, place: str, value: object) -> Report:
    """The same with something else at `a.b`; `...` takes it out."""
    copy = deepcopy(report)
    *path, name = place.split(".")
    inner: Any = copy
    for step in path:
        inner = inner[step]
    if value is ...:
        del inner[name]
    else:
        inner[name] = value
    return copy


def test_an_open_service_says_where_it_listens_and_since_when() -> None:
    (row,) = read(fourth(service_version="Dante 1.4", protocol="tcp"))
    assert (row.address, row.port, row.protocol) == ("192.0.2.50", "1080", "tcp")
    assert (row.time, row.role, row.tags) == (
        "2026-03-02T06:00:00Z",
        "entry",
        ("open-service:socks",),
    )
    assert row.facts["banner"] == "Dante 1.4"
    assert row.facts["reporter"] == "Example Scans"
    (older,) = read(third())
    assert (older.address, older.port, older.protocol) == ("192.0.2.55", "3128", "tcp")
    assert (older.role, older.tags) == ("entry", ("open-service:http-proxy",))


def test_the_port_an_attack_came_from_is_no_port_of_a_server() -> None:
    spam = fourth(
        category="messaging", type="spam", protocol="smtp", smtp_from="a@example.net",
        source_port=54321, service=None, service_port=None,
    )  # fmt: skip
    (row,) = read(spam)
    assert (row.address, row.port, row.role, row.says) == (
        "192.0.2.50",
        "",
        "exit",
        "messaging/spam",
    )
    assert row.facts["source_port"] == "54321"
    (older,) = read(of_kind("Activity", "Spam", DestinationIp="198.51.100.9", DestinationPort=25))
    assert (older.address, older.port, older.role) == ("192.0.2.55", "", "exit")


@pytest.mark.parametrize(
    ("fields", "tag"),
    [
        ({"service": "SOCKS5 proxy"}, "open-service:socks"),
        ({"service": "SOCKS5", "type": "open", "xarf_version": "4.0.0"}, "open-service:socks"),
        ({"service": "Open_SOCKS (server)"}, "open-service:socks"),
        ({"service": "SOCKS4/5"}, "open-service:socks"),
        ({"service": "socks_v5"}, "open-service:socks"),
        ({"service": "HTTP CONNECT proxy"}, "open-service:http-proxy"),
        ({"service": "open proxy (http)"}, "open-service:http-proxy"),
        ({"service": "squid"}, "open-service:http-proxy"),
        ({"service": "http"}, "open-service:http"),
        ({"service": "http/https"}, "open-service:http-https"),
        ({"service": "proxy server"}, "open-service:proxy"),
        ({"service": "TURN relay"}, "open-service:turn-relay"),
        ({"service": "http reverse proxy"}, "open-service:http-reverse-proxy"),
        ({"service": "SMTP open relay"}, "open-service:relay"),
        ({"service": "smtp"}, "open-service:smtp"),
        ({"service": "not a socks proxy"}, "open-service:not-a-socks-proxy"),
        ({"service": "open relay"}, "open-service:relay"),
        ({"service": "proxy"}, "open-service:proxy"),
        ({"service": "proxy", "service_version": "Squid 5.7"}, "open-service:http-proxy"),
        ({"service": "proxy", "tags": ["proxy:socks5", "risk:high"]}, "open-service:socks"),
        ({"type": "misconfiguration", "service": "smtp", "misconfiguration_type": "open_relay"},
         "misconfiguration:relay"),
        ({"service": "socks5", "tags": ["lifecycle:test"]}, "lifecycle:test"),
        ({"type": "misconfiguration", "service": "squid", "misconfiguration_type": "open_proxy"},
         "open-service:http-proxy"),
        ({"type": "misconfiguration", "service": "web", "misconfiguration_type": "open_proxy"},
         "misconfiguration:proxy"),
        ({"type": "misconfiguration", "service": "socks5",
          "misconfiguration_type": "no authentication"}, "open-service:socks"),
        ({"type": "misconfiguration", "service": "open relay"}, "misconfiguration:relay"),
        ({"type": "misconfiguration", "service": "squid"}, "misconfiguration:unnamed"),
    ],
)  # fmt: skip
def test_free_words_for_a_service_become_one_tag(fields: dict[str, object], tag: str) -> None:
    (row,) = read(fourth(**fields))
    assert (row.problem, row.tags) == ("", (tag,))


def test_a_proxy_that_asks_for_a_name_says_so_itself() -> None:
    asking = {"service": "http-proxy", "service_version": "HTTP/1.1 407 Proxy Auth Required"}
    for fields in (asking, {"auth_required": True}, {"banner": "Proxy-Authenticate: Basic"}):
        (row,) = read(fourth(**fields))
        assert row.sign_in
    (row,) = read(fourth(description="no authentication required", confidence=0.9))
    assert (row.sign_in, row.facts["confidence"]) == (False, "0.9")
    (older,) = read(third({"ServiceVersion": "407"}))
    assert older.sign_in


def test_reports_come_one_by_one_in_an_array_and_line_by_line() -> None:
    reports = (fourth(), third(), fourth(source_identifier="2001:db8::1"))
    for form in ("array", "lines"):
        rows = read(*reports, form=form)
        assert [row.address for row in rows] == ["192.0.2.50", "192.0.2.55", "2001:db8::1"]
        assert [row.row for row in rows] == [1, 2, 3]
    assert [row.line for row in read(*reports, form="lines")] == [1, 2, 3]


FOURTH_FAULTS = [
    ("xarf_version", "5.0.0", "report-version-unknown"),
    ("xarf_version", 4, "field-wrong-type"),
    ("report_id", "7", "field-not-allowed"),
    ("report_id", ..., "field-missing"),
    ("timestamp", "2026-03-02T06:00:00", "bad-time"),
    ("timestamp", "2026-02-30T06:00:00Z", "bad-time"),
    ("timestamp", "2026-03-02", "bad-time"),
    ("timestamp", 1772420400, "bad-time"),
    ("timestamp", ..., "field-missing"),
    ("reporter", "Example", "field-wrong-type"),
    ("reporter.org", ..., "field-missing"),
    ("reporter.type", "automated", "field-unknown"),
    ("reporter.contact", "nobody", "bad-mail-address"),
    ("sender", ..., "field-missing"),
    ("sender.domain", "no host name", "bad-host-name"),
    ("source_identifier", ..., "field-missing"),
    ("source_identifier", 3221225984, "field-wrong-type"),
    ("source_port", 0, "bad-port"),
    ("source_port", 65536, "bad-port"),
    ("source_port", "1080", "bad-port"),
    ("source_port", True, "bad-port"),
    ("service_port", 70000, "bad-port"),
    ("category", "weather", "field-not-allowed"),
    ("category", ..., "field-missing"),
    ("type", "open_window", "report-type-unknown"),
    ("type", ..., "field-missing"),
    ("service", ..., "field-missing"),
    ("service", 7, "field-wrong-type"),
    ("service", "x" * 201, "field-not-allowed"),
    ("tags", ["Two Words"], "field-not-allowed"),
    ("tags", "service:socks", "field-wrong-type"),
    ("tags", ["a:b"] * 21, "field-not-allowed"),
    ("confidence", 1.5, "field-not-allowed"),
    ("description", "x" * 1001, "field-not-allowed"),
    ("evidence", [{"payload": "eA=="}], "field-missing"),
    ("evidence", [{"content_type": "text/plain", "payload": "eA==", "x": 1}], "field-unknown"),
    ("evidence", [{"content_type": "a/b", "payload": "", "hash": "crc:1"}], "field-not-allowed"),
    ("severity", "very", "field-not-allowed"),
    ("first_seen", "yesterday", "bad-time"),
    ("legacy_version", "2", "field-not-allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "code"), FOURTH_FAULTS)
def test_a_report_of_version_4_that_breaks_its_definition_says_where(
    place: str, value: object, code: str
) -> None:
    found, at = fault(changed(fourth(), place, value))
    assert found == code
    assert at.partition("[")[0].startswith(place)


THIRD_FAULTS = [
    ("Version", "4", "report-version-unknown"),
    ("Version", 3, "field-wrong-type"),
    ("Disclosure", ..., "field-missing"),
    ("Disclosure", "yes", "field-wrong-type"),
    ("ReporterInfo", ..., "field-missing"),
    ("ReporterInfo.ReporterOrgEmail", ..., "field-missing"),
    ("ReporterInfo.Colour", "red", "field-unknown"),
    ("ReporterInfo.ReporterContactEmail", "at example.org", "bad-mail-address"),
    ("OnBehalfOf", {}, "field-missing"),
    ("Report", ..., "field-missing"),
    ("Report", [], "field-wrong-type"),
    ("Report.ReportClass", "Weather", "report-type-unknown"),
    ("Report.ReportType", "Spam", "report-type-unknown"),
    ("Report.ReportType", ..., "field-missing"),
    ("Report.Date", ..., "field-missing"),
    ("Report.Date", "2026-03-02 06:00:00", "bad-time"),
    ("Report.SourceIp", ..., "field-missing"),
    ("Report.SourceIp", "192.0.2.256", "bad-address"),
    ("Report.SourceIp", "192.0.2.010", "bad-address"),
    ("Report.SourceIp", "fe80::1%eth0", "bad-address"),
    ("Report.SourcePort", 65536, "bad-port"),
    ("Report.ServiceName", ..., "field-missing"),
    ("Report.TransportProtocol", "sctp", "field-not-allowed"),
    ("Report.Custom", {"a": [1]}, "field-wrong-type"),
    ("Report.Samples", [], "field-not-allowed"),
    ("Report.ReporterSeverity", "Rare", "field-not-allowed"),
]


@pytest.mark.parametrize(("place", "value", "code"), THIRD_FAULTS)
def test_a_report_of_version_3_that_breaks_its_definition_says_where(
    place: str, value: object, code: str
) -> None:
    assert fault(changed(third(), place, value))[0] == code


def test_every_field_that_a_definition_needs_is_asked_for() -> None:
    for name in (
        "xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier",
        "category", "type", "service",
    ):  # fmt: skip
        assert fault(changed(fourth(), name, ...))[0] in {"field-missing", "not-a-report"}
    attack = fourth(
        category="connection", type="port_scan", protocol="tcp", service=None, service_port=None,
        first_seen="2026-03-02T05:00:00Z", source_port=4444,
    )  # fmt: skip
    assert fault(attack) == ("", "")
    for name in ("first_seen", "protocol", "source_port"):
        assert fault(changed(attack, name, ...)) == ("field-missing", name)


def test_kinds_of_version_3_need_what_their_definition_needs() -> None:
    assert fault(of_kind("Activity", "Spam"))[0] == ""
    assert fault(of_kind("Activity", "Spam", SmtpMailFromAddress="nobody"))[0] == "bad-mail-address"
    assert fault(of_kind("Activity", "Harassment"))[0] == "field-missing"
    assert fault(of_kind("Content", "Phishing"))[0] == "field-missing"
    account = of_kind(
        "Activity", "PotentiallyCompromisedAccount", SourceIp=None, Account={"AccountEmail": "a@b"}
    )
    assert fault(account)[0] == ""
    assert fault(changed(account, "Report.SourceIp", "192.0.2.1"))[0] == "field-unknown"
    exploit = of_kind("Activity", "Exploit", CVE="CVE-2026-12345")
    assert fault(exploit)[0] == ""
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
    scored = changed(exploit, "Report.CVSS", {"Version": "3.1", "Vector": vector})
    assert fault(scored)[0] == ""
    assert fault(changed(scored, "Report.CVSS.Version", "2"))[0] == "field-not-allowed"


def test_the_nested_look_of_version_3_is_read_too() -> None:
    report = of_kind("Messaging", "spam", SourceIp=None, SourcePort=None)
    report["Version"] = "3.0.0"
    report["Report"]["Source"] = {"IP": "192.0.2.9", "Port": 25, "Type": "ip"}
    (row,) = read(report)
    assert (row.problem, row.address, row.role) == ("", "192.0.2.9", "exit")
    assert fault(changed(report, "Report.Source.IP", "nine"))[0] == "bad-address"
    assert fault(changed(report, "Version", "3"))[0] == "report-type-unknown"


def test_what_is_no_report_among_reports_is_named() -> None:
    rows = read(fourth(), 7, {"a": 1}, [], form="array")
    assert [row.problem for row in rows] == ["", "not-a-report", "not-a-report", "not-a-report"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_report_with_anything_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands at any place: one row, and never an exception."""
    report: Report = deepcopy(data.draw(st.sampled_from([fourth(), third(), of_kind("A", "B")])))
    inner: Any = report
    while True:
        name = data.draw(st.sampled_from([*inner, "x"]))
        if not (isinstance(inner.get(name), dict) and data.draw(st.booleans())):
            break
        inner = inner[name]
    inner[name] = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
        | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(max_size=3), st.integers())
    )  # fmt: skip
    raw = json.dumps(report).encode("utf-8", "surrogatepass")
    rows = list(xarf.rows(iter([raw])))
    assert len(rows) == 1
    assert len(rows[0].excerpt) <= 200


@pytest.mark.parametrize("kind", sorted(xarf3.KINDS))
def test_no_kind_of_version_3_names_a_bystander(kind: tuple[str, str]) -> None:
    """Whatever the kind: the reported source, or nobody."""
    report = of_kind(
        *kind, DestinationIp="198.51.100.1", DestinationPort=25, AttackerIp="198.51.100.2",
        AttackerPort=4444, ServiceName="socks5", SourceUrl="http://198.51.100.3/",
        Harasser="198.51.100.4", HarassmentDescription="198.51.100.5", CVE="CVE-2026-12345",
        InfringedMaterial="198.51.100.6", FileName="198.51.100.7", TrademarkedMaterial="x",
        ReporterNotes="see 198.51.100.8", Custom={"resolver": "198.51.100.9"},
    )  # fmt: skip
    if kind[1] == "PotentiallyCompromisedAccount":
        for name in ("SourceIp", "SourceUrl"):
            del report["Report"][name]
        report["Report"]["Account"] = {"AccountIdentifier": "198.51.100.10"}
    if kind == ("Activity", "Malware"):
        report["Report"]["ReportSubType"] = "RPZ-Rewrite"
    (row,) = read(report)
    assert row.problem == ""
    assert row.address in {"192.0.2.55", ""}
    assert row.port in ({"54321"} if kind[0] == "Vulnerability" else {""})


@pytest.mark.parametrize(
    ("category", "kind"),
    [(category, kind) for category, kinds in xarf4.KINDS.items() for kind in kinds],
)
def test_no_kind_of_version_4_names_a_bystander_or_opens_without_a_service(
    category: str, kind: str
) -> None:
    report = fourth(
        category=category, type=kind, source_port=4444, destination_ip="198.51.100.1",
        destination_port=25, protocol="smtp" if category == "messaging" else "tcp",
        smtp_from="a@example.net", recipient_count=500, first_seen="2026-03-02T05:00:00Z",
        bot_type="unknown", probed_resources=["/"], total_requests=1, scan_type="port_scan",
        url="http://198.51.100.2/", fraud_type="x", classification="A1", detection_method="x",
        exploitation_type="x", data_types=["x"], exposure_method="x", infringement_type="x",
        legitimate_site="http://198.51.100.3/", registration_date="2026-03-02T05:00:00Z",
        suspicious_indicators=["x"], compromise_type="x", infringing_url="http://198.51.100.4/",
        hosting_service="x", site_name="x", p2p_protocol="other", swarm_info={},
        platform_name="x", newsgroup="x", message_info={}, cve_id="CVE-2026-1",
        compromise_evidence="198.51.100.5", compromise_method="x", threat_type="socks",
        description="open proxy at 198.51.100.6", service="socks5",
    )  # fmt: skip
    (row,) = read(report)
    assert (row.problem, row.address) == ("", "192.0.2.50")
    assert (row.role == "entry") == (category == "vulnerability")
    says_open = any(tag.startswith(("open-service:", "misconfiguration:")) for tag in row.tags)
    assert says_open == (category == "vulnerability" and kind != "cve")
