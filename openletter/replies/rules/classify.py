"""The order of questions (mail.md section 6): envelope, reports, headers, prose, persons."""

from __future__ import annotations

import json
import re

from openletter.replies.rules import automatic, prose
from openletter.replies.rules.causes import cause_of, status_in_words
from openletter.replies.rules.kinds import Classified, Failed, Intent, Kind
from openletter.replies.rules.people import intent_of
from openletter.replies.rules.phrases import any_of
from openletter.replies.rules.quoting import new_words
from openletter.wire.dsn import RecipientStatus, parse_report
from openletter.wire.mime import Mail, Part, read_mail
from openletter.words import Reason

_DAEMON = any_of(r"""
    mailer-?daemon
    mail[ .]?deliver(?:y|er)?[ .](?:sub)?system
    postmaster
    post_master
    mail delivery
    mail-daemon
    mdaemon
    delivery subsystem
    system administrator
    \bndr@
    \bbounces?\b
""")
_BOUNCE_SUBJECT = any_of(r"""
    undeliver
    deliver\w* (?:status|fail|problem|error|has failed|report|unsuccessful)
    (?:mail|message) (?:delivery|system|could not|not delivered|error)
    returned (?:mail|e?-?mail|message)
    fail(?:ure|ed)? (?:notice|delivery|of)
    non[- ]?(?:delivery|remise|remis)
    not delivered
    delivery notification
    could not (?:be )?deliver
    error sending
    unzustellbar
    onbestelbaar
    niet bezorgd
    non remis
    no entregado
    user unknown
    mail status report
    warning: (?:could|message)
    delayed
    bounce
    nondeliverable
    rejected
    邮件
    配信
""")  # fmt: skip
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_HEADS = ("text/rfc822-headers", "message/rfc822", "text/rfc822-header", "message/rfc822-headers")
_SURELY_DAEMON = re.compile(r"(?i)mailer-daemon|ndr@")
_FIRST_FIELD = re.compile(r"(?im)^(?:reporting-mta|final-recipient|original-recipient|action):")
_COMPLAINS = re.compile(
    r"(?im)^(?:original-rcpt-to|removal-recipient):[ \t]*<?([^\s<>]+@[^\s<>]+)>?"
)
_FEEDBACK_SUBJECT = re.compile(r"(?i)\bcomplaint about message\b|feedback report|abuse report")


def classify(raw: bytes, *, envelope_from: str | None = None) -> Classified:
    """What this mail is. `envelope_from` empty means the null sender, None means unknown."""
    return classify_mail(read_mail(raw), envelope_from=envelope_from)


def classify_mail(mail: Mail, *, envelope_from: str | None = None) -> Classified:
    daemon = _is_daemon(mail, envelope_from)
    header = automatic.automatic_header(mail)
    return (
        _from_report(mail)
        or _from_feedback(mail)
        or _from_notification(mail)
        or _from_prose(mail, daemon=daemon, header=header)
        or _from_machine(mail, header=header)
        or _from_person(mail, daemon=daemon)
    )


def _is_daemon(mail: Mail, envelope_from: str | None) -> bool:
    path = envelope_from if envelope_from is not None else mail.get("return-path")
    if path.strip() == "<>" or envelope_from == "":
        return True
    sender = mail.get("from")
    return bool(_DAEMON.search(sender) or "<>" in sender or _DAEMON.search(path))


def _verdict(mail: Mail, kind: Kind, code: str, **rest: object) -> Classified:
    sender = prose.ADDRESS.search(mail.get("from"))
    words = new_words(mail.text)
    reasons = (Reason(code=code), *(Reason(code=one) for one in mail.problems))
    tickets = automatic.ticket_numbers(mail.get("subject"), words)
    given: dict[str, object] = {
        "kind": kind, "reasons": reasons, "sender": sender[0] if sender else "",
        "subject": mail.get("subject")[:300], "text": words, "tickets": tickets,
    }  # fmt: skip
    return Classified(**{**given, **rest})  # type: ignore[arg-type]


# -- reports (RFC 3464, 5965, and those of one mail service) ------------------------------------


def _groups(mail: Mail) -> list[RecipientStatus]:
    """Recipient groups of delivery-status parts, else of text that carries the same fields."""
    parts = [p for p in mail.parts if p.content_type in _STATUS_TYPES]
    found = [group for part in parts for group in parse_report(part.text)]
    if found:
        return found
    texts = [p for p in mail.parts if p.is_text and not p.inside_message and _has_fields(p)]
    return [g for part in texts for g in parse_report(_fields_of(part.text)) if g.address]


def _has_fields(part: Part) -> bool:
    low = part.text[:20_000].lower()
    return "final-recipient:" in low and ("status:" in low or "action:" in low)


def _fields_of(text: str) -> str:
    """From the first line that is a field of a report on."""
    start = _FIRST_FIELD.search(text)
    return text[start.start() :] if start else ""


def _from_report(mail: Mail) -> Classified | None:
    groups = _groups(mail)
    if not groups:
        return None
    failed = [
        g for g in groups if g.action in ("failed", "failure", "") or g.status.startswith("5")
    ]
    delayed = [g for g in groups if g.action == "delayed"]
    chosen = failed or delayed or groups
    said = "\n".join(g.diagnostic for g in chosen)
    if automatic.says_challenge(mail.get("subject"), f"{said}\n{prose.notice(mail)}"):
        return _verdict(
            mail, Kind.CHALLENGE, "asks-confirmation", confidence=0.8, is_automatic=True
        )
    kind = Kind.BOUNCE if failed else Kind.DELAYED if delayed else _positive(groups)
    found = _with_prose(mail, tuple(_failed(g, mail) for g in chosen))
    return _verdict(
        mail, kind, "delivery-status", failed=found, confidence=0.98,
        is_automatic=True, has_report=True,
    )  # fmt: skip


def _positive(groups: list[RecipientStatus]) -> Kind:
    good = {"delivered", "relayed", "expanded"}
    return Kind.DELIVERED if {g.action for g in groups} <= good else Kind.BOUNCE


def _failed(group: RecipientStatus, mail: Mail) -> Failed:
    words = group.diagnostic
    status = group.status
    if not words or status[2:] in ("0.0", ""):
        told = status_in_words(words)
        status = told if told[2:] not in ("", "0.0") else status or told
    told_words = words if words.strip() else prose.notice(mail)[:1500]
    cause = cause_of(status, told_words)
    return Failed(address=group.address, status=status, cause=cause, diagnostic=words[:300])


def _with_prose(mail: Mail, found: tuple[Failed, ...]) -> tuple[Failed, ...]:
    """A report that names nobody: its prose may. The same recipient twice counts once."""
    if not any("@" in one.address for one in found):
        told = prose.failures(mail)
        if told:
            return told
    once: dict[str, Failed] = {}
    for one in found:
        once.setdefault(one.address.lower(), one)
    return tuple(once.values())


def _from_feedback(mail: Mail) -> Classified | None:
    part = next((p for p in mail.parts if p.content_type == "message/feedback-report"), None)
    if part is None and not _FEEDBACK_SUBJECT.search(mail.get("subject")):
        return None
    if part is None and not any(p.content_type in _HEADS for p in mail.parts):
        return None
    text = part.text if part else ""
    failed = tuple(Failed(address=one) for one in dict.fromkeys(_COMPLAINS.findall(text)))
    return _verdict(
        mail, Kind.FEEDBACK, "feedback-report", failed=failed,
        confidence=0.98 if part else 0.8, is_automatic=True, has_report=part is not None,
    )  # fmt: skip


_NOTIFIED = {"Bounce": Kind.BOUNCE, "Delivery": Kind.DELIVERED, "Complaint": Kind.FEEDBACK}


def _from_notification(mail: Mail) -> Classified | None:
    """A mail service's JSON notice (`notificationType`) sent as text."""
    text = mail.text.lstrip()
    if not text.startswith("{") or "notificationType" not in text[:3000]:
        return None
    try:
        notice, _ = json.JSONDecoder(strict=False).raw_decode(text[:100_000])
        kind = _NOTIFIED[notice["notificationType"]]
        detail = notice[notice["notificationType"].lower()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    rows = _recipients(detail)
    return _verdict(mail, kind, "service-notice", failed=rows, confidence=0.9, is_automatic=True)


def _recipients(detail: object) -> tuple[Failed, ...]:
    if not isinstance(detail, dict):
        return ()
    rows = detail.get("bouncedRecipients") or detail.get("complainedRecipients")
    plain = detail.get("recipients")
    if rows is None and isinstance(plain, list):
        rows = [{"emailAddress": one} for one in plain]
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("emailAddress"), str):
            words, status = str(row.get("diagnosticCode", "")), str(row.get("status", ""))
            found.append(
                Failed(
                    address=row["emailAddress"], status=status[:9],
                    cause=cause_of(status[:9], words), diagnostic=words[:300],
                )
            )  # fmt: skip
    return tuple(found[:100])


# -- prose, machines, persons -------------------------------------------------------------------


def _from_prose(mail: Mail, *, daemon: bool, header: str) -> Classified | None:
    known = bool(mail.get("x-failed-recipients"))
    subject = bool(_BOUNCE_SUBJECT.search(mail.get("subject")))
    if not daemon and not (subject and (known or not header) and header != "auto-submitted"):
        return None
    if not daemon and header and header != "auto-submitted":
        return None
    if automatic.says_away(mail.get("subject"), mail.text) and not subject:
        return None
    if not (known or prose.says_failure(mail)):
        return None
    failed = prose.failures(mail)
    if not failed and not (subject and _SURELY_DAEMON.search(mail.get("from"))):
        return None
    kind = Kind.DELAYED if prose.says_delay(mail) else Kind.BOUNCE
    sure = 0.9 if known or (daemon and subject) else 0.7
    return _verdict(
        mail, kind, "prose-of-a-bounce", failed=failed, confidence=sure, is_automatic=True
    )


def _from_machine(mail: Mail, *, header: str) -> Classified | None:
    subject, words = mail.get("subject"), new_words(mail.text)
    if automatic.says_challenge(subject, words):
        return _verdict(
            mail, Kind.CHALLENGE, "asks-confirmation", confidence=0.8, is_automatic=True
        )
    if automatic.is_ticket_header(header) or automatic.says_ticket(subject, words):
        return _machine(mail, Intent.TICKET, header or "receipt")
    if automatic.says_away(subject, words):
        return _machine(mail, Intent.VACATION, header or "away-phrase")
    return _machine(mail, Intent.NONE, header) if header else None


def _machine(mail: Mail, intent: Intent, code: str) -> Classified:
    sure = 0.95 if code == "auto-submitted" else 0.85
    return _verdict(mail, Kind.AUTOREPLY, code, intent=intent, confidence=sure, is_automatic=True)


def _from_person(mail: Mail, *, daemon: bool) -> Classified:
    """Nobody said it was a machine: a person, and unsure where the null sender wrote it."""
    intent, sure = intent_of(new_words(mail.text))
    if daemon:
        return _verdict(
            mail, Kind.HUMAN, "null-sender-without-report", intent=Intent.QUESTION,
            confidence=0.3, is_automatic=True,
        )  # fmt: skip
    return _verdict(mail, Kind.HUMAN, "own-words", intent=intent, confidence=sure)
