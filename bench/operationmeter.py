"""What processes cost: CPU seconds of a tree, and its peak of memory, sampled while it works.

Memory is the proportional share (PSS): pages that several processes share are counted once.
"""

# ruff: noqa: INP001 (a part of a program)
from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 1.0


def stat_of(pid: int) -> list[str]:
    """The fields behind the name; empty where the process is gone."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def children_of(root: int) -> list[int]:
    """The process and all below it."""
    above: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (fields := stat_of(int(path.name))):
            above.setdefault(int(fields[1]), []).append(int(path.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += above.get(pid, [])
    return found


def cpu_of(roots: Iterable[int]) -> float:
    """Seconds that these trees have worked, with children that ended and were waited for."""
    ticks = 0
    for root in roots:
        for pid in children_of(root):
            ticks += sum(int(field) for field in stat_of(pid)[11:15])
    return ticks / TICKS


def memory_of(roots: Iterable[int]) -> int:
    """Bytes of these trees now."""
    kilobytes = 0
    for root in roots:
        for pid in children_of(root):
            with contextlib.suppress(OSError, ValueError, StopIteration):
                lines = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
                kilobytes += int(next(one for one in lines if one.startswith("Pss:")).split()[1])
    return kilobytes * 1024


Groups = dict[str, Callable[[], Iterable[int]]]


class Meter:
    """Samples groups of trees in the background; `peaks` are bytes by group."""

    def __init__(self, groups: Groups) -> None:
        self.groups, self.peaks = groups, dict.fromkeys(groups, 0)
        self.worked: dict[str, float] = {}
        self._begun = self.cpu()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.look()
            if self._over.wait(EVERY):
                return

    def look(self) -> None:
        """Peaks so far, and seconds worked since the start, of whoever lives."""
        now = self.cpu()
        self.worked = {name: now[name] - self._begun[name] for name in self.groups}
        for name, roots in self.groups.items():
            self.peaks[name] = max(self.peaks[name], memory_of(roots()))

    def cpu(self) -> dict[str, float]:
        return {name: cpu_of(roots()) for name, roots in self.groups.items()}


def postmaster(state: Path) -> int:
    """The process of the state folder's own PostgreSQL."""
    pointer = state / "pg.home"
    home = Path(pointer.read_text()) if pointer.exists() else state / "pg"
    return int((home / "data" / "postmaster.pid").read_text().splitlines()[0])
