"""Files as they came, kept in the state folder under their SHA-256."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

PIECE = 1 << 20


def keep(source: Path | bytes) -> bytes:
    """Copy a file into the spool and give its SHA-256; the same bytes are kept once."""
    folder = _folder()
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
        try:
            digest = _copy(source, out)
        except BaseException:
            Path(out.name).unlink()
            raise
    place = folder / digest.hex()
    if place.exists():
        Path(out.name).unlink()
    else:
        Path(out.name).replace(place)
    return digest


def open_kept(digest: bytes) -> BinaryIO:
    """The kept bytes, seekable; FileNotFoundError where the spool was emptied."""
    return place(digest).open("rb")


def place(digest: bytes) -> Path:
    """Where the bytes of that SHA-256 lie."""
    return _folder() / digest.hex()


def _copy(source: Path | bytes, out: BinaryIO | tempfile._TemporaryFileWrapper[bytes]) -> bytes:
    digest = hashlib.sha256()
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            out.write(piece)
    out.flush()
    os.fsync(out.fileno())
    return digest.digest()


def _folder() -> Path:
    folder = Path(settings.STATE) / "spool"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
