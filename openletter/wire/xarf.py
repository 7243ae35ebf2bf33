"""XARF reports, versions 3 and 4, as rows: who is named, when, at which port, and as what.

The address is the reported source and nothing else: the reporter, the sender and the destination
never become it. A port is kept only where the report is about a service that listens there; the
port that an attack came from is no port of a server. Signatures and payloads are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from openletter.wire import xarf3, xarf4
from openletter.wire.feedrow import FeedRow
from openletter.wire.jsonvalues import JsonValue, Limits, values
from openletter.wire.shape import Fault, as_whole
from openletter.wire.visible import visible

_SLUG = re.compile(r"[^a-z0-9]+")
_SOCKS = re.compile(r"socks(v?[45][ah]?)?")
_SAYS_NOTHING = frozenset(
    {"open", "public", "unauthenticated", "anonymous", "accessible", "exposed", "server",
     "service", "forward", "tcp", "4", "4a", "5", "5h", "v4", "v5"}
)  # fmt: skip
"""Words that leave the kind of a service as it is; `reverse` or `auth` do not."""
_OF_HTTP = frozenset({"http", "https", "connect", "proxy", "squid"})
_OF_RELAY = frozenset({"relay", "openrelay", "smtp", "esmtp", "mail", "email", "mta"})
_FRACTION = re.compile(r"(\.\d{6})\d+")
_REFUSED = re.compile(r"\b407\b|proxy-authenticate", re.IGNORECASE)
_SAYS_WHICH = frozenset({"service", "proxy", "protocol", "proxy_type"})
_UNGUARDED = frozenset(
    {"proxy", "access", "unrestricted-access", "no-authentication", "missing-authentication",
     "authentication-missing", "no-auth", "missing-auth", "no-access-control"}
)  # fmt: skip
_PROXIES = frozenset({"socks", "http-proxy"})
_KNOWN_3: Mapping[tuple[str, str], str] = {
    ("Activity", "Spam"): "messaging/spam",
    ("Activity", "DOS"): "connection/ddos",
    ("Activity", "PortScan"): "connection/port_scan",
    ("Activity", "LoginAttack"): "connection/login_attack",
    ("Activity", "Exploit"): "connection/vulnerability_scan",
    ("Activity", "Malware"): "infrastructure/botnet",
    ("Activity", "WebCrawler"): "connection/scraping",
    ("Content", "Botnet"): "infrastructure/botnet",
    ("Vulnerability", "OpenService"): "vulnerability/open_service",
    ("Messaging", "spam"): "messaging/spam",
    ("Network", "ddos"): "connection/ddos",
    ("System", "botnet"): "infrastructure/botnet",
}
TEST_TAG = "lifecycle:test"
"""Said of a report that only tries a connection: nothing of it happened."""
Report = Mapping[str, object]


def looks_like(value: object) -> bool:
    """Whether a JSON value is, or means to be, such a report."""
    if not isinstance(value, dict):
        return False
    if "xarf_version" in value:
        return True
    return "Version" in value and value.keys() <= _OUTER_3 | {"$schema"}


_OUTER_3 = frozenset(
    {"Version", "ReporterInfo", "OnBehalfOf", "Disclosure", "InternalProcessing", "Report"}
)


def rows(chunks: Iterable[bytes], *, limits: Limits | None = None) -> Iterator[FeedRow]:
    """One row for each report; what breaks the definition is a row with a problem."""
    for told in values(chunks, limits=limits):
        yield _row(told)


def _row(told: JsonValue) -> FeedRow:
    if told.problem:
        return FeedRow(row=told.number, line=told.line, problem=told.problem, excerpt=told.excerpt)
    report = told.value
    if not isinstance(report, dict) or not ({"xarf_version", "Version"} & report.keys()):
        return _refused(told, Fault("not-a-report"))
    is_fourth = "xarf_version" in report
    fault = (xarf4 if is_fourth else xarf3).fault_of(report)
    if fault is not None:
        return _refused(told, fault)
    return _fourth(told, report) if is_fourth else _third(told, report)


def _refused(told: JsonValue, fault: Fault) -> FeedRow:
    place = ": ".join(filter(None, (fault.place, fault.shown)))
    return FeedRow(row=told.number, line=told.line, problem=fault.code, excerpt=visible(place))


# -- version 4 -----------------------------------------------------------------------------------


def _fourth(told: JsonValue, report: Report) -> FeedRow:
    kind = f"{report['category']}/{report['type']}"
    is_service = report["category"] == "vulnerability"
    return FeedRow(
        row=told.number,
        line=told.line,
        address=_text(report, "source_identifier").strip(),
        port=_port(report, "service_port", "port", "source_port") if is_service else "",
        protocol=_transport(_text(report, "protocol")) if is_service else "",
        time=_moment(_text(report, "timestamp")),
        tags=_tags(report, kind),
        says=kind,
        role=_role(str(report["category"])),
        facts=_facts(report),
        sign_in=_asks_for_sign_in(report, "banner", "service_version"),
    )


def _role(category: str) -> str:
    """A service listens where the report says; an attack leaves there; a list doesn't say."""
    return {"vulnerability": "entry", "reputation": "unknown"}.get(category, "exit")


def _asks_for_sign_in(report: Report, *names: str) -> bool:
    """Whether the report itself shows that not everybody gets in (RFC 9110 §15.5.8)."""
    said = any(report.get(name) is True for name in ("authentication_required", "auth_required"))
    return said or any(_REFUSED.search(_text(report, name)) for name in names)


def _tags(report: Report, kind: str) -> tuple[str, ...]:
    if TEST_TAG in _texts(report, "tags"):
        return (TEST_TAG,)
    if kind in {"vulnerability/open_service", "vulnerability/open"}:
        return (f"open-service:{_service(report, _text(report, 'service'))}",)
    if kind == "vulnerability/misconfiguration":
        return (_misconfigured(report),)
    if kind.startswith("reputation/"):
        named = [_text(report, "threat_type"), *_texts(report, "threat_categories")]
        return tuple(dict.fromkeys(f"listed:{kind_of_service(name)}" for name in named))
    return (kind,)


def _service(report: Report, name: str) -> str:
    """The kind of a service; where its name says only "proxy", what else says which."""
    kind = kind_of_service(name)
    if kind != "proxy":
        return kind
    fields = ("proxy_type", "service_version", "protocol", "ServiceVersion")
    further = [_text(report, field) for field in fields]
    for tag in _texts(report, "tags"):
        space, _, word = tag.partition(":")
        further += [word] if space in _SAYS_WHICH else []
    named = {_kind_of_proxy(word) for word in further} - {""}
    return named.pop() if len(named) == 1 else kind


def _kind_of_proxy(word: str) -> str:
    """`Squid 5.7`, `HTTP/1.1`, `socks5h` as the kind of proxy that they speak of."""
    low = word.lower()
    if "socks" in low:
        return "socks"
    return "http-proxy" if "http" in low or "squid" in low else ""


def _misconfigured(report: Report) -> str:
    """What is set wrongly; a proxy that asks nobody for a name is an open one."""
    name = _text(report, "service")
    what = kind_of_service(_text(report, "misconfiguration_type"))
    kind = _service(report, name)
    if what in _UNGUARDED and (what != "proxy" or kind in _PROXIES):
        return f"open-service:{kind}"
    is_named_open = name.strip().lower().startswith("open")
    return f"misconfiguration:{what or (kind if is_named_open else 'unnamed')}"


def kind_of_service(name: str) -> str:
    """The one name for all the ways to write a kind of service; others as they are written."""
    words = [word for word in slug(name).split("-") if word not in _SAYS_NOTHING]
    bag = {"socks" if _SOCKS.fullmatch(word) else word for word in words}
    if "socks" in bag and bag <= {"socks", "proxy"}:
        return "socks"
    if bag <= _OF_HTTP and ("squid" in bag or (len(bag) > 1 and bag & {"proxy", "connect"})):
        return "http-proxy"
    if bag & {"relay", "openrelay"} and bag <= _OF_RELAY:
        return "relay"
    return "-".join(words)


def _facts(report: Report) -> dict[str, str]:
    facts = {
        "service": _text(report, "service"),
        "banner": _text(report, "banner") or _text(report, "service_version"),
        "hostname": _text(report, "hostname"),
        "reporter": _text(_inner(report, "reporter"), "org"),
        "report_id": _text(report, "report_id"),
        "evidence_source": _text(report, "evidence_source"),
        "threat_type": _text(report, "threat_type"),
        "confidence": str(report.get("confidence", "")),
        "tags": ";".join(_texts(report, "tags")),
        "description": _text(report, "description"),
        "source_port": _port(report, "source_port"),
    }
    return {name: text for name, text in facts.items() if text}


# -- version 3 -----------------------------------------------------------------------------------


def _third(told: JsonValue, whole: Report) -> FeedRow:
    report = _inner(whole, "Report")
    nested = _inner(report, "Source") if xarf3.is_nested(whole) else {}
    kind = (_text(report, "ReportClass"), _text(report, "ReportType"))
    named = _KNOWN_3.get(kind, f"{kind[0]}/{kind[1]}".lower())
    is_service = kind[0] == "Vulnerability"
    service = _service(report, _text(report, "ServiceName"))
    return FeedRow(
        row=told.number,
        line=told.line,
        address=_text(report, "SourceIp") or _text(nested, "IP"),
        port=_port(report, "SourcePort") if is_service else "",
        protocol=_text(report, "TransportProtocol"),
        time=_moment(_text(report, "Date")),
        tags=(f"open-service:{service}" if is_service else named,),
        says=named,
        role="entry" if is_service else "exit",
        sign_in=_asks_for_sign_in(report, "ServiceVersion"),
        facts=_facts_of_third(whole, report, nested),
    )


def _facts_of_third(whole: Report, report: Report, nested: Report) -> dict[str, str]:
    facts = {
        "kind": f"{_text(report, 'ReportClass')}/{_text(report, 'ReportType')}",
        "service": _text(report, "ServiceName"),
        "banner": _text(report, "ServiceVersion"),
        "reporter": _text(_inner(whole, "ReporterInfo"), "ReporterOrg"),
        "report_id": _text(report, "ReporterCaseID"),
        "description": _text(report, "ReporterNotes"),
        "source_port": _port(report, "SourcePort") or _port(nested, "Port"),
        "disclosure": "no" if whole.get("Disclosure") is False else "",
    }
    return {name: text for name, text in facts.items() if text}


# -- fields --------------------------------------------------------------------------------------


def slug(name: str) -> str:
    """`Open SOCKS5 Proxy (server)` -> `open-socks5-proxy-server`."""
    return _SLUG.sub("-", name.lower()[:200]).strip("-")


def _transport(name: str) -> str:
    return name if name in {"tcp", "udp"} else ""


def _moment(text: str) -> str:
    return _FRACTION.sub(r"\1", text)


def _port(report: Report, *names: str) -> str:
    """The first of the fields that has a port; 0 is none."""
    for name in names:
        if found := as_whole(report.get(name)):
            return str(found)
    return ""


def _text(report: Report, name: str) -> str:
    value = report.get(name)
    return value if isinstance(value, str) else ""


def _texts(report: Report, name: str) -> list[str]:
    value = report.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _inner(report: Report, name: str) -> Report:
    value = report.get(name)
    return value if isinstance(value, dict) else {}
