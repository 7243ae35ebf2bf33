"""Write the made-up world's files: `python -m openletter.exercise.make_world [--check]`.

What lies in `world/` is exactly what this writes (a law test compares), so that a reader of the
repository sees the files and a changer changes their rules.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from openletter.exercise.feeds import other_files, shadowserver_files
from openletter.exercise.registry import registry_files
from openletter.exercise.servers import FEED_DAYS, day

WORLD = Path(__file__).parent / "world"


def world_files() -> Iterator[tuple[str, bytes]]:
    """Every generated file: its path below `world/`, and its bytes."""
    for name, content in registry_files():
        yield f"registry/{name}", content
    for on in FEED_DAYS:
        folder = f"feeds/{day(on):%Y-%m-%d}"
        days = (-1, 0) if on == 0 else (on,)
        for name, content in chain(*map(shadowserver_files, days), other_files(on)):
            yield f"{folder}/{name}", content


def unpacked(content: bytes) -> bytes:
    """What a compressed file says; compressors differ from machine to machine."""
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    return content


def differences() -> list[str]:
    """Generated files that lie in `world/` otherwise or not at all, and files too many."""
    wanted = dict(world_files())
    there = {
        path.relative_to(WORLD).as_posix(): path
        for folder in ("registry", "feeds")
        for path in (WORLD / folder).rglob("*")
        if path.is_file()
    }
    wrong = wanted.keys() ^ there.keys()
    for name in wanted.keys() & there.keys():
        if unpacked(there[name].read_bytes()) != unpacked(wanted[name]):
            wrong.add(name)
    return sorted(wrong)


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        wrong = differences()
        sys.stderr.write("".join(f"differs: {name}\n" for name in wrong))
        return 1 if wrong else 0
    for name, content in world_files():
        path = WORLD / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
