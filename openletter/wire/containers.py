"""Everything that lies in a file: the file itself, members of archives, attachments of mails."""

from __future__ import annotations

from typing import BinaryIO

from openletter.wire.reportmail import opened
from openletter.wire.unpack import Limits, Part, parts


def contents(name: str, stream: BinaryIO, *, limits: Limits | None = None) -> list[Part]:
    """What is to be judged one by one; raises UnreadableFileError where nothing can be trusted."""
    return list(opened(parts(name, stream, limits=limits), limits=limits))
