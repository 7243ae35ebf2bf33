"""Reports (XARF, and what mails carry) among the forms that are read: whose word, which rows.

A report names its reporter itself, and nobody proves it. So whose word it is says the operator; who
says nothing gets the one source that stands for all unnamed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from openletter.evidence.rules.feeds import Format, SourceBook
from openletter.evidence.rules.recognise import Hint, NotRead, Recognised
from openletter.evidence.rules.times import parse_time
from openletter.wire import arf, honeypot, jsonvalues, xarf, xarfmail
from openletter.wire.feedrow import FeedRow
from openletter.wire.unpack import Part
from openletter.words import Judgement

UNNAMED: Mapping[Format, str] = {
    Format.XARF: "xarf",
    Format.ARF: "feedback-report",
    Format.XARF_MAIL: "x-arf-mail",
    Format.HONEYPOT: "project-honey-pot",
}
_COME_BY_MAIL = frozenset({Format.SHADOWSERVER, *UNNAMED})
_SIGNS = (b'"xarf_version"', b'"ReporterInfo"')
_SNIFFED = 1 << 16


def recognise_report(part: Part, *, book: SourceBook, hint: Hint) -> Recognised | NotRead | None:
    """How to read a part that is a report; None where it is something else."""
    form = Format(part.form) if part.form else _form_of(part)
    if form is None:
        return None
    feed = book.get(hint.source or UNNAMED[form])
    if feed is None:
        return NotRead(reason="source-unknown", refused=True, format=form, source=hint.source)
    if feed.format is not form:
        return NotRead(reason="format-differs", refused=True, format=form, source=feed.id)
    return Recognised(format=form, feed=feed, file_time=mail_time(part))


def report_rows(part: Part, known: Recognised) -> Iterator[FeedRow] | None:
    """The rows of a report; None for every other form."""
    if known.format is Format.XARF:
        return xarf.rows(part.open())
    parse = _OF_MAILS.get(known.format)
    if parse is None:
        return None
    return parse(b"".join(part.open()).decode("utf-8", "replace"), part.told)


_Parser = Callable[[str, Mapping[str, str]], Iterator[FeedRow]]
_OF_MAILS: Mapping[Format, _Parser] = {
    Format.ARF: arf.rows,
    Format.XARF_MAIL: xarfmail.rows,
    Format.HONEYPOT: honeypot.rows,
}


def mail_time(part: Part) -> datetime | None:
    """When the mail around a part says that it was written."""
    return parse_time(part.told.get("mail_date", ""))


def unnamed_in_mail(part: Part, known: Recognised | NotRead, *, hint: Hint) -> NotRead | None:
    """A list in a mail whose word nobody vouches for: it may list anything, links of spam too.

    A name that it gives itself is the mail's word, and one mail is one voice. What comes by mail is
    taken for a report, all of which count once together, or for what never opens anything.
    """
    if not part.told or hint.source or isinstance(known, NotRead):
        return None
    if known.format in _COME_BY_MAIL or known.feed.worth is not Judgement.ACCEPT:
        return None
    return NotRead(reason="unnamed-in-mail", refused=True, format=known.format)


def broken_json(part: Part, known: Recognised | NotRead) -> NotRead | None:
    """JSON that cannot be read to its end: nothing of it is taken, as of a damaged archive."""
    if isinstance(known, NotRead) or not (known.is_json or known.format is Format.XARF):
        return None
    told = jsonvalues.break_in(part.open())
    if told is None:
        return None
    return NotRead(
        reason=told.problem,
        detail=f"line {told.line}: {told.excerpt}"[:200],
        refused=True,
        format=known.format,
        source=known.feed.id,
    )


def provenance(part: Part) -> str:
    """What the mail around a part says of itself: kept, and proof of nothing."""
    names = ("mail_from", "mail_date", "mail_id")
    said = [told for name in names if (told := part.told.get(name))]
    return ", ".join(["by mail", *said])[:200] if said else ""


def is_all_broken(known: Recognised, *, rows: int, broken: int) -> bool:
    """Whether a report holds nothing that can be judged; one such report is refused whole."""
    return known.format in UNNAMED and rows > 0 and rows == broken


def _form_of(part: Part) -> Format | None:
    head = next(part.open(), b"").lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith((b"{", b"[")):
        return None
    first = jsonvalues.first(part.open())
    if first is not None and first.problem:
        is_one = any(sign in head[:_SNIFFED] for sign in _SIGNS)
    else:
        is_one = first is not None and xarf.looks_like(first.value)
    return Format.XARF if is_one else None
