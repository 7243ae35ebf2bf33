"""Mails that carry reports, opened into what is to be judged: attachments and reporting parts.

Owns: telling a mail from other text, mailboxes of many (mbox), attached and forwarded mails,
archives among the attachments; limits on size, number and depth across all of these. Refuses: to
read addresses out of prose, headers or the reported mail itself, and to take anything of a mail
that is cut off, nested beyond reason or damaged. Signatures are not checked: who a mail says it is
from is kept as what it says, no more. Names: `FILE.eml!attachment.csv.zip!member.csv`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from openletter.wire import fields, honeypot, xarfmail
from openletter.wire.mime import Limits as MailLimits
from openletter.wire.mime import Mail, parse_content_type, read_mail
from openletter.wire.mime import Part as Leaf
from openletter.wire.unpack import Limits, Part, UnreadableFileError, parts
from openletter.wire.visible import visible

ARF, XARF_MAIL, HONEYPOT = "arf", "x-arf", "honey-pot"
LARGEST_MAIL = 32 << 20
MOST_MAILS, MOST_HELD = 5_000, 512 << 20
"""Of a mailbox: mails, and bytes of all that is opened; the rest of a larger one is not read."""
LARGEST_TEXT = 1 << 20
"""A part that reports in words of its own is never longer."""
LONGEST_NAME = 580
DEEPEST = 3
"""So many mails may lie in one another."""
_BOM = b"\xef\xbb\xbf"
_HEAD = 16_384
_READ = MailLimits(depth=12, parts=200, header_bytes=1 << 20)
_ENVELOPE = re.compile(rb"From [^\r\n]{1,500}\r?\n")
_NEXT_MAIL = re.compile(
    rb"(?m)^From \S{1,300} .{0,80}\d\d:\d\d(?::\d\d)?.{0,40}\d{4}\r?\n(?=[!-9;-~]+:)"
)
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
_LINE = re.compile(rb"([!-9;-~]+)[ \t]*:|[ \t]")
_OF_MAILS = frozenset(
    {b"from", b"to", b"date", b"subject", b"received", b"message-id", b"mime-version",
     b"content-type", b"return-path", b"delivered-to", b"reply-to", b"x-arf", b"x-xarf"}
)  # fmt: skip
_NOT_REPORTS = re.compile(
    r"(image|audio|video|font)/|text/(html|calendar|vcard|x-vcard|rfc822-headers|x-preamble)"
    r"|application/(pgp-|pkcs7-signature|x-pkcs7-signature|ics|ms-tnef)"
    r"|message/(delivery-status|disposition-notification|feedback-report|partial|external-body)"
)
_READABLE = re.compile(
    r"\.(csv|tsv|txt|json|ndjson|jsonl|list|lst|ipset|netset|zone|gz|zip|parquet)$", re.IGNORECASE
)
_ENDINGS = {
    "text/csv": "csv", "application/csv": "csv", "application/json": "json",
    "text/json": "json", "application/x-ndjson": "ndjson", "application/zip": "zip",
    "application/x-zip-compressed": "zip", "application/gzip": "gz",
    "application/x-gzip": "gz", "text/tab-separated-values": "tsv",
}  # fmt: skip
_JSON = frozenset({"application/json", "text/json"})
_PROSE = re.compile(r"\.(txt|list|lst|zone)$", re.IGNORECASE)
_OFFICE = re.compile(r"\.(docx?|xlsx?|pptx?|od[tsp]|jar|apk)$", re.IGNORECASE)
_EXTENDED = re.compile(r"[A-Za-z0-9_.-]*'[A-Za-z0-9-]*'")


# -- telling and splitting -----------------------------------------------------------------------


def is_mail(head: bytes) -> bool:
    """Whether a file begins with the headers of a mail, or of a mailbox's first one."""
    head = head[:_HEAD].removeprefix(_BOM).lstrip(b"\r\n")
    envelope = _ENVELOPE.match(head)
    known = set()
    for line in head[envelope.end() if envelope else 0 :].splitlines():
        match = _LINE.match(line)
        if match is None:
            break
        known.add((match[1] or b"").lower())
    return len(known & _OF_MAILS) >= (1 if envelope else 2)


def opened(found: Iterable[Part], *, limits: Limits | None = None) -> Iterator[Part]:
    """The parts of a file, mails among them replaced by what they carry."""
    budget = _Budget(limits or Limits())
    for part in found:
        if part.refused or not is_mail(_beginning(part)):
            yield part
            continue
        for name, raw in _mails(part):
            yield from _safely(name, raw, budget)
            if budget.is_spent:
                break


def _beginning(part: Part) -> bytes:
    held = b""
    for chunk in part.open():
        held += chunk
        if len(held) >= _HEAD:
            break
    return held


def _mails(part: Part) -> Iterator[tuple[str, bytes | None]]:
    """Each mail of a file with its name, numbered where there are several; None: too large."""
    number, held = 1, bytearray()
    is_box = bool(_ENVELOPE.match(_beginning(part).lstrip(b"\r\n")))
    start = 0
    for chunk in part.open():
        held += chunk
        while is_box and (found := _NEXT_MAIL.search(held, start)):
            start = max(1, found.end())
            if not held[: found.start()].strip():
                continue
            yield f"{part.name}!{number}", bytes(held[: found.start()])
            number, start = number + 1, found.end() - found.start()
            del held[: found.start()]
        start = max(start, len(held) - 1_000)
        if len(held) > LARGEST_MAIL:
            yield (part.name if number == 1 else f"{part.name}!{number}"), None
            return
    yield (part.name if number == 1 else f"{part.name}!{number}"), bytes(held)


# -- one mail ------------------------------------------------------------------------------------


class _Budget:
    """What all mails of a file together may become, and each of them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.bytes_left, self.mails_left = min(limits.total, MOST_HELD), MOST_MAILS
        self.members_left = limits.members
        self.is_spent = False

    def begin(self, size: int) -> None:
        """One more mail; where there may be no more, this one is refused and the last."""
        self.members_left = self.limits.members
        self.mails_left -= 1
        self.is_spent = self.mails_left < 0 or self.bytes_left < size
        if self.mails_left < 0:
            raise UnreadableFileError("too-many-members")
        self.take(size)

    def take(self, size: int) -> None:
        self.bytes_left -= size
        self.members_left -= 1
        if self.bytes_left < 0:
            raise UnreadableFileError("too-large")
        if self.members_left < 0:
            raise UnreadableFileError("too-many-members")

    def remaining(self) -> Limits:
        left = max(self.members_left, 0)
        return replace(self.limits, total=max(self.bytes_left, 0), members=left)


@dataclass
class _Message:
    """A mail within the tree: its own leaves, and the mails attached to it."""

    headers: tuple[tuple[str, str], ...]
    content_type: str
    params: Mapping[str, str]
    depth: int
    leaves: list[Leaf] = field(default_factory=list)
    attached: list[_Message] = field(default_factory=list)

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def told(self) -> dict[str, str]:
        """What the mail says of itself; none of it is proven."""
        return {
            "mail_from": visible(self.get("from"), limit=120),
            "mail_date": visible(fields.moment(self.get("date")), limit=40),
            "mail_id": visible(self.get("message-id"), limit=120),
        }


def _safely(name: str, raw: bytes | None, budget: _Budget) -> list[Part]:
    """All of a mail, or one part that says why none of it."""
    try:
        if raw is None:
            raise UnreadableFileError("mail-too-large")
        budget.begin(len(raw))
        return _opened(name, raw, budget, depth=1)
    except UnreadableFileError as problem:
        return [_refused(name, problem.code)]


def _opened(name: str, raw: bytes, budget: _Budget, *, depth: int) -> list[Part]:
    if depth > DEEPEST:
        raise UnreadableFileError("mail-too-deep")
    raw = raw.removeprefix(_BOM)
    mail = read_mail(_QUOTED_FROM.sub(rb"\1", raw) if raw.startswith(b"From ") else raw, _READ)
    if code := _whole_problem(mail, raw):
        raise UnreadableFileError(code)
    found = _found_in(_tree(mail), name, budget, depth=depth)
    return _named_once(found) if found else [_refused(name, "mail-without-report")]


def _whole_problem(mail: Mail, raw: bytes) -> str:
    """Why nothing of a mail can be trusted."""
    if mail.content_type == "multipart/encrypted" or "pkcs7-mime" in mail.content_type:
        is_signed = "signed" in mail.params.get("smime-type", "")
        return "format-not-read" if is_signed else "mail-encrypted"
    for problem, code in (
        ("depth-cut", "mail-too-deep"),
        ("parts-cut", "too-many-members"),
        ("headers-cut", "mail-too-large"),
        ("decoded-cut", "mail-too-deep"),
    ):
        if problem in mail.problems:
            return code
    boundary = mail.params.get("boundary", "").encode("utf-8", "replace")
    is_multipart = mail.content_type.startswith("multipart/") and bool(boundary)
    return "mail-cut-off" if is_multipart and b"--" + boundary + b"--" not in raw else ""


def _tree(mail: Mail) -> _Message:
    """The flat list of leaves as mails within mails."""
    top = _Message(mail.headers, mail.content_type, mail.params, depth=-1)
    stack = [top]
    for leaf in mail.parts:
        while leaf.depth <= stack[-1].depth:
            stack.pop()
        if leaf.content_type == "message/rfc822":
            kind, params = parse_content_type(
                next((value for key, value in leaf.headers if key == "content-type"), "")
            )
            inner = _Message(leaf.headers, kind, params, depth=leaf.depth)
            stack[-1].attached.append(inner)
            stack.append(inner)
        else:
            stack[-1].leaves.append(leaf)
    return top


def _found_in(message: _Message, name: str, budget: _Budget, *, depth: int) -> list[Part]:
    """A mail's own reports; only where it has none, those of the mails attached to it.

    What lies below a report is its evidence: mails and logs in it are not read.
    """
    if message.content_type == "multipart/report" and "feedback" not in message.params.get(
        "report-type", "feedback"
    ):
        return []
    told = message.told()
    found = _own_reports(message, name, told)
    has_json = any(map(_is_report_json, message.leaves))
    if found and not has_json:
        return found
    for at, leaf in enumerate(message.leaves, start=1):
        label = _label(leaf, at)
        if label and not (has_json and _PROSE.search(label)):
            found += _attachment(leaf, f"{name}!{label}", budget, told=told, depth=depth)
    if not found and depth < DEEPEST:
        for at, inner in enumerate(message.attached, start=1):
            found += _found_in(inner, f"{name}!mail-{at}", budget, depth=depth + 1)
    return found


def _own_reports(message: _Message, name: str, told: Mapping[str, str]) -> list[Part]:
    """The parts that report in words of their own: ARF, X-ARF, Project Honey Pot."""
    found: list[Part] = []
    is_monitor = bool(message.get(honeypot.HEADER))
    for at, leaf in enumerate(message.leaves, start=1):
        if len(leaf.body) > LARGEST_TEXT:
            if leaf.content_type == "message/feedback-report":
                found.append(_refused(f"{name}!feedback-report", "too-large"))
        elif leaf.content_type == "message/feedback-report":
            kind = fields.one(fields.folded(leaf.text), "Feedback-Type").lower()
            if kind != "xarf":  # its report is the JSON beside it
                found.append(_text_part(leaf, f"{name}!feedback-report", ARF, told))
        elif leaf.content_type == "text/plain" and xarfmail.looks_like(leaf.text):
            label = _filename(leaf) or f"part-{at}.txt"
            found.append(_text_part(leaf, f"{name}!{label}", XARF_MAIL, told))
        elif is_monitor and honeypot.looks_like(leaf.text):
            found.append(_text_part(leaf, f"{name}!body", HONEYPOT, told))
    return found


def _is_report_json(leaf: Leaf) -> bool:
    """Whether a part, also the text of the mail itself, means to be XARF as JSON."""
    named = leaf.content_type in _JSON or _filename(leaf).lower().endswith(".json")
    is_bare = leaf.content_type == "text/plain" and leaf.body.lstrip()[:1] in {b"{", b"["}
    if not named and not is_bare:
        return False
    return b'"xarf_version"' in leaf.body or b'"ReporterInfo"' in leaf.body


# -- attachments ---------------------------------------------------------------------------------


def _attachment(
    leaf: Leaf, name: str, budget: _Budget, *, told: Mapping[str, str], depth: int
) -> list[Part]:
    if leaf.is_broken:
        return [_refused(name, "damaged-attachment")]
    if _is_whole_mail(leaf, name):
        budget.take(len(leaf.body))
        return _opened(name, leaf.body, budget, depth=depth + 1)
    budget.take(len(leaf.body))
    if _OFFICE.search(name):
        return [_refused(name, "format-not-read")]
    try:
        found = parts(name, io.BytesIO(leaf.body), limits=budget.remaining())
    except UnreadableFileError as problem:
        return [_refused(name, problem.code)]
    for part in found:
        budget.take(0)
        if not part.refused and is_mail(_beginning(part)):
            return [_refused(one.name, "nested-archive") for one in found]
    return [replace(part, told=told) for part in found]


def _is_whole_mail(leaf: Leaf, name: str) -> bool:
    return name.lower().endswith(".eml") and is_mail(leaf.body)


def _label(leaf: Leaf, at: int) -> str:
    """The name of what is worth reading; empty for prose, pictures and signatures."""
    named = _filename(leaf)
    if _is_report_json(leaf):
        return named or f"part-{at}.json"
    if _NOT_REPORTS.match(leaf.content_type) or named.lower().endswith((".asc", ".sig", ".p7s")):
        return ""
    if leaf.content_type in _ENDINGS or _READABLE.search(named):
        return named or f"part-{at}.{_ENDINGS[leaf.content_type]}"
    if leaf.content_type == "text/plain" or not named:
        return ""
    return named


def _filename(leaf: Leaf) -> str:
    """The name that the sender gave it: a label, never a path."""
    disposition = next((value for key, value in leaf.headers if key == "content-disposition"), "")
    _, given = parse_content_type(disposition)
    name = given.get("filename") or leaf.params.get("name", "")
    if match := _EXTENDED.match(name):
        name = unquote(name[match.end() :])
    return visible(re.split(r"[/\\]", name.strip())[-1], limit=200).replace("!", "_")


def _text_part(leaf: Leaf, name: str, form: str, told: Mapping[str, str]) -> Part:
    """A reporting part; its letters are decoded already."""
    raw = leaf.text.encode("utf-8", "replace")
    return Part(name=name, open=lambda: iter((raw,)), form=form, told=told)


def _refused(name: str, code: str) -> Part:
    return Part(name=name, open=lambda: iter(()), refused=code)


def _named_once(found: list[Part]) -> list[Part]:
    """Two attachments of one name stay two."""
    seen: dict[str, int] = {}
    told = []
    for part in found:
        name = part.name if len(part.name) <= LONGEST_NAME else f"{part.name[:LONGEST_NAME]}…"
        count = seen[name] = seen.get(name, 0) + 1
        told.append(replace(part, name=name if count == 1 else f"{name} ({count})"))
    return told
