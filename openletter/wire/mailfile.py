"""The mails in an mbox file, one after the other (RFC 4155). Pure: lines in, mails out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def mails_of(lines: Iterable[bytes], *, largest: int) -> Iterator[bytes]:
    """Each mail without its `From ` line; one that is longer is cut, none is kept whole twice.

    A line of a body that begins so stands after an empty line only if its writer forgot to mark
    it; then one mail becomes two, which costs whoever looks for headers nothing.
    """
    mail: list[bytes] = []
    size, after_empty, begun = 0, True, False
    for line in lines:
        if after_empty and line.startswith(b"From "):
            if begun:
                yield b"".join(mail)
            mail, size, begun, after_empty = [], 0, True, False
            continue
        after_empty = line in (b"\n", b"\r\n")
        begun = begun or not after_empty
        if size < largest:
            mail.append(line[: largest - size])
            size += len(mail[-1])
    if begun:
        yield b"".join(mail)
