"""The JSON forms of contracts.md section 5: rows, files, and what weighing concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from openletter.evidence.rules.feeds import SourceBook
from openletter.evidence.rules.judge import Judged
from openletter.evidence.rules.reading import OK, WITH_REJECTS, FileVerdict, RowOf
from openletter.evidence.rules.terms import is_kept_close, read_terms
from openletter.evidence.rules.weigh import Weighed
from openletter.wire.address import Address
from openletter.words import Weakness

Form = dict[str, object]
ALL_WELL, SOME_REFUSED, FILE_REFUSED, NOTHING_CHOSEN = 0, 1, 2, 3


def moment(at: datetime | None) -> str | None:
    """`2026-11-02T13:45:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def row_form(told: RowOf) -> Form:
    """A judged row."""
    one: Judged = told.judged
    return {
        "type": "row",
        "file": told.file,
        "row": one.row,
        "line": one.line,
        "ip": str(one.ip) if one.ip is not None else None,
        "port": one.port,
        "protocol": one.protocol,
        "weakness": one.weakness,
        "role": one.role,
        "seen_at": moment(one.seen_at),
        "source": one.source,
        "code": one.code,
        "address_class": one.address_class,
        "judgement": one.judgement,
        "reason": one.reason,
        "same_as": one.same_as,
    }


def file_form(told: FileVerdict) -> Form:
    """What became of a file or archive member."""
    form: Form = {
        "type": "file",
        "file": told.file,
        "format": told.format,
        "source": told.source,
        "outcome": told.outcome,
        "reason": told.reason,
        "rows": told.rows,
        "by_judgement": told.by_judgement,
        "by_reason": told.by_reason,
    }
    return form | {"detail": told.detail} if told.detail else form


def weighed_form(
    ip: Address,
    weakness: Weakness | None,
    weighed: Weighed,
    *,
    texts: Sequence[str],
    traced: Mapping[int, Form],
) -> Form:
    """The conclusion about one weakness of an address; `traced` leads from keys to rows."""
    return {
        "ip": str(ip),
        "weakness": weakness,
        "port": weighed.port,
        "finding": weighed.state,
        "confidence": weighed.confidence,
        "families": list(weighed.families),
        "reasons": [
            {"code": reason.code, "text": text, "values": dict(reason.values)}
            for reason, text in zip(weighed.reasons, texts, strict=True)
        ],
        "rows": [traced[key] for key in weighed.rows if key in traced],
        "rule_version": weighed.rule_version,
    }


def terms_form(weighed: Weighed, book: SourceBook) -> Form:
    """Terms travel with the data: those of each source whose word must not be passed on."""
    named = {str(reason.values.get("source", "")) for reason in weighed.reasons}
    feeds = filter(None, map(book.get, sorted(named)))
    return {feed.id: dict(feed.terms) for feed in feeds if is_kept_close(read_terms(feed.terms))}


def exit_code(told: FileVerdict) -> int:
    """0 all well, 1 some rows refused, 2 the whole file refused or not recognised."""
    return {OK: ALL_WELL, WITH_REJECTS: SOME_REFUSED}.get(told.outcome, FILE_REFUSED)
