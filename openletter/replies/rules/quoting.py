"""Where a writer's own words end and a quoted or returned message begins."""

from __future__ import annotations

import re

_RETURNED = re.compile(
    r"^[ \t]*(?:"
    r"-{2,}.{0,60}(?:copy of (?:the|your) message|original message|returned message|message header"
    r"|header of the original|below this line|below the next line|unsent message|undelivered"
    r"|mensaje original|original follows|message follows|copy of message|text follows"
    r"|start of returned message|message is in attachment).{0,60}"
    r"|original message:|original message (?:follows|headers?|details).{0,40}"
    r"|message headers? follow.{0,20}|(?:a )?copy of the original message.{0,40}"
    r"|here is a copy of .{0,80}|included is a copy.{0,60}|the first \d+ lines of .{0,60}"
    r"|received:.{0,200}|return-path:.{0,200}|your original message.{0,40}"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(
    r"^(?:"
    r"[ \t]*>.*"
    r"|-{2,} ?(?:original message|forwarded message|oorspronkelijk bericht|doorgestuurd bericht"
    r"|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale) ?-{2,}.*"
    r"|on .{5,120} wrote:[ \t]*"
    r"|op .{5,120} schreef.{0,120}:[ \t]*"
    r"|am .{5,120} schrieb.{0,120}:[ \t]*"
    r"|le .{5,120} a écrit ?:[ \t]*"
    r"|el .{5,120} escribió:[ \t]*"
    r"|(?:from|van|von|de): .{3,200}\n(?:sent|date|verzonden|datum|gesendet|envoyé|enviado).{0,200}"
    r"|_{10,}[ \t]*"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(r"^-- $", re.MULTILINE)
MOST = 20_000


def before_returned(text: str) -> tuple[str, str]:
    """A bounce's own words, and the returned message below them."""
    found = _RETURNED.search(text, pos=1) if text else None
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


def new_words(text: str) -> str:
    """A reply without quoted lines and signature; what stands between quotes stays."""
    text = text[:MOST]
    header = re.search(_QUOTED.pattern.replace(r"[ \t]*>.*|", ""), text, _QUOTED.flags)
    if header:
        text = text[: header.start()]
    text = _SIGNATURE.split(text, maxsplit=1)[0]
    kept = [line.rstrip() for line in text.split("\n") if not line.lstrip().startswith(">")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
