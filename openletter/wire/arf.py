"""The machine-readable part of a feedback report (ARF, RFC 5965; use of it: RFC 6650).

One report is one row: the address from which the reported mail came, as `Source-IP` says. Where
that field is missing nobody is named; the relays in `Received` never stand in for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from openletter.wire import fields as named
from openletter.wire.feedrow import FeedRow
from openletter.wire.visible import visible
from openletter.wire.xarf import slug

NEEDED = ("Feedback-Type", "User-Agent", "Version")
ONCE = (
    *NEEDED, "Original-Envelope-Id", "Original-Mail-From", "Arrival-Date", "Received-Date",
    "Source-IP", "Source-Port", "Incidents", "Reporting-MTA",
)  # fmt: skip
_KNOWN = frozenset(
    {"abuse", "fraud", "virus", "other", "not-spam", "auth-failure", "opt-out", "opt-out-list",
     "miscategorized", "dmarc"}
)  # fmt: skip
_FACTS = {
    "user_agent": "User-Agent", "original_mail_from": "Original-Mail-From",
    "reported_domain": "Reported-Domain", "reported_uri": "Reported-URI",
    "incidents": "Incidents", "auth_failure": "Auth-Failure", "source_port": "Source-Port",
    "abuse_type": "Abuse-Type",
}  # fmt: skip


def rows(text: str, told: Mapping[str, str]) -> Iterator[FeedRow]:
    """The one row; `told` is what the mail says of itself."""
    fields = named.folded(text)
    line = _line_of(text)
    fault = _fault_of(fields)
    if fault:
        code, place = fault
        yield FeedRow(row=1, line=line, problem=code, excerpt=visible(place))
        return
    kind = slug(named.one(fields, "Feedback-Type"))
    kind = kind if kind in _KNOWN else "other"
    when = named.one(fields, "Arrival-Date") or named.one(fields, "Received-Date")
    facts = {key: named.one(fields, name) for key, name in _FACTS.items()}
    yield FeedRow(
        row=1,
        line=line,
        address=named.address(named.one(fields, "Source-IP")),
        time=named.moment(when) if when else "",
        tags=(f"feedback:{kind}",),
        role="exit",
        facts={key: value for key, value in {**facts, **told}.items() if value},
    )


def _fault_of(fields: named.Fields) -> tuple[str, str] | None:
    if place := named.missing(fields, NEEDED):
        return "field-missing", place
    if place := named.twice(fields, ONCE):
        return "field-twice", place
    version = named.one(fields, "Version")
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", version, re.ASCII):
        return "report-version-unknown", f"Version: {version}"
    return None


def _line_of(text: str) -> int:
    """Where the address stands, else the beginning."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lower().startswith("source-ip"):
            return number
    return 1
