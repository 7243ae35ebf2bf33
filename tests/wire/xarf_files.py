"""XARF reports for tests, valid until something is taken out or put in; made-up reporters only."""

from __future__ import annotations

import json
from typing import Any

Report = dict[str, Any]
_PARTY = {"org": "Example Scans", "contact": "scans@example.org", "domain": "example.org"}


def fourth(**fields: object) -> Report:
    """An open service of version 4; a field given as None is left out."""
    report: Report = {
        "xarf_version": "4.2.0",
        "report_id": "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9",
        "timestamp": "2026-03-02T06:00:00Z",
        "reporter": dict(_PARTY),
        "sender": dict(_PARTY),
        "source_identifier": "192.0.2.50",
        "category": "vulnerability",
        "type": "open_service",
        "service": "socks5",
        "service_port": 1080,
    }
    report.update(fields)
    return {name: value for name, value in report.items() if value is not None}


def third(inner: Report | None = None, **outer: object) -> Report:
    """An open service of version 3."""
    inner_report: Report = {
        "ReportClass": "Vulnerability",
        "ReportType": "OpenService",
        "Date": "2026-03-02T06:00:00Z",
        "SourceIp": "192.0.2.55",
        "SourcePort": 3128,
        "ServiceName": "http-proxy",
        "TransportProtocol": "tcp",
    }
    inner_report.update(inner or {})
    report: Report = {
        "Version": "3",
        "ReporterInfo": {
            "ReporterOrg": "Example Scans",
            "ReporterOrgDomain": "example.org",
            "ReporterOrgEmail": "scans@example.org",
        },
        "Disclosure": True,
        "Report": {name: value for name, value in inner_report.items() if value is not None},
    }
    report.update(outer)
    return {name: value for name, value in report.items() if value is not None}


def of_kind(report_class: str, kind: str, **fields: object) -> Report:
    """A report of version 3 of another kind, with an address and a date."""
    given = {"ReportClass": report_class, "ReportType": kind, "SourcePort": 54321, **fields}
    nothing: Report = {"ServiceName": None, "TransportProtocol": None}
    return third({**nothing, **given})


def as_bytes(*reports: object, form: str = "one") -> bytes:
    """One report, an array of them, or one a line."""
    if form == "array":
        return json.dumps(list(reports), indent=1).encode()
    if form == "lines":
        return b"\n".join(json.dumps(report).encode() for report in reports)
    return json.dumps(reports[0], indent=2).encode()
