"""What has been done in this play, outside the database: an interrupted one goes on from here."""

from __future__ import annotations

import os
from pathlib import Path


class Diary:
    """A file of keys, one a line, each written down with fsync after its deed was done.

    A deed that was done and not written down yet is done again: every deed here is one that
    doing twice does not change (the same mail, a button pressed again).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: set[str] = set()
        if path.exists():
            self._done = {line for line in path.read_text(encoding="utf-8").split("\n") if line}

    def __contains__(self, key: str) -> bool:
        return key in self._done

    def note(self, *keys: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        self._done.update(keys)
