"""A letter's cases for machines: XARF 4 reports (core 4.2), one a case.

The format has no type for an open relay or proxy: they are open services, and tags say which. A
case that is only about leaving traffic, or whose sources give no time, has no report: the format
can't say it truly.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence

from openletter.letters.rules.facts import CaseFacts, LetterFacts, iso, one_line, utc
from openletter.words import Weakness, print_reference

VERSION = "4.2.0"
_SERVICE = {
    Weakness.OPEN_RELAY: "smtp",
    Weakness.OPEN_HTTP_PROXY: "http-proxy",
    Weakness.OPEN_SOCKS: "socks",
}
_SAYS = {
    Weakness.OPEN_RELAY: "Open mail relay, according to public databases",
    Weakness.OPEN_HTTP_PROXY: "Open HTTP proxy, according to public databases",
    Weakness.OPEN_SOCKS: "Open SOCKS proxy, according to public databases",
}


def reports(facts: LetterFacts) -> Iterator[dict[str, object]]:
    """The reports of those cases that the format can tell, in the letter's order."""
    for case in facts.cases:
        if is_told(case):
            yield report(facts, case)


def is_told(case: CaseFacts) -> bool:
    """Whether the format can say it truly."""
    return not case.exit_only and case.newest is not None


def as_json(facts: LetterFacts) -> str:
    """One report as an object, several as an array; nothing where there is none."""
    told = list(reports(facts))
    if not told:
        return ""
    return in_json(told, in_list=len(told) > 1)


def in_json(told: Sequence[dict[str, object]], *, in_list: bool) -> str:
    return json.dumps(told if in_list else told[0], indent=1, ensure_ascii=True) + "\n"


def report(facts: LetterFacts, case: CaseFacts) -> dict[str, object]:
    """The report of a case that can be told."""
    times = [seen.at for seen in case.seen if seen.at is not None]
    newest = max(times)
    port = {"service_port": case.ports[0]} if case.ports else {}
    contact = {
        "org": one_line(facts.writer.name), "contact": facts.writer.email, "domain": facts.domain
    }  # fmt: skip
    return {
        "xarf_version": VERSION,
        "report_id": str(_identity(facts, case)),
        "timestamp": iso(newest),
        "reporter": contact,
        "sender": contact,
        "source_identifier": case.ip,
        "category": "vulnerability",
        "type": "open_service",
        "evidence_source": "threat_intelligence",
        "service": _SERVICE[case.weakness],
        **port,
        "first_seen": iso(min(times)),
        "last_seen": iso(newest),
        "description": f"{_SAYS[case.weakness]} (reference {print_reference(case.reference)})",
        "evidence": [_evidence(case)],
        "tags": [f"weakness:{case.weakness.value}", f"service:{_SERVICE[case.weakness]}"],
    }


def evidence_of(case: CaseFacts) -> str:
    """Who says so and when, as the letter prints it."""
    return "\n".join(
        one_line(
            f"{utc(seen.at) if seen.at else 'time not known'} {seen.source}"
            + (f" ({seen.detail})" if seen.detail else "")
        )
        for seen in case.seen
    )


def _evidence(case: CaseFacts) -> dict[str, object]:
    said = evidence_of(case).encode()
    return {
        "content_type": "text/plain",
        "description": "Public databases that name the address, and when",
        "payload": base64.b64encode(said).decode(),
        "hash": f"sha256:{hashlib.sha256(said).hexdigest()}",
        "size": len(said),
    }


def _identity(facts: LetterFacts, case: CaseFacts) -> uuid.UUID:
    """The same report has the same id, however often it is made."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{facts.reference}.{case.reference}.{facts.domain}")
