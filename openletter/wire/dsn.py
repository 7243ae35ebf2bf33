"""Delivery status notifications (RFC 3464, 6533; status codes RFC 3463), read tolerantly.

Owns the fields of a `message/delivery-status` part. Refuses to guess from prose: that is the
reply rules' work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]|\.\d)")
SMTP_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?=[ \-#;:,)]|$)")


@dataclass(frozen=True, kw_only=True)
class RecipientStatus:
    """What became of one recipient, as the reporting server says it."""

    final_recipient: str = ""
    original_recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    remote_mta: str = ""

    @property
    def address(self) -> str:
        """Where it failed in the end; the original recipient where that is not said."""
        if _REAL.fullmatch(self.final_recipient):
            return self.final_recipient
        return self.original_recipient or self.final_recipient


_REAL = re.compile(r"[^@\s:]+@[^@\s]+\.[^@\s]+")
_FIELDS = {
    "final-recipient": "final_recipient",
    "original-recipient": "original_recipient",
    "x-actual-recipient": "x_actual_recipient",
    "action": "action",
    "status": "status",
    "diagnostic-code": "diagnostic",
    "remote-mta": "remote_mta",
}


def parse_report(text: str) -> tuple[RecipientStatus, ...]:
    """The per-recipient groups of a delivery-status body; the per-message group is skipped."""
    groups = (parse_group(group) for group in re.split(r"\n[ \t]*\n", text.strip()))
    return tuple(group for group in groups if group is not None)


def parse_group(text: str) -> RecipientStatus | None:
    """One group of fields, or None where it names no recipient, action or status."""
    found: dict[str, str] = {}
    for line in re.split(r"\n(?![ \t])", text):
        name, colon, value = line.partition(":")
        key = _FIELDS.get(name.strip().lower())
        if colon and key and value.strip():
            found.setdefault(key, re.sub(r"\s*\n\s*", " ", value.strip()))
    named = {"final_recipient", "original_recipient", "x_actual_recipient"} & found.keys()
    if not named and not {"action", "status"} <= found.keys():
        return None
    final = found.get("final_recipient") or found.get("x_actual_recipient", "")
    return RecipientStatus(
        final_recipient=plain_address(final),
        original_recipient=plain_address(found.get("original_recipient", "")),
        action=found.get("action", "").split()[0].lower().strip("();,")
        if found.get("action")
        else "",
        status=first_status(found.get("status", "")),
        diagnostic=found.get("diagnostic", ""),
        remote_mta=found.get("remote_mta", ""),
    )


def plain_address(value: str) -> str:
    """`rfc822; <A@b>` as `A@b`; a comment or an xtext escape is undone, the rest left alone."""
    kind, semicolon, rest = value.partition(";")
    text = rest if semicolon and re.fullmatch(r"\s*[A-Za-z0-9-]+\s*", kind) else value
    text = re.sub(r"\([^()]*\)", " ", text).strip().strip("\"'")
    angle = re.search(r"<([^<>\s]+)>", text)
    text = angle[1] if angle else text.strip("<>")
    text = re.sub(r"\+([0-9A-F]{2})", _xtext, text)
    return text.removeprefix("mailto:").removeprefix("SMTP:").removeprefix("smtp:").strip()


def _xtext(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter in "+=@" else found[0]


def first_status(text: str) -> str:
    """The first RFC 3463 code in the text, or an empty string."""
    found = STATUS.search(text)
    return f"{found[1]}.{int(found[2])}.{int(found[3])}" if found else ""


def first_smtp_code(text: str) -> str:
    """The first three-digit SMTP reply code in the text, or an empty string."""
    found = SMTP_CODE.search(text)
    return found[1] if found else ""
