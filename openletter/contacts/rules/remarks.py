"""Abuse addresses that stand in free text only: "please send abuse reports to ...".

Owns: which addresses of a remark the text itself asks abuse reports to be sent to. The words
that count are those since the last address, the last blank line and the last full stop; a label
right before the address ("Support:") counts alone; a "do not" takes it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openletter.wire import mailaddress
from openletter.wire.registry import Remark, plain

MOST_ADDRESSES = 50
LONGEST_LINE, LONGEST_CHECK = 2_000, 400
LONGEST_LABEL = 120
_ABUSE = re.compile(
    r"abus|misuse|missbrauch|misbruik|zneuzi|zneuži|nadużyc|naduzyc|злоупотреб|спам|spam|"
    r"\bhack|intrusi|attack|attaque|ataque|ddos|phish|malware|botnet|"
    r"security incident|incident|open (relay|prox)",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(do not|don'?t|never|not (?:for|to|via)|nicht|niet|ne pas|nao|não|no env[ií])\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\W*([^\W_]+(?:[\s/&,-]{1,3}[^\W_]+){0,3})\s*[:=>-]+\s*[<(\[\"'*]*$", re.ASCII
)
_CARRIES_ON = re.compile(
    r"((please|and|or|then|you can|pls)\s+)*"
    r"(contact|send|mail|e-?mail|report|write|to|via|use|at|reach|notify)\b",
    re.IGNORECASE,
)
_OTHER_DESK = re.compile(
    r"(sales|billing|finance|peering|legal|copyright|dmca|press|media|marketing|jobs|hr|privacy|"
    r"police|lawenforcement|law|subpoena|invoice|ventas|vendas)([._-].*|\d*)"
)
_CHECKED = re.compile(
    r"^[\s*#>-]{0,20}([^\s@]{1,64}@[^\s@]{1,255})\s+"
    r"(?:was validated on|(is invalid|is not valid|bounces))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[^\W\d_])")


@dataclass(frozen=True, kw_only=True)
class Mention:
    """An address in a remark; `for_abuse` if the text sends abuse reports there."""

    value: str
    for_abuse: bool
    object: str
    depth: int
    words: str
    """The words that decided, for the reason."""
    spelled: bool = False
    """Written "abuse (at) isp dot example": read back, so ranked after what stands plainly."""


def checked(remarks: Iterable[Remark]) -> dict[str, bool]:
    """What a registry says of addresses it tried: mailbox -> whether it answered (APNIC)."""
    found = {}
    for remark in remarks:
        lines = (line[:LONGEST_CHECK] for line in remark.lines if "@" in line[:LONGEST_CHECK])
        for match in filter(None, map(_CHECKED.match, lines)):
            read = mailaddress.one(match.group(1))
            if isinstance(read, mailaddress.Address):
                found[read.mailbox] = match.group(2) is None
    return found


def mentions(remark: Remark) -> Iterator[Mention]:
    """Every address of the remark, in order."""
    context, count = "", 0
    for whole in remark.lines:
        plainly = whole[:LONGEST_LINE].lower()
        line = mailaddress.spelled_out(whole[:LONGEST_LINE])
        hits = mailaddress.in_text(line)
        if not hits:
            has_words = re.search(r"[^\W\d_]{2}", line)
            context = f"{context} {line.strip()}"[-400:] if has_words else ""
            continue
        done = 0
        for place, (start, end, value) in enumerate(hits):
            count += 1
            if count > MOST_ADDRESSES:
                return
            until = hits[place + 1][0] if place + 1 < len(hits) else len(line)
            words = _words(context, line[done:start], line[end:until])
            yield Mention(
                value=value, for_abuse=_is_for_abuse(value, words), object=remark.object,
                depth=remark.depth, words=plain(words[-120:]),
                spelled=value.lower() not in plainly,
            )  # fmt: skip
            context, done = "", end


def _words(context: str, before: str, after: str) -> str:
    """What is said about the address that comes next."""
    label = _LABEL.match(before[-LONGEST_LABEL:])
    if label and not _CARRIES_ON.match(label.group(1)):
        return label.group(1).strip()
    said = f"{context} {before}".strip()
    if not re.search(r"[^\W\d_]{2}", said):
        said = after
    return _SENTENCE.split(said)[-1].strip()


def _is_for_abuse(value: str, words: str) -> bool:
    local = value.partition("@")[0].casefold()
    if _NOT.search(words):
        return False
    if "abuse" in local:
        return True
    return bool(_ABUSE.search(words)) and not _OTHER_DESK.fullmatch(local)
