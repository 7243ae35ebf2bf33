"""A letter from its skeletons, signed: the short way for all that a campaign writes many times.

What comes out is byte for byte what `text.write` and `message.build` make; whatever has no
skeleton, or is not what a slot is for, goes that way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, lru_cache

from openletter.letters.rules import marks
from openletter.letters.rules.author import Author
from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import SigningKey, canonical, names_of, relaxed
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.letters.rules.filed import Filed, Filer
from openletter.letters.rules.headers import header
from openletter.letters.rules.kept import UnlearntError
from openletter.letters.rules.message import (
    END,
    MIXED,
    Addressing,
    Message,
    Unsigned,
    addr_spec,
    headers_of,
    part_head,
    plain_text,
    text_parts,
    unsigned,
)
from openletter.letters.rules.skeleton import Composer, Spliced
from openletter.letters.rules.slots import Template, Values, proven
from openletter.letters.rules.text import Written

_KEPT = 1024
_EOL = b"\r\n"
_SUBJECT = "Subject-of-the-letter"
_STRICT = re.compile(
    r"[a-z]{1,12}\+[a-z2-7]{20}@([!-~]+)\n[a-z]{1,12}\+[a-z2-7]{20}@([!-~]+)"
    r"\n<[!-;@-~]+>\n[!-<>-~]+(?:\n<[!-;@-~]+>)?"
)
"""Address for answers, address to stop, Message-ID, link to stop; then the first letter's id."""
_MOMENTS = (
    datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2012, 11, 20, 19, 18, 17, tzinfo=UTC),
)


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The header fields as printed and in relaxed form; the subject's own go in as a value."""

    printed: Template
    canonical: Template
    names: bytes


class Splicer:
    """Writes and signs letters, the short way where there is one."""

    def __init__(self, author: Author, *, eager: bool = False) -> None:
        self._author = author
        self.composer = Composer(author, eager=eager)
        self.filer = Filer(author, eager=eager)
        self._heads: dict[Hashable, _Head | None] = {}

    def message(self, facts: LetterFacts, to: Addressing, *, keys: Sequence[SigningKey]) -> Message:
        """The letter as bytes, signed with every key."""
        return self.unsigned(facts, to).sign(keys)

    def unsigned(self, facts: LetterFacts, to: Addressing) -> Unsigned:
        """The letter without signatures: compose many, then sign them, and both stay in cache."""
        try:
            made = self.short(facts, to)
        except UnlearntError:
            made = None
        return made or unsigned(self._author.write(facts), to)

    def short(self, facts: LetterFacts, to: Addressing) -> Unsigned | None:
        """From templates as far as there are any; its files, or else its text, need one."""
        values, cards = marks.letter_values(facts), marks.cards_of(facts)
        if values is None or cards is None or to.languages != facts.languages:
            return None
        spliced = self.composer.fill(facts, values, cards)
        files = self.filer.files(facts, values, cards) if facts.has_files else []
        if files is None or (spliced is None and not files):
            return None
        said = spliced or _written_out(self._author.letter(facts), facts)
        return self._short(_with_files(said, files), to)

    def _short(self, spliced: Spliced, to: Addressing) -> Unsigned | None:
        values = _values(to)
        head = None if values is None else self._head(spliced.encoding, to)
        if values is None or head is None:
            return None
        at = int(to.date.timestamp())
        own = (*values, _date(at))
        body = spliced.body
        return Unsigned(
            subject=spliced.subject,
            names=head.names,
            canonical=head.canonical.fill((*own, spliced.relaxed)),
            head=head.printed.fill((*own, spliced.field)),
            body=body,
            body_sha256=hashlib.sha256(body).digest(),
            at=at,
        )

    def _head(self, encoding: str, to: Addressing) -> _Head | None:
        key = (
            encoding, to.sender_name, to.sender_address, to.feedback_id, to.languages,
            bool(to.thread), len(to.stop_url), len(to.stop_mailto),
        )  # fmt: skip
        if key not in self._heads:
            if len(self._heads) >= _KEPT:
                self._heads.clear()
            self._heads[key] = _learn(encoding, to)
        return self._heads[key]


def _written_out(written: Written, facts: LetterFacts) -> Spliced:
    """A text that has no skeleton, in parts."""
    field = header("Subject", written.subject)
    parts = []
    for fields, text in text_parts(written.body, facts.languages):
        encoding, octets = encode_text(text)
        parts.append(part_head((*fields, ("Content-Transfer-Encoding", encoding))) + octets + _EOL)
    return Spliced(
        subject=written.subject, field=field, relaxed=relaxed(field), encoding="",
        body=b"".join(parts),
    )  # fmt: skip


def _with_files(spliced: Spliced, files: Sequence[Filed]) -> Spliced:
    """The whole body, up to its last line."""
    if spliced.encoding and not files:
        return spliced
    said: list[bytes] = []
    if spliced.encoding:
        said += (_text_head(spliced.encoding), spliced.body, _EOL)
    else:
        said.append(spliced.body)
    for file in files:
        said += (file.head, file.octets, _EOL)
    return replace(spliced, encoding="", body=b"".join((*said, END)))


@cache
def _text_head(encoding: str) -> bytes:
    return part_head(plain_text(encoding))


def _values(to: Addressing) -> tuple[bytes, ...] | None:
    """What is one letter's own in its headers; nothing where it isn't what a header slot takes."""
    thread, own = to.thread, f"{to.reply_to}\n{to.stop_mailto}\n{to.message_id}\n{to.stop_url}"
    found = _STRICT.fullmatch(own if not thread else f"{own}\n{thread}")
    if found is None or not (_is_plain_domain(found[1]) and _is_plain_domain(found[2])):
        return None
    values = (
        addr_spec(to.recipient), to.reply_to, to.message_id, to.stop_url, to.stop_mailto, thread,
    )  # fmt: skip
    return tuple([value.encode() for value in values])


@lru_cache(maxsize=1024)
def _is_plain_domain(domain: str) -> bool:
    try:
        return addr_spec(f"x@{domain}") == f"x@{domain}"
    except LetterError:
        return False


@lru_cache(maxsize=64)
def _date(at: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(at, UTC)).encode()


def _subject(subject: str) -> tuple[bytes, bytes]:
    field = header("Subject", subject)
    return field, relaxed(field)


def _learn(encoding: str, to: Addressing) -> _Head | None:
    """The fields with marks in the places of the values, proven with other marks."""
    hands = [_marked(to, sign, moment) for sign, moment in zip("qj", _MOMENTS, strict=True)]
    content = plain_text(encoding) if encoding else MIXED
    fields = [headers_of(_SUBJECT, one, content) for one in hands]
    marks = [_marks_of(one) for one in hands]
    printed = _both(
        [b"".join(field for _, field in each) for each in fields], marks, _SUBJECT_AS[0]
    )
    in_relaxed_form = _both([canonical(each) for each in fields], marks, _SUBJECT_AS[1])
    if printed is None or in_relaxed_form is None:
        return None
    names = names_of(name for name, _ in fields[0])
    return _Head(printed=printed, canonical=in_relaxed_form, names=names)


_SUBJECT_AS = _subject(_SUBJECT)


def _marked(to: Addressing, sign: str, moment: datetime) -> Addressing:
    return replace(
        to,
        recipient=f"{sign}1@{sign}1.example",
        reply_to=f"{sign}2@{sign}2.example",
        message_id=f"<{sign}3@{sign}3.example>",
        thread=f"<{sign}6@{sign}6.example>" if to.thread else "",
        stop_url=f"{sign}4".ljust(len(to.stop_url), sign),
        stop_mailto=f"{sign}5@{sign}5.example".rjust(len(to.stop_mailto), sign),
        date=moment,
    )


def _marks_of(to: Addressing) -> tuple[bytes, ...]:
    own = (to.recipient, to.reply_to, to.message_id, to.stop_url, to.stop_mailto, to.thread)
    return (*(one.encode() for one in own), _date(int(to.date.timestamp())))


def _both(octets: Sequence[bytes], marks: Sequence[Values], subject: bytes) -> Template | None:
    first, second = ((*each, subject) for each in marks)
    return proven(octets, (first, second))
