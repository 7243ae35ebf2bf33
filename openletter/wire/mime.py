"""Reading a mail that somebody hostile may have written (RFC 5322, 2045-2047, 2231).

Owns: headers, the tree of parts as a flat list, decoded text. Refuses: to recurse without
bound, to raise on anything a peer may send, to unpack archives. Time and memory are linear
in the size of the mail; what is cut short is named in `Mail.problems`.
"""

from __future__ import annotations

import binascii
import codecs
import email.header
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a mail is read (mail.md section 6)."""

    depth: int = 10
    parts: int = 100
    header_bytes: int = 256 * 1024
    decoded_factor: int = 10


@dataclass(frozen=True, kw_only=True)
class Part:
    """A leaf of the mail, or the head of an attached message (`message/rfc822`)."""

    content_type: str
    params: dict[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    depth: int = 0
    inside_message: bool = False
    is_broken: bool = False
    """Its base64 holds what is none, or ends too early: the body is not what was sent."""

    @property
    def is_text(self) -> bool:
        return self.content_type.startswith("text/")

    @cached_property
    def text(self) -> str:
        """The body as text with Unix line ends; bytes that are none become U+FFFD."""
        text = _decode_charset(self.body, self.params.get("charset", "utf-8"))
        return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail as read: decoded headers in order, leaves in order, what was wrong with it."""

    headers: tuple[tuple[str, str], ...]
    content_type: str
    params: dict[str, str]
    parts: tuple[Part, ...]
    problems: tuple[str, ...]

    def get(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        low = name.lower()
        return next((value for key, value in self.headers if key == low), "")

    @cached_property
    def text(self) -> str:
        """What a person would read first: plain text parts outside attached messages."""
        plain = [
            p.text for p in self.parts if p.content_type == "text/plain" and not p.inside_message
        ]
        if any(map(str.strip, plain)):
            return "\n".join(plain)
        html = [
            p.text for p in self.parts if p.content_type == "text/html" and not p.inside_message
        ]
        return "\n".join(map(strip_tags, html))


def read_mail(raw: bytes, limits: Limits = Limits()) -> Mail:
    """Never raises; a mail of no known form is one text part."""
    reader = _Reader(limits, budget=max(len(raw), 1024) * limits.decoded_factor)
    raw = _without_envelope_line(raw)
    headers, body = reader.split(raw)
    content_type, params = parse_content_type(_first(headers, "content-type"))
    reader.walk(headers, body, depth=0, inside=False)
    return Mail(
        headers=tuple((name, decode_words(value)) for name, value in headers),
        content_type=content_type,
        params=params,
        parts=tuple(reader.parts),
        problems=tuple(dict.fromkeys(reader.problems)),
    )


_ENVELOPE_LINE = re.compile(rb"\A(?:\s*\r?\n)*(?:From [^\r\n]*\r?\n)?")
_HEADER = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_SEEN_BOUNDARY = re.compile(rb"(?im)^--([^\r\n]{1,200}?)[ \t]*\r?\nContent-")
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")


def _without_envelope_line(raw: bytes) -> bytes:
    """Blank lines and an mbox `From ` line before the headers are not part of the mail."""
    found = _ENVELOPE_LINE.match(raw)
    return raw[found.end() :] if found else raw


class _Reader:
    """Walks the parts with a budget; keeps leaves and problems."""

    def __init__(self, limits: Limits, *, budget: int) -> None:
        self.limits = limits
        self.budget = budget
        self.parts: list[Part] = []
        self.problems: list[str] = []
        self._header_bytes = limits.header_bytes

    def split(self, raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
        """Header fields (lower-case name, unfolded raw value) and the body."""
        if raw[:1] in b"\r\n":
            return [], raw
        end = _BLANK.search(raw)
        head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
        if len(head) > self._header_bytes:
            self.problems.append("headers-cut")
            head = head[: self._header_bytes]
        self._header_bytes -= len(head)
        fields: list[tuple[str, str]] = []
        for line in re.split(rb"\r?\n(?![ \t])", head):
            found = _HEADER.match(line)
            if found:
                name, value = found[1].decode("ascii").lower(), _header_text(found[2])
                fields.append((name, re.sub(r"[\r\n]+[ \t]*", " ", value).strip()))
        if not fields:
            return [], raw
        return fields, body

    def walk(
        self, headers: list[tuple[str, str]], body: bytes, *, depth: int, inside: bool
    ) -> None:
        """Adds the leaves of one entity."""
        if len(self.parts) >= self.limits.parts:
            self.problems.append("parts-cut")
            return
        content_type, params = parse_content_type(_first(headers, "content-type"))
        nests = content_type.startswith("multipart/") or content_type == "message/rfc822"
        if nests and depth >= self.limits.depth:
            self.problems.append("depth-cut")
            nests = False
        boundary = params.get("boundary", "").encode("utf-8", "replace")
        if nests and content_type.startswith("multipart/"):
            self._walk_multipart(body, boundary, depth=depth, inside=inside)
        elif nests and content_type == "message/rfc822":
            self._walk_message(headers, params, body, depth=depth)
        else:
            self._leaf(content_type, headers, params, body, depth=depth, inside=inside)

    def _walk_multipart(self, body: bytes, boundary: bytes, *, depth: int, inside: bool) -> None:
        pieces = (
            [body] if not boundary else list(_pieces(body, boundary, most=self.limits.parts + 1))
        )
        if len(pieces) == 1:  # the boundary never occurs: the one that does, or plain text
            other = _SEEN_BOUNDARY.search(body)
            if other is None:
                self._leaf("text/plain", [], {}, body, depth=depth, inside=inside)
                return
            pieces = list(_pieces(body, other[1], most=self.limits.parts + 1))
        if len(pieces) > self.limits.parts:
            self.problems.append("parts-cut")
        preamble = pieces[0].strip()
        if preamble and len(pieces) > 1 and not depth:
            self._leaf("text/x-preamble", [], {}, preamble, depth=depth, inside=True)
        for piece in pieces[1:]:
            headers, content = self.split(piece)
            self.walk(headers, content, depth=depth + 1, inside=inside)

    def _walk_message(
        self, headers: list[tuple[str, str]], params: dict[str, str], body: bytes, *, depth: int
    ) -> None:
        raw = self._decoded(headers, body)
        inner, content = self.split(_without_envelope_line(raw))
        self.parts.append(
            Part(
                content_type="message/rfc822",
                params=params,
                headers=tuple((name, decode_words(value)) for name, value in inner),
                depth=depth,
                inside_message=True,
            )
        )
        self.walk(inner, content, depth=depth + 1, inside=True)

    def _leaf(
        self,
        content_type: str,
        headers: list[tuple[str, str]],
        params: dict[str, str],
        body: bytes,
        *,
        depth: int,
        inside: bool,
    ) -> None:
        self.parts.append(
            Part(
                content_type=content_type,
                params=params,
                headers=tuple((name, decode_words(value)) for name, value in headers),
                body=self._decoded(headers, body),
                depth=depth,
                inside_message=inside,
                is_broken=_is_broken(body, _first(headers, "content-transfer-encoding")),
            )
        )

    def _decoded(self, headers: list[tuple[str, str]], body: bytes) -> bytes:
        if self.budget <= 0:
            self.problems.append("decoded-cut")
            return b""
        plain = _decode_transfer(body, _first(headers, "content-transfer-encoding"))[: self.budget]
        self.budget -= len(plain)
        return plain


def _pieces(body: bytes, boundary: bytes, *, most: int) -> Iterator[bytes]:
    """What stands before, between and inside the boundary lines; the epilogue is dropped."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
    start = 0
    for count, found in enumerate(line.finditer(body), start=1):
        yield body[start : found.start()]
        start = found.end()
        if found[1] or count >= most:
            return
    yield body[start:]


def _first(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key == name), "")


# -- decoding -----------------------------------------------------------------------------------

_PARAM = re.compile(r';\s*([A-Za-z0-9_.-]+)(?:\*\d*\*?)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """`type/subtype` in lower case and its parameters; nonsense reads as text/plain."""
    kind = value.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind):
        kind = "text/plain"
    params: dict[str, str] = {}
    for found in _PARAM.finditer(value[:4000]):
        text = found[2] if found[2] is not None else found[3]
        params.setdefault(found[1].lower(), re.sub(r"\\(.)", r"\1", text))
    return kind, params


def _header_text(value: bytes) -> str:
    """Raw 8-bit headers exist: UTF-8 where it is, else Latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


_ENCODED = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=")


def decode_words(value: str) -> str:
    """RFC 2047 encoded words; a broken one stays as it was written."""
    if "=?" not in value or not _ENCODED.search(value):
        return value
    try:
        chunks = email.header.decode_header(value)
    except (HeaderParseError, ValueError, binascii.Error):
        return value
    return "".join(
        chunk if isinstance(chunk, str) else _decode_charset(chunk, charset or "latin-1")
        for chunk, charset in chunks
    )


NO_CHARSETS = frozenset(
    {
        "idna", "punycode", "undefined", "unicode_escape", "unicode-escape",
        "raw_unicode_escape", "raw-unicode-escape",
    }
)  # fmt: skip
"""Python's own notations, by each name it gives them: a mail may name them, none is written so."""


def _decode_charset(body: bytes, charset: str) -> str:
    name = charset.strip().strip("\"'").lower()[:40]
    try:
        codec = codecs.lookup(name.partition("*")[0] or "utf-8")
    except (LookupError, ValueError):
        return _guessed(body)
    if not getattr(codec, "_is_text_encoding", True) or codec.name in NO_CHARSETS:
        return _guessed(body)
    if codec.name in ("ascii", "utf-8"):
        return _guessed(body)
    try:
        return codec.decode(body, "replace")[0]
    except (UnicodeError, ValueError):
        return _guessed(body)


def _guessed(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _decode_transfer(body: bytes, encoding: str) -> bytes:
    kind = encoding.strip().lower().strip("\"'")
    if kind == "base64":
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body.partition(b"=")[0])
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4] + _tail(clean))
    if kind == "quoted-printable":
        return binascii.a2b_qp(body)
    return body


_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]*(?:=\s*){0,2}")


def _is_broken(body: bytes, encoding: str) -> bool:
    if encoding.strip().lower().strip("\"'") != "base64":
        return False
    return not _BASE64.fullmatch(body) or len(b"".join(body.split())) % 4 != 0


def _tail(clean: bytes) -> bytes:
    """The last, incomplete quantum of base64, padded; one lone character says nothing."""
    rest = clean[len(clean) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


_DROPPED = re.compile(r"<(script|style|head|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"(?i)<(?:br|p|div|tr|li|h\d|table|blockquote)\b[^<>]*>|</(?:p|div|tr|li)>")
_ENTITIES = {
    "&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#64;": "@",
    "&amp;": "&",
}  # fmt: skip


def strip_tags(html: str) -> str:
    """HTML as lines of text, for reading only: nothing is rendered or fetched."""
    text = _BREAK.sub("\n", _DROPPED.sub(" ", html))
    text = re.sub(r"<[^<>]*>", "", text)
    for entity, plain in _ENTITIES.items():
        text = text.replace(entity, plain)
    return text
