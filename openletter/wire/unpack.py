"""Plain, gzip and zip files as named streams of bytes, within limits, checked before they are read.

A damaged or suspicious archive is refused as a whole before a single row of it is judged: `parts`
reads everything once to the end (checksums, sizes, ratio) and only then hands the parts out.
Names inside an archive are labels. They are never used as paths.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from openletter.wire.visible import visible

CHUNK = 1 << 16
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
PACKED = (_GZIP, *_ZIP)
"""How the files begin that are unpacked here."""
_NOT_READ = {
    b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"7z\xbc\xaf\x27\x1c": "7-zip",
    b"Rar!\x1a\x07": "rar", b"\x28\xb5\x2f\xfd": "zstd", b"SQLite format 3": "sqlite",
    b"%PDF-": "pdf", b"PAR1": "parquet", b"\xd0\xcf\x11\xe0": "office",
}  # fmt: skip
_UNSAFE_NAME = re.compile(r"(^[/\\])|(^[A-Za-z]:)|((^|[/\\])\.\.([/\\]|$))|[\x00-\x1f\x7f]")

_ZIP_TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
"""What zipfile raises at hostile archives; RuntimeError for methods it lacks and passwords."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may become: bytes in all, times its own size, members."""

    total: int = 2 << 30
    ratio: int = 200
    ratio_from: int = 32 << 20
    members: int = 500


class UnreadableFileError(Exception):
    """The file as a whole cannot be trusted; `code` is a reason of judging."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Part:
    """One stream to be judged: the file itself, or a member of an archive (`archive!member`).

    With `refused` set it is listed and not read. `form` is set where whoever opened it knows what
    it is; `told` is what a mail around it says of itself.
    """

    name: str
    open: Callable[[], Iterator[bytes]]
    refused: str = ""
    form: str = ""
    told: Mapping[str, str] = field(default_factory=dict)


def parts(name: str, stream: BinaryIO, *, limits: Limits | None = None) -> list[Part]:
    """What is in a file, all of it checked; raises UnreadableFileError where it is not whole."""
    allowed = limits or Limits()
    head = stream.read(16)
    size = stream.seek(0, 2)
    stream.seek(0)
    for magic in _NOT_READ:
        if head.startswith(magic):
            raise UnreadableFileError("format-not-read")
    if head.startswith(_ZIP):
        return _zip_parts(name, stream, limits=allowed, size=size)
    if head.startswith(_GZIP):
        part = Part(name=_shown_name(name), open=lambda: _gunzip(stream))
        _check(part.open(), limits=allowed, size=size, before=0)
        return [part]
    if size > allowed.total:
        raise UnreadableFileError("too-large")
    return [Part(name=_shown_name(name), open=lambda: _plain(stream))]


def _shown_name(name: str) -> str:
    return visible(name, limit=300)


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        yield chunk


def _check(chunks: Iterator[bytes], *, limits: Limits, size: int, before: int) -> int:
    """Read to the end and count; a bomb is stopped as soon as it shows."""
    total = before
    for chunk in chunks:
        total += len(chunk)
        if total > limits.total:
            raise UnreadableFileError("too-large")
        if total > limits.ratio_from and total > size * limits.ratio:
            raise UnreadableFileError("bomb")
    return total


def _gunzip(stream: BinaryIO) -> Iterator[bytes]:
    """All members of a gzip file (RFC 1952 §2.2); a short or damaged one raises."""
    stream.seek(0)
    wrapper = zlib.decompressobj(wbits=31)
    pending = b""
    while True:
        pending = pending or stream.read(CHUNK)
        if not pending:
            break
        if wrapper.eof:
            pending = pending.lstrip(b"\0")  # tape padding
            if not pending:
                continue
            wrapper = zlib.decompressobj(wbits=31)
        try:
            out = wrapper.decompress(pending, CHUNK)
        except zlib.error:
            raise UnreadableFileError("damaged-gzip") from None
        pending = wrapper.unconsumed_tail or wrapper.unused_data
        if out:
            yield out
    yield from _rest(wrapper)


def _rest(wrapper: zlib._Decompress) -> Iterator[bytes]:
    """What the decompressor still holds; a stream that did not reach its checksum is truncated."""
    try:
        while not wrapper.eof and (out := wrapper.decompress(b"", CHUNK)):
            yield out
    except zlib.error:
        raise UnreadableFileError("damaged-gzip") from None
    if not wrapper.eof:
        raise UnreadableFileError("truncated-gzip")


def _zip_parts(name: str, stream: BinaryIO, *, limits: Limits, size: int) -> list[Part]:
    try:
        archive = zipfile.ZipFile(stream)
    except _ZIP_TROUBLE:
        raise UnreadableFileError("damaged-zip") from None
    members = [info for info in archive.infolist() if not info.orig_filename.endswith("/")]
    if len(members) > limits.members:
        raise UnreadableFileError("too-many-members")
    if sum(info.file_size for info in members) > limits.total:
        raise UnreadableFileError("too-large")
    found = [_member(name, archive, info) for info in members]
    if not found:
        raise UnreadableFileError("empty-archive")
    total = 0
    for part in found:
        if not part.refused:
            total = _check(part.open(), limits=limits, size=size, before=total)
    return found


def _member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Part:
    shown = f"{_shown_name(name)}!{visible(info.orig_filename, limit=200)}"
    refused = ""
    if not info.filename or _UNSAFE_NAME.search(info.orig_filename):
        refused = "unsafe-member-name"
    elif info.flag_bits & 1:
        refused = "encrypted-member"
    elif info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        refused = "format-not-read"
    else:
        refused = _nested(archive, info)
    return Part(name=shown, open=lambda: _unzip(archive, info), refused=refused)


def _nested(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    head = next(_unzip(archive, info), b"")
    packed = head.startswith((_GZIP, *_ZIP, *_NOT_READ))
    return "nested-archive" if packed else ""


def _unzip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as member:
            while chunk := member.read(CHUNK):
                yield chunk
    except _ZIP_TROUBLE:
        raise UnreadableFileError("damaged-zip") from None
