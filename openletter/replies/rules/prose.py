"""Bounces without a report: recipients and causes from the server's prose, line by line."""

from __future__ import annotations

import contextlib
import email
import logging
import re
from collections.abc import Iterator

from flufl.bounce import scan_message

from openletter.replies.rules.causes import cause_in_words, cause_of, status_in_words
from openletter.replies.rules.kinds import Failed
from openletter.replies.rules.phrases import any_of
from openletter.replies.rules.quoting import before_returned
from openletter.wire.mime import Mail

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9][A-Za-z0-9.\-]{0,252}")
_A = rf"(?P<address>{ADDRESS.pattern})"
_ALONE = re.compile(
    rf"^[ \t]*(?:[*•·>\-]+[ \t]*)?(?:\"[^\"\n]{{0,80}}\"[ \t]*)?[<\[(']?(?:smtp:)?{_A}[>\])']?"
    r"(?=$|[:;,]|[ \t]*[\[(<]|[ \t]+(?:on|failed|not|-|–|\.\.\.|smtp|was|is|user|unknown"
    r"|invalid|mailbox|host|5\d\d|4\d\d)\b"
    r"|[ \t]*\.{3}|[ \t]*[-–:=])",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"(?:deliver(?:ed|ing|y)?\b|undeliverable|addressed to|recipients?|unknown user|user unknown"
    r"|error-for|is full|exceeds|undeliverable address|attempts|rcpt to|sent (?:e-?mail|mail) to"
    r"|permanent errors?|over quota|did not reach|could not be|following address|your message to"
    r"|address:|mailbox|quota violation|no such user|unable to|to:<|errors? sending|不)"
    rf"[^\n@]{{0,90}}?{_A}",
    re.IGNORECASE,
)
_REPLY_LINE = re.compile(rf"\b[45]\d\d[ \-][^\n@]{{0,60}}<{_A}>", re.IGNORECASE)
_NOT_ABOUT = re.compile(
    r"^[ \t]*(?:from|to|cc|van|aan|sender|received|reply-to|return-path|subject|sent|date|mail from"
    r"|by|with|for further|x-[\w-]+|message-id|in-reply-to|>>> mail|reporting-mta|envelope-from"
    r"|if you|please (?:contact|send|include)|for assistance|contact|system contact|von|de)\b",
    re.IGNORECASE,
)
_DAEMONS = re.compile(r"(?i)^(?:postmaster|mailer-daemon|mail-daemon|abuse|support|helpdesk)@")


def failures(mail: Mail) -> tuple[Failed, ...]:
    """Recipients that the prose of a bounce names, in its order; () where it names none."""
    text, returned = _texts(mail)
    known = tuple(_tidy(a) for a in ADDRESS.findall(mail.get("x-failed-recipients")))
    sender = _original_sender(mail, returned)
    finders = (
        lambda: _listed(text),
        lambda: known,
        lambda: [*_transcript(text), *_said(text)],
        lambda: _flufl(mail),
    )
    for find in finders:
        chosen = _without(tuple(find()), {sender})
        if chosen:
            return tuple(_failed(one, text, alone=len(chosen) == 1) for one in chosen)
    original = _original_recipient(mail, returned)
    return tuple(_failed(one, text, alone=True) for one in original)


def notice(mail: Mail) -> str:
    """The server's own words, without the returned message."""
    return _texts(mail)[0]


def says_failure(mail: Mail) -> bool:
    """True where the text reads like a notice of failed or delayed delivery."""
    text, _ = _texts(mail)
    if _FAILURE.search(text[:6000]) or _DELAY.search(text[:6000]):
        return True
    return cause_in_words(text[:3000]) is not None


def says_delay(mail: Mail) -> bool:
    """True where the server goes on trying."""
    text, _ = _texts(mail)
    return bool(_DELAY.search(f"{mail.get('subject')}\n{text[:4000]}"))


_FAILURE = any_of(r"""
    could(?: not|n't) be (?:delivered|reached)
    undeliver
    not (?:be )?deliver
    deliver\w* (?:\w+ ){0,4}fail
    fail\w* (?:\w+ ){0,3}deliver
    did not reach
    returned (?:mail|to sender)
    permanent(?:ly)? (?:fatal )?(?:error|fail)
    unable to deliver
    was ?n[o']t able to deliver
    fatal errors
    delivery (?:problem|error)
    had trouble delivering
    returned message
    an error occurred while trying to deliver
    error delivering
    cannot be delivered
    konnte nicht
    niet (?:worden )?(?:af)?(?:ge|be)leverd
    n'a pas pu
    no pudo ser
    nie mo[żz]na
    не(?:возможно|| может быть) достав
    无法发送
    退信
    配信できません
    送信できません
    rejected (?:recipient|by a remote)
    not able to deliver
    incorrectly constructed
    automatic bounce
    bounced
""")  # fmt: skip
_DELAY = any_of(r"""
    (?:been|is|mail|message|delivery) delayed
    delayed mail
    \(delay\)
    warning message only
    warning only
    still being retried
    may want to wait
    will (?:continue|keep|be retried)
    has not (?:yet )?been delivered
    not yet been delivered
    delivery (?:attempts )?will continue
    delivery status notification \(delay\)
    could not (?:yet )?be delivered for
""")  # fmt: skip


def _texts(mail: Mail) -> tuple[str, str]:
    text = mail.text
    if not text.strip():
        text = next((p.text for p in mail.parts if p.is_text and p.text.strip()), "")
    return before_returned(text[:40_000])


def _lines(text: str) -> Iterator[str]:
    return (line[:400] for line in text.split("\n") if not _NOT_ABOUT.match(line))


def _listed(text: str) -> list[str]:
    """Addresses that stand at the start of a line, as in every list of recipients."""
    found = (_ALONE.match(line) for line in _lines(text))
    return [_tidy(one["address"]) for one in found if one]


def _said(text: str) -> list[str]:
    """Addresses that a sentence about delivery names."""
    joined = "\n".join(_lines(text))
    joined = re.sub(r"\n[ \t]+(?=<)", " ", joined)
    return [_tidy(one["address"]) for one in _SAID.finditer(joined)]


def _transcript(text: str) -> list[str]:
    return [_tidy(one["address"]) for one in _REPLY_LINE.finditer(text)]


def _flufl(mail: Mail) -> list[str]:
    """flufl.bounce as one more detector, guarded: it raises on some mails it cannot parse."""
    logging.getLogger("flufl.bounce").disabled = True  # it logs each detector that trips
    raw = "\n".join(
        [f"{name}: {value}" for name, value in mail.headers if name != "content-type"]
        + ["", *(part.text for part in mail.parts if part.is_text and not part.inside_message)]
    )
    with contextlib.suppress(Exception):
        found = scan_message(email.message_from_string(raw[:60_000]))
        return sorted(one.decode("ascii", "replace") for one in found if b"@" in one)
    return []


def _tidy(address: str) -> str:
    return address.strip("'`.-=").rstrip(".")


def _without(addresses: tuple[str, ...], others: set[str]) -> tuple[str, ...]:
    """Each once, without the original sender and postmasters (unless nobody else is named)."""
    kept: dict[str, str] = {}
    for one in addresses:
        if one.lower() not in others:
            kept.setdefault(one.lower(), one)
    named = tuple(one for one in kept.values() if not _DAEMONS.match(one))
    return named or tuple(kept.values())


def _header_in(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.{{0,300}})$", text, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


def _original_header(mail: Mail, returned: str, name: str) -> str:
    for part in mail.parts:
        if part.content_type == "message/rfc822":
            value = next((v for k, v in part.headers if k == name), "")
            if value:
                return value
        if part.content_type in ("text/rfc822-headers", "message/rfc822-headers"):
            return _header_in(part.text, name)
    return _header_in(returned, name)


def _original_sender(mail: Mail, returned: str) -> str:
    found = ADDRESS.search(_original_header(mail, returned, "from") or mail.get("to"))
    return _tidy(found[0]).lower() if found else ""


def _original_recipient(mail: Mail, returned: str) -> tuple[str, ...]:
    found = ADDRESS.findall(_original_header(mail, returned, "to"))
    return (_tidy(found[0]),) if len(found) == 1 else ()


def _failed(address: str, text: str, *, alone: bool) -> Failed:
    """The words that stand after the address up to the next one tell why."""
    at = text.lower().find(address.lower())
    words = text if alone or at < 0 else text[at : at + 600]
    if not alone and at >= 0:
        words = _words_after(text, at, at + len(address))
    status = status_in_words(words) or status_in_words(text)
    return Failed(
        address=address,
        status=status,
        cause=cause_of(status, words),
        diagnostic=" ".join(words.split())[:300],
    )


def _words_after(text: str, at: int, end: int) -> str:
    """A transcript says it in the same line (`554 <a@b>... why`); a list below the address."""
    line = text[end : text.find("\n", end) if "\n" in text[end:] else len(text)]
    if re.match(r">?\.\.\. \S", line):
        return line
    return text[at : _next_recipient(text, end)]


def _next_recipient(text: str, start: int) -> int:
    """Where the next listed address begins: the end of what is said about this one."""
    position = text.find("\n", start)
    while 0 <= position < start + 2000:
        line = text[position + 1 : text.find("\n", position + 1)]
        if _ALONE.match(line):
            return position
        position = text.find("\n", position + 1)
    return start + 800
