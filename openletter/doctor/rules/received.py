"""What the way through our mail server did to the test letter: compared field by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr, parsedate_to_datetime

from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.verify import Held, Parsed, Public, held, take_apart
from openletter.letters.rules.dkim import relaxed

LARGEST = 2 * 1024 * 1024
CLOCKS_APART = timedelta(minutes=2)
_STAMP = re.compile(r";[^;]*\Z")
_MATTERS = {"from", "reply-to"}
"""Without these nobody is answered, or nobody believes who wrote."""
_BODY = ("content-type", "content-transfer-encoding", "mime-version")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The test letter as it was handed over."""

    raw: bytes
    sender: str
    recipient: str
    message_id: str
    reply_to: str
    reference: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One of our signatures, as it would be checked."""

    domain: str
    selector: str
    public: Public


def is_it(raw: bytes, sent: Sent) -> bool:
    """Whether a mail is the test letter, under whatever Message-ID: only we know its tokens."""
    mail = take_apart(raw[:LARGEST])
    tied = (
        mail.value("message-id") == sent.message_id,
        parseaddr(mail.value("reply-to"))[1].lower() == sent.reply_to.lower(),
        sent.reference in mail.value("subject"),
    )
    return any(tied)


def compare(raw: bytes, sent: Sent, *, signers: Sequence[Signer]) -> list[Check]:
    """Everything that was looked at, and last what ties replies and settles letters."""
    mail, ours = take_apart(raw[:LARGEST]), take_apart(sent.raw)
    signatures = [_signature(mail, one) for one in signers]
    checks = [
        _envelope(mail, sent),
        _message_id(mail, sent),
        *signatures,
        *_fields(mail, ours),
        _body(mail, ours),
        _clock(mail, sent),
    ]
    return [check for check in checks if check is not None] + _ties(mail, sent)


def _envelope(mail: Parsed, sent: Sent) -> Check:
    look = Look("trial-envelope", sent.sender)
    path = _return_path(mail)
    if path is None:
        return look.not_asked("trial-no-return-path")
    if path.lower() == sent.sender.lower():
        return look.good("trial-envelope-kept")
    return look.warning("trial-envelope-rewritten", path=path or "<>")


def _return_path(mail: Parsed) -> str | None:
    if not mail.all("return-path"):
        return None
    return mail.value("return-path").strip("<> \t")[:320]


def _message_id(mail: Parsed, sent: Sent) -> Check:
    look = Look("trial-message-id", sent.message_id)
    found = mail.value("message-id")
    if found == sent.message_id:
        return look.good("trial-message-id-kept")
    return look.warning("trial-message-id-rewritten", found=found[:200] or "-")


def _signature(mail: Parsed, signer: Signer) -> Check:
    look = Look("trial-dkim", f"{signer.selector}._domainkey.{signer.domain}")
    found = held(mail, domain=signer.domain, selector=signer.selector, public=signer.public)
    return look.good("trial-dkim-holds") if found is Held.HOLDS else look.bad(f"trial-dkim-{found}")


def _fields(mail: Parsed, ours: Parsed) -> list[Check]:
    """Each field of ours: as it was, folded anew, changed, or gone."""
    changed, gone, folded = list[str](), list[str](), list[str]()
    skipped = {"dkim-signature", "message-id", *_BODY}
    for name, field in ours.fields:
        if name in skipped:
            continue
        there = mail.all(name)
        if not there:
            gone.append(name)
        elif field in there:
            continue
        elif any(relaxed(one) == relaxed(field) for one in there):
            folded.append(name)
        else:
            changed.append(name)
    look = Look("trial-headers", _list([*changed, *gone]))
    if not changed and not gone:
        return [look.good("trial-headers-kept", folded=_list(folded))]
    blame = look.bad if _MATTERS & {*changed, *gone} else look.warning
    return [blame("trial-headers-changed", changed=_list(changed), gone=_list(gone))]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "-"


def _body(mail: Parsed, ours: Parsed) -> Check:
    """Its bytes, and the fields that say how they are to be read."""
    look = Look("trial-body", "-")
    encoding = "content-transfer-encoding"
    if mail.value(encoding) != ours.value(encoding):
        values = {"sent": ours.value(encoding), "found": mail.value(encoding)[:60] or "-"}
        return look.bad("trial-body-encoded-anew", **values)
    if mail.body.rstrip(b"\r\n") == ours.body.rstrip(b"\r\n"):
        return look.good("trial-body-kept")
    if ours.body.rstrip(b"\r\n") in mail.body:
        return look.bad("trial-body-added-to")
    return look.bad("trial-body-changed")


def _clock(mail: Parsed, sent: Sent) -> Check | None:
    """Our clock beside those of the mail servers on the way: the nearest one counts."""
    look = Look("clock", "the mail servers on the way")
    stamps = [at for field in mail.all("received") if (at := _stamp(field)) is not None]
    if not stamps:
        return None
    apart = min((at - sent.at for at in stamps), key=abs)
    seconds = round(apart.total_seconds())
    if abs(apart) <= CLOCKS_APART:
        return look.good("clock-agrees-with-servers", seconds=seconds)
    return look.warning("clock-differs-from-servers", seconds=seconds)


def _stamp(field: bytes) -> datetime | None:
    text = field.decode("utf-8", "replace").replace("\r\n", "")
    found = _STAMP.search(text[-200:])
    if found is None:
        return None
    try:
        at = parsedate_to_datetime(found[0][1:].strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _ties(mail: Parsed, sent: Sent) -> list[Check]:
    """The conclusion: by what bounces, replies and the settling of letters will be tied."""
    look = Look("trial-ties", sent.recipient)
    keeps_path = (_return_path(mail) or "").lower() == sent.sender.lower()
    keeps_id = mail.value("message-id") == sent.message_id
    keeps_reply = parseaddr(mail.value("reply-to"))[1].lower() == sent.reply_to.lower()
    checks = []
    if keeps_path:
        checks.append(look.good("ties-bounces-by-envelope"))
    elif _return_path(mail) is not None:
        checks.append(look.warning("ties-bounces-by-content"))
    if keeps_reply:
        checks.append(look.good("ties-replies-by-reply-to"))
    else:
        checks.append(look.bad("ties-replies-by-reference-alone"))
    checks.append(
        look.good("ties-fate-by-log") if keeps_id else look.warning("ties-fate-by-journal-mailbox")
    )
    return checks
