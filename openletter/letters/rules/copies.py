"""What a mail in a journal mailbox is a copy of. Pure; the mail may be anybody's.

A submission service sends a copy of each letter to a mailbox of ours. It may have written another
Message-ID, or have wrapped the letter in a report: then the token in Reply-To ties it, or the
reference in the subject together with the recipient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from openletter.wire.mime import Mail
from openletter.words import SECRET, parse_reference

_MESSAGE_ID = re.compile(r"<[^<>\s]{3,190}>")
_TOKEN = re.compile(rf"(?i)\breply\+({SECRET.pattern})@")
_REFERENCE = re.compile(r"\[(?:ref )?([0-9A-Za-z]{4}-[0-9A-Za-z]{4})\]")
_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}")
_NAMED = ("to", "resent-to", "x-original-to", "delivered-to")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What one mail says that only a letter of ours says."""

    message_ids: frozenset[str]
    tokens: frozenset[str]
    references: frozenset[str]
    recipients: frozenset[str]


def copy_of(mail: Mail) -> Copy:
    """Its own headers, and those of every mail attached to it."""
    attached = (part.headers for part in mail.parts if part.content_type == "message/rfc822")
    heads = [mail.headers, *attached]
    return Copy(
        message_ids=_found(_MESSAGE_ID, heads, ("message-id", "x-original-message-id")),
        tokens=frozenset(one.lower() for one in _found(_TOKEN, heads, ("reply-to",))),
        references=frozenset(
            read
            for one in _found(_REFERENCE, heads, ("subject",))
            if (read := parse_reference(one)) is not None
        ),
        recipients=frozenset(one.lower() for one in _found(_ADDRESS, heads, _NAMED)),
    )


def _found(
    pattern: re.Pattern[str],
    heads: Iterable[Iterable[tuple[str, str]]],
    names: tuple[str, ...],
) -> frozenset[str]:
    values = (value for head in heads for name, value in head if name in names)
    return frozenset(one for value in values for one in pattern.findall(value[:10_000]))
