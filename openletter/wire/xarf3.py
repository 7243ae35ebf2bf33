"""XARF version 3: its kinds of reports and what each must hold.

After the published definition of version 3 (github.com/abusix/xarf, schemas/3), in our own words;
and the nested look (`Report.Source.IP`, version `3.0.0`) that the later specification's samples of
version 3 have (github.com/xarf/xarf-spec, samples/v3). What the definition leaves open (further
fields of a report) stays open; what it closes (the reporter) is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from openletter.wire.shape import (
    Check,
    Fault,
    absent,
    among,
    anything,
    either,
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

VERSIONS = frozenset({"3", "3.0", "3.0.0"})
NESTED_VERSION = "3.0.0"
_TEXT = text()
_PORTS = either(listed(port()), port())
_PERSON_OR_ORGANISATION = among("Org", "Person")


def _party(name: str, *, is_closed: bool) -> Check:
    """Who reports, or for whom: an organisation names itself, its domain and its mailbox."""
    fields: dict[str, Check] = {
        f"{name}Type": _PERSON_OR_ORGANISATION,
        f"{name}Org": text(least=3),
        f"{name}OrgDomain": host,
        f"{name}OrgEmail": mail,
        f"{name}OrgAddress": _TEXT if name == "Reporter" else anything,
        f"{name}ContactEmail": mail,
        f"{name}ContactName": text(least=3),
        f"{name}ContactPhone": text(least=3),
    }
    needed = (f"{name}Org", f"{name}OrgDomain", f"{name}OrgEmail")
    of_person = table(fields, is_closed=is_closed)
    of_organisation = table(fields, needed=needed, is_closed=is_closed)

    def check(value: object) -> Fault | None:
        is_person = isinstance(value, dict) and value.get(f"{name}Type") == "Person"
        return (of_person if is_person else of_organisation)(value)

    return check


_INFORMATION = table({"ID": _TEXT, "SubscriberData": table({}, others=_TEXT)})
_CONTRACT = table({"ID": _TEXT, "ResolverData": table({}, others=_TEXT)})
_ENVELOPE = table(
    {
        "Version": among(*VERSIONS),
        "ReporterInfo": _party("Reporter", is_closed=True),
        "OnBehalfOf": _party("Complainant", is_closed=False),
        "Disclosure": flag,
        "InternalProcessing": table(
            {
                "SubscriberInformation": _INFORMATION,
                "ContractInformation": _CONTRACT,
                "EventTags": listed(_TEXT),
            }
        ),
        "Report": table({}),
    },
    needed=("Version", "ReporterInfo", "Disclosure", "Report"),
)

# -- fields that several kinds share -------------------------------------------------------------

_ALGORITHMS = among(
    "sha1", "sha2", "sha3", "sha256", "sha512", "md5", "argon2id", "scrypt", "bcrypt", "pbkdf2"
)
_HASH = table(
    {"HashValue": _TEXT, "HashAlgorithm": _ALGORITHMS, "HashComplete": flag},
    needed=("HashValue", "HashAlgorithm"),
)
_FILE: dict[str, Check] = {"FileName": _TEXT, "FileSize": whole(least=0), "FileHash": _HASH}
_SAMPLE = either(
    table(_FILE, needed=("FileName",)),
    table(
        {
            "ContentType": _TEXT,
            "Base64Encoded": flag,
            "Description": _TEXT,
            "Payload": _TEXT,
        },
        needed=("ContentType", "Payload"),
    ),
)
_BASE: dict[str, Check] = {
    "ReportClass": among("Content", "Activity", "Vulnerability"),
    "ReportType": text(least=1),
    "ReportSubType": _TEXT,
    "ReporterCaseID": _TEXT,
    "ReporterSeverity": among("low", "medium", "high"),
    "ReporterNotes": _TEXT,
    "Custom": table({}, others=either(whole(), _TEXT)),
    "Date": moment,
    "FirstSeen": moment,
}
_SOURCE: dict[str, Check] = {
    "SourceIp": ip,
    "SourcePort": port(),
    "ASN": whole(least=1, most=4_199_999_999),
}
_URL: dict[str, Check] = {"SourceUrl": link}
_COMMON: dict[str, Check] = {
    "Ongoing": flag,
    "ThreatActor": _TEXT,
    "Samples": listed(_SAMPLE, least=1),
}
_AIMED: dict[str, Check] = {"DestinationIp": ip, "DestinationPort": _PORTS}
_TRAFFIC: dict[str, Check] = {"ByteCount": whole(), "PacketCount": whole()}
_MAIL: dict[str, Check] = {"SmtpMailFromAddress": mail, "SmtpRcptToAddress": mail}
_SERVICE: dict[str, Check] = {"ServiceName": _TEXT, "ServiceVersion": _TEXT}
_TRANSPORT: dict[str, Check] = {"TransportProtocol": among("tcp", "udp")}
_V2_VECTOR = (
    r"\(?AV:[LAN]/AC:[HML]/Au:[MSN]/C:[NPC]/I:[NPC]/A:[NPC]"
    r"(/E:(ND|POC|[UFH])/RL:([WU]|ND|OF|TF)/RC:(C|ND|UC|UR))?"
    r"(/CDP:([NLH]|ND|LM|MH)/TD:(ND|[NLMH])/CR:(ND|[NLMH])/IR:(ND|[LMH])/AR:(ND|[LMH]))?\)?"
)
_V3_VECTOR = (
    r"CVSS:3\.[01]/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]"
    r"(/E:[XUPFH]/RL:[XOTWU]/RC:[XURC])?"
    r"(/CR:[XLMH]/IR:[XLMH]/AR:[XLMH]/MAV:[XNALP]/MAC:[XLH]/MPR:[XNLH]/MUI:[XNR]/MS:[XUC]"
    r"/MC:[XNLH]/MI:[XNLH]/MA:[XNLH])?"
)


def _cvss(version: Check, vector: str, *severities: str) -> Check:
    fields = {
        "Score": number(),
        "Version": version,
        "Vector": text(pattern=vector),
        "Severity": among(*severities),
    }
    return table(fields, needed=("Version", "Vector"))


_CVSS_2 = _cvss(among("2"), _V2_VECTOR, "Low", "Medium", "High")
_CVSS_3 = _cvss(among("3.1", "3.0"), _V3_VECTOR, "None", "Low", "Medium", "High", "Critical")


def _scored(value: object) -> Fault | None:
    is_second = isinstance(value, dict) and value.get("Version") == "2"
    return (_CVSS_2 if is_second else _CVSS_3)(value)


def _account_name(value: object) -> Fault | None:
    """A name; a mail address has a field of its own."""
    fault = _TEXT(value)
    is_mail = fault is None and mail(value) is None
    return Fault("field-not-allowed", shown="a mail address") if is_mail else fault


def _account(value: object) -> Fault | None:
    if value == {}:
        return Fault("field-missing", "AccountIdentifier")
    return table({"AccountIdentifier": _account_name, "AccountEmail": _TEXT})(value)


# -- the kinds -----------------------------------------------------------------------------------


def _report(*parts: Mapping[str, Check], needed: tuple[str, ...] = ()) -> Check:
    fields: dict[str, Check] = dict(_BASE)
    for part in parts:
        fields.update(part)
    return table(fields, needed=("ReportClass", "ReportType", "Date", *needed))


def _by_ip(*parts: Mapping[str, Check]) -> Check:
    return _report(_SOURCE, *parts, needed=("SourceIp",))


def _by_ip_or_url(*parts: Mapping[str, Check], needed: tuple[str, ...] = ()) -> Check:
    """The address, or the link."""
    check = _report(_SOURCE, _URL, *parts, needed=needed)

    def look(value: object) -> Fault | None:
        if isinstance(value, dict) and not value.keys() & {"SourceIp", "SourceUrl"}:
            return Fault("field-missing", "SourceIp")
        return check(value)

    return look


_COPYRIGHTED: dict[str, Check] = {
    "InfringedMaterial": _TEXT, "MaterialType": _TEXT, "SharingProtocol": _TEXT, "CourtOrder": link,
}  # fmt: skip
_TRADEMARKED: dict[str, Check] = {
    "TrademarkedMaterial": _TEXT, "RegistrationOffice": _TEXT, "RegistrationNumber": _TEXT,
}  # fmt: skip
_HARASSING: dict[str, Check] = {
    "Harasser": _TEXT,
    "HarassmentDescription": _TEXT,
    "HarassmentType": among(
        "doxing", "stalking", "sexual", "believes", "defamation", "extortion", "hate"
    ),
    "HarassmentLocation": among("website", "chat", "game"),
}
_EXPLOITING: dict[str, Check] = {"CVE": text(pattern=r"CVE-\d{4}-\d{4,7}"), "CVSS": _scored}
_REWRITTEN: dict[str, Check] = {
    "ReportSubType": among("RPZ-Rewrite"), "RpzDomain": host, "MalwareName": _TEXT,
}  # fmt: skip
_ACCOUNT: dict[str, Check] = {
    "Account": _account,
    "AttackerIp": ip,
    "AttackerPort": _PORTS,
    "PasswordHash": _HASH,
    "SourceIp": absent,
    "SourceUrl": absent,
}
KINDS: Mapping[tuple[str, str], Check] = {
    ("Activity", "Spam"): _by_ip(_AIMED, _COMMON, _MAIL),
    ("Activity", "DOS"): _by_ip(_AIMED, _TRAFFIC, _COMMON),
    ("Activity", "PortScan"): _by_ip(_AIMED, _TRAFFIC, _COMMON),
    ("Activity", "LoginAttack"): _by_ip(_AIMED, _TRAFFIC, _COMMON),
    ("Activity", "Exploit"): _by_ip(_TRANSPORT, _EXPLOITING, _AIMED, _SERVICE, _COMMON),
    ("Activity", "Malware"): _by_ip(_REWRITTEN),
    ("Activity", "WebCrawler"): _by_ip_or_url(_COMMON),
    ("Activity", "Harassment"): _by_ip_or_url(
        _HARASSING, _COMMON, needed=("Harasser", "HarassmentDescription")
    ),
    ("Activity", "PotentiallyCompromisedAccount"): _report(
        _ACCOUNT, _AIMED, _COMMON, needed=("Account",)
    ),
    ("Content", "Malware"): _by_ip_or_url({"MalwareName": _TEXT}, _COMMON),
    ("Content", "Botnet"): _by_ip_or_url({"BotnetName": _TEXT}, _COMMON),
    ("Content", "Phishing"): _by_ip_or_url(_COMMON, needed=("SourceUrl",)),
    ("Content", "ChildAbuse"): _by_ip_or_url(),
    ("Content", "Copyright"): _by_ip_or_url(
        _COPYRIGHTED, _FILE, needed=("InfringedMaterial", "FileName")
    ),
    ("Content", "Trademark"): _by_ip_or_url(_TRADEMARKED, needed=("TrademarkedMaterial",)),
    ("Vulnerability", "OpenService"): _by_ip_or_url(
        _TRANSPORT, _SERVICE, _COMMON, needed=("ServiceName",)
    ),
}

# -- the nested look -----------------------------------------------------------------------------

NESTED_KINDS = frozenset(
    {("Messaging", "spam"), ("Network", "ddos"), ("System", "botnet"), ("Content", "phishing")}
)
_NESTED = table(
    {
        "ReportClass": _TEXT,
        "ReportType": _TEXT,
        "Date": moment,
        "Source": either(
            table({"URL": link, "Type": among("uri")}, needed=("URL",)),
            table({"IP": ip, "Port": port(), "Type": among("ip")}, needed=("IP",)),
        ),
        "Attachment": listed(
            table(
                {"ContentType": _TEXT, "Description": _TEXT, "Data": _TEXT},
                needed=("ContentType", "Data"),
            )
        ),
        "AdditionalInfo": table({}),
    },
    needed=("ReportClass", "ReportType", "Date", "Source"),
)


def fault_of(report: Mapping[str, object]) -> Fault | None:
    """The first thing that is wrong with a report of version 3."""
    told: Mapping[str, object] = dict(report)
    fault = _ENVELOPE(told)
    if fault:
        is_version = fault.place == "Version" and fault.code == "field-not-allowed"
        return fault._replace(code="report-version-unknown") if is_version else fault
    inner = told["Report"]
    fault = _kind_of(inner, is_nested=is_nested(report))(inner)
    return fault.under("Report") if fault else None


def is_nested(report: Mapping[str, object]) -> bool:
    inner = report.get("Report")
    has_source = isinstance(inner, dict) and "Source" in inner
    return has_source and report.get("Version") == NESTED_VERSION


def _kind_of(inner: object, *, is_nested: bool) -> Callable[[object], Fault | None]:
    """The check of a report's class and type; one that refuses where there is none."""
    look = table(
        {"ReportClass": text(least=1), "ReportType": text(least=1)},
        needed=("ReportClass", "ReportType"),
    )
    if not isinstance(inner, dict) or look(inner):
        return look
    kind = (inner["ReportClass"], inner["ReportType"])
    if is_nested:
        return _NESTED if kind in NESTED_KINDS else _unknown
    return KINDS.get(kind, _unknown)


def _unknown(value: object) -> Fault:
    told = value if isinstance(value, dict) else {}
    kind = f"{told.get('ReportClass')}/{told.get('ReportType')}"
    return Fault("report-type-unknown", "ReportType", kind[:60])
