"""What one question to a registry's server came to, and what servers say about coming again.

Owns: the closed set of ends that a question can have, `Retry-After` (RFC 9110 section 10.2.3:
seconds or an HTTP date), and WHOIS texts that are no data: nothing found, too many questions,
somebody else's network. Decides nothing about what is asked next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from openletter.wire.registry import IPAddress, Registration

LONGEST_WAIT = timedelta(days=1)


class End(StrEnum):
    """How one question ended."""

    FOUND = "found"
    NOTHING = "nothing"  # the registry knows of no such network
    MOVED = "moved"  # another server answers for it
    BUSY = "busy"  # asked too often or out of order: come again later
    REFUSED = "refused"  # an answer that is none: malformed, too large, of another network
    FAILED = "failed"  # no answer: away, too slow, not encrypted


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One question's end; `code` says more closely what went wrong, a word of the catalogue."""

    end: End
    server: str
    asked: str
    code: str = ""
    detail: str = ""
    registrations: tuple[Registration, ...] = ()
    moved_to: str = ""
    retry_after: timedelta | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def nearest(self) -> Registration | None:
        """The smallest network that was found."""
        return min(self.registrations, key=lambda each: each.size, default=None)


STUMBLES = (
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError,
)  # fmt: skip
"""What a reader of ours might raise over an answer that nobody thought of."""


def unusable(reply: Reply) -> Reply:
    """The same question with an answer that we stumbled over: refused, so that it is kept as such.

    It is not asked again at once, and holds up nobody else's look-up.
    """
    return Reply(
        end=End.REFUSED, server=reply.server, asked=reply.asked, code="broken-answer",
        body=reply.body,
    )  # fmt: skip


_SECONDS = re.compile(r"\d{1,10}")


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """How long a server asks to be left alone; at most a day, None where it says nothing."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text) and text.isascii():
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return max(timedelta(), min(when - now, LONGEST_WAIT))


# -- networks that answer -------------------------------------------------------------------------

_WIDEST = {4: 2**24, 6: 2**112}
"""A /8 or a /16: anything wider is a registry's own placeholder for "not ours"."""


def fits(found: Registration, asked: IPAddress | int) -> bool:
    """Whether an answer is about what was asked."""
    return found.covers_as(asked) if isinstance(asked, int) else found.covers(asked)


def is_too_wide(found: Registration) -> bool:
    """Whether a range is so wide that it says nothing of an address in it."""
    return found.first is not None and found.size > _WIDEST[found.first.version]


# -- WHOIS texts ----------------------------------------------------------------------------------

_HEAD = 20_000
_NONE = re.compile(
    r"no match(?:es)? (?:found )?for|no match!!|no entries found|no data found|"
    r"query resulted in no|^no match\b|nothing found|not found in (?:the )?database",
    re.IGNORECASE | re.MULTILINE,
)
_BUSY = re.compile(
    r"ERROR:20[1-9]:|access denied|rate limit|limit exceeded|query limit|queries? exceeded|"
    r"too many (?:queries|requests|connections)|try again later|temporarily (?:denied|unable)|"
    r"exceeded (?:the )?(?:maximum|allowed)",
    re.IGNORECASE,
)
_REFERRAL = re.compile(
    r"^(?:ReferralServer|refer|whois)\s*:\s*(?:r?whois://)?([A-Za-z0-9.-]{3,120})(?::43)?/?\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def says_nothing_found(text: str) -> bool:
    """A WHOIS server knows no such network."""
    return bool(_NONE.search(text[:_HEAD]))


def says_too_often(text: str) -> bool:
    """A WHOIS server wants to be asked less often; only its comment lines and short texts count.

    A network's remarks may hold the same words.
    """
    head = text[:_HEAD]
    spoken = "\n".join(line for line in head.splitlines() if line.lstrip()[:1] in ("%", "#"))
    return bool(_BUSY.search(spoken if len(text) > 400 else head))


def referral(text: str) -> str | None:
    """The host of the last referral; RWHOIS and other ports are left alone."""
    found = [
        match.group(1).lower().rstrip(".")
        for match in _REFERRAL.finditer(text[:_HEAD])
        if "rwhois://" not in match.group(0).lower()
    ]
    return found[-1] if found else None
