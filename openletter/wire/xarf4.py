"""XARF version 4: categories and types, and what each must hold.

After the published specification and core definition 4.2 (github.com/xarf/xarf-spec,
docs/specification.md and schemas/v4), in our own words. Fields that the specification leaves open
stay open; categories, types and the enumerations below are closed.
"""

from __future__ import annotations

from collections.abc import Mapping

from openletter.wire.shape import (
    Check,
    Fault,
    among,
    anything,
    flag,
    host,
    ip,
    link,
    listed,
    mail,
    moment,
    number,
    port,
    table,
    text,
    whole,
)

_TEXT = text()
_PORT = port(least=1)
_CONTACT = table(
    {"org": text(most=200), "contact": mail, "domain": host},
    needed=("org", "contact", "domain"),
    is_closed=True,
)
_EVIDENCE = table(
    {
        "content_type": _TEXT,
        "description": text(most=500),
        "payload": _TEXT,
        "hash": text(pattern=r"(md5|sha1|sha256|sha512):[a-fA-F0-9]+"),
        "size": whole(least=0, most=5_242_880),
    },
    needed=("content_type", "payload"),
    is_closed=True,
)
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
CATEGORIES = (
    "messaging", "content", "copyright", "connection", "vulnerability", "infrastructure",
    "reputation",
)  # fmt: skip
_CORE: dict[str, Check] = {
    "xarf_version": text(pattern=r"4\.[0-9]+\.[0-9]+"),
    "report_id": text(pattern=_UUID),
    "timestamp": moment,
    "reporter": _CONTACT,
    "sender": _CONTACT,
    "source_identifier": text(least=1),
    "source_port": _PORT,
    "category": among(*CATEGORIES),
    "type": text(least=1),
    "evidence_source": _TEXT,
    "evidence": listed(_EVIDENCE, most=50),
    "tags": listed(text(pattern=r"[a-z0-9][a-z0-9_+-]*:[a-z0-9][a-z0-9_+.-]*"), most=20),
    "confidence": number(least=0, most=1),
    "description": text(most=1000),
    "legacy_version": among("3"),
    "_internal": table({}),
}
_NEEDED = (
    "xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier",
    "category", "type",
)  # fmt: skip

# -- fields of the categories --------------------------------------------------------------------

_LEVEL = among("none", "low", "high")
_IMPACT = table(
    {"confidentiality": _LEVEL, "integrity": _LEVEL, "availability": _LEVEL}, is_closed=True
)
_CVE = text(pattern=r"CVE-[0-9]{4}-[0-9]+")
_TIMES: dict[str, Check] = {"first_seen": moment, "last_seen": moment}
_MESSAGING: dict[str, Check] = {
    "protocol": among(
        "smtp", "sms", "whatsapp", "telegram", "signal", "chat", "social_media",
        "push_notification", "other",
    ),
    "smtp_from": mail,
    "smtp_to": mail,
    "subject": text(most=500),
    "sender_name": text(most=200),
    "message_id": text(most=200),
    "user_agent": text(most=200),
    "language": text(pattern=r"[a-z]{2}(-[A-Z]{2})?"),
}  # fmt: skip
_CONNECTION: dict[str, Check] = {
    "first_seen": moment,
    "last_seen": moment,
    "protocol": among("tcp", "udp", "icmp", "sctp", "http", "https"),
    "destination_ip": ip,
    "destination_port": _PORT,
    "bot_type": _TEXT,
    "probed_resources": listed(_TEXT, least=1),
    "total_requests": whole(least=1),
    "scan_type": _TEXT,
    "targeted_ports": listed(_PORT),
    "target_url": link,
}
_CONTENT: dict[str, Check] = {
    "url": link,
    "verified_at": moment,
    "infringement_type": _TEXT,
    "legitimate_site": link,
    "classification": among("baseline", "A1", "A2", "B1", "B2"),
    "detection_method": _TEXT,
    "exploitation_type": _TEXT,
    "data_types": listed(_TEXT, least=1),
    "exposure_method": _TEXT,
    "fraud_type": _TEXT,
    "compromise_type": _TEXT,
    "registration_date": moment,
    "suspicious_indicators": listed(_TEXT, least=1),
}
_COPYRIGHT: dict[str, Check] = {
    "infringing_url": link,
    "hosting_service": _TEXT,
    "site_name": _TEXT,
    "p2p_protocol": among("bittorrent", "edonkey", "gnutella", "kademlia", "other"),
    "swarm_info": table({}),
    "platform_name": _TEXT,
    "newsgroup": _TEXT,
    "message_info": table({}),
}
_VULNERABILITY: dict[str, Check] = {
    "service": text(least=1, most=200),
    "service_version": text(most=100),
    "service_port": _PORT,
    "port": _PORT,
    "cve_id": _CVE,
    "cve_ids": listed(_CVE, most=10),
    "cvss_score": number(least=0, most=10),
    "cvss_vector": text(pattern=r"CVSS:3\.[01]/.*"),
    "cvss_version": among("2.0", "3.0", "3.1"),
    "risk_level": among("info", "low", "medium", "high", "critical"),
    "severity": among("informational", "low", "medium", "high", "critical"),
    "exploitability": among("theoretical", "poc_available", "functional", "weaponized"),
    "patch_available": flag,
    "patch_version": text(most=100),
    "patch_url": link,
    "vendor_advisory": link,
    "disclosure_date": moment,
    "impact_assessment": _IMPACT,
    "remediation_priority": among("low", "medium", "high", "critical", "emergency"),
    **_TIMES,
}
_INFRASTRUCTURE: dict[str, Check] = {
    "compromise_evidence": _TEXT,
    "compromise_method": _TEXT,
    "bot_capabilities": listed(_TEXT),
    "c2_protocol": among("http", "https", "tcp", "udp", "dns", "irc", "p2p", "custom"),
    "malware_family": text(most=200),
    **_TIMES,
}
_REPUTATION: dict[str, Check] = {
    "threat_type": text(least=1, most=200),
    "reputation_score": number(least=0, most=100),
    "confidence_score": number(least=0, most=100),
    "first_reported": moment,
    "last_updated": moment,
    "sources": listed(text(most=200), most=20),
    "threat_categories": listed(_TEXT, most=10),
    "asn": anything,
}


_ANY = table(_CORE, needed=_NEEDED)


def _report(fields: Mapping[str, Check], *needed: str) -> Check:
    return table({**_CORE, **fields}, needed=(*_NEEDED, *needed))


_SEEN = ("first_seen", "protocol")
KINDS: Mapping[str, Mapping[str, Check]] = {
    "messaging": {
        "spam": _report(_MESSAGING, "protocol"),
        "bulk_messaging": _report(
            {**_MESSAGING, "recipient_count": whole(least=100)}, "protocol", "recipient_count"
        ),
    },
    "connection": {
        "login_attack": _report(_CONNECTION, *_SEEN),
        "port_scan": _report(_CONNECTION, *_SEEN),
        "ddos": _report(_CONNECTION, *_SEEN),
        "sql_injection": _report(_CONNECTION, *_SEEN),
        "infected_host": _report(_CONNECTION, *_SEEN, "bot_type"),
        "reconnaissance": _report(_CONNECTION, *_SEEN, "probed_resources"),
        "scraping": _report(_CONNECTION, *_SEEN, "total_requests"),
        "vulnerability_scan": _report(_CONNECTION, *_SEEN, "scan_type"),
    },
    "content": {
        "phishing": _report(_CONTENT, "url"),
        "malware": _report(_CONTENT, "url"),
        "fraud": _report(_CONTENT, "url", "fraud_type"),
        "csam": _report(_CONTENT, "url", "classification", "detection_method"),
        "csem": _report(_CONTENT, "url", "exploitation_type", "detection_method"),
        "exposed_data": _report(_CONTENT, "url", "data_types", "exposure_method"),
        "brand_infringement": _report(_CONTENT, "url", "infringement_type", "legitimate_site"),
        "suspicious_registration": _report(
            _CONTENT, "url", "registration_date", "suspicious_indicators"
        ),
        "remote_compromise": _report(_CONTENT, "url", "compromise_type"),
    },
    "copyright": {
        "copyright": _report(_COPYRIGHT, "infringing_url"),
        "cyberlocker": _report(_COPYRIGHT, "infringing_url", "hosting_service"),
        "link_site": _report(_COPYRIGHT, "infringing_url", "site_name"),
        "p2p": _report(_COPYRIGHT, "p2p_protocol", "swarm_info"),
        "ugc_platform": _report(_COPYRIGHT, "infringing_url", "platform_name"),
        "usenet": _report(_COPYRIGHT, "newsgroup", "message_info"),
    },
    "vulnerability": {
        "cve": _report(_VULNERABILITY, "service", "service_port", "cve_id"),
        "misconfiguration": _report(_VULNERABILITY, "service"),
        "open_service": _report(_VULNERABILITY, "service"),
        "open": _report(_VULNERABILITY, "service"),  # its name in 4.0
    },
    "infrastructure": {
        "botnet": _report(_INFRASTRUCTURE, "compromise_evidence"),
        "compromised_server": _report(_INFRASTRUCTURE, "compromise_method"),
    },
    "reputation": {
        "blocklist": _report(_REPUTATION, "threat_type"),
        "threat_intelligence": _report(_REPUTATION, "threat_type"),
    },
}
_PORTED = frozenset({"login_attack", "port_scan", "ddos"})
"""Attacks that must name the source's port where the source is an address."""


def fault_of(report: Mapping[str, object]) -> Fault | None:
    """The first thing that is wrong with a report of version 4."""
    category, kind = report.get("category"), report.get("type")
    kinds = KINDS.get(category) if isinstance(category, str) else None
    check = kinds.get(kind) if kinds and isinstance(kind, str) else None
    if fault := (check or _ANY)(report):
        is_version = fault.place == "xarf_version" and fault.code == "field-not-allowed"
        return fault._replace(code="report-version-unknown") if is_version else fault
    if check is None:
        return Fault("report-type-unknown", "type", f"{category}/{kind}"[:60])
    return _fault_of_source(report)


def _fault_of_source(told: Mapping[str, object]) -> Fault | None:
    """What must stand there because something else does."""
    is_mail = told["category"] == "messaging" and told.get("protocol") == "smtp"
    if is_mail and "smtp_from" not in told:
        return Fault("field-missing", "smtp_from")
    is_spam = is_mail and told["type"] == "spam"
    is_attack = told["type"] in _PORTED and ip(told["source_identifier"]) is None
    missing = (is_spam or is_attack) and "source_port" not in told
    return Fault("field-missing", "source_port") if missing else None
