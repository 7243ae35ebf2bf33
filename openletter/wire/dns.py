"""DNS messages (RFC 1035, 2181, 2308, 6891): questions are built, answers are read strictly. Pure.

An answer is believed only as far as it answers the question: records of other names are left
out, an alias is followed inside the message and only so far. Whatever a peer writes ends as a
`Reply` or as `Garbled`, never as an exception. Reading is linear in the message and keeps nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple


class Type(IntEnum):
    """What is asked for; other types of records are kept as bytes."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    MX = 15
    TXT = 16
    AAAA = 28


class Rcode(IntEnum):
    """How a server answered; servers may know further numbers."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5


class Mx(NamedTuple):
    preference: int
    host: str


class Soa(NamedTuple):
    """`rname` is a mailbox with its first dot for the at sign."""

    mname: str
    rname: str
    serial: int
    minimum: int


Value = str | bytes | Mx | Soa


class Record(NamedTuple):
    """A: dotted quad; AAAA: RFC 5952; NS, CNAME, PTR: a name; TXT and unknown types: bytes."""

    name: str
    type: int
    ttl: int
    value: Value


class Reply(NamedTuple):
    """A server's answer to our question.

    `answers` are of the asked type and of the asked name or of what it is an alias for.
    `negative_ttl` says how long "no such thing" holds (RFC 2308), where the answer says so.
    """

    rcode: int
    answers: tuple[Record, ...] = ()
    aliases: tuple[str, ...] = ()
    negative_ttl: int | None = None
    is_truncated: bool = False
    is_authoritative: bool = False

    @property
    def ttl(self) -> int:
        """How long all of the answer holds."""
        return min((record.ttl for record in self.answers), default=0)


class Garbled(NamedTuple):
    """The message cannot be read as an answer; `why` is for logs."""

    why: str


class BadNameError(ValueError):
    """No name that can be asked for."""


class _UnreadableError(Exception):
    """Ends here; the message is garbled."""


_HEAD = struct.Struct("!HHHHHH")
_QUESTION_END = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_SOA_END = struct.Struct("!IIIII")
_IN, _OPT = 1, 41
_QR, _OPCODE, _AA, _TC, _RD = 0x8000, 0x7800, 0x0400, 0x0200, 0x0100
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_TTL = 255, 63, 2**31 - 1
_MOST_RECORDS, _MOST_ALIASES = 500, 8
_PLAIN = re.compile(rb"[A-Za-z0-9_/*+=-]+")
_OCTETS = tuple(bytes([len(text), *text.encode()]) for text in map(str, range(256)))
_NIBBLES = tuple(bytes([1, ord(digit)]) for digit in "0123456789abcdef")
UDP_SIZE = 1232
"""What fits into one packet nearly everywhere; offered where EDNS is used."""


# -- questions -----------------------------------------------------------------------------------


def question(name: str, kind: Type) -> bytes:
    """The question section for a name; BadNameError where it cannot be one."""
    return encode_name(name) + _QUESTION_END.pack(kind, _IN)


def query(number: int, asked: bytes, *, udp_size: int = 0) -> bytes:
    """A whole message that asks for recursion; `udp_size` adds an EDNS record offering so much."""
    if not udp_size:
        return _HEAD.pack(number, _RD, 1, 0, 0, 0) + asked
    edns = b"\0" + _RECORD.pack(_OPT, udp_size, 0, 0)
    return _HEAD.pack(number, _RD, 1, 0, 0, 1) + asked + edns


@lru_cache(maxsize=1024)
def encode_name(name: str) -> bytes:
    """The wire form of a plain ASCII name (international ones as A-labels), with or without dot."""
    plain = name.removesuffix(".")
    if not plain:
        return b"\0"
    try:
        labels = [label.encode("ascii") for label in plain.split(".")]
    except UnicodeEncodeError:
        raise BadNameError("not ASCII") from None
    if not all(0 < len(label) <= _LONGEST_LABEL and _PLAIN.fullmatch(label) for label in labels):
        raise BadNameError("a label is empty, too long, or holds odd characters")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > _LONGEST_NAME:
        raise BadNameError("longer than 255 octets")
    return wire


def listing_question(address: IPv4Address | IPv6Address, zone: bytes, kind: Type) -> bytes:
    """Ask a zone (as `encode_name` gives it) about an address: RFC 5782 sections 2.1 and 2.4."""
    wire = _reversed(address) + zone
    if len(wire) > _LONGEST_NAME:
        raise BadNameError("longer than 255 octets")
    return wire + _QUESTION_END.pack(kind, _IN)


def _reversed(address: IPv4Address | IPv6Address) -> bytes:
    if address.version == 4:
        one, two, three, four = address.packed
        return _OCTETS[four] + _OCTETS[three] + _OCTETS[two] + _OCTETS[one]
    return b"".join(
        _NIBBLES[octet & 15] + _NIBBLES[octet >> 4] for octet in reversed(address.packed)
    )


def reversed_name(address: IPv4Address | IPv6Address, zone: str = "") -> str:
    """`7.2.0.192.zone`, or 32 nibbles; without a zone the name that a PTR record has."""
    home = zone or ("in-addr.arpa" if address.version == 4 else "ip6.arpa")
    labels = address.reverse_pointer.split(".")[:-2]
    return f"{'.'.join(labels)}.{home}"


# -- answers -------------------------------------------------------------------------------------


def is_answer_to(message: bytes, asked: bytes) -> bool:
    """Whether a message is a response to this question, whatever it says.

    The number in front is for whoever sent the question to compare.
    """
    end = 12 + len(asked)
    if len(message) < end or message[2] & 0xF8 != 0x80 or message[4:6] != b"\0\1":
        return False
    return message[12:end] == asked or _same_name(message[12:end], asked)


def _same_name(one: bytes, other: bytes) -> bool:
    """A server may answer in other capitals, but not about another type."""
    return one[-4:] == other[-4:] and one.lower() == other.lower()


def read_reply(message: bytes, asked: bytes) -> Reply | Garbled:
    """What the message says about the question; the caller has seen that it is an answer to it."""
    _, flags, _, answers, authority, additional = _HEAD.unpack_from(message)
    rcode = flags & 15
    if flags & _TC:
        return Reply(rcode=rcode, is_truncated=True)
    if answers + authority + additional > _MOST_RECORDS:
        return Garbled("too many records")
    try:
        said = _Sections(message, 12 + len(asked))
        found = said.records(answers)
        negative = said.negative_ttl(authority)
        upper = said.upper_rcode(additional)
        if said.at != len(message):
            return Garbled("bytes behind the last record")
        kind = _QUESTION_END.unpack(asked[-4:])[0]
        told, aliases = _answering(found, said.name(12)[0], kind) if found else ((), ())
    except (_UnreadableError, struct.error, IndexError, ValueError) as problem:
        return Garbled(str(problem) or "cut off")
    return Reply(
        rcode=rcode | upper << 4,
        answers=told,
        aliases=aliases,
        negative_ttl=negative,
        is_authoritative=bool(flags & _AA),
    )


class _Sections:
    """Reads records one after the other; `at` is how far it has come."""

    __slots__ = ("at", "message")

    def __init__(self, message: bytes, at: int) -> None:
        self.message, self.at = message, at

    def records(self, count: int) -> list[Record]:
        """The next records of class IN, read in full."""
        found = []
        for _ in range(count):
            at = self.at
            kind, group, ttl, start, end = self._next()
            if group == _IN:
                found.append(Record(self.name(at)[0], kind, ttl, self._value(kind, start, end)))
        return found

    def negative_ttl(self, count: int) -> int | None:
        """What the SOA among the next records allows (RFC 2308 section 5)."""
        found = None
        for _ in range(count):
            kind, group, ttl, start, end = self._next()
            if kind == Type.SOA and group == _IN and found is None:
                found = min(ttl, self._minimum(start, end))
        return found

    def upper_rcode(self, count: int) -> int:
        """The upper bits of the code that EDNS carries; other additional records are skipped."""
        found = 0
        for _ in range(count):
            begin = self.at
            kind, _, _, start, _ = self._next()
            if kind == _OPT and self.message[begin] == 0:
                found = self.message[start - 6]
        return found

    def _next(self) -> tuple[int, int, int, int, int]:
        """Step over the next record; names that nobody reads are not put together."""
        at = self._behind_name(self.at)
        kind, group, ttl, length = _RECORD.unpack_from(self.message, at)
        start = at + _RECORD.size
        self.at = start + length
        if self.at > len(self.message):
            raise _UnreadableError("a record goes beyond the end")
        return kind, group, ttl if ttl <= _LONGEST_TTL else 0, start, self.at

    def _behind_name(self, at: int) -> int:
        message, begin = self.message, at
        while length := message[at]:
            if length >= 0xC0:
                if ((length & 0x3F) << 8 | message[at + 1]) >= begin:
                    raise _UnreadableError("a pointer that does not lead back")
                return at + 2
            if length > _LONGEST_LABEL:
                raise _UnreadableError("a label of a reserved kind")
            at += length + 1
        if at - begin >= _LONGEST_NAME:
            raise _UnreadableError("a name that is too long")
        return at + 1

    def name(self, at: int) -> tuple[str, int]:
        """A name in its printed form and where it ends; pointers lead strictly backwards."""
        labels: list[str] = []
        size, end, before, message = 1, -1, at, self.message
        while length := message[at]:
            if length >= 0xC0:
                to = (length & 0x3F) << 8 | message[at + 1]
                end = at + 2 if end < 0 else end
                if to >= before:
                    raise _UnreadableError("a pointer that does not lead back")
                at = before = to
                continue
            size += length + 1
            if length > _LONGEST_LABEL or size > _LONGEST_NAME:
                raise _UnreadableError("a name that is too long")
            label = message[at + 1 : at + 1 + length]
            if len(label) < length:
                raise _UnreadableError("a name goes beyond the end")
            labels.append(_printed(label))
            at += length + 1
        return ".".join(labels), at + 1 if end < 0 else end

    def _value(self, kind: int, start: int, end: int) -> Value:
        raw = self.message[start:end]
        if kind == Type.A:
            return _quad(raw)
        if kind in {Type.NS, Type.CNAME, Type.PTR}:
            return self._whole_name(start, end)
        if kind == Type.TXT:
            return _strings(raw)
        if kind == Type.MX:
            return Mx(int.from_bytes(raw[:2]), self._whole_name(start + 2, end))
        if kind == Type.SOA:
            return self._soa(start, end)
        if kind == Type.AAAA:
            return str(IPv6Address(raw))
        return raw

    def _whole_name(self, start: int, end: int) -> str:
        name, stop = self.name(start)
        if stop != end:
            raise _UnreadableError("a name that does not fill its record")
        return name

    def _minimum(self, start: int, end: int) -> int:
        """The last number of a SOA record, whoever it names."""
        at = self._behind_name(self._behind_name(start))
        if at + _SOA_END.size != end:
            raise _UnreadableError("a SOA record of the wrong length")
        minimum: int = _SOA_END.unpack_from(self.message, at)[4]
        return minimum

    def _soa(self, start: int, end: int) -> Soa:
        mname, at = self.name(start)
        rname, at = self.name(at)
        if at + _SOA_END.size != end:
            raise _UnreadableError("a SOA record of the wrong length")
        serial, _, _, _, minimum = _SOA_END.unpack_from(self.message, at)
        return Soa(mname, rname, serial, minimum)


@lru_cache(maxsize=4096)
def _printed(label: bytes) -> str:
    r"""Odd octets as `\DDD`, a dot inside a label as `\.` (RFC 1035 section 5.1)."""
    if _PLAIN.fullmatch(label):
        return label.decode("ascii")
    return "".join(
        f"\\{octet:03}" if not 0x21 <= octet <= 0x7E else _quoted(chr(octet)) for octet in label
    )


def _quoted(character: str) -> str:
    return f"\\{character}" if character in '.\\"();@$' else character


def _quad(raw: bytes) -> str:
    if len(raw) != 4:
        raise _UnreadableError("an A record of the wrong length")
    return f"{raw[0]}.{raw[1]}.{raw[2]}.{raw[3]}"


def _strings(raw: bytes) -> bytes:
    """The character strings of a TXT record, put together."""
    pieces, at = [], 0
    while at < len(raw):
        piece = raw[at + 1 : at + 1 + raw[at]]
        if len(piece) < raw[at]:
            raise _UnreadableError("a text that goes beyond its record")
        pieces.append(piece)
        at += 1 + len(piece)
    if not pieces:
        raise _UnreadableError("an empty TXT record")
    return b"".join(pieces)


def _answering(
    records: Sequence[Record], name: str, kind: int
) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """The records that answer the question, and the aliases on the way to them."""
    aliases: list[str] = []
    wanted = name.lower()
    while True:
        told = tuple(one for one in records if one.type == kind and one.name.lower() == wanted)
        alias = next(
            (one.value for one in records if one.type == Type.CNAME and one.name.lower() == wanted),
            None,
        )
        if told or not isinstance(alias, str):
            return told, tuple(aliases)
        if len(aliases) >= _MOST_ALIASES or alias in aliases:
            raise _UnreadableError("aliases without an end")
        aliases.append(alias)
        wanted = alias.lower()
